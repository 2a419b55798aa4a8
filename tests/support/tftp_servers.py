"""TFTP servers for what asks them: one that does exactly what a test tells it to, and those of other packages."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import tftp_wire
from apdepot import ROOT
from tftp_wire import ACK, Packet

# What `./dev test` unpacks there, and what is installed.
FOLDERS = (ROOT / "build/peers/usr/sbin", pathlib.Path("/usr/sbin"))
LIBRARIES = [str(ROOT / "build/peers" / each) for each in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu",
                                                          "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu")]
TRIES, WAIT = 5, 0.3  # of a scripted server, which is as patient as its client in a test


class Gone(Exception):
    """The client has ended."""


class Transfer:
    """A scripted server's side of one request, from a port of its own."""

    def __init__(self, request, client, host="127.0.0.1"):
        self.client, self.options = client, dict(zip(request[2::2], request[3::2], strict=True))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(WAIT)

    def say(self, packet):
        self.socket.sendto(packet, self.client)

    def oack(self, **options):
        """Agrees to all that was asked, but for `options`."""
        texts = [str(text) for pair in {**self.options, **options}.items() for text in pair]
        return b"\0\6" + b"".join(text.encode() + b"\0" for text in texts)

    def oack_for(self, content):
        """Agrees to all that was asked; None where nothing was."""
        size = {"tsize": len(content)} if "tsize" in self.options else {}
        return self.oack(**size) if self.options else None

    @property
    def block_size(self):
        return int(self.options.get("blksize", 512))

    def until_acknowledged(self, packet, number, copies=1):
        for _ in range(TRIES):
            for _ in range(copies):
                self.say(packet)
            with contextlib.suppress(TimeoutError):
                while True:
                    answer = Packet(self.socket.recv(2048))
                    if answer.opcode == ACK and answer.number == number & 0xFFFF:
                        return
                    if answer.opcode != ACK:
                        raise Gone
        raise Gone

    def send(self, content, blocks=None, number=lambda block: block, copies=1):
        """In lockstep, with the options that were asked for; `blocks` is how many it sends before it falls silent."""
        self.answer(content)
        self.go_on(content, self.block_size, blocks, number, copies)

    def answer(self, content):
        if self.options:
            self.until_acknowledged(self.oack_for(content), 0)

    def go_on(self, content, block_size=512, blocks=None, number=lambda block: block, copies=1):
        for block in range(1, len(content) // block_size + 2):
            if blocks is not None and block > blocks:
                return
            part = content[(block - 1) * block_size:block * block_size]
            self.until_acknowledged(tftp_wire.data(number(block), part), number(block), copies)


class Scripted:
    """A TFTP server on a free port of loopback; `serve` is called with a Transfer for each request, whose port stays
    open to the end."""

    def __init__(self, serve, host="127.0.0.1"):
        self.serve, self.requests, self.transfers = serve, [], []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.address = self.socket.getsockname()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.address)
        self.thread.join(60)
        for each in (self, *self.transfers):
            each.socket.close()
        assert not self.thread.is_alive()

    @property
    def port(self):
        return self.address[1]

    def _run(self):
        while True:
            packet, client = self.socket.recvfrom(2048)
            if not packet:
                return
            if packet[:2] != b"\0\1":
                continue
            texts = [text.decode() for text in packet[2:-1].split(b"\0")]
            self.requests.append(texts)
            self.transfers.append(Transfer(texts, client))
            with contextlib.suppress(Gone, OSError):
                self.serve(self.transfers[-1])


def find(program):
    return next((folder / program for folder in FOLDERS if (folder / program).exists()), None) or shutil.which(program)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        with contextlib.suppress(OSError):
            client.sendto(tftp_wire.request("no-such-file"), address)
            return bool(client.recv(1000))
    return False


@contextlib.contextmanager
def running(command, address):
    """A server of another package, once it answers. Its own process group ends with it."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               env=dict(os.environ, LD_LIBRARY_PATH=":".join(LIBRARIES)))
    try:
        deadline = time.monotonic() + 30
        while not answers(address):
            assert process.poll() is None and time.monotonic() < deadline, f"{command[0]} does not answer"
        yield
    finally:
        process.terminate()
        process.wait(10)
