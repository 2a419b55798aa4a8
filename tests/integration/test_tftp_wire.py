"""TFTP by the datagram (RFC 1350, 2347, 2348, 2349, 7440)."""
import signal
import socket
import time

import pytest

from apdepot import RELEASE
from tftp_wire import DATA, ERROR, OACK, PATIENCE, WRQ, Client, Download, ack, error, fetch, fetch_all, request

IMAGE = f"{RELEASE}/ap1g8"


@pytest.fixture
def client(server):
    with Client(server.tftp) as client:
        yield client


@pytest.fixture
def put(server):
    """Puts a file into the root by hand, and returns its name for a request."""

    def put(name, content):
        (server.depot / "images" / name).write_bytes(content)
        return f"/{name}"

    return put


# ---- options

def test_without_options_the_first_answer_is_data(client, images):
    packet = client.ask(IMAGE)

    assert packet.raw == b"\0\3\0\1" + images["ap1g8"][:512]


def test_the_oack_holds_what_was_asked_in_the_clients_spelling_and_order(client):
    packet = client.ask(IMAGE, "TSize", "0", "blkSIZE", "1428", "WindowSize", "4", "timeout", "3")

    assert packet.raw == b"\0\6TSize\x00102400\0blkSIZE\x001428\0WindowSize\x004\0timeout\x003\0"


@pytest.mark.parametrize("option, value", [
    ("blksize", 8), ("blksize", 512), ("blksize", 1428), ("blksize", 65464), ("windowsize", 1), ("windowsize", 64),
    ("timeout", 1), ("timeout", 255)])
def test_a_value_in_range_is_accepted_as_it_is(client, option, value):
    assert client.ask(IMAGE, option, value).options == {option: str(value)}


@pytest.mark.parametrize("option, value", [
    ("blksize", "7"), ("blksize", "65465"), ("blksize", "0"), ("blksize", "-1"), ("blksize", "+512"),
    ("blksize", " 512"), ("blksize", "512x"), ("blksize", ""), ("blksize", "99999999999999999999"), ("windowsize", "0"),
    ("windowsize", "65536"), ("windowsize", "many"), ("timeout", "0"), ("timeout", "256"), ("timeout", "1.5"),
    ("tsize", "unknown"), ("multicast", ""), ("unheard-of", "1")])
def test_an_option_that_is_unknown_or_out_of_range_is_left_out(client, option, value):
    other = ("timeout", "9") if option == "tsize" else ("tsize", "0")
    assert list(client.ask(IMAGE, option, value, *other).options) == [other[0]]


@pytest.mark.parametrize("option, value", [("blksize", "7"), ("windowsize", "0"), ("unheard-of", "1")])
def test_there_is_no_oack_when_nothing_is_accepted(client, option, value):
    packet = client.ask(IMAGE, option, value)

    assert (packet.opcode, packet.number, len(packet.data)) == (DATA, 1, 512)


@pytest.mark.parametrize("option, asked, answered", [
    ("blksize", 8192, 1428), ("blksize", 1429, 1428), ("blksize", 1428, 1428), ("blksize", 512, 512),
    ("windowsize", 65535, 4), ("windowsize", 5, 4), ("windowsize", 2, 2)])
def test_the_administrators_maximum_only_lowers_a_value(start_server, depot, option, asked, answered):
    server = start_server(depot, {"tftp": {"max_block_size": 1428, "max_window": 4}})
    with Client(server.tftp) as client:
        assert client.ask(IMAGE, option, asked).options == {option: str(answered)}


def test_no_data_comes_before_the_oack_is_acknowledged(client):
    oack = client.ask(IMAGE, "timeout", "1")

    assert oack.opcode == OACK
    assert client.receive().raw == oack.raw  # the resend, after the timeout


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 10240])
def test_tsize_is_the_files_size(client, put, size):
    assert client.ask(put("file", bytes(size)), "tsize", "0").options == {"tsize": str(size)}


def test_a_client_that_refuses_the_oack_ends_the_transfer(client):
    client.ask(IMAGE, "blksize", "1428")
    client.send(error(8, "no options, please"))

    expect_port_to_close(client)


# ---- files

@pytest.mark.parametrize("options", [(), ("tsize", "0"), ("blksize", "1428", "windowsize", "8")])
def test_an_empty_file_is_one_empty_data_packet(server, put, options):
    assert fetch(server.tftp, put("empty", b""), *options) == b""


def test_a_file_that_fills_its_blocks_ends_with_an_empty_one(client, put):
    content = bytes(range(256)) * 4
    first = client.ask(put("two-blocks", content))
    client.acknowledge(1)
    second = client.receive()
    client.acknowledge(2)

    assert first.data + second.data == content
    assert client.expect_data(3) == b""


@pytest.mark.parametrize("window", [1, 3, 4, 16])
@pytest.mark.parametrize("size", [1428 * 16 - 1, 1428 * 16, 1428 * 16 + 1])
def test_a_file_that_ends_with_a_window_arrives_whole(server, put, window, size):
    content = bytes(n % 251 for n in range(size))

    assert fetch(server.tftp, put("file", content), "blksize", "1428", "windowsize", window) == content


@pytest.mark.parametrize("window", [1, 16])
def test_block_numbers_wrap(server, put, window):
    content = b"".join(n.to_bytes(8, "big") for n in range(65536 + 40)) + b"end"

    assert fetch(server.tftp, put("long", content), "blksize", "8", "windowsize", window) == content


def test_a_file_that_shrinks_under_a_transfer_ends_it_with_an_error(client, server, put):
    client.ask(put("shrinking", bytes(100_000)))
    (server.depot / "images/shrinking").write_bytes(b"")
    packet, block = None, 1
    while packet is None or packet.opcode == DATA:
        client.acknowledge(block)
        packet, block = client.receive(), block + 1

    assert packet.opcode == ERROR


# ---- loss, repetition and order

def test_a_lost_block_comes_again_after_the_negotiated_timeout(client):
    client.ask(IMAGE, "timeout", "1")
    client.acknowledge(0)
    first, sent = client.expect_data(1), time.monotonic()

    assert client.expect_data(1) == first
    assert 0.7 < time.monotonic() - sent < 2.5


def test_a_repeated_ack_draws_no_second_copy(client, images):
    content = client.ask(IMAGE).data
    for block in range(1, 20):
        for _ in range(3):
            client.acknowledge(block)
        content += client.expect_data(block + 1)

    assert content + client.finish(20) == images["ap1g8"]


def test_an_ack_of_a_block_that_was_not_sent_is_ignored(client, images):
    content = client.ask(IMAGE).data
    for block in (2, 9, 65535):
        client.acknowledge(block)

    assert content + client.finish(1) == images["ap1g8"]


def test_an_ack_within_a_window_resends_what_follows_it(client):
    client.ask(IMAGE, "windowsize", "4")
    client.acknowledge(0)
    for block in (1, 2, 3, 4):
        client.expect_data(block)
    client.acknowledge(2)

    for block in (3, 4, 5, 6):
        client.expect_data(block)


def test_repeated_old_acks_draw_one_resend_not_a_storm(client):
    client.ask(IMAGE, "windowsize", "4")
    client.acknowledge(0)
    for block in (1, 2, 3, 4):
        client.expect_data(block)
    for _ in range(10):
        client.acknowledge(2)
    for block in (3, 4, 5, 6):
        client.expect_data(block)
    client.acknowledge(6)
    again = []
    while (packet := client.receive()).number != 7:
        again.append(packet.number)

    assert again in ([], [3, 4, 5, 6])  # once for the sign of a loss, never once for each


def test_a_window_with_every_first_copy_lost_still_arrives(client, images):
    """The client ignores each window once, as if it had been lost, and waits for the server's timer."""
    client.ask(f"{RELEASE}/ap1g4", "blksize", "8192", "windowsize", "2", "timeout", "1")
    content = b""
    client.acknowledge(0)
    for first in (1, 3):
        lost = [client.receive() for _ in range(2 if first == 1 else 1)]
        again = [client.receive() for _ in lost]
        assert [packet.number for packet in again] == [packet.number for packet in lost]
        content += b"".join(packet.data for packet in again)
        client.acknowledge(again[-1].number)

    assert content == images["ap1g4"]


def test_a_repeated_request_starts_no_second_transfer(client, images):
    client.request(IMAGE, "blksize", "8192")
    client.request(IMAGE, "blksize", "8192")
    first = client.receive()
    port = client.peer
    client.acknowledge(0)
    content = b""
    while True:
        packet = client.receive()
        assert client.peer == port
        if packet.raw == first.raw:
            continue  # the OACK once more, for the request that came twice
        content += packet.data
        client.acknowledge(packet.number)
        if len(packet.data) < 8192:
            break

    assert content == images["ap1g8"]


def test_a_late_copy_of_the_request_disturbs_no_running_transfer(client, server, images):
    client.ask(IMAGE, "timeout", "9")
    port = client.peer
    client.acknowledge(0)
    content = client.expect_data(1)
    client.request(IMAGE, "timeout", "9")
    fetch(server.tftp, f"{RELEASE}/ap1g4")  # by now the copy has been read

    assert content + client.finish(1) == images["ap1g8"]
    assert client.peer == port
    client.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.receive()


def test_a_client_that_restarts_is_served_anew(client, images):
    client.ask(IMAGE, "timeout", "1")
    port = client.peer
    client.acknowledge(0)
    client.expect_data(1)
    client.expect_data(1)  # the client is starting, and acknowledges nothing
    client.request(IMAGE, "timeout", "1")
    while (packet := client.receive()).source == port:
        pass

    assert packet.options == {"timeout": "1"}
    assert client.finish(0) == images["ap1g8"]


def test_a_port_may_ask_again_once_its_transfer_is_done(client, images):
    for name in ("ap1g4", "ap1g5"):
        content = client.ask(f"{RELEASE}/{name}").data

        assert content + client.finish(1) == images[name]


def test_two_requests_for_one_file_at_the_same_time_both_work(server, images):
    downloads = [Download(IMAGE, "tsize", "0"), Download(IMAGE)]

    assert fetch_all(server.tftp, downloads) == [images["ap1g8"]] * 2


def test_two_hundred_transfers_at_once_arrive_whole(server, images):
    names = [name for name in images if name.startswith("ap")]
    shapes = [(), ("blksize", "1428"), ("blksize", "1428", "windowsize", "16"), ("tsize", "0", "blksize", "8192")]
    asked = [(names[n % len(names)], shapes[n % len(shapes)]) for n in range(200)]

    contents = fetch_all(server.tftp, [Download(f"{RELEASE}/{name}", *shape) for name, shape in asked])

    assert all(content == images[name] for content, (name, _) in zip(contents, asked, strict=True))


# ---- strangers, refusals and rubbish

def expect_port_to_close(client):
    """The transfer's port goes away, and says nothing before that."""
    client.socket.connect(client.peer)
    client.socket.settimeout(0.1)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            client.socket.send(ack(1))
            packet = client.socket.recv(65536)
        except ConnectionRefusedError:
            return
        except TimeoutError:
            continue
        raise AssertionError(f"still answered: {packet[:60]}")
    raise AssertionError("the port is still open")


def test_a_strangers_packet_is_turned_away_and_disturbs_nothing(client, server, images):
    content = client.ask(IMAGE).data
    with Client(server.tftp) as stranger:
        stranger.socket.connect(client.peer)
        for packet in (ack(1), error(0, "stop"), request(IMAGE), b"\0\3\0\1rubbish"):
            try:
                stranger.socket.send(packet)
                answer = stranger.socket.recv(65536)
                assert answer[:4] == b"\0\5\0\5"
            except ConnectionRefusedError:
                pass

    assert content + client.finish(1) == images["ap1g8"]


def test_a_clients_error_ends_its_transfer_quietly(client, server, images):
    client.ask(IMAGE)
    client.send(error(0, "no space left"))

    expect_port_to_close(client)
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    server.wait_for_log(r"^tftpd\[\d+\]: sent /")
    assert sum("sent /" in line for line in server.log_lines("tftpd")) == 1
    assert not any("sending NAK" in line for line in server.log_lines())


@pytest.mark.parametrize("name", [IMAGE, "/new", "../../etc/passwd"])
def test_a_write_request_is_refused(client, server, name, images):
    packet = client.ask(name, opcode=WRQ)

    assert (packet.opcode, packet.number) == (ERROR, 2)
    assert packet.text.startswith("Access denied")
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert not (server.depot / "images/new").exists()


@pytest.mark.parametrize("mode", ["OcTeT", "OCTET"])
def test_the_mode_is_read_in_any_case(client, mode, images):
    assert client.ask(IMAGE, mode=mode).data + client.finish(1) == images["ap1g8"]


@pytest.mark.parametrize("mode", ["mail", "MAIL", "no-such-mode", ""])
def test_another_mode_is_an_illegal_operation(client, mode):
    packet = client.ask(IMAGE, mode=mode)

    assert (packet.opcode, packet.number) == (ERROR, 4)


@pytest.mark.parametrize("name, subject", [(RELEASE, f"{RELEASE} is a directory"),
                                           (f"{RELEASE}/ap1g9", f"{RELEASE} has no ap1g9")])
def test_an_error_names_what_was_asked_for_when_nothing_like_it_is_near(client, name, subject):
    packet = client.ask(name)

    assert (packet.opcode, packet.number) == (ERROR, 1)
    assert subject in packet.text


RUBBISH = [
    b"", b"\0", b"\0\1", b"\0\1\0", b"\0\1\0\0", b"\0\1" + IMAGE.encode(), b"\0\1" + IMAGE.encode() + b"\0",
    b"\0\1" + IMAGE.encode() + b"\0octet", b"\0\1" + b"a" * 2000, b"\0\1" + b"a/" * 4000 + b"\0octet\0",
    b"\0\1" + b"\xff\xfe\n\x1b[31m" + b"\0octet\0", b"\0\1" + b"\0" * 500, b"\0\2\0\0", b"\0\0x\0octet\0",
    b"\0\7x\0octet\0", b"\xff\xffx\0octet\0", b"\1\0x\0octet\0",
    b"\0\1%s%n\0octet\0" + b"blksize\0" * 200, b"\0\1x\0octet\0" + b"o\0v\0" * 2000, bytes(65000),
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_draws_no_data_and_never_ends_the_server(client, server, rubbish, images):
    client.send(rubbish, to=server.tftp)

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    client.socket.setblocking(False)
    try:
        assert client.receive().opcode == ERROR
    except BlockingIOError:
        pass  # silence is fine


def test_an_option_without_its_value_is_passed_over(client, server, images):
    client.send(request(IMAGE, "blksize", "1428") + b"tsize\0", to=server.tftp)

    assert client.receive().options == {"blksize": "1428"}


@pytest.mark.parametrize("packet", [ack(0), ack(1), b"\0\3\0\1data", error(1, "File not found"), b"\0\6blksize\0512\0"],
                         ids=["ACK 0", "ACK 1", "DATA", "ERROR", "OACK"])
def test_what_is_no_request_draws_no_answer_from_the_listening_port(client, server, packet, images):
    client.send(packet, to=server.tftp)

    first = client.ask(IMAGE)  # anything drawn by the packet would be here first

    assert (first.opcode, first.number) == (DATA, 1)
    assert client.peer != server.tftp
    assert first.data + client.finish(1) == images["ap1g8"]


def test_a_client_that_went_away_does_not_hold_up_the_end(server):
    with Client(server.tftp) as client:
        client.ask(IMAGE, "timeout", "1")
        client.acknowledge(0)
        client.expect_data(1)
        client.socket.close()
    server.signal(signal.SIGTERM)

    assert server.wait(timeout=15) == 0  # the drain would be 30


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_a_transfer_over_ipv6_works(start_server, depot, images):
    server = start_server(depot, listen=["--tftp", "[::1]:0", "--ssh", "127.0.0.1:0"])
    with Client(server.tftp, host="::1") as client:
        content = client.ask(IMAGE).data

        assert content + client.finish(1) == images["ap1g8"]
    server.wait_for_log(r"^tftpd\[\d+\]: RRQ from ::1 filename /EWC/17_9_4a/ap1g8$")
