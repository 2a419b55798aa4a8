"""A running server is asked about itself: `apdepot status`, the control socket, metrics."""
import contextlib
import http.client
import http.server
import json
import os
import re
import socket
import socketserver
import stat
import subprocess
import sys
import threading

import paramiko
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as old_metrics

import apdepot
import tftp_wire
from apdepot import RELEASE, run, succeed, wait_until
from control import Control

IMAGE = f"{RELEASE}/ap1g8"


@pytest.fixture
def control(server):
    with contextlib.closing(Control(server.depot)) as asked:
        yield asked


def end(client):
    client.send(tftp_wire.error(0, "enough"))


def test_a_server_at_rest_tells_what_it_is(server, control):
    told = control.json("/api/v1/status")

    assert told["depot"] == str(server.depot)
    assert told["listen"]["tftp"] == ["%s:%d" % server.tftp] and told["listen"]["ssh"] == ["%s:%d" % server.ssh]
    assert told["transfers"] == {"running": 0, "stalled": 0, "rate": 0} and not told["draining"]
    assert control.json("/api/v1/transfers") == {"items": [], "next": None}
    assert control.ask("/healthz") == (200, "ok\n")


def test_a_transfer_that_runs_is_among_them_and_then_among_what_ended(server, control):
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        (row,) = control.json("/api/v1/transfers")["items"]

        assert (row["client"], row["path"], row["protocol"], row["direction"]) == ("127.0.0.1", IMAGE, "tftp", "read")
        assert (row["bytes"], row["block_size"], row["window"]) == (512, 512, 1)
        assert row["state"] == "moving" and row["size"] == os.path.getsize(server.depot / "images" / IMAGE[1:])
        end(client)
        wait_until(lambda: not control.json("/api/v1/transfers")["items"])
    (ended,) = control.json("/api/v1/recent")["ended"]
    assert ended["cause"] == "client_error" and ended["trouble"] and "enough" in ended["text"]
    assert control.json("/api/v1/status")["since_start"]["broke_off"] == 1


def test_a_client_that_never_answers_waits(server, control):
    with tftp_wire.Client(server.tftp) as client:
        client.request(IMAGE)
        client.expect_data(1)

        assert [row["state"] for row in control.json("/api/v1/transfers")["items"]] == ["waiting"]


def test_a_miss_is_told_with_its_fix(server, control):
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask("/Wrong-Path/ap1g8").opcode == tftp_wire.ERROR
    (miss,) = wait_until(lambda: control.json("/api/v1/recent")["misses"])

    assert (miss["asked"], miss["client"], miss["cause"]) == ("/Wrong-Path/ap1g8", "127.0.0.1", "WRONG_DIRECTORY")
    assert miss["fix"].endswith(f"tftp-image-path {RELEASE}")
    text = succeed("status", depot=server.depot)
    assert miss["text"] in text


def test_an_administrator_stops_a_transfer(server, control):
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        (row,) = control.json("/api/v1/transfers")["items"]
        succeed("status", "--stop", row["id"], depot=server.depot)

        assert wait_until(client.drain)[-1].text == "Stopped by the administrator"
    server.wait_for_log(r"in\.tftpd.*an administrator stopped it")
    again = run("status", "--stop", row["id"], depot=server.depot)
    assert again.returncode == 1 and "no transfer" in again.stderr


def test_an_administrator_stops_an_sftp_transfer(server, control, transport):
    file = paramiko.SFTPClient.from_transport(transport).open(IMAGE)
    file.read(10)
    (row,) = control.json("/api/v1/transfers")["items"]

    assert (row["protocol"], row["user"], row["client"]) == ("sftp", apdepot.USER, "127.0.0.1")
    assert control.ask(f"/api/v1/transfers/{row['id']}", "DELETE")[0] == 204
    server.wait_for_log(r"an administrator stopped a transfer")
    wait_until(lambda: not transport.is_active())
    (ended,) = wait_until(lambda: control.json("/api/v1/recent")["ended"])
    assert ended["cause"] == "stopped" and "an administrator stopped it" in ended["text"]


def test_the_screen_shows_transfers(server):
    with tftp_wire.begun(server.tftp, IMAGE):
        text = succeed("status", depot=server.depot)

    assert re.search(r"^1 transfer, .*; 0 sessions", text, re.MULTILINE)
    assert re.search(r"127\.0\.0\.1 +ap1g8", text)


def test_json_holds_all_that_the_api_tells(server):
    told = json.loads(succeed("status", "--json", depot=server.depot))

    assert set(told) == {"status", "transfers", "recent"}


def test_watching_goes_on_until_it_is_stopped(server):
    with subprocess.Popen([apdepot.BINARY, "status", "--watch", "--depot", server.depot], stdout=subprocess.PIPE, text=True,
                          env=apdepot.environment()) as watcher:
        try:
            heads = [next_head(watcher.stdout) for _ in range(2)]
        finally:
            watcher.kill()
    assert all(str(server.depot) in head for head in heads)


def next_head(stream):
    return next(line for line in stream if line.startswith("apdepot "))


def test_without_a_server_the_command_says_so(depot):
    done = run("status", depot=depot)

    assert done.returncode == 1 and "no server answers for the depot" in done.stderr
    assert "systemctl status apdepot" in done.stderr


class TakenOver(http.server.BaseHTTPRequestHandler):
    """In the place of the server; each of its texts would change a terminal's title."""
    TITLE = "\x1b]0;evil\x07"
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = json.dumps(self.TITLE)
        row = ",".join(f'"{key}":{text}' for key in ("at", "client", "protocol", "asked", "cause", "text", "fix"))
        answers = {"/metrics": self.TITLE + "\n", "/api/v1/transfers": '{"items":[],"next":null}',
                   "/api/v1/status": f'{{"version":{text},"host":{text},"depot":"{self.TITLE}","transfers":{{}},'
                                     '"since_start":{}}',
                   "/api/v1/recent": f'{{"misses":[{{{row}}}]}}'}
        body = answers.get(self.path, f'{{"code":{text},"fingerprint":{text},"pages":[{text}]}}').encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("command", [("status",), ("status", "--json"), ("status", "--metrics"), ("web", "code"),
                                     ("web", "fingerprint"), ("doctor", "--only", "misses", "--only", "running")],
                         ids=" ".join)
def test_a_server_that_was_taken_over_does_not_reach_the_terminal(new_depot, command):
    """Root asks it."""
    for folder in ("images", "state"):
        (new_depot / folder).mkdir(parents=True)
    with socketserver.ThreadingUnixStreamServer(str(new_depot / "state/control.sock"), TakenOver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = run(*command, depot=new_depot)
        server.shutdown()
    assert "evil" in done.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr)


def test_the_socket_is_for_owner_and_group_and_goes_with_the_server(server):
    file = server.depot / "state/control.sock"

    assert stat.S_IMODE(file.stat().st_mode) == 0o660
    server.stop()
    assert not file.exists()


def test_the_socket_of_a_server_that_was_killed_is_replaced(depot):
    killed = apdepot.Server(depot)
    killed.kill()
    assert (depot / "state/control.sock").exists()
    with apdepot.ended(lambda lines: lines) as servers:
        servers.append(apdepot.Server(depot))
        assert "since the start" in succeed("status", depot=depot)


def test_a_second_server_of_the_depot_leaves_the_first_its_socket(server, start_server, depot):
    second = start_server(depot)
    second.wait_for_log(r"another server of this depot answers")
    second.stop()

    assert "since the start" in succeed("status", depot=depot)


@pytest.mark.parametrize("said", [
    b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000, b"A" * 100_000,
    b"POST /api/v1/status HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET /api/v1/status HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_not_a_proper_request_ends_its_connection_alone(server, control, said):
    control.connect()
    control.sock.sendall(said)
    control.sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError):
        while control.sock.recv(65536):
            pass
    control.close()

    assert control.json("/api/v1/status")["version"]


def test_connections_of_viewers_leave_an_administrator_his_own(server):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be another user")
    folder = server.depot / "state"
    reached = os.open(folder, os.O_PATH)
    folder.chmod(0o711)  # in place of the group that a package makes
    (folder / "control.sock").chmod(0o666)
    many = """os.setgid(65534); os.setuid(65534)
held = [socket.socket(socket.AF_UNIX) for _ in range(70)]
for each in held: each.connect(f"/proc/self/fd/{sys.argv[1]}/control.sock")"""
    program = "import os, socket, sys\n" + many + "\nprint(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(reached)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          pass_fds=[reached]) as viewers:
        try:
            assert viewers.stdout.readline()
            assert "since the start" in succeed("status", depot=server.depot)
        finally:
            viewers.stdin.close()
    os.close(reached)


def test_an_address_at_the_metrics_leaves_others_theirs(start_server, depot):
    with socket.create_server(("0.0.0.0", 0)) as free:
        port = free.getsockname()[1]
    start_server(depot, {"metrics": {"listen": [f"0.0.0.0:{port}"]}})
    with contextlib.ExitStack() as silent:
        for _ in range(70):
            silent.enter_context(socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)))
        asked = silent.enter_context(contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", port, timeout=apdepot.PATIENCE)))
        asked.request("GET", "/healthz")
        assert asked.getresponse().status == 200


@pytest.mark.parametrize("path, method, status", [
    ("/nothing", "GET", 404), ("/api/v1/status", "POST", 405), ("/api/v1/transfers/x", "DELETE", 404),
    ("/api/v1/transfers/99999999999999999999999", "DELETE", 404), ("/api/v1/status?x=1", "GET", 200),
    ("/api/v1/transfers?after=x", "GET", 400), ("/api/v1/transfers?after=7", "GET", 200),
    ("/api/v1/status", "HEAD", 200)])
def test_errors_are_told_as_problems(control, path, method, status):
    told, body = control.ask(path, method)

    assert told == status
    if status >= 400:
        problem = json.loads(body)
        assert problem["status"] == status and problem["title"] and problem["detail"]


def test_metrics_are_read_by_prometheus_own_parsers(server, control):
    with tftp_wire.begun(server.tftp, IMAGE):
        texts = control.ask("/metrics", Accept="application/openmetrics-text"), control.ask("/metrics")
    for (status, text), parse in zip(texts, (open_metrics, old_metrics)):
        assert status == 200
        families = {family.name: family for family in parse(text)}
        running = {sample.labels["protocol"]: sample.value for sample in families["apdepot_transfers_running"].samples}
        assert running == {"tftp": 1, "sftp": 0, "scp": 0, "http": 0}
        for family in families.values():
            assert all(not {"client", "path", "user", "file"} & set(sample.labels) for sample in family.samples)


@pytest.mark.parametrize("file", ["apdepot.rules.yml", "grafana.json"])
def test_alerts_and_dashboard_ask_for_metrics_that_there_are(control, file):
    told = {line.split()[2] for line in control.ask("/metrics")[1].splitlines() if line.startswith("# TYPE")}
    asked = set(re.findall(r"\b(apdepot_[a-z_]+)", (apdepot.ROOT / "packaging/prometheus" / file).read_text()))

    assert asked and {re.sub("_bucket$", "", name) for name in asked} <= told


def test_metrics_have_a_listener_of_their_own(start_server, depot):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start_server(depot, {"metrics": {"listen": [f"127.0.0.1:{port}"]}})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=apdepot.PATIENCE)) as asked:
        for path, status in (("/metrics", 200), ("/healthz", 200), ("/api/v1/status", 404)):
            asked.request("GET", path)
            reply = asked.getresponse()
            reply.read()
            assert reply.status == status


def test_a_taken_metrics_address_is_a_warning(start_server, depot):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        server = start_server(depot, {"metrics": {"listen": [address]}})
        server.wait_for_log(rf"metrics are not served on {re.escape(address)}: .*metrics\.listen")


def test_while_the_server_drains_it_says_so(server, control):
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        server.process.terminate()
        wait_until(lambda: control.ask("/healthz")[0] == 503)

        assert control.json("/api/v1/status")["draining"]
        end(client)
