"""Clients that fetch images over HTTP and mean no good: an address has its share, others are served meanwhile, and the
loop, the memory and the descriptors stay within their bounds."""
import contextlib
import dataclasses
import os
import resource
import socket
import subprocess

import pytest

from apdepot import PATIENCE, wait_until
from http_attacks import FLOODS, TLS_BURSTS, come_and_go, flood, handshakes, hold, tls_bursts, whole_handshakes
from judges import Growth, descriptors, judge_loop

LISTEN = {"listen": ["127.0.0.1:0"]}
MOST_MB = 16  # beside the honest clients' own
LISTS_MB = 64  # what is unread of an address, and lists that are made


def expect_let_go(server, idle):
    """Of all the attackers' connections and files; some of its own a server opens late."""
    try:
        wait_until(lambda: descriptors(server) <= idle + 16)
    except AssertionError as error:
        folder = f"/proc/{server.pid}/fd"
        raise AssertionError(f"{idle} descriptors before, now {[os.readlink(f'{folder}/{fd}') for fd in os.listdir(folder)]}") \
            from error


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_requests_holds_up_nobody(start, under_attack, kind):
    server = start(http=LISTEN)
    with Growth(server) as growth:
        under_attack(server, flood, 4, kind)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("form", ["", "?json"])
def test_long_lists_hold_up_nobody(start, under_attack, depot, form):
    """As many names as a list has, as long as a name can be: megabytes for each answer."""
    folder = depot / "images/names"
    folder.mkdir()
    for number in range(10_000):
        os.close(os.open(folder / f"{number:05}{'n' * 240}", os.O_CREAT | os.O_WRONLY))
    server = start(http=LISTEN)
    with Growth(server) as growth:
        received = under_attack(server, flood, 4, f"GET /names/{form} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert received > 2_000_000
    assert growth.megabytes <= LISTS_MB
    judge_loop(server)


@pytest.mark.parametrize("kind, megabytes", [("silent", 24), ("slow header", 24), ("half-read body", 96),
                                             ("pipelined, and nothing read", 96)])
def test_a_thousand_connections_of_one_address_leave_room_for_others(start, under_attack, kind, megabytes):
    """1,000 of them have 12 KiB each, and those that are sent a file up to 64 KiB more."""
    server = start(http=LISTEN, tftp={"max_transfers_per_address": 1000})
    idle = descriptors(server)
    with Growth(server) as growth:
        # One address leaves an eighth to the others, and HTTP has a sixteenth of the descriptors.
        room = resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 16 * 7 // 8
        assert under_attack(server, hold, 4, kind) == min(1000, room)
    assert growth.megabytes <= megabytes
    expect_let_go(server, idle)
    judge_loop(server)


def test_an_address_has_no_more_connections_than_its_share(start, under_attack):
    server = start(http=LISTEN, tftp={"max_transfers_per_address": 50})
    idle = descriptors(server)
    with Growth(server) as growth:
        assert under_attack(server, hold, 2, "half-read body", 1000) <= 50
    assert growth.megabytes <= MOST_MB
    expect_let_go(server, idle)
    judge_loop(server)


def test_those_who_come_and_go_leave_nothing_behind(start, under_attack):
    server = start(http=LISTEN)
    idle = descriptors(server)
    with Growth(server) as growth:
        assert under_attack(server, come_and_go, 4) > 10
    assert growth.megabytes <= MOST_MB
    expect_let_go(server, idle)
    judge_loop(server)


def test_handshakes_that_never_end_leave_room_for_others(start, attackers, target, beside):
    server = start(http={"listen": ["https://127.0.0.1:0"]})
    server.wait_for_log("the certificate for HTTPS ends")
    with Growth(server) as growth, beside(server):
        assert attackers.submit(handshakes, target(server), 4).result() > 10
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("kind", TLS_BURSTS)
def test_what_comes_at_once_over_tls_holds_up_nobody(start, under_attack, kind):
    server = start(http={"listen": ["https://127.0.0.1:0"]})
    server.wait_for_log("the certificate for HTTPS ends")
    with Growth(server) as growth:
        assert under_attack(server, tls_bursts, 4, kind) > 1
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.fixture
def page_over_tls(start, target):
    """A function: a server whose page has TLS, which it has beyond this host, and where attackers find that page."""
    def begin(**web):
        server = start(web={"listen": ["0.0.0.0:0"], **web}, page=None)
        server.wait_for_log("the certificate for HTTPS ends")
        port = int(server.pages[0].rpartition(":")[2])
        return server, dataclasses.replace(target(server), https=("127.0.0.1", port))
    return begin


@pytest.mark.parametrize("kind", TLS_BURSTS)
def test_what_comes_at_once_to_the_page_holds_up_nobody(page_over_tls, attackers, beside, kind):
    server, there = page_over_tls()
    with Growth(server) as growth, beside(server):
        assert attackers.submit(tls_bursts, there, 4, kind).result() > 1
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_signatures_of_a_large_key_hold_up_nobody(page_over_tls, attackers, beside, tmp_path):
    certificate, key = tmp_path / "own.crt", tmp_path / "own.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    server, there = page_over_tls(certificate=str(certificate), key=str(key))
    with beside(server):
        assert attackers.submit(whole_handshakes, there, 4).result() > 1
    judge_loop(server)


@pytest.mark.parametrize("group", ["ffdhe8192", "P-521"])
def test_a_key_exchange_that_costs_much_is_refused(page_over_tls, group):
    server, there = page_over_tls()
    asked = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % there.https, "-groups", group], capture_output=True,
                           text=True, input="", timeout=PATIENCE)
    assert "handshake failure" in asked.stderr
    judge_loop(server)


def test_a_header_that_trickles_in_ends(start, target):
    """Whoever sends a byte now and then has ten seconds for all of them."""
    server = start(http=LISTEN)
    with contextlib.closing(socket.create_connection(server.http, timeout=60)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        sock.settimeout(0.5)
        trickled = 0
        with pytest.raises(ConnectionError):
            while True:
                sock.sendall(b"a")
                trickled += 1
                with contextlib.suppress(TimeoutError):
                    assert sock.recv(100) == b""
                    raise ConnectionError
        assert trickled < 120
    judge_loop(server)
