"""What strangers do to the page's port, at ten times its limits, while a device fetches its image."""
import contextlib
import select
import socket

import pytest

import apdepot
import tftp_wire
from apdepot import RELEASE, wait_until
from page import Page

IMAGE = f"{RELEASE}/ap1g8"
EACH, ALL = 32, 256  # connections of one address, and of all


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, {"web": {"listen": ["127.0.0.1:0"]}}, web=None)


def connect(server, address):
    url = Page(server.pages[0]).url
    return socket.create_connection((url.hostname, url.port), timeout=apdepot.PATIENCE, source_address=(address, 0))


def ask(connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(4096)


def open_ones(connections):
    """Those that the server has not closed."""
    closed, _, _ = select.select(connections, [], [], 0)
    return [each for each in connections if each not in closed]


def fetch(server, images):
    """A device's whole download."""
    assert tftp_wire.fetch(server.tftp, IMAGE) == images["ap1g8"]


def test_one_address_holds_32_connections_and_keeps_nobody_away(server, images):
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(server, "127.0.0.1")) for _ in range(10 * EACH)]
        wait_until(lambda: len(open_ones(connections)) == EACH)

        assert b" 200 " in ask(stack.enter_context(connect(server, "127.0.0.2")))
        fetch(server, images)
    wait_until(lambda: b" 200 " in ask_again(server))


def ask_again(server):
    with contextlib.suppress(ConnectionError), connect(server, "127.0.0.1") as connection:
        return ask(connection)
    return b""


def test_all_addresses_hold_256_connections(server, images):
    with contextlib.ExitStack() as stack:
        hosts = [f"127.0.1.{1 + number}" for number in range(ALL // EACH - 1)] * EACH
        hosts += [f"127.0.2.{1 + number // 2}" for number in range(2 * EACH)]  # who has some leaves some to others
        connections = [stack.enter_context(connect(server, host)) for host in hosts]
        wait_until(lambda: len(open_ones(connections)) == ALL)

        fetch(server, images)


def test_a_header_that_never_ends_is_cut_off(server, images):
    with connect(server, "127.0.0.1") as slow, connect(server, "127.0.0.1") as silent:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        fetch(server, images)

        assert slow.recv(1) == b"" and silent.recv(1) == b""


def test_streams_of_strangers_and_forms_by_the_hundred_hold_up_no_device(server, images):
    with contextlib.ExitStack() as stack:
        page = Page(server.pages[0])
        for _ in range(EACH - 1):
            connection = stack.enter_context(connect(server, "127.0.0.1"))
            body = b'{"name":"nobody","password":"x"}'
            connection.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
                               b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        fetch(server, images)
        assert page.ask("/api/v1/stream").status == 401
