"""The bench's HTTP works: CPU a GB beside a program that does nothing but sendfile."""
import filecmp
import subprocess
import sys
import time
import typing
import urllib.request

import images
from table import Target

CPU = 0.4  # seconds a GB at most, plain
GETS = 3   # downloads of each client
FILE = "C9800-AP-iosxe-wlc.bin"
READER = """
import socket, sys
host, port, path, times = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
room = bytearray(1 << 20)
with socket.create_connection((host, port)) as server:
    for _ in range(times):
        server.sendall(f"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
        head = b""
        while b"\\r\\n\\r\\n" not in head:
            head += server.recv(4096)
        head, body = head.split(b"\\r\\n\\r\\n", 1)
        left = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0]) - len(body)
        while left > 0:
            left -= server.recv_into(room, min(left, len(room)))
"""


class Work(typing.NamedTuple):
    clients: int
    file: str

    def title(self):
        return f"HTTP {self.clients} x {GETS} x {images.SIZES[self.file] / 1e6:.1f} MB"


WORKS = [Work(1, FILE), Work(8, "ap1g8")]


class Http:
    def __init__(self, bench, servers):
        self.bench, self.servers = bench, servers

    def run(self):
        for server in self.servers:
            self.bench.attempt(f"{server.name} HTTP bytes", lambda: self.verify(server))
        for work in WORKS:
            place = self.bench.options.cpus or "free"
            runs = self.bench.work(work.title(), place, self.servers, [Target("cpu", "<=", 2.0, "bare sendfile")],
                                   lambda server: self.download(server, work, place))
            self.judge(work, runs)

    def judge(self, work, runs):
        figures = [run["cpu_seconds"] / run["bytes"] * 1e9 for run in runs.get("apdepot", [])]
        if figures:
            self.bench.verdicts.give(work.title(), f"CPU per GB <= {CPU} s", f"{min(figures):.2f} s", min(figures) <= CPU)

    def download(self, server, work, place):
        host, port = server.http.split(":")
        command = [sys.executable, "-c", READER, host, port, f"/{work.file}", str(GETS)]
        with self.bench.measured(server, place) as (run, where):
            began = time.monotonic()
            clients = [subprocess.Popen(command, preexec_fn=where) for _ in range(work.clients)]
            for client in clients:
                if client.wait(600) != 0:
                    raise RuntimeError("a download failed")
            run["seconds"] = time.monotonic() - began
        return {**run, "bytes": work.clients * GETS * images.SIZES[work.file]}

    def verify(self, server):
        got = self.bench.scratch.parent / "got"
        urllib.request.urlretrieve(f"http://{server.http}/{FILE}", got)
        same = filecmp.cmp(got, self.bench.scratch / "images" / FILE, shallow=False)
        got.unlink()
        if not same:
            raise RuntimeError(f"{FILE} came differently")
