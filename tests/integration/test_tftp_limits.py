"""Limits: each is a setting, bites with a line in the log, and draws no answer; the device asks again."""
import contextlib
import signal

import pytest

from apdepot import RELEASE, write_config
from tftp_wire import ACK, DATA, ERROR, PATIENCE, WRQ, Client, data, fetch, request

IMAGE = f"{RELEASE}/ap1g8"
DROPPED = rf"^in\.tftpd\[\d+\]: dropped a request from {{}} for {IMAGE}: {{}}$"


@pytest.fixture
def start(start_server, depot):
    """Starts a server with settings of TFTP's."""
    return lambda **settings: start_server(depot, {"tftp": settings}, listen=["--tftp", "0.0.0.0:0", "--ssh",
                                                                             "127.0.0.1:0"])


@pytest.fixture
def reload(tmp_path):
    def reload(server, **settings):
        write_config(tmp_path / "apdepot.yaml", {"tftp": settings})
        server.signal(signal.SIGHUP)
        server.wait_for_log(r"^apdepot: configuration .* is in effect$")

    return reload


@pytest.fixture
def client_of():
    """Makes clients of a server, each with an address of its own if need be."""
    with contextlib.ExitStack() as stack:
        yield lambda server, host="127.0.0.1": stack.enter_context(Client(("127.0.0.1", server.tftp[1]), host=host))


def expect_no_answer(client):
    """By now, when the line about it is in the log."""
    client.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.receive()
    client.socket.settimeout(PATIENCE)


def expect_dropped(server, client, reason):
    client.request(IMAGE)
    host = client.socket.getsockname()[0]
    server.wait_for_log(DROPPED.format(host.replace(".", r"\."), reason))
    expect_no_answer(client)


def serve_first(client):
    """Its transfer runs and is acknowledged, so that it gives way to nobody."""
    assert client.ask(IMAGE).opcode == DATA
    client.acknowledge(1)
    client.expect_next_data(2)


def expect_served(client, images):
    first = client.ask(IMAGE)
    assert first.opcode == DATA, first.raw
    assert first.data + client.finish(1) == images["ap1g8"]


def ask_until_answered(client, name=IMAGE):
    """As a device does: now and then, until somebody answers."""
    client.socket.settimeout(0.1)
    for _ in range(10 * PATIENCE):
        with contextlib.suppress(TimeoutError):
            packet = client.ask(name)
            client.socket.settimeout(PATIENCE)
            return packet
    raise AssertionError(f"no answer within {PATIENCE} s")


TRANSFERS = r"too many transfers at once \(tftp\.max_transfers\)"
PER_ADDRESS = r"too many transfers from there \(tftp\.max_transfers_per_address\)"
PER_SECOND = r"too many requests a second from there \(tftp\.max_requests_per_second\)"
DENIED = r"its address is in tftp\.deny"
NOT_ALLOWED = r"its address is not in tftp\.allow"


def test_more_transfers_than_allowed_are_dropped_until_one_has_ended(start, client_of, images):
    server = start(max_transfers=2)
    one, two, three = client_of(server), client_of(server, "127.0.0.2"), client_of(server, "127.0.0.3")
    for client in (one, two):
        serve_first(client)
    expect_dropped(server, three, TRANSFERS)

    assert one.finish(2) == images["ap1g8"][1024:]
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sent ")
    expect_served(three, images)
    assert two.finish(2) == images["ap1g8"][1024:]


def test_a_transfer_that_was_never_answered_gives_way(start, client_of, images):
    server = start(max_transfers=2)
    runs = client_of(server)
    serve_first(runs)
    for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
        assert client_of(server, host).ask(IMAGE).opcode == DATA
    expect_served(client_of(server, "127.0.0.5"), images)

    assert runs.finish(2) == images["ap1g8"][1024:]


def test_one_address_may_not_have_all_transfers(start, client_of, images):
    server = start(max_transfers_per_address=2)
    clients = [client_of(server) for _ in range(3)]
    for client in clients[:2]:
        serve_first(client)
    expect_dropped(server, clients[2], PER_ADDRESS)

    expect_served(client_of(server, "127.0.0.2"), images)
    assert clients[0].finish(2) == images["ap1g8"][1024:]
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sent .* to 127\.0\.0\.1: ")
    expect_served(clients[2], images)


def test_an_upload_counts_as_a_transfer(start, client_of):
    server = start(uploads=True, max_transfers=1)
    client = client_of(server)
    assert client.ask("/uploads/new", opcode=WRQ).opcode == ACK
    client.send(data(1, bytes(512)))
    assert client.receive().opcode == ACK

    expect_dropped(server, client_of(server), PER_ADDRESS)


def test_a_request_that_was_refused_takes_no_place(start, client_of, images):
    server = start(max_transfers=1, max_transfers_per_address=1)
    for _ in range(5):
        assert ask_until_answered(client_of(server), "/nowhere").opcode == ERROR

    assert ask_until_answered(client_of(server)).opcode == DATA


def test_a_repeated_request_takes_no_second_place(start, client_of, images):
    server = start(max_transfers=1)
    client = client_of(server)
    for _ in range(3):
        client.request(IMAGE)
    first = client.receive()

    assert first.data + client.finish(1) == images["ap1g8"]
    assert not any("dropped" in line for line in server.whole_log("in.tftpd"))


def test_more_requests_a_second_than_allowed_are_dropped(start, client_of, images):
    server = start(max_requests_per_second=1)
    clients = [client_of(server) for _ in range(10)]
    for client in clients:
        client.request(IMAGE)
    server.wait_for_log(DROPPED.format(r"127\.0\.0\.1", PER_SECOND))
    expect_served(client_of(server, "127.0.0.2"), images)  # by now all have been read

    answered = []
    for client in clients:
        client.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            answered.append(client.receive().opcode)
    assert answered in ([DATA] * 2, [DATA] * 3)  # two seconds' worth at once
    assert sum("dropped a request" in line for line in server.log_lines("in.tftpd")) == 1
    assert ask_until_answered(clients[-1]).opcode == DATA


def test_what_is_denied_draws_nothing(start, client_of, images):
    server = start(deny=["127.0.0.2", "127.1.0.0/16"])
    for host in ("127.0.0.2", "127.1.2.3"):
        expect_dropped(server, client_of(server, host), DENIED)

    expect_served(client_of(server), images)
    for host in ("127.0.0.3", "127.2.0.0"):
        expect_served(client_of(server, host), images)


def test_who_is_not_allowed_draws_nothing(start, client_of, images):
    server = start(allow=["127.0.0.2", "127.1.0.0/16"])
    for host in ("127.0.0.1", "127.0.0.3", "127.2.0.1"):
        expect_dropped(server, client_of(server, host), NOT_ALLOWED)

    for host in ("127.0.0.2", "127.1.255.254"):
        expect_served(client_of(server, host), images)


def test_deny_wins(start, client_of, images):
    server = start(allow=["127.0.0.0/8"], deny=["127.0.0.2"])
    expect_dropped(server, client_of(server, "127.0.0.2"), DENIED)

    expect_served(client_of(server), images)


def test_ipv6_is_denied_as_well(start_server, depot, images):
    server = start_server(depot, {"tftp": {"deny": ["::1"]}}, listen=["--tftp", "[::1]:0", "--tftp", "127.0.0.1:0",
                                                                     "--ssh", "127.0.0.1:0"])
    with Client(server.addresses["tftp"][0], host="::1") as client:
        client.request(IMAGE)
        server.wait_for_log(DROPPED.format("::1", DENIED))
        expect_no_answer(client)
    assert fetch(server.addresses["tftp"][1], IMAGE) == images["ap1g8"]


@pytest.mark.parametrize("packet", [request("/uploads/new", opcode=WRQ), request("/nowhere"),
                                    request(IMAGE, mode="mail"), request(IMAGE, mode="rubbish"), b"\0\1no-end"],
                         ids=["write", "miss", "mail", "mode", "no end"])
@pytest.mark.parametrize("single_port", [False, True])
def test_whatever_the_denied_send_draws_nothing(start, client_of, single_port, packet):
    server = start(deny=["127.0.0.2"], uploads=not single_port, single_port=single_port)
    client, other = client_of(server, "127.0.0.2"), client_of(server)
    client.send(packet)
    assert other.ask("/nowhere").opcode == ERROR  # asked later

    expect_no_answer(client)


def test_mistakes_are_requests_too(start, client_of):
    server = start(max_requests_per_second=1)
    client = client_of(server)
    for _ in range(10):
        client.request(IMAGE, mode="mail")
    assert client_of(server, "127.0.0.2").ask("/nowhere").opcode == ERROR  # asked later

    answers = []
    client.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            answers.append(client.receive())
    assert len(answers) in (2, 3)


def test_a_noisy_client_is_summed_up(start, client_of):
    server = start(deny=["127.0.0.3"], max_requests_per_second=1000)
    client, denied = client_of(server), client_of(server, "127.0.0.3")
    for n in (*range(110), 5, 5, 5, 7):
        assert client.ask(f"/nowhere/{n}").opcode == ERROR  # each is answered
    for _ in range(6):
        denied.request(IMAGE)
    assert client_of(server, "127.0.0.2").ask("/nowhere").opcode == ERROR
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sending NAK \(1, File not found\) to 127\.0\.0\.2$")

    more = r"^in\.tftpd\[\d+\]: {} more requests from {} within 10 s: {}$"
    server.wait_for_log(more.format(14, r"127\.0\.0\.1 were refused",
                                    "3 times NOT_FOUND /nowhere/5, once NOT_FOUND /nowhere/7, and 10 others"))
    server.wait_for_log(more.format(5, r"127\.0\.0\.3 were dropped", "5 times tftp.deny"))
    lines = server.log_lines("in.tftpd")
    assert sum(line.endswith("sending NAK (1, File not found) to 127.0.0.1") for line in lines) == 100
    assert sum("RRQ from 127.0.0.1 " in line for line in lines) == 100
    assert sum("dropped a request from 127.0.0.3 " in line for line in lines) == 1
    assert not any("more requests from 127.0.0.2" in line for line in lines)
    assert client.ask("/nowhere/again").opcode == ERROR
    server.wait_for_log(r"^in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1 filename /nowhere/again$")  # and then it is told again


# ---- a reload

def test_a_reload_denies_from_then_on(start, reload, client_of, images):
    server = start()
    client, running = client_of(server, "127.0.0.2"), client_of(server, "127.0.0.2")
    expect_served(client, images)
    assert running.ask(IMAGE).opcode == DATA
    reload(server, deny=["127.0.0.2"])

    expect_dropped(server, client, DENIED)
    assert running.finish(1) == images["ap1g8"][512:]  # what runs goes on
    expect_served(client_of(server), images)


def test_a_reload_takes_new_limits(start, reload, client_of):
    server = start(max_transfers=1)
    serve_first(client_of(server))
    expect_dropped(server, client_of(server), PER_ADDRESS)
    reload(server, max_transfers=3, max_transfers_per_address=2)

    serve_first(client_of(server))
    serve_first(client_of(server, "127.0.0.2"))
    expect_dropped(server, client_of(server, "127.0.0.3"), TRANSFERS)


@pytest.mark.parametrize("before", [False, True])
def test_a_reload_takes_uploads(start, reload, client_of, depot, before):
    server = start(uploads=before)
    first = client_of(server).ask("/uploads/first", opcode=WRQ)
    reload(server, uploads=not before)
    second = client_of(server).ask("/uploads/second", opcode=WRQ)

    assert [first.opcode, second.opcode] == ([ACK, ERROR] if before else [ERROR, ACK])


def test_a_reload_takes_the_size_of_uploads(start, reload, client_of):
    server = start(uploads=True)
    client = client_of(server)
    reload(server, uploads=True, max_upload=100)

    packet = client.ask("/uploads/new", "tsize", "101", opcode=WRQ)
    assert (packet.opcode, packet.number) == (ERROR, 3)


def test_a_wrong_configuration_changes_nothing(start, client_of, tmp_path, images):
    server = start(deny=["127.0.0.2"])
    write_config(tmp_path / "apdepot.yaml", {"tftp": {"deny": ["127.0.0.300"]}})
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"^apdepot: the configuration is wrong, the old one stays in effect: ")

    expect_dropped(server, client_of(server, "127.0.0.2"), DENIED)
    expect_served(client_of(server), images)
