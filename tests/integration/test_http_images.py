"""Images over HTTP and HTTPS: real clients, resumption, what a hostile one tries, and what is told of it all."""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

import slow_files
import tftp_wire
from apdepot import PATIENCE, RELEASE, environment, succeed, wait_until, write_config
from control import Control

IMAGE = f"{RELEASE}/ap1g8"
LARGE = "/large.bin"
LISTEN = {"listen": ["127.0.0.1:0"]}


@pytest.fixture
def large(depot):
    """A file that no socket takes at once."""
    content = os.urandom(1 << 20) * 40
    (depot / "images" / LARGE[1:]).write_bytes(content)
    return content


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, {"http": LISTEN})


def connection(server):
    return http.client.HTTPConnection(*server.http, timeout=PATIENCE)


def ask(server, path, method="GET", **headers):
    """Status, headers and body of one request."""
    with contextlib.closing(connection(server)) as client:
        client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = client.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()


def url(server, path=IMAGE, scheme="http"):
    host, port = getattr(server, scheme)
    return f"{scheme}://{host}:{port}{path}"


def raw(server, text, end=True):
    """All that the server answers to these bytes until it ends the connection."""
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(text)
            if end:
                client.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError):
            while some := client.recv(65536):
                received += some
        return received


def tool(name):
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def run_tool(*command, cwd):
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, timeout=PATIENCE,
                          env=environment(), check=False)


# ---- what clients get

def test_an_image_is_whole_and_told_in_two_lines(server, images):
    status, headers, body = ask(server, IMAGE)

    assert (status, body) == (200, images["ap1g8"])
    assert headers["Content-Length"] == str(len(body)) and "Transfer-Encoding" not in headers
    assert headers["Content-Type"] == "application/octet-stream" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Content-Disposition"] == 'attachment; filename="ap1g8"'
    assert headers["ETag"].startswith('W/"') and "Repr-Digest" not in headers
    number = server.wait_for_log(rf"^http\[(\d+)\]: GET from 127\.0\.0\.1 path {IMAGE}$").group(1)
    server.wait_for_log(rf"^http\[{number}\]: sent {IMAGE} to 127\.0\.0\.1: {len(body)} bytes in \d+\.\d s, 200$")


def test_what_was_imported_has_its_digest(start_server, empty_depot, bundle, images):
    succeed("import", bundle, depot=empty_depot)
    server = start_server(empty_depot, {"http": LISTEN})
    digest = hashlib.sha256(images["ap1g8"])
    _, headers, _ = ask(server, IMAGE)

    assert headers["ETag"] == f'"{digest.hexdigest()}"'
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert ask(server, IMAGE, If_None_Match=headers["ETag"])[::2] == (304, b"")
    (empty_depot / "images" / IMAGE[1:]).write_bytes(b"other")
    assert ask(server, IMAGE)[1]["ETag"].startswith('W/"')


def test_a_head_has_the_head_alone(server, images):
    status, headers, body = ask(server, IMAGE, "HEAD")

    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(images["ap1g8"])))
    server.wait_for_log(r"^http\[\d+\]: sending 200 \(OK\) to 127\.0\.0\.1$")


@pytest.mark.parametrize("header, first, last", [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199),
                                                 ("bytes=-100", -100, None), ("bytes=102300-", 102300, None)])
def test_a_range_is_a_part(server, images, header, first, last):
    whole = images["ap1g8"]
    expected = whole[first:] if last is None else whole[first:last + 1]
    status, headers, body = ask(server, IMAGE, Range=header)
    at = first % len(whole)

    assert (status, body) == (206, expected)
    assert headers["Content-Range"] == f"bytes {at}-{at + len(expected) - 1}/{len(whole)}"
    assert headers["Content-Length"] == str(len(expected))


def test_a_range_of_another_version_is_the_whole_file(server, images):
    _, headers, _ = ask(server, IMAGE, "HEAD")

    assert ask(server, IMAGE, Range="bytes=5-", If_Range='"other"')[0] == 200
    assert ask(server, IMAGE, Range="bytes=5-", If_Range=headers["Last-Modified"])[2] == images["ap1g8"][5:]
    assert ask(server, IMAGE, If_Modified_Since=headers["Last-Modified"])[0] == 304


def test_a_range_behind_the_end_is_refused_with_the_size(server, images):
    status, headers, body = ask(server, IMAGE, Range=f"bytes={len(images['ap1g8'])}-")

    assert (status, headers["Content-Range"], body) == (416, f"bytes */{len(images['ap1g8'])}", b"")


def test_ten_thousand_ranges_are_one_answer(server, images):
    ranges = ",".join("0-" for _ in range(2000))

    assert ask(server, IMAGE, Range=f"bytes={ranges}")[::2] == (200, images["ap1g8"])
    reply = raw(server, b"GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=" + b"0-," * 10_000 + b"\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 431 ")


def test_requests_follow_one_another_on_a_connection(server, images):
    with contextlib.closing(connection(server)) as client:
        for name in ("ap1g8", "ap1g7", "none", "ap1g6"):
            client.request("GET", f"{RELEASE}/{name}")
            reply = client.getresponse()
            body = reply.read()

            assert (reply.status, not reply.will_close) == (200 if name in images else 404, True)
            assert name == "none" or body == images[name]


def test_requests_that_come_at_once_are_answered_in_turn(server, images):
    line = f"GET {RELEASE}/ap1g4 HTTP/1.1\r\nHost: x\r\n".encode()
    received = raw(server, (line + b"\r\n") * 3 + line + b"Connection: close\r\n\r\n")

    assert received.count(b"HTTP/1.1 200 OK") == 4 and received.count(images["ap1g4"]) == 4


@pytest.mark.parametrize("request_line, first_line, ends", [
    ("GET {} HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n", True),
    ("GET {} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"HTTP/1.0 200 OK\r\n", False),
    ("GET http://images.example{} HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n", False)])
def test_an_old_client_and_a_proxy_are_understood(server, images, request_line, first_line, ends):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(request_line.format(IMAGE).encode())
        received = b""
        while not received.endswith(images["ap1g8"]):
            some = client.recv(65536)
            assert some, received[:300]
            received += some
        assert received.startswith(first_line)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert (client.recv(65536) == b"") == ends


def test_a_forgiving_rule_serves_what_was_meant(server, images):
    assert ask(server, "/ewc/17.9.4a/AP1G8")[::2] == (200, images["ap1g8"])
    assert ask(server, "//EWC//17%5F9_4a/ap1g8")[::2] == (200, images["ap1g8"])
    server.wait_for_log(rf"^http\[\d+\]: GET from 127\.0\.0\.1 path /ewc/17\.9\.4a/AP1G8 remapped to {IMAGE} ")


def test_a_miss_is_one_line_for_a_console(server):
    status, headers, body = ask(server, "/Wrong-Path/ap1g6")

    assert (status, headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert len(body) < 200 and body.count(b"\n") == 1 and b"/EWC/17_9_4a" in body
    number = server.wait_for_log(r"^http\[(\d+)\]: miss WRONG_DIRECTORY: .*ap1g6 is in /EWC/17_9_4a").group(1)
    server.wait_for_log(rf"^http\[{number}\]: sending 404 \(Not Found\) to 127\.0\.0\.1$")


@pytest.mark.parametrize("target", ["/%3Cimg%20src=x%20onerror=alert(1)%3E", "/%0d%0aSet-Cookie:%20a=b", "/" + "a" * 900,
                                    "/%00", "/%ff%fe", "/..%2f..%2fetc%2fpasswd", "/../../etc/passwd"],
                         ids=["markup", "header", "long", "NUL", "not UTF-8", "climbs", "climbs in the clear"])
def test_a_hostile_name_is_told_escaped_and_leads_nowhere(server, target):
    reply = raw(server, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, body = reply.split(b"\r\n\r\n", 1)

    assert re.match(rb"HTTP/1\.1 40[34] ", head) and b"Set-Cookie" not in head and b"root:" not in body
    assert len(body) < 200 and body.endswith(b"\n") and not re.search(rb"[\x00-\x09\x0b-\x1f]", body)


def test_uploads_are_withheld_as_over_tftp(start_server, depot):
    (depot / "images/uploads").mkdir()
    (depot / "images/uploads/startup-config").write_text("secret")
    server = start_server(depot, {"http": LISTEN})
    assert ask(server, "/uploads/startup-config")[0] == 403
    assert ask(server, "/uploads/")[0] in (403, 404)
    assert b"uploads" not in ask(server, "/")[2]
    server.stop()

    server = start_server(depot, {"http": LISTEN, "tftp": {"read_uploads": True}})
    assert ask(server, "/uploads/startup-config")[::2] == (200, b"secret")


# ---- folders

def test_a_folder_is_a_page_or_json(server, images):
    status, headers, page = ask(server, "/EWC")
    names = json.loads(ask(server, f"{RELEASE}/?json")[2])

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b'<a href="/EWC/17_9_4a/">17_9_4a/</a>' in page
    assert {each["name"]: each["size"] for each in names["items"]} == {name: len(text) for name, text in images.items()}
    assert ask(server, "/")[0] == ask(server, RELEASE + "/")[0] == 200


def test_without_an_index_a_folder_is_a_miss(start_server, depot):
    server = start_server(depot, {"http": {**LISTEN, "index": False}})

    assert ask(server, "/EWC")[0] == ask(server, "/EWC/?json")[0] == ask(server, "/")[0] == 404
    assert ask(server, IMAGE)[0] == 200


# ---- real clients

@pytest.mark.parametrize("options", [[], ["--http1.0"], ["-C", "-"], ["-r", "0-"]])
def test_curl(server, images, tmp_path, options):
    done = run_tool(tool("curl"), "-sS", "-f", *options, "-o", "got", url(server), cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, b"") and (tmp_path / "got").read_bytes() == images["ap1g8"]


def test_curl_goes_on_and_both_parts_count_as_one_file(server, images, tmp_path):
    (tmp_path / "got").write_bytes(images["ap1g8"][:50_000])
    first = run_tool(tool("curl"), "-sS", "-r", "0-49999", "-o", "first", url(server), cwd=tmp_path)
    done = run_tool(tool("curl"), "-sS", "-C", "-", "-o", "got", url(server), cwd=tmp_path)

    assert (first.returncode, done.returncode) == (0, 0) and (tmp_path / "got").read_bytes() == images["ap1g8"]
    server.wait_for_log(rf"^http\[\d+\]: {IMAGE} read in part by 127\.0\.0\.1: 50000 of 102400 bytes in \S+ s, 206$")
    server.wait_for_log(rf"^http\[\d+\]: sent {IMAGE} to 127\.0\.0\.1: 52400 bytes in \S+ s, 206 from offset 50000$")


def test_curl_asks_for_the_head(server, images, tmp_path):
    done = run_tool(tool("curl"), "-sSI", url(server), cwd=tmp_path)

    assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n") and f"Content-Length: {len(images['ap1g8'])}".encode() in done.stdout


@pytest.mark.parametrize("client", [["wget", "-q", "-c"], ["busybox", "wget", "-q", "-c"], ["busybox", "wget", "-q"]])
def test_wget_goes_on(server, images, tmp_path, client):
    if "-c" in client:
        (tmp_path / "ap1g8").write_bytes(images["ap1g8"][:50_000])
    done = run_tool(tool(client[0]), *client[1:], url(server), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ap1g8").read_bytes() == images["ap1g8"]


def test_python(server, images):
    with urllib.request.urlopen(url(server), timeout=PATIENCE) as reply:
        assert reply.read() == images["ap1g8"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url(server, "/none"), timeout=PATIENCE)
    assert refused.value.code == 404
    refused.value.close()


# ---- large files, slow clients, slow disks

def test_a_large_file_is_whole_for_many_at_once(server, large):
    digest = hashlib.sha256(large).digest()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: hashlib.sha256(ask(server, LARGE)[2]).digest(), range(8)))

    assert got == [digest] * 8
    longest = re.search(r"the longest (\d+\.\d) ms", "\n".join(server.whole_log("apdepot: loop")))
    assert float(longest.group(1)) < 50  # of a build that may hold sanitizers


def test_a_client_that_leaves_has_no_whole_file(server, large):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(1000)
    ended = server.wait_for_log(
        rf"^http\[\d+\]: {LARGE} aborted by 127\.0\.0\.1 \(disconnected\): (\d+) of {len(large)} bytes")

    assert int(ended.group(1)) < len(large)


def test_a_download_that_broke_off_and_went_on_is_whole(server, large, tmp_path):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = b""
        while len(received) < 100_000:
            received += client.recv(65536)
    server.wait_for_log(r"aborted by 127\.0\.0\.1")
    part = received.split(b"\r\n\r\n", 1)[1]
    status, _, rest = ask(server, LARGE, Range=f"bytes={len(part)}-")

    assert status == 206 and part + rest == large
    server.wait_for_log(rf"^http\[\d+\]: sent {LARGE} to 127\.0\.0\.1: {len(rest)} bytes in \S+ s, 206 from offset")


def test_a_running_transfer_is_shown_and_can_be_stopped(server, large, depot):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        control = Control(depot)
        row, = wait_until(lambda: control.json("/api/v1/transfers")["items"])
        assert (row["protocol"], row["path"], row["size"], row["user"]) == ("http", LARGE, len(large), None)
        assert control.ask(f"/api/v1/transfers/{row['id']}", "DELETE")[0] == 204
        received = 0
        with contextlib.suppress(ConnectionError):
            while some := client.recv(1 << 20):
                received += len(some)
        assert received < len(large)
    server.wait_for_log(rf"^http\[\d+\]: {LARGE} to 127\.0\.0\.1 broken off, an administrator stopped it: ")
    metrics = control.ask("/metrics")[1]
    control.close()
    assert 'apdepot_transfers_total{protocol="http",result="broke_off"} 1' in metrics


def test_clients_that_read_nothing_hold_up_nobody(server, large, images):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(socket.create_connection(server.http, timeout=PATIENCE))
            client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        before = server.resident_megabytes()
        for _ in range(5):
            assert ask(server, IMAGE)[2] == images["ap1g8"]
            assert tftp_wire.fetch(server.tftp, IMAGE, "blksize", "1428") == images["ap1g8"]

        assert server.resident_megabytes() < before + 50


def test_a_file_that_is_changed_meanwhile_never_seems_whole(server, large, depot):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = client.recv(1000)
        with open(depot / "images" / LARGE[1:], "r+b") as file:
            file.seek(len(large) - 10)
            file.write(b"0123456789")
        while some := client.recv(1 << 20):
            received += some

    assert len(received.split(b"\r\n\r\n", 1)[1]) < len(large)
    server.wait_for_log(rf"^http\[\d+\]: {LARGE} changed while it was sent to 127\.0\.0\.1: ")


def test_a_file_that_is_cut_meanwhile_ends_the_connection(server, large, depot):
    with socket.create_connection(server.http, timeout=PATIENCE) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = len(client.recv(1000))
        os.truncate(depot / "images" / LARGE[1:], 0)
        with contextlib.suppress(ConnectionError):
            while some := client.recv(1 << 20):
                received += len(some)

    assert received < len(large)
    server.wait_for_log(rf"^http\[\d+\]: {LARGE} changed while it was sent to 127\.0\.0\.1: ")


@pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))
def test_a_slow_disk_stops_nobody_else(start_server, depot, images, tmp_path):
    content = tmp_path / "slow-content"
    content.write_bytes(os.urandom(300_000))
    slow_file = slow_files.SlowFile(depot / "images/slow", "ap1g4", content)
    try:
        server = start_server(depot, {"http": LISTEN, "drain": 1})
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ask, server, "/slow/ap1g4")
            slow_file.wait_for_read()
            for _ in range(3):
                assert ask(server, IMAGE)[2] == images["ap1g8"]
            assert not waiting.done()
            slow_file.open_gate()
            assert waiting.result(PATIENCE)[2] == content.read_bytes()
        server.stop()
    finally:
        slow_file.unmount()


# ---- hostile clients

@pytest.mark.parametrize("header", [b"Content-Length: 5", b"Transfer-Encoding: chunked",
                                    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
                                    b"Content-Length: 5\r\nContent-Length: 6", b"Host: y"])
def test_a_request_hides_no_second_one(server, header):
    inner = b"GET " + IMAGE.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    reply = raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n" + inner)

    assert reply.startswith(b"HTTP/1.1 400 ") and reply.count(b"HTTP/1.") == 1


REFUSED = {
    "POST": (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"), "PUT": (b"PUT /a HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b"400"), "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    "too long": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"431"),
}


@pytest.mark.parametrize("text, status", REFUSED.values(), ids=REFUSED)
def test_what_is_not_served_is_refused_and_the_connection_ends(server, text, status):
    reply = raw(server, text)

    assert reply.split(b" ")[1] == status and b"\r\nConnection: close\r\n" in reply


@pytest.mark.parametrize("target", ["*", "/" + "a" * 2000], ids=["asterisk", "long name"])
def test_a_target_that_is_no_path_of_an_image_is_refused(server, target):
    reply = raw(server, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert reply.startswith(b"HTTP/1.1 400 ") and reply.endswith(b"1024 bytes\n")


def test_a_slow_header_is_cut_off_and_others_go_on(server, images):
    with socket.create_connection(server.http, timeout=PATIENCE) as slow, \
            socket.create_connection(server.http, timeout=PATIENCE) as silent:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(server, IMAGE)[2] == images["ap1g8"]
        assert slow.recv(100) == b"" and silent.recv(100) == b""


def test_denied_addresses_get_nothing(start_server, depot):
    server = start_server(depot, {"http": LISTEN, "tftp": {"deny": ["127.0.0.1"]}})

    assert ask(server, IMAGE)[0] == 403
    server.wait_for_log(rf"^http\[\d+\]: dropped a request from 127\.0\.0\.1 for {IMAGE}: its address is in tftp\.deny$")


def test_too_many_requests_a_second_are_told_to_wait(start_server, depot):
    server = start_server(depot, {"http": LISTEN, "tftp": {"max_requests_per_second": 2}})
    statuses = [ask(server, IMAGE, "HEAD")[0] for _ in range(6)]

    assert statuses[0] == 200 and 429 in statuses
    server.wait_for_log(r"too many requests a second from there \(tftp\.max_requests_per_second\)$")


def test_an_address_has_so_many_connections(start_server, depot, images):
    server = start_server(depot, {"http": LISTEN, "tftp": {"max_transfers_per_address": 2}})
    with socket.create_connection(server.http, timeout=PATIENCE), socket.create_connection(server.http, timeout=PATIENCE), \
            socket.create_connection(server.http, timeout=PATIENCE) as third:
        with contextlib.suppress(ConnectionError):
            assert third.recv(100) == b""
        server.wait_for_log(r"^http\[\d+\]: dropped a connection from 127\.0\.0\.1: too many transfers from there ")
    wait_until(lambda: succeeds(lambda: ask(server, IMAGE)[2] == images["ap1g8"]))


def succeeds(call):
    try:
        return call()
    except (OSError, http.client.HTTPException):
        return False


# ---- the server's life

def test_a_reload_opens_and_closes_addresses(start_server, depot, images, tmp_path):
    server = start_server(depot, {})
    assert server.http is None
    write_config(tmp_path / "apdepot.yaml", {"http": {"listen": ["127.0.0.3:0"]}})
    server.signal(1)
    port = int(server.wait_for_log(r"^apdepot: HTTP 127\.0\.0\.3:(\d+) is served from now on$").group(1))
    server.http = ("127.0.0.3", port)
    assert ask(server, IMAGE)[2] == images["ap1g8"]
    write_config(tmp_path / "apdepot.yaml", {})
    server.signal(1)
    server.wait_for_log(r"^apdepot: HTTP 127\.0\.0\.3:\d+ is not served any more$")
    with pytest.raises(ConnectionError):
        socket.create_connection(server.http, timeout=PATIENCE).close()


def test_a_running_download_ends_before_the_server(server, large):
    with socket.create_connection(server.http, timeout=PATIENCE) as client, \
            socket.create_connection(server.http, timeout=PATIENCE) as idle:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = client.recv(1000)
        server.signal(15)
        server.wait_for_log(r"^apdepot: stopping: 1 transfers ")
        assert idle.recv(100) == b""
        while some := client.recv(1 << 20):
            received += some

    assert received.split(b"\r\n\r\n", 1)[1] == large
    assert server.wait() == 0


def test_a_download_is_in_the_history(server, images, depot):
    ask(server, IMAGE)
    ask(server, "/Wrong-Path/ap1g6")
    server.stop()
    transfer, = json.loads(succeed("history", "--json", depot=depot))
    miss, = json.loads(succeed("history", "--misses", "--json", depot=depot))

    assert (transfer["protocol"], transfer["outcome"], transfer["bytes"]) == ("http", "whole", len(images["ap1g8"]))
    assert (miss["protocol"], miss["cause"]) == ("http", "WRONG_DIRECTORY")


# ---- TLS

SECURE = {"listen": ["https://127.0.0.1:0"]}


@pytest.fixture
def certificate(tmp_path):
    def make(name="server"):
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return {"certificate": str(certificate), "key": str(key)}

    return make


def ask_tls(server, certificate, path=IMAGE):
    context = ssl.create_default_context(cafile=certificate)
    with contextlib.closing(http.client.HTTPSConnection(*server.https, timeout=PATIENCE, context=context)) as client:
        client.request("GET", path)
        reply = client.getresponse()
        return reply.status, reply.read()


def test_an_image_over_tls(start_server, depot, images, large, certificate):
    web = certificate()
    server = start_server(depot, {"http": {"listen": ["127.0.0.1:0", *SECURE["listen"]]}, "web": web})

    assert ask_tls(server, web["certificate"]) == (200, images["ap1g8"])
    assert ask_tls(server, web["certificate"], LARGE) == (200, large)
    assert ask(server, IMAGE)[2] == images["ap1g8"]
    server.wait_for_log(rf"^http\[\d+\]: sent {LARGE} to 127\.0\.0\.1: {len(large)} bytes in \S+ s, 200$")


def test_without_a_certificate_the_server_shows_its_own(start_server, depot, images):
    server = start_server(depot, {"http": SECURE})
    shown = server.wait_for_log(r"the certificate for HTTPS ends \S+; a browser shows SHA-256 ([0-9A-F:]+)")

    assert ask_tls(server, depot / "state/web.crt") == (200, images["ap1g8"])
    assert succeed("web", "fingerprint", depot=depot).strip() == shown.group(1)


def test_a_renewed_certificate_takes_effect_with_a_reload(start_server, depot, certificate):
    web = certificate()
    server = start_server(depot, {"http": SECURE, "web": web})
    assert ask_tls(server, web["certificate"])[0] == 200
    certificate()  # another one of the same name
    with pytest.raises(ssl.SSLError):
        ask_tls(server, web["certificate"])
    server.signal(1)
    server.wait_for_log(r"^apdepot: configuration .* is in effect$")
    wait_until(lambda: succeeds(lambda: ask_tls(server, web["certificate"])[0] == 200))


def test_https_that_a_reload_adds_has_a_certificate(start_server, depot, tmp_path, images):
    server = start_server(depot, {"http": LISTEN})
    write_config(tmp_path / "apdepot.yaml", {"http": {"listen": [*LISTEN["listen"], *SECURE["listen"]]}})
    server.signal(1)
    port = server.wait_for_log(r"HTTPS 127\.0\.0\.1:(\d+) is served from now on").group(1)
    server.https = ("127.0.0.1", int(port))
    server.wait_for_log("the certificate for HTTPS ends")

    assert ask_tls(server, depot / "state/web.crt") == (200, images["ap1g8"])


def test_what_is_no_tls_is_closed(start_server, depot, certificate):
    web = certificate()
    server = start_server(depot, {"http": SECURE, "web": web})
    server.http = server.https

    assert raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", end=False)[:5] != b"HTTP/"
    assert ask_tls(server, web["certificate"])[0] == 200


def test_a_certificate_that_cannot_be_used_is_told(start_server, depot, certificate):
    web = {**certificate(), "key": certificate("other")["key"]}
    server = start_server(depot, {"http": SECURE, "web": web})

    server.wait_for_log(r"^apdepot: HTTPS is not served: \S+other\.key is not the key of \S+server\.crt")


def test_an_address_has_one_list_made_at_a_time(server, depot):
    """A folder of thousands holds a thread that opens everybody's files."""
    (depot / "images/many").mkdir()
    for number in range(5000):
        (depot / "images/many" / f"{number}").touch()

    def is_refused():
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: ask(server, "/many/"), range(8)))
        assert {status for status, _, _ in answers} <= {200, 503} and answers
        return [headers for status, headers, _ in answers if status == 503]

    assert wait_until(is_refused)[0]["Retry-After"] == "1"
    wait_until(lambda: ask(server, "/many/")[0] == 200)
