"""What hostile clients may do to the log: so much and no more, whatever it is written to."""
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time

import paramiko
import pytest

import tftp_wire
from apdepot import BINARY, PATIENCE, RELEASE, TIMESTAMP, environment, stay_root, wait_until, write_config
from sftp_wire import connect

LONG = "\\" * 900 + "EWC" + "\\" * 60 + r"17_9_4a\version.info"  # is served: backslashes are forgiven


def flood(server, done):
    """Requests that are served, and broken off by an ERROR with as long a text, until `done` says so."""
    abort = tftp_wire.error(0, "\x01" * 1000)
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(50)]
            for client in clients:
                client.settimeout(PATIENCE)
                client.sendto(tftp_wire.request(LONG), server.tftp)
            for client in clients:
                client.sendto(abort, client.recvfrom(2048)[1])


def fail_to_log_in(server):
    transport = connect(server)
    try:
        with pytest.raises(paramiko.SSHException):
            transport.auth_password("mallory", "wrong", fallback=False)
    finally:
        transport.close()


def test_one_address_writes_so_many_lines_and_hides_no_login_of_its_own(start_server, depot):
    server = start_server(depot, {"log": {"format": "json"}, "tftp": {"max_requests_per_second": 1_000_000}})

    def left_out():
        return any('"event":"log.left_out"' in line for line in server.log_lines())

    flood(server, left_out)
    fail_to_log_in(server)

    server.wait_for_log(r'"user":"mallory","client":"127.0.0.1","method":"password","fault":"unknown_user","event":"ssh.denied"')
    lines = [json.loads(line) for line in server.whole_log("{")]
    told = next(line for line in lines if line["event"] == "log.left_out")
    assert told["about"] == "127.0.0.1" and told["lines"] > 0 and told["seconds"] == 10
    assert told["text"] == f"apdepot: {told['lines']} more lines about 127.0.0.1 were left out within 10 s"
    assert max(len(json.dumps(line)) for line in lines if line["event"].startswith("tftp.")) < 2000


def test_a_served_name_is_cut_and_its_path_is_not(server):
    with tftp_wire.Client(server.tftp) as client:
        client.ask(LONG)
        client.send(tftp_wire.error(0, "\x01" * 1000))
    request = server.wait_for_log(r"RRQ from .*").group()
    aborted = server.wait_for_log(r"aborted by .*").group()

    assert request.endswith(f" bytes more) remapped to {RELEASE}/version.info (slashes)") and len(request) < 330
    assert "... (" in aborted and len(aborted) < 330


# ---- what the log is written to

class Silent:
    """A server of whose messages nothing is heard: ready once the service manager is told so."""

    def __init__(self, tmp_path, depot, log=None, **options):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(tmp_path / "manager"))
        self.manager.settimeout(PATIENCE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.tftp = free.getsockname()
        config = write_config(tmp_path / "silent.yaml", {"log": log or {}, "ssh": {"listen": []}})
        self.process = subprocess.Popen(
            [BINARY, "serve", "--depot", depot, "--config", config, "--tftp", f"127.0.0.1:{self.tftp[1]}",
             *stay_root(depot)],
            env=environment(NOTIFY_SOCKET=str(tmp_path / "manager")), **options)
        while b"READY=1\n" not in self.manager.recv(1000):
            pass  # it hands over its sockets first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.manager.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(PATIENCE) == 0
        finally:
            self.process.kill()
            self.process.wait()


def test_a_server_whose_stderr_is_a_full_disk_serves(tmp_path, depot, images):
    with open("/dev/full", "wb") as full, Silent(tmp_path, depot, stderr=full) as server:
        assert tftp_wire.fetch(server.tftp, f"{RELEASE}/version.info") == images["version.info"]


def test_a_closed_stderr_is_not_some_other_file(tmp_path, depot, images):
    def close_all():
        for fd in range(3):
            os.close(fd)

    with Silent(tmp_path, depot, preexec_fn=close_all) as server:
        assert tftp_wire.fetch(server.tftp, f"{RELEASE}/version.info") == images["version.info"]
        fds = [os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in range(3)]
    assert fds == ["/dev/null"] * 3


def test_a_file_that_may_grow_no_more_holds_nobody_up(tmp_path, depot, images):
    file = tmp_path / "log"

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    with Silent(tmp_path, depot, {"target": f"file:{file}"}, preexec_fn=limit) as server:
        for _ in range(40):
            assert tftp_wire.fetch(server.tftp, f"{RELEASE}/version.info") == images["version.info"]
        wait_until(lambda: file.stat().st_size == 2000)


def test_a_log_that_is_a_pipe_without_a_reader_holds_nobody_up(tmp_path, depot, images):
    os.mkfifo(tmp_path / "pipe")
    with Silent(tmp_path, depot, {"target": f"file:{tmp_path / 'pipe'}"}) as server:
        for _ in range(40):
            assert tftp_wire.fetch(server.tftp, f"{RELEASE}/version.info") == images["version.info"]


def test_a_log_file_has_a_bound(start_server, depot, tmp_path):
    file = tmp_path / "log"
    file.write_bytes(b"x" * (1 << 20) + b"\n")
    server = start_server(depot, {"log": {"target": f"file:{file}", "max_size": "1MiB"}})
    tftp_wire.fetch(server.tftp, f"{RELEASE}/version.info")
    wait_until(lambda: " sent " in file.read_text())
    server.stop()

    assert (tmp_path / "log.1").stat().st_size == (1 << 20) + 1
    assert file.stat().st_size < 1 << 20
    assert all(TIMESTAMP.match(line) for line in file.read_text().splitlines())
