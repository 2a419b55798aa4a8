"""A client that forges a victim's address sends the victim no more than three times what he sends himself, as long as
nobody answers; and an ACK that he forges too, where the server's port can be guessed, draws 64 KiB, and no more than a
block at a time after that. What counts are the bytes in the datagrams."""
import contextlib
import selectors
import time

import pytest

from apdepot import PATIENCE
from network import Host, why_not
from tftp_attacks import bound_to
from tftp_wire import ack, request

RATIO = 3
HEADERS = 20 + 8  # of IPv4 and UDP: an ERROR is short enough to be weighed with them
FIRST_BLOCK = 516  # what TFTP owes to whoever asks without options
FLIGHT = 64 << 10  # what an ACK draws
SILENCE = 8  # seconds that the victims listen
REPEATS = 3  # of a window or a block, that go out again meanwhile, however many ACKs came
SHAPES = {
    "plain": (),
    "large blocks": ("blksize", 65_464),
    "wide": ("blksize", 65_464, "windowsize", 64),
    "impatient": ("blksize", 65_464, "windowsize", 64, "utimeout", 10_000),
    "small and wide": ("blksize", 512, "windowsize", 64, "timeout", 1),
}
PORTS = (49_152, 49_251)
MODES = {
    "single_port": {"single_port": True},
    "port_range": {"port_range": f"{PORTS[0]}-{PORTS[1]}"},
    "own port": {},
}


class Victim:
    """An address in whose name somebody asks and acknowledges; it does nothing itself. What the forger sends in its
    name goes out of its own socket."""

    def __init__(self, address, shape, acknowledged):
        self.socket = bound_to(address, 0)
        self.shape, self.acknowledged = shape, acknowledged
        self.sent = self.got = 0

    def send(self, packet, to):
        with contextlib.suppress(OSError):  # told of a port where nobody listens
            self.socket.sendto(packet, to)
        self.sent += len(packet)

    def receive(self):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                self.got += len(self.socket.recv(65_536))


@pytest.fixture
def namespace():
    """Ports and kernel counters of the test's own."""
    if reason := why_not():
        pytest.skip(reason)
    host = Host("reflection")
    yield host
    host.remove()


@pytest.mark.parametrize("mode", MODES)
def test_a_victim_gets_little_more_than_what_came_in_its_name(start, namespace, mode):
    with namespace.inside(), contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        server = start(tftp=MODES[mode])
        victims = [Victim(f"127.0.{1 + number}.{1 + acknowledged}", shape, acknowledged)
                   for number, shape in enumerate(SHAPES) for acknowledged in (0, 1, 64)]
        for victim in victims:
            stack.callback(victim.socket.close)
            selector.register(victim.socket, selectors.EVENT_READ, victim)
            victim.send(request("/big", *SHAPES[victim.shape]), server.tftp)
        time.sleep(0.5)  # so that the transfers are there; the forger sees nothing of them
        host, port = server.tftp
        ports = range(PORTS[0], PORTS[1] + 1) if mode == "port_range" else [port]
        for victim in victims if mode != "own port" else []:
            for block in range(victim.acknowledged):
                for there in ports:
                    victim.send(ack(block), (host, there))

        end = time.monotonic() + SILENCE
        while (rest := end - time.monotonic()) > 0:
            for key, _ in selector.select(rest):
                key.data.receive()

    def bound(victim):
        if victim.acknowledged and mode != "own port":
            return FLIGHT * (victim.acknowledged + REPEATS) + RATIO * victim.sent
        return max(RATIO * victim.sent, FIRST_BLOCK if victim.shape == "plain" else 0)

    assert {(victim.shape, victim.acknowledged): (victim.sent, victim.got)
            for victim in victims if victim.got > bound(victim)} == {}


def test_an_error_has_at_most_three_bytes_for_each_of_the_request(start):
    server = start()
    with bound_to("127.0.0.2", 0) as sock:
        sock.settimeout(PATIENCE)
        for asked in (b"\0\1", b"\0\2", b"\0\1x", request("x"), request("ap9z9"), request("/no/such/folder/ap1g8"),
                      request("ap9z9", "blksize", 8), request("ap1g8", opcode=2), b"\0\1ap1g8\0mail\0"):
            sock.sendto(asked, server.tftp)
            answer = sock.recv(65_536)
            assert answer.startswith(b"\0\5") and HEADERS + len(answer) <= RATIO * (HEADERS + len(asked)), asked


def test_a_short_request_repeats_no_answer_to_a_long_one(start):
    server = start()
    asked = [request("/big", "blksize", 65_464, "windowsize", 64, "tsize", 0, "timeout", 1)] + 8 * [request("/big")]
    got = 0
    with bound_to("127.0.0.2", 0) as sock:
        for each in asked:
            sock.sendto(each, server.tftp)
            quiet = time.monotonic() + 0.6  # the pause between two answers to one request, and more
            while (rest := quiet - time.monotonic()) > 0:
                sock.settimeout(rest)
                with contextlib.suppress(TimeoutError):
                    got += len(sock.recv(65_536))
    assert 0 < got <= RATIO * sum(map(len, asked))
