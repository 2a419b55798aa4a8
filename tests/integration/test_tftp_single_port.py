"""What firewalls need: all of TFTP on the listening port, or on ports of a range."""
import contextlib
import random
import signal
import socket

import pytest

import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, environment, wait_until, write_config
from clients import TFTP_CLIENTS
from hand_over import hand_over
from sftp_wire import login
from tftp_wire import DATA, ERROR, OACK, WRQ, Download, ack, data, error, fetch, fetch_all

IMAGE = f"{RELEASE}/ap1g8"
OTHER = f"{RELEASE}/ap1g4"


class Client(tftp_wire.Client):
    """Says goodbye to the listening port, which is a transfer's too."""

    def __exit__(self, *how):
        with contextlib.suppress(OSError):
            self.send(error(0, "the test is over"), to=self.server)
        super().__exit__(*how)


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, {"tftp": {"single_port": True}})


@pytest.fixture
def client(server):
    with Client(server.tftp) as client:
        yield client


def expect_silence(client, server):
    """Whatever `client` has sent drew nothing: what it would have drawn came before another's whole download."""
    fetch(server.tftp, OTHER)
    client.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.receive()
    client.socket.settimeout(tftp_wire.PATIENCE)


# ---- one port

@pytest.mark.parametrize("ask", [
    {"name": IMAGE}, {"name": "/nowhere"}, {"name": IMAGE, "mode": "mail"}, {"name": "/uploads/new", "opcode": WRQ}],
    ids=["read", "miss", "mail", "refused write"])
def test_every_answer_comes_from_the_listening_port(server, client, ask):
    assert client.ask(**ask).source == server.tftp


def test_a_hundred_clients_at_once_are_told_apart(server, images):
    names = [name for name in images if name.startswith("ap")]
    shapes = [(), ("blksize", "1428"), ("blksize", "1428", "windowsize", "16"), ("tsize", "0", "blksize", "8192")]
    asked = [(names[n % len(names)], shapes[n % len(shapes)]) for n in range(100)]
    downloads = [Download(f"{RELEASE}/{name}", *shape) for name, shape in asked]

    contents = fetch_all(server.tftp, downloads)

    assert all(content == images[name] for content, (name, _) in zip(contents, asked, strict=True))
    assert {download.peer for download in downloads} == {server.tftp}


@pytest.mark.parametrize("block_size", [8, 512, 1428, 8192, 65464])
@pytest.mark.parametrize("window", [4, 64])
def test_windows_arrive_whole(server, images, block_size, window):
    name = "ap1g4" if block_size == 8 else "ap1g8"
    assert fetch(server.tftp, f"{RELEASE}/{name}", "blksize", block_size, "windowsize", window) == images[name]


def test_what_was_lost_of_a_window_comes_again(client, images):
    client.ask(IMAGE, "windowsize", "4")
    client.acknowledge(0)
    content = b"".join(client.expect_data(block) for block in (1, 2, 3, 4))[:1024]
    client.acknowledge(2)  # 3 and 4 were lost
    content += b"".join(client.expect_data(block) for block in (3, 4, 5, 6))

    assert content == images["ap1g8"][: 6 * 512]


# ---- one client's port, one transfer after the other

def test_a_port_may_ask_for_the_next_file_at_once(server, client, images):
    for name in ("ap1g4", "ap1g5", "ap1g4", "ap1g4"):
        content = client.ask(f"{RELEASE}/{name}").data

        assert content + client.finish(1) == images[name]
    assert sum(": sent " in line for line in server.whole_log("in.tftpd")) == 4


def test_a_new_request_is_served_when_the_transfer_that_runs_has_hung(server, client, images):
    client.ask(IMAGE)
    client.acknowledge(1)
    client.expect_next_data(2)
    client.socket.settimeout(0.1)
    for _ in range(10 * tftp_wire.PATIENCE):  # as a device does: now and then
        client.request(OTHER)
        with contextlib.suppress(TimeoutError):
            while (first := client.receive()).number != 1:
                pass
            break
    client.socket.settimeout(tftp_wire.PATIENCE)

    assert first.raw == data(1, images["ap1g4"][:512])
    assert first.data + client.finish(1) == images["ap1g4"]
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: {IMAGE} aborted by 127\.0\.0\.1 \(0, a new request from the same port\): ")


def test_a_client_whose_port_is_closed_ends_its_own_transfer_and_no_other(server, client, images):
    content = client.ask(IMAGE).data
    with tftp_wire.Client(server.tftp) as gone:
        gone.ask(OTHER, "windowsize", 4)
        gone.acknowledge(0)
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: {OTHER} to 127\.0\.0\.1 cut off by the network \(port unreachable\): ")

    assert content + client.finish(1) == images["ap1g8"]


def test_a_window_is_no_larger_than_a_forged_ack_may_draw(client):
    assert client.ask(IMAGE, "blksize", 8192, "windowsize", 64).options == {"blksize": "8192", "windowsize": "8"}


@pytest.mark.parametrize("late", [ack(1), ack(40), ack(65535), data(1, b"late"), error(0, "late"), b"\0\6", b"\0\3",
                                  b""],
                         ids=["ACK 1", "ACK 40", "ACK 65535", "DATA", "ERROR", "OACK", "half a DATA", "nothing"])
def test_late_packets_of_an_ended_transfer_are_ignored(server, client, images, late):
    content = client.ask(OTHER).data
    assert content + client.finish(1) == images["ap1g4"]
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sent ")
    client.send(late)
    expect_silence(client, server)

    first = client.ask(IMAGE)
    assert first.data + client.finish(1) == images["ap1g8"]


def test_a_late_ack_does_not_disturb_the_next_transfer(client, images):
    content = client.ask(OTHER).data
    assert content + client.finish(1) == images["ap1g4"]
    first = client.ask(IMAGE)
    client.acknowledge(41)  # the last one of the file before

    assert first.data + client.finish(1) == images["ap1g8"]


def test_a_request_that_comes_twice_begins_one_transfer(server, client, images):
    for _ in range(2):
        client.request(IMAGE, "blksize", "8192")
    first = client.receive()
    assert first.opcode == OACK
    client.acknowledge(0)
    content = client.receive()
    while content.raw == first.raw:
        content = client.receive()

    assert content.data + client.finish(1, block_size=8192) == images["ap1g8"]
    assert sum("RRQ from" in line for line in server.whole_log("in.tftpd")) == 1


# ---- strangers

@pytest.mark.parametrize("packet", [ack(0), ack(1), data(1, b"rubbish"), error(1, "File not found"),
                                    b"\0\6blksize\0512\0", b"\0\7", b"\0", b""],
                         ids=["ACK 0", "ACK 1", "DATA", "ERROR", "OACK", "opcode 7", "one byte", "nothing"])
def test_a_stranger_draws_nothing_and_disturbs_nobody(server, client, images, packet):
    content = client.ask(IMAGE).data
    with Client(server.tftp) as stranger:
        stranger.send(packet)
        expect_silence(stranger, server)

    assert content + client.finish(1) == images["ap1g8"]


# ---- real clients

@pytest.mark.parametrize("get", TFTP_CLIENTS, ids=lambda get: get.__name__)
def test_a_client_gets_images(get, clients, images, tmp_path):
    get(clients, RELEASE, ["ap1g8", "ap1g4"], tmp_path)

    for name in ("ap1g8", "ap1g4"):
        assert (tmp_path / name).read_bytes() == images[name]


def test_atftp_gets_an_image_in_windows(clients, images, tmp_path):
    host, port = clients.server.tftp
    clients.run("atftp", "--option", "blksize 1428", "--option", "windowsize 16", "--get", "-r", IMAGE, "-l",
                tmp_path / "image", host, port)

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


# ---- the end

def test_transfers_under_way_end_well_while_the_server_ends(server, client, images):
    content = client.ask(IMAGE).data
    server.signal(signal.SIGTERM)
    server.wait_for_log(r"^apdepot: stopping: 1 transfers ")
    with Client(server.tftp) as late:
        late.request(IMAGE)
        content += client.finish(1)
        assert server.wait() == 0
        late.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            late.receive()

    assert content == images["ap1g8"]


@pytest.fixture
def handed_over(start_server, depot, tmp_path):
    """A server with a port that the test holds as systemd does, for the next server, and that port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        address = held.getsockname()
        settings = {"tftp": {"listen": ["{}:{}".format(*address)], "single_port": True},
                    "ssh": {"listen": ["127.0.0.1:0"]}, "drain": 600}
        options = hand_over(tmp_path, [("apdepot-tftp", held.fileno())])
        options["env"] = environment(**options["env"])
        yield start_server(depot, settings, listen=(), **options), held


def test_what_is_asked_while_sessions_end_waits_for_the_next_server(handed_over):
    server, held = handed_over
    transport = login(server, USER, PASSWORD)
    with transport.open_sftp_client().open(IMAGE):
        server.signal(signal.SIGTERM)
        wait_until(server.refuses_connections)
        with Client(server.tftp) as late:
            late.request(IMAGE)
            held.settimeout(tftp_wire.PATIENCE)
            assert IMAGE.encode() in held.recv(512)
    transport.close()
    assert server.wait() == 0


def test_transfers_do_not_keep_the_port_from_the_next_server_for_long(handed_over):
    """10 s, whatever drain says."""
    server, held = handed_over
    with Client(server.tftp) as client:
        client.ask(IMAGE, "timeout", "255")
        client.acknowledge(0)
        client.expect_next_data(1)
        server.signal(signal.SIGTERM)
        server.wait_for_log(rf"^in\.tftpd\[\d+\]: {IMAGE} to 127\.0\.0\.1 broken off, the server is shutting down: ")
        assert server.wait() == 0
        client.request(OTHER)
        held.settimeout(tftp_wire.PATIENCE)
        while OTHER.encode() not in held.recv(512):
            pass


# ---- tftp.port_range

def free_ports(count):
    """The first of so many UDP ports in a row that nobody has now, below those that the system gives."""
    while True:
        first = random.randrange(20_000, 32_000 - count)
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for n, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + n))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()


def range_settings(first, count, **more):
    return {"tftp": {"port_range": f"{first}-{first + count - 1}", "uploads": True, **more}}


def begin(server, name=IMAGE, host="127.0.0.1", **how):
    """A client whose request was answered."""
    client = Client(server.tftp, host)
    client.ask(name, **how)
    return client


def test_every_port_of_a_transfer_lies_in_the_range(start_server, depot, images):
    first = free_ports(11)  # of which an address leaves two free
    server = start_server(depot, range_settings(first, 11))
    ports = set()
    for how in ({"name": "/nowhere"}, {"name": IMAGE, "mode": "mail"}, {"name": "/uploads/new", "opcode": WRQ}):
        with begin(server, **how) as client:
            ports.add(client.peer[1])
    downloads = [Download(IMAGE, "blksize", "1428", "windowsize", "4") for _ in range(9)]

    assert fetch_all(server.tftp, downloads) == [images["ap1g8"]] * 9
    ports |= {download.peer[1] for download in downloads}
    assert len(ports) > 1 and ports <= set(range(first, first + 11))


def test_when_all_ports_are_in_use_a_request_is_dropped_and_served_once_one_is_free(start_server, depot, images):
    first = free_ports(2)
    server = start_server(depot, range_settings(first, 2))
    with begin(server) as one, begin(server, host="127.0.0.2") as two, Client(server.tftp, "127.0.0.3") as three:
        assert {one.peer[1], two.peer[1]} == {first, first + 1}
        for each in (one, two):
            each.acknowledge(1)
            each.expect_next_data(2)
        three.request(IMAGE)
        server.wait_for_log(r"^apdepot: all ports of tftp\.port_range are in use: requests are dropped until "
                            r"one is free$")
        assert two.finish(2) == images["ap1g8"][1024:]
        three.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            three.receive()
        three.socket.settimeout(0.1)
        for _ in range(10 * tftp_wire.PATIENCE):  # as a device does: now and then
            with contextlib.suppress(TimeoutError):
                answer = three.ask(IMAGE)
                break
        three.socket.settimeout(tftp_wire.PATIENCE)

        assert answer.source == ("127.0.0.1", two.peer[1])
        assert three.finish(1) == images["ap1g8"][512:]
        assert one.finish(2) == images["ap1g8"][1024:]


def test_a_port_of_the_range_that_another_program_has_is_passed_over(start_server, depot, images):
    first = free_ports(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first))
        server = start_server(depot, range_settings(first, 3))
        for _ in range(4):
            with Client(server.tftp) as client:
                assert client.ask(IMAGE).data + client.finish(1) == images["ap1g8"]
                assert client.peer[1] in (first + 1, first + 2)


def test_a_reload_takes_a_new_range(start_server, depot, tmp_path, images):
    old, new = free_ports(1), free_ports(4)
    server = start_server(depot, range_settings(old, 1))
    with begin(server) as running:
        assert running.peer[1] == old
        write_config(tmp_path / "apdepot.yaml", range_settings(new, 4))
        server.signal(signal.SIGHUP)
        server.wait_for_log(r"^apdepot: configuration .* is in effect$")
        with Client(server.tftp) as client:
            first = client.ask(IMAGE)

            assert first.opcode == DATA
            assert first.source[1] in range(new, new + 4)
            assert first.data + client.finish(1) == images["ap1g8"]
        assert running.finish(1) == images["ap1g8"][512:]


def test_one_port_for_all_needs_no_range(start_server, depot):
    server = start_server(depot, range_settings(free_ports(1), 1, single_port=True, uploads=False))
    with begin(server) as one, begin(server) as two:
        assert one.peer == two.peer == server.tftp


def test_a_stranger_at_a_port_of_the_range_is_turned_away(start_server, depot):
    server = start_server(depot, range_settings(free_ports(1), 1))
    with begin(server) as client, Client(server.tftp) as stranger:
        stranger.send(ack(1), to=client.peer)
        packet = stranger.receive()

        assert (packet.opcode, packet.number, packet.source) == (ERROR, 5, client.peer)
