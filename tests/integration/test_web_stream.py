"""The page's stream of events, and the last lines of the log."""
import contextlib
import json
import socket

import pytest

import apdepot
import tftp_wire
from apdepot import RELEASE, wait_until
from control import Control
from page import VIEWER, VIEWER_PASSWORD, Page, add_page_user

IMAGE = f"{RELEASE}/ap1g8"
HERE = {"web": {"listen": ["127.0.0.1:0"]}}


@pytest.fixture
def server(start_server, depot, tmp_path):
    add_page_user(depot, VIEWER, VIEWER_PASSWORD, "viewer", tmp_path)
    return start_server(depot, HERE, web=None)


@pytest.fixture
def page(server):
    viewer = Page(server.pages[0])
    assert viewer.log_in(VIEWER, VIEWER_PASSWORD).status == 200
    return viewer


def read_some(client, blocks):
    client.request(IMAGE)
    client.expect_data(1)
    for block in range(1, blocks):
        client.acknowledge(block)
        client.expect_next_data(block + 1)


def test_a_transfer_is_seen_to_begin_move_and_end(server, page):
    with contextlib.closing(page.stream("?topics=transfers,ended")) as stream, tftp_wire.Client(server.tftp) as client:
        kind, hello = stream.next()
        assert kind == "hello" and hello["version"] in apdepot.succeed("version")
        assert stream.wait_for("transfers")["rows"] == []
        client.request(IMAGE)
        client.expect_data(1)
        (row,) = stream.wait_for("transfers", lambda data: data["add"])["add"]
        assert (row["asked"], row["client"]) == (IMAGE, "127.0.0.1")
        client.acknowledge(1)
        client.expect_next_data(2)
        move = stream.wait_for("transfers", lambda data: data["move"])["move"]
        assert move == [[row["id"], 512]]
        client.send(tftp_wire.error(0, "enough <img onerror=x>"))
        (end,) = stream.wait_for("transfers", lambda data: data["end"])["end"]
        assert end[:2] == [row["id"], "broke_off"]
        ended = stream.wait_for("ended")
        assert ended["number"] == row["number"] and "enough" in ended["text"]


def test_misses_and_lines_of_the_log_are_heard(server, page):
    with contextlib.closing(page.stream("?topics=misses")) as misses, \
            contextlib.closing(page.stream("?topics=log&q=RRQ")) as log, tftp_wire.Client(server.tftp) as client:
        misses.next(), log.next()
        client.ask("/Wrong-Path/ap1g8")

        assert misses.wait_for("miss")["cause"] == "WRONG_DIRECTORY"
        line = log.wait_for("log")
        assert "RRQ from 127.0.0.1 filename /Wrong-Path/ap1g8" in line["text"] and line["event"] == "tftp.requested"
        assert isinstance(line["id"], int) and line["level"] == "normal"


def test_the_log_is_asked_for(server, page):
    with tftp_wire.Client(server.tftp) as client:
        client.ask("/Wrong-Path/ap1g8")
    found = wait_until(lambda: page.json("/api/v1/log?q=wrong-path&level=normal")["items"])
    assert all("Wrong-Path" in line["text"] for line in found)
    whole = page.json("/api/v1/log?limit=10000")
    ids = [line["id"] for line in whole["items"]]
    assert ids == sorted(ids) and whole["next"] >= ids[-1]
    assert page.json(f"/api/v1/log?after={ids[-1]}&q=no-such-text")["items"] == []
    assert len(page.json("/api/v1/log?limit=2")["items"]) == 2
    for wrong in ("limit=0", "limit=10001", "level=x", "after=x", "x=1", "q=%"):
        assert page.ask(f"/api/v1/log?{wrong}").status == 400
    assert Control(server.depot).json("/api/v1/log?limit=1")["items"]


def test_a_fifth_stream_of_a_login_ends_the_first(page):
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(contextlib.closing(page.stream("?topics=log"))) for _ in range(5)]

        streams[0].wait_for("elsewhere")
        assert streams[0].next() is None
        assert all(stream.next()[0] == "hello" for stream in streams[1:])


def test_a_stream_needs_a_login_and_topics_that_there_are(server, page):
    assert Page(server.pages[0]).ask("/api/v1/stream").status == 401
    assert page.ask("/api/v1/stream?topics=none").status == 400


def test_a_stream_ends_with_its_session(server, page):
    """The server asks again whenever there is something to tell, and 15 seconds later at the latest."""
    with contextlib.closing(page.stream("?topics=log")) as stream:
        assert stream.next()[0] == "hello"
        assert page.ask("/api/v1/session", "DELETE").status == 204
        while stream.next():
            pass
    assert page.ask("/api/v1/stream").status == 401


def test_viewers_that_never_read_cost_no_memory_and_hold_up_nobody(server, page):
    """The sockets' buffers fill; then a message under way is all that is kept."""
    host, port = page.url.hostname, page.url.port
    request = f"GET /api/v1/stream?topics=log HTTP/1.1\r\nHost: {host}\r\nCookie: {page.cookie}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((host, port))
            connection.sendall(request)
        before = server.resident_megabytes()
        with tftp_wire.Client(server.tftp) as client:
            for number in range(500):
                client.ask(f"/Wrong-{number}/" + "a" * 100)
        assert page.ask("/api/v1/status").status == 200
        assert server.resident_megabytes() - before < 30


def test_who_looks_is_told_that_doctor_has_looked(server, page):
    with contextlib.closing(page.stream("?topics=health")) as stream, contextlib.closing(Control(server.depot)) as control:
        stream.next()
        assert control.submit("POST", "/api/v1/health/run")[0] == 202
        found = stream.wait_for("health")
        told = control.json("/api/v1/health")
        assert (found["at"], found["counts"]) == (told["at"], told["counts"])


def test_streams_end_when_the_server_stops(server, page):
    with contextlib.closing(page.stream("?topics=log")) as stream:
        stream.next()
        server.stop()
        while stream.next() is not None:
            pass


def test_the_control_socket_has_the_stream_too(server):
    with contextlib.closing(Control(server.depot)) as control:
        control.request("GET", "/api/v1/stream?topics=transfers")
        response = control.getresponse()
        assert response.status == 200
        assert response.readline() == b"event: hello\n"
        assert json.loads(response.readline()[6:])["version"]
        response.close()
