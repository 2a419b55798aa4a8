"""The 32 traps that TFTP servers and their clients have fallen into, each by its number, by the datagram."""
import itertools
import os
import re
import shutil
import socket
import threading

import pytest

import apdepot
from apdepot import RELEASE, ROOT, wait_until
from clients import Client as Clients
from tftp_wire import DATA, ERROR, OACK, PATIENCE, Client, Download, ack, error, fetch, fetch_all, request

# Where a trap is tested when no test here has its number, or why it has none. More of them are proved where time and
# loss are a test's to choose, on the pure machine: TEST_CASE("trap N: ...") in tests/unit.
ELSEWHERE = {
    9: "a repeated last ACK: test_tftp_uploads.py::test_the_last_block_is_acknowledged_again_and_again",
    18: "digests beside a file that count a block twice: none are written while a file is sent",
    19: "blocks larger than the wire: test_tftp_addresses.py::test_windows_of_blocks_larger_than_the_wire_arrive",
    20: "giving up before the client does: a matter of minutes, on the pure machine only",
    25: "half an upload: test_tftp_uploads.py::test_nothing_is_there_before_the_last_block, "
        "test_tftp_uploads.py::test_a_client_that_gives_up_leaves_nothing, "
        "test_tftp_uploads.py::test_a_full_disk_breaks_an_upload_off_and_is_free_again",
    28: "the sockets and timers of Windows: this is Linux",
    29: "the address that answers: test_tftp_addresses.py::test_of_many_addresses_the_one_that_was_asked_answers, "
        "test_tftp_addresses.py::test_a_broadcast_is_answered_from_the_interfaces_own_address",
    30: "one port for all: test_tftp_single_port.py::test_late_packets_of_an_ended_transfer_are_ignored, "
        "test_tftp_single_port.py::test_a_port_may_ask_for_the_next_file_at_once",
    32: "maps that loop: an alias stands for the beginning of a path, once; a reload takes new ones: "
        "test_tftp_names.py::test_a_reload_takes_new_aliases_and_forgives_no_more",
}

IMAGE = f"{RELEASE}/ap1g8"


def test_every_trap_has_a_test_or_a_reason():
    tests = (ROOT / "tests/integration/test_tftp_traps.py").read_text()
    named = {int(number) for number in re.findall(r"^def test_trap_(\d\d)_", tests, re.MULTILINE)}
    for source in (ROOT / "tests/unit").rglob("*.cpp"):
        named |= {int(number) for number in re.findall(r'TEST_CASE\("trap (\d+)b?: ', source.read_text())}

    assert named | set(ELSEWHERE) == set(range(1, 33))
    for file, test in re.findall(r"(\w+\.py)::(\w+)", " ".join(ELSEWHERE.values())):
        assert f"\ndef {test}(" in (ROOT / "tests/integration" / file).read_text()


# ---- one server for all: each test has files and clients of its own

@pytest.fixture(scope="module")
def server(tmp_path_factory, keyed_state, images):
    directory = tmp_path_factory.mktemp("traps")
    depot = directory / "depot"
    shutil.copytree(keyed_state, depot / "state")
    (depot / "images" / RELEASE[1:]).mkdir(parents=True)
    for name in ("ap1g4", "ap1g8"):
        (depot / "images" / RELEASE[1:] / name).write_bytes(images[name])
    server = apdepot.Server(depot, apdepot.write_config(directory / "apdepot.yaml", {}))
    try:
        yield server
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(depot)
        print("\n".join(server.lines))


@pytest.fixture
def new_client(server):
    """Makes one more client."""
    clients = []

    def new_client(host="127.0.0.1"):
        clients.append(Client(server.tftp, host=host))
        return clients[-1]

    yield new_client
    for client in clients:
        with client:
            pass


@pytest.fixture
def client(new_client):
    return new_client()


FILES = (f"file{n}" for n in itertools.count(1))


@pytest.fixture
def path(server):
    """A file of this test alone."""
    return server.depot / "images" / next(FILES)


@pytest.fixture
def put(path):
    """Writes it, and returns its name for a request."""

    def put(content):
        path.write_bytes(content)
        return f"/{path.name}"

    return put


def let_the_server_catch_up(server):
    """What the packets until now draw has been drawn."""
    fetch(server.tftp, f"{RELEASE}/ap1g4")


def ending_of(server, name):
    """The line about the end of the test's only transfer."""
    return server.wait_for_log(rf"^in\.tftpd\[\d+\]: (?!RRQ)(.*{name}\b.*)").group(1)


def numbers(packets):
    return [packet.number for packet in packets if packet.opcode == DATA]


# ---- 1, 2: block numbers and sizes

LONG = b"".join(n.to_bytes(8, "big") for n in range(65536 + 40)) + b"end"


@pytest.mark.parametrize("options", [
    ("windowsize", 16), ("rollover", 0, "windowsize", 63), ("rollover", 1), ("rollover", 1, "windowsize", 63)],
    ids=lambda options: "-".join(map(str, options)))
def test_trap_01_block_numbers_wrap_to_what_was_negotiated(server, put, options):
    assert fetch(server.tftp, put(LONG), "blksize", 8, *options) == LONG


def test_trap_01_block_numbers_wrap_again_and_again(server, put):
    content = b"".join(n.to_bytes(8, "big") for n in range(3 * 65536 + 40))

    assert fetch(server.tftp, put(content), "blksize", 8, "windowsize", 63) == content


def test_trap_01_behind_the_wrap_ack_0_is_the_ack_of_a_block_and_not_of_the_oack(server, client, put):
    client.ask(put(LONG), "blksize", 8)
    content = b""
    for block in range(1, 65538):
        client.acknowledge(block - 1)
        content += client.expect_next_data(block)
    client.acknowledge(65536)  # once more: the one that the OACK had looks the same
    let_the_server_catch_up(server)

    assert set(numbers(client.drain())) <= {1}
    assert content + client.finish(65537, 8) == LONG


@pytest.mark.parametrize("options", [(), ("tsize", "0"), ("blksize", "1428", "windowsize", "8")],
                         ids=["", "tsize", "window"])
def test_trap_02_an_empty_file_is_one_empty_data_packet(server, put, options):
    assert fetch(server.tftp, put(b""), *options) == b""


@pytest.mark.parametrize("option", ["--tftp-blksize=1428", "--tftp-no-options"])
def test_trap_02_curl_gets_an_empty_file(server, put, tmp_path, option):
    host, port = server.tftp
    Clients(server, tmp_path / "home", key=None).run("curl", "-sS", *option.split("="), "-o", tmp_path / "empty",
                                                     f"tftp://{host}:{port}/{put(b'')}")

    assert not (tmp_path / "empty").exists() or (tmp_path / "empty").read_bytes() == b""


def test_trap_02_a_file_that_fills_its_blocks_ends_with_an_empty_one(client, put):
    content = bytes(range(256)) * 4
    first = client.ask(put(content))
    client.acknowledge(1)
    second = client.expect_next_data(2)
    client.acknowledge(2)

    assert first.data + second == content
    assert client.expect_next_data(3) == b""


@pytest.mark.parametrize("window", [1, 3, 4, 16])
@pytest.mark.parametrize("size", [1428 * 16 - 1, 1428 * 16, 1428 * 16 + 1])
def test_trap_02_a_file_that_ends_with_a_window_arrives_whole(server, put, window, size):
    content = bytes(n % 251 for n in range(size))

    assert fetch(server.tftp, put(content), "blksize", "1428", "windowsize", window) == content


# ---- 3, 4, 5: repetition and loss

def test_trap_03_a_repeated_ack_draws_no_second_copy(client, images):
    packets = [client.ask(IMAGE)]
    for block in range(1, 100):
        for _ in range(3):
            client.acknowledge(block)
        while packets[-1].number == block:
            packets.append(client.receive())
    content = {packet.number: packet.data for packet in packets}

    assert b"".join(content.values()) + client.finish(100) == images["ap1g8"]
    assert len(packets) < 110  # but for the timer's, if this process was slow


def test_trap_03_who_only_repeats_his_ack_gets_on_by_the_servers_timer(client, images):
    content = client.ask(IMAGE).data
    client.acknowledge(1)
    client.expect_next_data(2)  # it is lost, say
    for _ in range(5):
        client.acknowledge(1)

    assert content + client.expect_data(2) + client.finish(2) == images["ap1g8"]


def begin_with_window(client, name, window=4, *options):
    """Returns the blocks of the first window."""
    client.ask(name, "windowsize", window, *options)
    client.acknowledge(0)
    return [client.expect_next_data(1), *(client.expect_data(block) for block in range(2, window + 1))]


def test_trap_04_an_ack_within_a_window_resends_what_follows_it_at_once(client):
    begin_with_window(client, IMAGE)
    client.acknowledge(2)

    for block in (3, 4, 5, 6):
        client.expect_data(block)


def test_trap_04_the_ack_before_a_window_resends_all_of_it_at_once(client, images):
    blocks = begin_with_window(client, IMAGE)
    client.acknowledge(4)
    for block in (5, 6, 7, 8):
        client.expect_data(block)
    client.acknowledge(4)  # block 5 is lost, say

    blocks += [client.expect_data(block) for block in (5, 6, 7, 8)]
    assert b"".join(blocks) == images["ap1g8"][: 8 * 512]


def test_trap_04_repeated_old_acks_draw_one_resend_not_a_storm(client):
    begin_with_window(client, IMAGE)
    for _ in range(10):
        client.acknowledge(2)
    for block in (3, 4, 5, 6):
        client.expect_data(block)
    client.acknowledge(6)
    again = []
    while (packet := client.receive()).number != 7:
        again.append(packet.number)

    assert again in ([], [3, 4, 5, 6])  # once for the sign of a loss, never once for each


def test_trap_04_a_window_that_is_lost_as_a_whole_comes_again_and_then_its_first_block(client, images):
    blocks = begin_with_window(client, IMAGE)
    client.acknowledge(4)
    for _ in range(2):
        comes = [client.expect_data(block) for block in (5, 6, 7, 8)]
    for _ in range(2):
        assert client.expect_data(5) == comes[0]

    assert b"".join(blocks + comes) == images["ap1g8"][: 8 * 512]


def test_trap_05_an_ack_of_a_block_that_was_not_sent_is_ignored(client, images):
    content = client.ask(IMAGE).data
    for block in (2, 9, 32768, 65535):
        client.acknowledge(block)

    assert content + client.finish(1) == images["ap1g8"]


def test_trap_05_nor_does_one_from_beyond_the_window_move_it(client, images):
    content = b"".join(begin_with_window(client, IMAGE))
    for block in (5, 8, 200, 65535):
        client.acknowledge(block)
    client.acknowledge(4)

    content += b"".join(client.expect_data(block) for block in (5, 6, 7, 8))
    assert content == images["ap1g8"][: 8 * 512]


# ---- 6, 7, 8: who speaks, and who asks again

@pytest.mark.parametrize("packet", [ack(1), request(IMAGE), b"\0\3\0\1rubbish", b"\0\6blksize\0512\0", b"\0\7\0\1"],
                         ids=["ACK", "RRQ", "DATA", "OACK", "opcode 7"])
def test_trap_06_a_stranger_is_told_so_and_the_transfer_goes_on(client, new_client, images, packet):
    content = client.ask(IMAGE).data
    stranger = new_client()
    stranger.send(packet, to=client.peer)
    answer = stranger.receive()

    assert (answer.opcode, answer.number, answer.text) == (ERROR, 5, "Unknown transfer ID")
    assert answer.source == client.peer
    assert content + client.finish(1) == images["ap1g8"]


@pytest.mark.parametrize("packet", [error(5, "Unknown transfer ID"), error(0, ""), b"\0\5\0\0", b"\0\4", b""],
                         ids=["ERROR 5", "ERROR 0", "no text", "half an ACK", "nothing"])
def test_trap_06_a_strangers_error_is_never_answered_and_ends_nothing(client, new_client, images, packet):
    content = client.ask(IMAGE).data
    first, second = new_client(), new_client()
    for stranger in (first, second):
        stranger.send(packet, to=client.peer)
        stranger.send(ack(1), to=client.peer)
        assert stranger.receive().number == 5  # for the ACK; the second stranger's comes behind all of the first's

    assert not first.drain()
    assert content + client.finish(1) == images["ap1g8"]


def test_trap_06_a_flood_of_strangers_packets_draws_few_answers(server, client, new_client, images):
    content = client.ask(IMAGE).data
    stranger = new_client()
    for _ in range(100):
        stranger.send(ack(1), to=client.peer)
    content += client.finish(1)
    let_the_server_catch_up(server)

    assert 0 < len(stranger.drain()) < 30
    assert content == images["ap1g8"]


def test_trap_07_a_doubled_request_starts_no_second_transfer(server, client, put, images):
    name = put(images["ap1g8"])
    for _ in range(3):
        client.request(name, "blksize", "8192")
    first, content = client.receive(), b""
    port = client.peer
    client.acknowledge(0)
    for block in range(1, 14):
        content += client.expect_next_data(block)
        assert client.peer == port
        client.acknowledge(block)

    assert first.opcode == OACK
    assert content == images["ap1g8"]
    assert ending_of(server, name).startswith(f"sent {name} to ")
    assert sum(f"filename {name}" in line for line in server.log_lines("in.tftpd")) == 1


def test_trap_07_a_repeated_request_gets_its_first_answer_again_from_the_same_port(client, images):
    first = client.ask(IMAGE)
    client.socket.settimeout(0.05)
    again = None
    for _ in range(20 * PATIENCE):  # as a device does: now and then
        client.request(IMAGE)
        try:
            again = client.receive()
            break
        except TimeoutError:
            continue
    client.socket.settimeout(PATIENCE)

    assert again == first
    assert first.data + client.finish(1) == images["ap1g8"]


def test_trap_07_a_late_copy_of_the_request_disturbs_no_running_transfer(server, client, images):
    client.ask(IMAGE, "timeout", "9")
    port = client.peer
    client.acknowledge(0)
    content = client.expect_next_data(1)
    client.request(IMAGE, "timeout", "9")
    let_the_server_catch_up(server)

    assert content + client.finish(1) == images["ap1g8"]
    assert client.peer == port
    assert OACK not in [packet.opcode for packet in client.drain()]


def test_trap_07_a_client_that_restarts_is_served_anew(client, images):
    client.ask(IMAGE, "timeout", "2")
    port = client.peer
    client.acknowledge(0)
    client.expect_next_data(1)
    client.acknowledge(1)
    client.expect_next_data(2)
    client.expect_data(2)  # the client is starting, and acknowledges nothing
    client.request(IMAGE, "timeout", "2")
    while (packet := client.receive()).source == port:
        pass

    assert packet.options == {"timeout": "2"}
    assert client.finish(0) == images["ap1g8"]


def test_trap_07_a_request_in_its_name_does_not_end_a_transfer_that_is_acknowledged(client, images):
    content = client.ask(IMAGE).data
    port = client.peer
    client.acknowledge(1)
    content += client.expect_next_data(2)
    client.request(f"{RELEASE}/ap1g4")  # forged, say: nobody hears what it draws
    block, ours = 2, []
    while len(ours) < 20:
        client.send(ack(block), to=port)
        while (packet := client.receive()).source != port or packet.number <= block:
            pass
        block = packet.number
        ours.append(packet.data)

    content += b"".join(ours)
    assert content == images["ap1g8"][: len(content)]
    client.send(error(0, "enough"), to=port)


def test_trap_07_who_acknowledges_a_newer_transfer_of_his_port_has_left_the_older_one(server, client, put, images):
    name = put(images["ap1g8"])
    client.ask(name)
    client.acknowledge(1)
    client.expect_next_data(2)
    old = client.peer
    client.request(f"{RELEASE}/ap1g4")
    while (packet := client.receive()).source == old:
        pass
    content = packet.data
    new, block = client.peer, 1
    while True:
        client.send(ack(block), to=new)
        if len(packet.data) < 512:
            break
        while (packet := client.receive()).source != new or packet.number != (block + 1):
            pass
        block += 1
        content += packet.data

    assert content == images["ap1g4"]
    assert ending_of(server, name).startswith(f"{name} aborted by 127.0.0.1 (0, a new request from the same port): ")


def test_trap_07_a_port_may_ask_again_once_its_transfer_is_done(client, images):
    for name in ("ap1g4", "ap1g4", "ap1g8"):
        content = client.ask(f"{RELEASE}/{name}").data

        assert content + client.finish(1) == images[name]


@pytest.mark.parametrize("size, options", [(100, ("utimeout", 10000)), (2000, ("windowsize", 4, "utimeout", 10000))],
                         ids=["block", "window"])
def test_trap_08_a_client_that_closes_its_port_with_all_of_the_file_has_it(server, client, put, size, options):
    name = put(bytes(size))
    client.ask(name, *options)
    client.acknowledge(0)
    for block in range(1, size // 512 + 2):
        client.expect_next_data(block)
    client.socket.close()

    assert re.fullmatch(rf"sent {name} to 127\.0\.0\.1: .* resent, last ACK missing", ending_of(server, name))


def test_trap_08_a_client_that_closes_its_port_before_has_not(server, client, put):
    name = put(bytes(2000))
    client.ask(name, "utimeout", 10000)
    client.acknowledge(0)
    client.expect_next_data(1)
    client.socket.close()

    assert ending_of(server, name).startswith(f"{name} to 127.0.0.1 cut off by the network (port unreachable): ")


def test_trap_08_a_file_of_which_nothing_was_acknowledged_was_not_sent(server, put):
    """As behind NAT: the request arrives, and the answers meet a closed port."""
    name = put(bytes(10))  # so small that it may go out again unasked: three times what the client sent
    with Client(server.tftp, host="127.0.0.13") as client:  # of whom the log has not heard enough by now
        client.ask(name)  # no option: its only block is out
        client.socket.close()

    ending = ending_of(server, name)
    assert ending.startswith(f"{name} to 127.0.0.13 cut off by the network (port unreachable): 0 bytes in ")
    assert "firewall" in ending and "tftp.single_port" in ending and "tftp.port_range" in ending


def test_trap_08_the_last_ack_is_not_missing_when_it_came(server, put):
    name = put(bytes(2000))
    fetch(server.tftp, name)

    assert re.fullmatch(rf"sent {name} to 127\.0\.0\.1: 2000 bytes .* resent", ending_of(server, name))


# ---- 10 to 13: options

def test_trap_10_the_oack_holds_what_was_asked_in_the_clients_spelling_and_order(client):
    packet = client.ask(IMAGE, "TSize", "0", "blkSIZE", "1428", "WindowSize", "4", "timeout", "3", "ROLLOVER", "1")

    assert packet.raw == b"\0\6TSize\x00102400\0blkSIZE\x001428\0WindowSize\x004\0timeout\x003\0ROLLOVER\x001\0"


@pytest.mark.parametrize("option, value", [
    ("blksize", 8), ("blksize", 512), ("blksize", 1428), ("blksize", 65464), ("blksize2", 8), ("blksize2", 32768),
    ("windowsize", 1), ("windowsize", 64), ("timeout", 1), ("timeout", 255), ("utimeout", 10_000),
    ("utimeout", 255_000_000), ("rollover", 0), ("rollover", 1)])
def test_trap_10_a_value_in_range_is_accepted_as_it_is(client, option, value):
    assert client.ask(IMAGE, option, value).raw == f"\0\6{option}\0{value}\0".encode()


@pytest.mark.parametrize("option, asked, accepted", [
    ("windowsize", 65, 64), ("windowsize", 65535, 64), ("blksize2", 9, 8), ("blksize2", 1428, 1024),
    ("blksize2", 65464, 32768), ("blksize2", 65535, 32768), ("blksize", "00512", 512)])
def test_trap_10_a_value_is_never_larger_than_what_was_asked_for(client, option, asked, accepted):
    assert client.ask(IMAGE, option, asked).options == {option: str(accepted)}


@pytest.mark.parametrize("asked, accepted", [
    (("blksize", 1024, "blksize", 512), b"blksize\x001024\0"),
    (("BLKSIZE", 1024, "blksize", 512), b"BLKSIZE\x001024\0"),
    (("blksize", 1428, "blksize2", 512), b"blksize\x001428\0"),
    (("blksize2", 1428, "blksize", 512), b"blksize2\x001024\0"),
    (("timeout", 2, "utimeout", 50_000), b"timeout\x002\0"),
    (("utimeout", 50_000, "timeout", 2), b"utimeout\x0050000\0"),
    (("tsize", 0, "tsize", 0), b"tsize\x00102400\0"),
    (("blksize", 7, "blksize2", 1024), b"blksize2\x001024\0"),
    (("timeout", 0, "utimeout", 50_000), b"utimeout\x0050000\0")])
def test_trap_10_of_options_that_say_the_same_the_first_good_one_counts(client, asked, accepted):
    assert client.ask(IMAGE, *asked).raw == b"\0\6" + accepted


@pytest.mark.parametrize("asked", [("multicast", ""), ("", ""), ("unheard-of", "1"), ("blksize ", "1024"),
                                   ("é", "\udcff"), ("o" * 400, "v" * 400)],
                         ids=["multicast", "empty", "unheard-of", "space", "no ASCII", "long"])
def test_trap_10_an_unknown_option_is_passed_over(client, asked):
    assert client.ask(IMAGE, *asked, "timeout", 9, *asked).raw == b"\0\6timeout\x009\0"


@pytest.mark.parametrize("asked", [("blksize", 7), ("windowsize", 0), ("unheard-of", 1), ("tsize", "x", "timeout", 0)])
def test_trap_10_there_is_no_oack_when_nothing_is_accepted(client, images, asked):
    packet = client.ask(IMAGE, *asked)

    assert packet.raw == b"\0\3\0\1" + images["ap1g8"][:512]


OUT_OF_RANGE = {
    "blksize": ["0", "7", "65465", "65536", "65544"],  # the last two would be 0 and 8 in 16 bits
    "blksize2": ["0", "7", "65536"],
    "windowsize": ["0", "65536", "65537"],
    "timeout": ["0", "256", "257", "4294967297"],
    "utimeout": ["0", "9999", "255000001", "4294977296", "18446744073709561616"],  # 10000 in 32 and in 64 bits
    "rollover": ["2", "65535", "65536"],
    "tsize": [],
}
NO_NUMBERS = ["abc", "", "-1", "-0", "+8", " 8", "8 ", "8x", "12x", "0x10", "1.5", "1e2", "8\n", "٨", "9" * 20,
              "9" * 400]


@pytest.mark.parametrize("option", OUT_OF_RANGE)
def test_trap_11_a_value_that_is_out_of_range_or_no_number_is_left_out_never_fatal(new_client, option):
    other = ("timeout", "9") if option == "tsize" else ("tsize", "0")
    for value in [*OUT_OF_RANGE[option], *NO_NUMBERS]:
        packet = new_client().ask(IMAGE, option, value, *other)

        assert packet.opcode == OACK and list(packet.options) == [other[0]], value


def test_trap_12_no_data_comes_before_the_oack_is_acknowledged(client):
    packets = [client.ask(IMAGE, "utimeout", 10_000)]
    while len(packets) < 5:
        packets.append(client.receive())  # the resends, after the timeout

    assert {packet.raw for packet in packets} == {b"\0\6utimeout\x0010000\0"}
    client.acknowledge(0)
    client.expect_next_data(1)


@pytest.mark.parametrize("block", [1, 5, 65535])
def test_trap_12_an_ack_of_another_block_is_no_answer_to_the_oack(server, client, images, block):
    client.ask(IMAGE, "windowsize", 4)
    client.acknowledge(block)
    let_the_server_catch_up(server)
    assert not numbers(client.drain())

    client.acknowledge(0)
    assert client.expect_next_data(1) == images["ap1g8"][:512]


def test_trap_12_a_client_that_refuses_the_oack_ends_the_transfer_and_may_ask_anew(server, new_client, put):
    name, client = put(bytes(600)), new_client("127.0.0.12")  # of whom the log has not heard enough by now
    client.ask(name, "blksize", "1428")
    client.send(error(8, "no options, please"))
    client.expect_port_to_close()

    assert ending_of(server, name).startswith(f"{name} aborted by 127.0.0.12 (8, no options, please): ")
    assert new_client().ask(name).raw == b"\0\3\0\1" + bytes(512)


@pytest.mark.parametrize("packet", [b"\0\3\0\1data", b"\0\6tsize\x001\0", b"\0\0\0\0", b"\0\7\0\1", b"\xff\xff\0\0"],
                         ids=["data", "oack", "0", "7", "65535"])
def test_trap_12_what_was_not_asked_for_is_no_answer_to_the_oack_and_does_not_end_it(server, client, images, packet):
    client.ask(IMAGE, "blksize", 1428)
    client.send(packet)
    let_the_server_catch_up(server)
    assert not [answer for answer in client.drain() if answer.opcode != OACK]

    client.acknowledge(0)
    assert client.expect_next_data(1) == images["ap1g8"][:1428]


def test_trap_12_who_asks_for_the_size_and_goes_has_what_it_wanted(server, client, put):
    name = put(bytes(600))
    client.ask(name, "tsize", 0)
    client.send(error(8, "User aborted the transfer"))

    assert ending_of(server, name) == (
        f"{name} not sent: 127.0.0.1 asked for its size only (8, User aborted the transfer): 600 bytes")


@pytest.mark.parametrize("asked, size", [
    (("blksize", 8), 8), (("blksize", 1428), 1428), (("blksize", 65464), 65464), (("blksize2", 1428), 1024),
    (("blksize2", 8192, "blksize", 512), 8192), (("windowsize", 2, "blksize", 1000), 1000),
    (("blksize", 1000, "windowsize", 2), 1000), (("blksize", 7), 512), (("tsize", 0), 512)])
def test_trap_13_blocks_are_as_large_as_was_negotiated(client, images, asked, size):
    if client.ask(IMAGE, *asked).opcode == OACK:
        client.acknowledge(0)
        assert client.expect_next_data(1) == images["ap1g8"][:size]
    client.acknowledge(1)

    assert client.expect_next_data(2) == images["ap1g8"][size : 2 * size]


@pytest.mark.parametrize("asked, window", [
    (("windowsize", 1), 1), (("windowsize", 2), 2), (("windowsize", 13), 13), (("windowsize", 64), 64),
    (("windowsize", 2, "blksize", 8), 2), (("blksize", 8, "windowsize", 2), 2), (("blksize", 8, "windowsize", 0), 1)])
def test_trap_13_so_many_blocks_as_were_negotiated_come_before_an_ack(server, client, asked, window):
    client.ask(IMAGE, *asked)
    client.acknowledge(0)
    for block in range(1, window + 1):
        client.expect_next_data(block)
    let_the_server_catch_up(server)

    assert all(number <= window for number in numbers(client.drain()))
    client.acknowledge(window)
    client.expect_next_data(window + 1)


def test_trap_13_utimeout_is_kept_once_a_round_trip_is_known(new_client):
    client, other = new_client(), new_client()
    other.request(IMAGE, "tsize", 0)
    client.ask(IMAGE, "utimeout", 10_000)
    for block in (0, 1):
        client.acknowledge(block)
        client.expect_next_data(block + 1)
    for _ in range(4):
        client.expect_data(2)  # after 10, 20, 40 and 80 ms

    assert len(other.drain()) == 1  # the next one is due after a second


def test_trap_13_timeout_is_kept(new_client):
    client, other = new_client(), new_client()
    other.request(IMAGE, "tsize", 0)
    first = client.ask(IMAGE, "timeout", 1)
    for _ in range(2):
        assert client.receive() == first  # after 1 s, and then again after 1 s

    assert len(other.drain()) == 2  # after 1 s, and then after 2 s


@pytest.mark.parametrize("size", [1, 511, 512, 513, 10240])
def test_trap_13_tsize_is_the_files_size(client, put, size):
    assert client.ask(put(bytes(size)), "tsize", 0).options == {"tsize": str(size)}


# ---- 14: netascii

TEXTS = {
    "empty": b"",
    "no line": b"text",
    "lines": b"one\ntwo\r\nthree\n",
    "pairs over borders": b"x" * 511 + b"\n" + b"y" * 510 + b"\r" + b"z" * 510 + b"\n\r\n" + b"\r\n" * 700,
    "only line ends": b"\n" * 5000,
    "only carriage returns": b"\r" * 5000,
    "full blocks": (b"x" * 510 + b"\n") * 8,
    "a CR at the end": b"x" * 511 + b"\r",
    "binary": bytes(range(256)) * 100,
}


def as_netascii(text):
    return text.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("text", TEXTS)
def test_trap_14_a_text_is_converted_over_all_borders(server, put, text):
    name = put(TEXTS[text])
    for options in ((), ("blksize", 8), ("windowsize", 4), ("blksize", 8, "windowsize", 16), ("blksize", 65464)):
        assert fetch(server.tftp, name, *options, mode="netascii") == as_netascii(TEXTS[text]), options


def test_trap_14_a_pair_falls_apart_at_the_border(client, put):
    first = client.ask(put(b"x" * 511 + b"\n"), mode="NetASCII")
    client.acknowledge(1)

    assert first.data == b"x" * 511 + b"\r"
    assert client.expect_next_data(2) == b"\n"


def test_trap_14_what_is_sent_again_is_what_was_sent(client, put):
    text = TEXTS["pairs over borders"]
    client.ask(put(text), "windowsize", 4, mode="netascii")
    client.acknowledge(0)
    blocks = [client.expect_next_data(block) for block in (1, 2, 3, 4)]
    client.acknowledge(1)  # 2 is lost, say
    again = [client.expect_data(block) for block in (2, 3, 4, 5)]

    assert again[:3] == blocks[1:]
    assert b"".join([blocks[0], *again]) == as_netascii(text)[: 5 * 512]


def test_trap_14_the_size_of_a_text_is_not_told(new_client, put):
    name = put(b"text\n" * 200)

    assert new_client().ask(name, "tsize", 0, mode="netascii").data.startswith(b"text\r\n")
    assert new_client().ask(name, "tsize", 0, "blksize", 600, mode="netascii").options == {"blksize": "600"}


# ---- 15, 16: packets out of the ordinary

@pytest.mark.parametrize("mode", ["OcTeT", "OCTET"])
def test_trap_15_the_mode_is_read_in_any_case(client, mode, images):
    assert client.ask(IMAGE, mode=mode).data + client.finish(1) == images["ap1g8"]


@pytest.mark.parametrize("mode", ["mail", "MAIL", "no-such-mode", "", "octet ", "octe"])
def test_trap_15_another_mode_is_an_illegal_operation(client, mode):
    packet = client.ask(IMAGE, mode=mode)

    assert (packet.opcode, packet.number) == (ERROR, 4)
    assert packet.text


RUBBISH = {
    b"": None, b"\0": None, b"\1": None, b"\0\1": 4, b"\0\1\0": 4, b"\0\1\0\0": 4, b"\0\2\0\0": 4,
    b"\0\1\0octet\0": 1, b"\0\1" + IMAGE.encode(): 4, b"\0\1" + IMAGE.encode() + b"\0": 4,
    b"\0\1" + IMAGE.encode() + b"\0octet": 4, b"\0\1" + b"\0" * 500: 4, b"\0\1" + b"a" * 2000: 4,
    b"\0\0x\0octet\0": None, b"\0\7x\0octet\0": None, b"\xff\xffx\0octet\0": None, b"\1\0x\0octet\0": None,
}


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_trap_15_rubbish_draws_an_error_or_nothing(server, client, rubbish):
    client.send(rubbish)
    let_the_server_catch_up(server)

    assert [(packet.opcode, packet.number) for packet in client.drain()] == (
        [(ERROR, RUBBISH[rubbish])] if RUBBISH[rubbish] else [])


@pytest.mark.parametrize("packet", [ack(0), ack(1), b"\0\3\0\1data", error(1, "File not found"), b"\0\6blksize\0512\0"],
                         ids=["ACK 0", "ACK 1", "DATA", "ERROR", "OACK"])
def test_trap_15_what_is_no_request_draws_no_answer_from_the_listening_port(server, client, packet):
    client.send(packet)
    let_the_server_catch_up(server)

    assert not client.drain()


@pytest.mark.parametrize("tail", [b"tsize\0", b"tsize", b"tsize\x000", b"\0", b"\0\0", b"\xff" * 20])
def test_trap_15_what_is_broken_behind_the_mode_is_passed_over(client, tail):
    client.send(request(IMAGE, "blksize", "1428") + tail)

    assert client.receive().raw == b"\0\6blksize\x001428\0"


def test_trap_15_a_request_may_be_longer_than_512_bytes(server, client):
    folders = "/".join(["f" * 250] * 3)
    (server.depot / "images" / folders).mkdir(parents=True, exist_ok=True)
    (server.depot / "images" / folders / "file").write_bytes(b"content")
    padding = [text for n in range(15) for text in (f"unknown{n}", "x" * 40)]
    packet = client.ask(f"/{folders}/file", *padding, "blksize", 1428)
    client.acknowledge(0)

    assert packet.raw == b"\0\6blksize\x001428\0"
    assert client.expect_next_data(1) == b"content"


@pytest.mark.parametrize("packet", [
    request(IMAGE, *["option", "1"] * 17), request("/" + "n" * 1024), request(IMAGE, "option", "v" * 2048)],
    ids=["options", "name", "bytes"])
def test_trap_15_a_request_that_no_device_sends_is_refused(client, packet):
    client.send(packet)
    answer = client.receive()

    assert (answer.opcode, answer.number, answer.text) == (ERROR, 4, "Request too large")


def test_trap_16_the_oack_may_be_longer_than_a_block(client):
    packet = client.ask(IMAGE, "blksize", 8, "tsize", 0, "timeout", 255, "windowsize", 64, "rollover", 1)

    assert packet.raw == b"\0\6blksize\x008\0tsize\x00102400\0timeout\x00255\0windowsize\x0064\0rollover\x001\0"
    client.acknowledge(0)
    assert len(client.expect_next_data(1)) == 8


# ---- 17: large files

GIB = 1 << 30


@pytest.mark.parametrize("size", [2 * GIB - 1, 2 * GIB, 4 * GIB - 1, 4 * GIB, 4 * GIB + 1, 5 * GIB, 1 << 42])
def test_trap_17_the_size_of_a_large_file_is_told_in_full(client, path, size):
    path.touch()
    os.truncate(path, size)
    packet = client.ask(f"/{path.name}", "tsize", 0)

    assert packet.options == {"tsize": str(size)}
    client.acknowledge(0)
    assert client.expect_next_data(1) == bytes(512)


@pytest.mark.full
def test_trap_17_a_file_of_5_gib_arrives_whole(server, client, path):
    size, block_size, window = 5 * GIB + 1234, 65464, 3
    marks = {0: b"first", 2 * GIB - 3: b"2 GiB", 4 * GIB - 3: b"4 GiB", size - 4: b"last"}
    with path.open("wb") as file:
        for offset, mark in marks.items():
            file.seek(offset)
            file.write(mark)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window * 2 * 65536)
    client.ask(f"/{path.name}", "blksize", block_size, "windowsize", window)
    client.acknowledge(0)
    zeros, found, block, length = bytes(block_size), {}, 0, block_size
    while length == block_size:
        packet = client.receive()
        if packet.raw[:4] != b"\0\3" + (block + 1 & 0xFFFF).to_bytes(2, "big"):
            continue
        data = packet.data
        length = len(data)
        if not zeros.startswith(data):
            text = data.strip(b"\0")
            found[block * block_size + data.index(text)] = text
        block += 1
        if block % window == 0 or length < block_size:
            client.acknowledge(block)
    path.unlink()

    assert found == marks
    assert (block - 1) * block_size + length == size
    assert f": {size} bytes in " in ending_of(server, path.name)


# ---- 21, 22: paths

@pytest.fixture(scope="module")
def outside(server):
    """What is beside images/, where no name may lead."""
    for name in ("secret", "images2/secret", "imagessecret"):
        (server.depot / name).parent.mkdir(exist_ok=True)
        (server.depot / name).write_bytes(b"outside")
    return server.depot


def expect_nothing(server, *names):
    for name in names:
        with Client(server.tftp) as client:
            packet = client.ask(name)

        refused = (1, 2) if "\0" not in name else (4,)  # what is behind the NUL is the mode, and no mode
        assert packet.opcode == ERROR and packet.number in refused, (name, packet.raw[:60])
        assert packet.text


ESCAPES = {
    "climbing": ["../secret", "/../secret", "./../secret", "..//secret", "//..//secret", "/x/../../secret",
                 "/EWC/../../secret", f"{RELEASE}/../../../secret", "../state/users.yaml", "/../images/../secret"],
    "backslashes": ["..\\secret", "\\..\\secret", ".\\..\\secret", "\\\\..\\\\secret", "EWC\\..\\..\\secret",
                    "..\\state\\users.yaml"],
    "mixed slashes": ["/EWC/..\\..\\secret", "/EWC\\../..\\secret", "\\../secret", "/..\\secret", "./..\\secret"],
    "dots at the end": ["..", "/..", "../", "/EWC/..", "/EWC/../..", f"{RELEASE}/..", "EWC\\..", "..\\", "/EWC/."],
    "dots that are reduced": ["....//secret", "/....//....//secret", "....\\\\secret", "/.../secret", "..././secret",
                              "/..;/secret", ".. /secret", "/.. /secret", "../ secret"],
    "percent": ["%2e%2e/secret", "%2e%2e%2fsecret", "..%2fsecret", "..%5csecret", "%252e%252e/secret",
                "..%c0%afsecret", "..%00/secret"],
    "overlong UTF-8": ["..\udcc0\udcafsecret", "\udcc0\udcae\udcc0\udcae/secret", "．．/secret", "‥/secret"],
    "absolute": ["{outside}/secret", "{outside}/images2/secret", "{outside}/state/users.yaml", "/etc/passwd",
                 "//etc/passwd", "file:///etc/passwd", "tftp://host/../secret", "/proc/self/root{outside}/secret",
                 "/proc/self/environ", "/dev/zero", "~/secret", "~root/.profile"],
    "drives": ["C:\\secret", "C:/secret", "C:secret", "C:..\\secret", "C:\\..\\secret", "c:\\windows\\win.ini"],
    "UNC": ["\\\\host\\share\\secret", "//host/share/secret", "\\\\localhost\\C$\\secret", "\\\\127.0.0.1\\secret"],
    "raw Windows paths": ["\\\\?\\C:\\secret", "\\\\.\\C:\\secret", "//?/C:/secret", "\\??\\C:\\secret",
                          "\\\\?\\GLOBALROOT\\secret", "\\\\?\\..\\secret"],
    "streams": [f"{IMAGE}::$DATA", f"{IMAGE}:stream", "/EWC::$INDEX_ALLOCATION/17_9_4a/ap1g8", f"{IMAGE}:"],
    "devices": [name for device in ("com1", "COM1", "aux", "nul", "con", "prn", "lpt1", "conin$", "clock$")
                for name in (device, f"/{device}", f"{device}.txt", f"{RELEASE}/{device}", f"{device}:")],
    "trailing dots and spaces": [f"{IMAGE}.", f"{IMAGE}...", f"{IMAGE} ", f"{IMAGE}. .", "/EWC./17_9_4a/ap1g8x"],
    "controls": ["..\0/secret", "\0../secret", "\n../secret", "/secret\n", "\x01/../../secret", "\x7f", "\r\n",
                 "\x1b[2J"],
}


@pytest.mark.parametrize("kind", ESCAPES)
def test_trap_21_no_name_leads_out_of_the_images(server, outside, kind):
    expect_nothing(server, *(name.replace("{outside}", str(outside)) for name in ESCAPES[kind]))


@pytest.mark.parametrize("name", [
    "100%", "%2e%2e", "50%25.bin", "%s%n", "trailing.", "trailing ", "...", "..file", "file..", ". .", "com1", "aux",
    "nul.txt", "sp ace", "ümlaut", "\udcff", "-rf", "~", "$DATA", "*", "a;b", "a'b"])
def test_trap_21_on_linux_an_odd_name_is_a_name_like_any_other(server, name):
    folder = server.depot / "images/odd"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"odd")

    assert fetch(server.tftp, f"/odd/{name}") == b"odd"


def test_trap_21_a_link_that_is_swapped_while_it_is_asked_for_never_leads_out(server, outside):
    images, stop = server.depot / "images", threading.Event()
    (images / "inside").mkdir()
    (images / "inside/secret").write_bytes(b"inside")

    def swap():
        while not stop.is_set():
            for target in (outside, images / "inside", "inside"):
                (images / "next").symlink_to(target)
                (images / "next").replace(images / "swapped")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        answers = []
        while len(answers) < 100 or answers.count(b"inside") < 5:
            with Client(server.tftp) as client:
                packet = client.ask("/swapped/secret")
            answers.append(packet.data if packet.opcode == DATA else b"")
    finally:
        stop.set()
        swapper.join()

    assert set(answers) <= {b"inside", b""}


@pytest.mark.parametrize("name", ["../images2/secret", "/../images2/secret", "2/secret", "/EWC/../../images2/secret",
                                  "{outside}/images2/secret", "{outside}/imagessecret", "images2/secret",
                                  "../imagessecret", "..images2/secret", "{outside}/images/../images2/secret"])
def test_trap_22_what_begins_like_the_root_is_not_in_it(server, outside, name):
    expect_nothing(server, name.replace("{outside}", str(outside)))


# ---- 23: what is served changes

@pytest.mark.parametrize("left", [0, 512, 700, 49_999])
@pytest.mark.parametrize("mode", ["octet", "netascii"])
@pytest.mark.parametrize("window", [1, 4])
def test_trap_23_a_file_that_is_cut_short_ends_in_an_error_never_as_a_whole_file(
        server, client, put, path, mode, window, left):
    name = put(b"x" * 50_000)
    client.ask(name, "windowsize", window, mode=mode)
    client.acknowledge(0)
    client.expect_next_data(1)
    os.truncate(path, left)
    client.acknowledge(1)
    while (packet := client.receive()).opcode == DATA:
        assert len(packet.data) == 512, "a short block says that the file is whole"
        client.acknowledge(packet.number)

    assert (packet.opcode, packet.number) == (ERROR, 0)
    assert packet.text == "The file changed while it was sent"
    assert ending_of(server, name).startswith(f"{name} changed while it was sent to 127.0.0.1: ")


def let_the_clock_tick(path):
    """A change of the file from now on has another time than its last one: the kernel counts some milliseconds."""
    probe = path.with_name(f"{path.name}-clock")

    def ticked():
        probe.write_bytes(b"")
        return probe.stat().st_ctime_ns > path.stat().st_ctime_ns

    wait_until(ticked)


def grow(path):
    with path.open("ab") as file:
        file.write(b"more" * 1000)


def overwrite(path):
    with path.open("r+b") as file:
        file.write(b"new" * 1000)


def overwrite_and_put_the_time_back(path):
    """As cp -p, rsync --inplace and many copying tools do."""
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [grow, overwrite, overwrite_and_put_the_time_back])
@pytest.mark.parametrize("mode", ["octet", "netascii"])
@pytest.mark.parametrize("options", [("blksize", 512), ("blksize", 1428, "windowsize", 4)], ids=["lockstep", "window"])
def test_trap_23_a_file_that_is_written_to_meanwhile_is_not_delivered_half_and_half(
        server, client, put, path, options, mode, change):
    name = put(bytes(1 + n % 250 for n in range(50_000)))
    let_the_clock_tick(path)
    client.ask(name, *options, mode=mode)
    client.acknowledge(0)
    size = len(client.expect_next_data(1))
    change(path)
    client.acknowledge(1)
    while (packet := client.receive()).opcode == DATA:
        assert len(packet.data) == size, "a short block says that the file is whole"
        client.acknowledge(packet.number)

    assert (packet.opcode, packet.number, packet.text) == (ERROR, 0, "The file changed while it was sent")
    assert ending_of(server, name).startswith(f"{name} changed while it was sent to 127.0.0.1: ")


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o600), lambda path: path.unlink(),
                                    lambda path: os.link(path, f"{path}-too")], ids=["rights", "deleted", "link"])
def test_trap_23_what_changes_no_byte_of_a_file_ends_nothing(server, client, put, path, images, change):
    content = client.ask(put(images["ap1g8"])).data
    change(path)

    assert content + client.finish(1) == images["ap1g8"]


@pytest.mark.parametrize("content, remedy", [(b"one\ntwo\n", ""), (b"MZ\0\n", "; an image does not survive netascii: ")],
                         ids=["text", "image"])
def test_trap_14_netascii_is_told_and_an_image_that_it_damages(server, client, put, content, remedy):
    name = put(content)
    client.ask(name, mode="netascii")
    client.acknowledge(1)

    ending = ending_of(server, name)
    assert ending.startswith(f"sent {name} to 127.0.0.1: ")
    assert re.search(rf", 0 resent, netascii{remedy}", ending) and ending.endswith("netascii") == (not remedy)


def test_trap_23_a_file_that_is_replaced_or_deleted_goes_on_from_the_old_one(server, new_client, put, path, images):
    name = put(images["ap1g8"])
    first, second = new_client(), new_client()
    blocks = begin_with_window(first, name)
    content = second.ask(name).data
    beside = path.with_name(f"{path.name}-new")
    beside.write_bytes(b"new")
    beside.replace(path)
    first.acknowledge(4)

    assert b"".join(blocks + [first.expect_next_data(block) for block in (5, 6, 7, 8)]) == images["ap1g8"][: 8 * 512]
    path.unlink()
    assert content + second.finish(1) == images["ap1g8"]


# ---- 24, 26: hostile clients

HOSTILE = {
    "formats": request("%s%n%x" * 60, "%n", "%s" * 100),
    "a name of 60000": request("a" * 60_000),
    "a path of 60000": request("a/" * 30_000),
    "2000 options": request(IMAGE, *["o", "v"] * 2000, mode="mail"),
    "names without values": b"\0\1%s%n\0octet\0" + b"blksize\0" * 201,
    "an option without an end": request("x", "blksize", "512") + b"b" * 60_000,
    "an overflowing utimeout": request("x", "utimeout", "4294967296000000", "utimeout", "9" * 1000),
    "controls": b"\0\1\xff\xfe\n\x1b[31m\0octet\0",
    "zeros": bytes(65_000),
    "a long mode": request("x", mode="o" * 60_000),
}


@pytest.mark.parametrize("packet", HOSTILE)
def test_trap_24_a_hostile_request_draws_an_error_at_most(server, client, packet):
    client.send(HOSTILE[packet])
    let_the_server_catch_up(server)

    assert all(answer.opcode == ERROR and answer.text for answer in client.drain())


def test_trap_24_a_hostile_answer_ends_its_own_transfer_at_most(server, new_client, images):
    for packet in (b"\0\5", b"\0\5\0", b"\0\5\0\0", b"\0\5\xff\xff" + b"%s%n" * 1000, b"\0\4\0\1" + bytes(60_000),
                   b"\0\6", b"\xff" * 60_000, b"\0\3\0\1" + bytes(65_000), b""):
        client = new_client()
        client.ask(IMAGE)
        client.send(packet)

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]


def test_trap_26_who_never_answers_is_sent_three_times_its_own_bytes(new_client):
    silent, other = new_client(), new_client()
    asked = len(request(IMAGE, "utimeout", 10_000))
    for client in (silent, other):
        answers = 3 * asked // len(client.ask(IMAGE, "utimeout", 10_000).raw)
        for _ in range(answers - 1):
            client.receive()

    assert answers > 1
    assert not silent.drain()  # one more would have come before the other's last


# ---- 27: the negotiated timeout is not the only timer

def test_trap_27_a_lost_block_comes_again_long_before_the_negotiated_timeout(client, images):
    client.ask(IMAGE, "timeout", "60")
    client.acknowledge(0)
    content = b""
    for block in range(1, 20):
        content += client.expect_next_data(block)
        client.acknowledge(block)
    lost = client.expect_next_data(20)

    assert client.expect_data(20) == lost  # within the client's patience, which is far less than 60 s
    assert content + lost + client.finish(20) == images["ap1g8"]


def test_trap_27_before_a_round_trip_was_measured_it_comes_again_after_a_second(client):
    first = client.ask(IMAGE, "timeout", "60")

    assert client.receive() == first


def test_trap_27_each_time_it_waits_twice_as_long(new_client):
    client, other = new_client(), new_client()
    for each in (client, other):
        begin_with_window(each, IMAGE, 1)
        each.acknowledge(1)
        each.expect_next_data(2)
    for _ in range(4):
        client.expect_data(2)  # after 0.1, 0.3, 0.7 and 1.5 s; without more patience there would be 15 in that time

    assert 3 <= len(other.drain()) <= 5


# ---- 31: the log

def test_trap_31_a_clients_error_text_is_escaped_in_the_log(server, client, put):
    name = put(bytes(2000))
    client.ask(name)
    client.acknowledge(1)
    client.send(b"\0\5\0\3full\r\n2026-01-01T00:00:00Z in.tftpd[1]: forged\x1b[31m\xff\t" + b"%s%n" + b"\0behind")

    ending = ending_of(server, name)
    assert ending.startswith(f"{name} aborted by 127.0.0.1 (3, full")
    assert "forged" in ending and ending.isprintable() and "behind" not in ending
    assert not [line for line in server.log_lines() if line.startswith("in.tftpd[1]: forged")]
