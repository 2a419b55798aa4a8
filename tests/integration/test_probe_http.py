"""`apdepot probe http://` and https://: what a device would get from any server, and every cause of a failure provoked."""
import contextlib
import hashlib
import json
import socket
import struct
import subprocess
import threading

import pytest

from apdepot import RELEASE, run, succeed

IMAGE = f"{RELEASE}/ap1g8"


def probe(url, *options, cwd):
    """What `probe --json` says; `cwd` keeps a depot of this host out of it."""
    done = run("probe", url, "--json", "--wait", "30", *options, cwd=cwd)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1) and done.stderr == ""
    assert found["ok"] == (found["cause"] is None)
    if not found["ok"]:
        assert found["what"] and found["likely"] and found["check"]
    return found


@contextlib.contextmanager
def listening(serve):
    """Calls `serve` with each connection, which it need not close; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    with contextlib.suppress(OSError):
                        serve(kept[-1])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(30)
        for connection in kept:
            connection.close()


@pytest.fixture
def probed(tmp_path):
    """Probes a server that answers each request with these bytes, and then does what `then` says."""
    def ask(answer, *options, then=socket.socket.close, path=IMAGE):
        def serve(connection):
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            requests.append(received)
            connection.sendall(answer)
            then(connection)

        requests = []
        with listening(serve) as port:
            found = probe(f"http://127.0.0.1:{port}{path}", *options, cwd=tmp_path)
        found["request"] = b"".join(requests).decode()
        return found

    return ask


def reply(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, {"http": {"listen": ["127.0.0.1:0"]}})


def url_of(server, path=IMAGE, scheme="http"):
    host, port = getattr(server, scheme)
    return f"{scheme}://{host}:{port}{path}"


def test_a_device_gets_the_image_that_was_imported(start_server, empty_depot, bundle, images, tmp_path):
    succeed("import", bundle, depot=empty_depot)
    server = start_server(empty_depot, {"http": {"listen": ["127.0.0.1:0"]}})
    found = probe(url_of(server), "--depot", empty_depot, cwd=tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(images["ap1g8"]).hexdigest()
    assert found["recorded_as"] == IMAGE and found["announced"] == found["bytes"] == len(images["ap1g8"])
    assert found["content"] == "AP image (tar), complete" and found["status"] is None


def test_a_request_is_a_devices(probed, images):
    found = probed(reply(200, images["ap1g8"]), path="/a%20b/ap1g8")

    assert found["ok"] and found["request"].startswith("GET /a%20b/ap1g8 HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_body_in_chunks_or_without_a_length_is_taken_too(probed, images):
    image = images["ap1g8"]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(image), image)

    assert probed(chunked)["ok"]
    assert probed(b"HTTP/1.0 200 OK\r\n\r\n" + image)["ok"]


def test_a_miss_has_the_servers_own_words(server, tmp_path):
    found = probe(url_of(server, "/Wrong-Path/ap1g6"), cwd=tmp_path)

    assert (found["cause"], found["status"]) == ("STATUS", 404)
    assert "ap1g6 is in /EWC/17_9_4a" in found["what"]
    done = run("probe", url_of(server, "/Wrong-Path/ap1g6"), cwd=tmp_path)
    assert "failed: STATUS 404\n" in done.stdout


@pytest.mark.parametrize("status", [301, 403, 500])
def test_another_status_is_named(probed, status):
    found = probed(reply(status, b"", "Location: https://elsewhere/"))

    assert (found["cause"], found["status"]) == ("STATUS", status)
    assert ("https://elsewhere/" in found["what"]) and found["likely"]


def test_a_folder_is_a_page_and_no_image(server, tmp_path):
    found = probe(url_of(server, "/EWC"), cwd=tmp_path)

    assert found["ok"] is True or found["cause"] == "NOT_AN_IMAGE"


def test_a_page_below_the_name_of_an_image(probed):
    found = probed(reply(200, b"<!DOCTYPE html><html>log in</html>", "Content-Type: text/html"))

    assert found["cause"] == "NOT_AN_IMAGE" and "an HTML page of 34 bytes" in found["what"]


def test_no_bytes(probed):
    assert probed(reply(200))["cause"] == "EMPTY"


def test_fewer_bytes_than_were_announced(probed, images):
    whole = reply(200, images["ap1g8"])
    found = probed(whole[:-1000])

    assert found["cause"] == "SHORT" and f"{len(images['ap1g8']) - 1000} bytes came" in found["what"]


def test_it_stands_still_in_the_middle(probed, images):
    found = probed(reply(200, images["ap1g8"])[:50_000], "--wait", "1", then=lambda connection: None)

    assert found["cause"] == "STALLED" and "nothing came for 1 s after" in found["what"]


def test_a_file_that_differs_from_what_was_imported(start_server, empty_depot, bundle, tmp_path):
    succeed("import", bundle, depot=empty_depot)
    server = start_server(empty_depot, {"http": {"listen": ["127.0.0.1:0"]}})
    image = empty_depot / "images" / IMAGE[1:]
    image.write_bytes(image.read_bytes()[:-1] + b"x")

    assert probe(url_of(server), "--depot", empty_depot, cwd=tmp_path)["cause"] == "DIFFERENT"


def test_a_server_that_is_silent_is_timed_out(tmp_path):
    with listening(lambda connection: None) as port:
        found = probe(f"http://127.0.0.1:{port}{IMAGE}", "--wait", "1", cwd=tmp_path)

    assert found["cause"] == "TIMED_OUT" and "nothing came for 1 s in answer" in found["what"]


def test_a_port_that_is_closed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert probe(f"http://127.0.0.1:{port}{IMAGE}", cwd=tmp_path)["cause"] == "REFUSED"


def test_a_name_that_nobody_knows(tmp_path):
    assert probe(f"http://no-such-host.invalid{IMAGE}", cwd=tmp_path)["cause"] == "NO_ADDRESS"


def test_what_is_no_http(probed):
    assert probed(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")["cause"] == "ERROR"


def test_a_connection_that_is_reset(probed):
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    assert probed(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50, then=reset)["cause"] in ("STALLED", "SHORT")


# ---- TLS

def test_a_certificate_of_its_own_is_not_trusted_unless_that_is_said(start_server, depot, tmp_path):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=images.example", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = start_server(depot, {"http": {"listen": ["https://127.0.0.1:0"]},
                                  "web": {"certificate": str(certificate), "key": str(key)}})
    found = probe(url_of(server, scheme="https"), cwd=tmp_path)
    insecure = probe(url_of(server, scheme="https"), "--insecure", cwd=tmp_path)

    assert found["cause"] == "TLS" and "not trusted" in found["what"] and "--insecure" in found["check"]
    assert any("images.example" in note for note in found["notes"])
    assert insecure["ok"] and any("not trusted" in note for note in insecure["notes"])


def test_a_port_that_speaks_no_tls(server, tmp_path):
    host, port = server.http

    assert probe(f"https://{host}:{port}{IMAGE}", cwd=tmp_path)["cause"] == "TLS"


def test_a_flag_of_another_protocol_is_wrong_usage(tmp_path):
    for url, flag in (("http://h/x", "--insecure"), ("https://h/x", "--plain"), ("tftp://h/x", "--insecure")):
        done = run("probe", url, flag, cwd=tmp_path)
        assert done.returncode == 2 and f"{flag} is for " in done.stderr
