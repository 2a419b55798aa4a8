"""An allocation that fails ends the one request or connection that asked for it: the server goes on, and gets back
what that one had of ports, places, sessions, descriptors and files. Each test does one kind of work again and again,
and each time another allocation of it fails."""
import contextlib
import http.client
import io
import itertools
import os
import random
import socket
import tarfile
import time
import zipfile

import paramiko
import pytest

import apdepot
import sftp_wire
import tftp_wire
from apdepot import PASSWORD, USER, wait_until
from clients import key_user
from failing_memory import FAILING, FailingMemory

if not FAILING.exists():
    pytest.skip(f"needs {FAILING}", allow_module_level=True)

IMAGE = f"{apdepot.RELEASE}/ap1g4"
PLACES = 12  # of a kind of work; with --full all
ENOUGH = 10  # faults, each of which takes a new server
SOON = 1  # seconds: what a client whose server is short of memory waits for an answer
AGAIN = 0.2  # seconds, until a TFTP client asks once more
HONEST = 30  # seconds: the upper bound of a wait for what must come
TRANSFERS = 3
SETTINGS = {
    "tftp": {"uploads": True, "max_transfers": TRANSFERS},  # and as many ports
    # A client from 127.0.0.1 is trusted; from elsewhere an address is refused when one of SESSIONS is left over.
    "ssh": {"trusted": ["127.0.0.1/32"], "max_sessions": 2, "max_unauthenticated": "2:100:2"},
    "http": {"listen": ["127.0.0.1:0"], "index": True},
}
names = itertools.count()


def free_ports(count):
    """The first of so many UDP ports in a row, of those that the kernel gives to nobody by itself."""
    for first in random.sample(range(20_000, 32_000), 1000):
        with contextlib.ExitStack() as taken, contextlib.suppress(OSError):
            for port in range(first, first + count):
                taken.enter_context(contextlib.closing(socket.socket(type=socket.SOCK_DGRAM))).bind(("", port))
            return first
    raise AssertionError("no free ports")


def fresh(folder, suffix=""):
    return f"{folder}/{next(names)}{suffix}"


# Clients. None is surprised by an error, by silence or by the connection's end.


def tftp_read(server, name, *options, mode="octet", patience=SOON):
    """Asks again while nobody answers."""
    with tftp_wire.Client(server.tftp) as client:
        download = tftp_wire.Download(name, *options, mode=mode)
        client.send(download.request)
        deadline = time.monotonic() + patience
        client.socket.settimeout(AGAIN)
        while not download.over:
            try:
                if reply := download.answer(client.receive()):
                    client.send(reply)
                    download.last_sent = reply
            except (TimeoutError, ConnectionError):
                if time.monotonic() > deadline:
                    raise
                client.send(download.last_sent)
        return download.content


def tftp_write(server, content=bytes(1200)):
    """In blocks of 512. The last one is said again on leaving: the server hears that nobody listens any more, and does
    not wait for a lost acknowledgement."""
    with tftp_wire.Client(server.tftp) as client:
        client.socket.settimeout(SOON)
        client.ask(fresh("uploads"), "tsize", len(content), opcode=tftp_wire.WRQ)
        for block in range(len(content) // 512 + 1):
            client.send(packet := tftp_wire.data(block + 1, content[block * 512:block * 512 + 512]))
            client.receive()
        client.send(packet)


@contextlib.contextmanager
def connection(server, source="127.0.0.1"):
    with contextlib.closing(socket.socket()) as connected:
        connected.settimeout(SOON)
        connected.bind((source, 0))
        connected.connect(server.ssh)
        yield connected


def greets(server, source, patience=HONEST):
    """Whether a connection from there is taken; an exchange of keys follows."""
    with connection(server, source) as client:
        client.settimeout(patience)
        return client.recv(100).startswith(b"SSH-2.0-")


@contextlib.contextmanager
def transport(server, patience=SOON):
    with connection(server) as client:
        opened = paramiko.Transport(client)
        opened.banner_timeout = opened.handshake_timeout = opened.auth_timeout = opened.channel_timeout = patience
        try:
            opened.start_client(timeout=patience)
            yield opened
        finally:
            opened.close()


@contextlib.contextmanager
def keyed(server, key, patience=SOON):
    with transport(server, patience) as opened:
        opened.auth_publickey("keyed", key)
        yield opened


@contextlib.contextmanager
def sftp_session(opened, patience=SOON):
    session = sftp_wire.Sftp(opened, initialise=False)
    session.channel.settimeout(patience)
    session.channel.invoke_subsystem("sftp")
    session.send_raw(sftp_wire.frame(sftp_wire.INIT, sftp_wire.u32(3)))
    session.receive_version()
    yield session
    session.channel.close()
    opened.open_session(timeout=patience).close()  # before it answers, the server ends what it had for the first one


def run_scp(opened, command, *sends):
    channel = opened.open_session(timeout=SOON)
    channel.settimeout(SOON)
    channel.exec_command(command)
    for text in sends:
        channel.sendall(text)
    channel.shutdown_write()
    while channel.recv(65536):
        pass
    channel.recv_exit_status()


def http_ask(client, path, method="GET", **headers):
    client.request(method, path, headers=headers)
    return client.getresponse().read()


# Kinds of work. What stands before the `yield` is done while memory is there.


@contextlib.contextmanager
def reading_by_tftp(server, _):
    def work():
        tftp_read(server, IMAGE, "blksize", 8192, "tsize", 0, "windowsize", 4)
        tftp_read(server, f"/tftpboot{IMAGE}", "blksize", 8192)
        tftp_read(server, f"{apdepot.RELEASE}/readme.txt", mode="netascii")
        with contextlib.suppress(AssertionError):
            tftp_read(server, "/Wrong-Path/ap1g4")
        with contextlib.suppress(AssertionError):
            tftp_read(server, IMAGE, mode="mail")
    yield work


@contextlib.contextmanager
def writing_by_tftp(server, _):
    yield lambda: tftp_write(server)


@contextlib.contextmanager
def connecting(server, _):
    def work():
        with connection(server) as client:
            client.recv(100)
            client.sendall(b"SSH-2.0-hello\r\n")
            client.recv(100)
    yield work


@contextlib.contextmanager
def exchanging_keys(server, _):
    def work():
        with transport(server):
            pass
    yield work


@contextlib.contextmanager
def logging_in_by_password(server, _):
    with transport(server) as opened:
        yield lambda: opened.auth_password(USER, PASSWORD, fallback=False)


@contextlib.contextmanager
def logging_in_by_key(server, key):
    with transport(server) as opened:
        yield lambda: opened.auth_publickey("keyed", key)


@contextlib.contextmanager
def failing_to_log_in(server, _):
    with transport(server) as opened:
        def work():
            with contextlib.suppress(paramiko.AuthenticationException):
                opened.auth_password(USER, "wrong", fallback=False)
        yield work


@contextlib.contextmanager
def reading_by_sftp(server, key):
    with keyed(server, key) as opened:
        def work():
            with sftp_session(opened) as session:
                session.fetch(IMAGE)
                session.list("/EWC")
                session.fetch(f"/tftpboot{IMAGE}")
                session.ask(sftp_wire.STAT, sftp_wire.string("/Wrong-Path/ap1g4"))
        yield work


@contextlib.contextmanager
def writing_by_sftp(server, key):
    with keyed(server, key) as opened:
        def work():
            with sftp_session(opened) as session:
                name, other = fresh("/uploads"), fresh("/uploads")
                flags = sftp_wire.FLAG_WRITE | sftp_wire.FLAG_CREATE
                handle = session.open(name, flags).handle
                session.ask(sftp_wire.WRITE, sftp_wire.string(handle), sftp_wire.u64(0), sftp_wire.string(b"some"))
                session.close(handle)
                session.ask(sftp_wire.MKDIR, sftp_wire.string(fresh("/uploads", "d")), sftp_wire.NO_ATTRIBUTES)
                session.ask(sftp_wire.RENAME, sftp_wire.string(name), sftp_wire.string(other))
                session.ask(sftp_wire.REMOVE, sftp_wire.string(other))
                session.open(fresh("/uploads"), flags)  # and never closed
        yield work


@contextlib.contextmanager
def reading_by_scp(server, key):
    with keyed(server, key) as opened:
        yield lambda: run_scp(opened, f"scp -f {IMAGE}", bytes(4))


@contextlib.contextmanager
def writing_by_scp(server, key):
    with keyed(server, key) as opened:
        yield lambda: run_scp(opened, f"scp -t {fresh('/uploads')}", b"C0644 4 x\nsome\0")


def small_bundle(number):
    """Of a release of its own."""
    release = f"17.{number // 90 + 1}.{number % 90 + 1}"
    info = b"image_family: ap1g8\ninfo_end:\n"
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in "info", "info.ver":
            member = tarfile.TarInfo(name)
            member.size = len(info)
            archive.addfile(member, io.BytesIO(info))
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("controller_version.info", f"{release}.0.6"), ("version.info", f"{release}.27\n"),
                              ("ap1g8", image.getvalue()), ("readme.txt", "read me")):
            archive.writestr(name, content)
    return f"C9800-AP-universalk9.{release}.zip", bundle.getvalue()


def drop(server, patience):
    """It is published and gone, or the patience ends: then it is taken out again."""
    name, content = small_bundle(next(names))
    lying = server.depot / "drop" / name
    beside = server.depot / f"{name}.part"
    beside.write_bytes(content)
    beside.rename(lying)
    try:
        wait_until(lambda: not lying.exists(), patience)
    finally:
        lying.unlink(missing_ok=True)
    assert not (server.depot / "rejected" / name).exists(), "a good bundle is rejected"


@contextlib.contextmanager
def fetching_by_http(server, _):
    def work():
        with contextlib.closing(http.client.HTTPConnection(*server.http, timeout=SOON)) as client:
            http_ask(client, IMAGE)
            http_ask(client, f"/tftpboot{IMAGE}", Range="bytes=100-")
            http_ask(client, IMAGE, "HEAD")
            http_ask(client, "/EWC/")
            http_ask(client, "/Wrong-Path/ap1g4")
            http_ask(client, "no-path")
    yield work


@contextlib.contextmanager
def importing(server, _):
    yield lambda: drop(server, 5 * SOON)


KINDS = [reading_by_tftp, writing_by_tftp, connecting, exchanging_keys, logging_in_by_password, logging_in_by_key,
         failing_to_log_in, reading_by_sftp, writing_by_sftp, reading_by_scp, writing_by_scp, fetching_by_http,
         importing]


class Ordeal:
    """A server, its memory, and what it must still be able to do after each place."""

    def __init__(self, start, depot, memory, image, key_file):
        self.image, self.key = image, paramiko.Ed25519Key.from_private_key_file(str(key_file))
        users = key_user(key_file)["ssh"]["users"]
        first = free_ports(TRANSFERS)
        tftp = {**SETTINGS["tftp"], "port_range": f"{first}-{first + TRANSFERS - 1}"}
        settings = {**SETTINGS, "tftp": tftp, "ssh": {**SETTINGS["ssh"], "users": [{**users[0], "uploads": True}]}}
        self.memory = memory
        self.start = lambda: start(depot, settings, binary=FAILING, env=apdepot.environment(**memory.environment()))
        self.sources = (f"127.{one}.{two}.1" for one in range(1, 250) for two in range(250))
        self.begin()

    def begin(self):
        self.server = self.start()
        self.server.fingerprints()
        staging = str(self.server.depot / "state/staging")  # which the importer locks once it looks at drop/
        wait_until(lambda: staging in self.held(), HONEST)
        self.descriptors = len(self.held())
        self.serve_somebody()

    def held(self):
        """The sockets, and what lies in the depot, that the process has open. A thread of its own opens the history."""
        found = []
        for number in os.listdir(f"/proc/{self.server.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(f"/proc/{self.server.pid}/fd/{number}"))
        return [name for name in found if name.startswith(("socket:", str(self.server.depot)))
                and "/state/history.db" not in name]

    def staged(self):
        return list((self.server.depot / "state/staging").iterdir())

    def dead(self):
        return self.server.process.poll() is not None

    def idle(self):
        """The server has let go of all that earlier clients had: their places are free, too."""
        wait_until(lambda: self.dead() or len(self.held()) <= self.descriptors, HONEST)
        assert not self.dead(), "the server has died"

    def whole(self):
        """Nothing is left of what failed, and all places are free."""
        self.idle()
        wait_until(lambda: not self.staged(), HONEST)
        with contextlib.ExitStack() as running:
            clients = [running.enter_context(tftp_wire.Client(self.server.tftp)) for _ in range(TRANSFERS)]
            for client in clients:
                wait_until(lambda: self.begins(client), HONEST)
        with connection(self.server) as first:
            first.settimeout(HONEST)
            assert first.recv(100).startswith(b"SSH-2.0-"), "a trusted client is refused"
            wait_until(lambda: greets(self.server, next(self.sources)), HONEST)

    @staticmethod
    def begins(client):
        client.socket.settimeout(AGAIN)
        with contextlib.suppress(TimeoutError):
            return client.ask(IMAGE).opcode == tftp_wire.DATA

    def serve_somebody(self):
        """One honest client of each kind."""
        self.idle()
        assert tftp_read(self.server, IMAGE, patience=HONEST) == self.image
        with contextlib.suppress(AssertionError):
            tftp_read(self.server, "/Wrong-Path/ap1g4", patience=HONEST)
        tftp_write(self.server)
        with keyed(self.server, self.key, HONEST) as opened, sftp_session(opened, HONEST) as session:
            assert session.fetch(IMAGE) == self.image
        with contextlib.closing(http.client.HTTPConnection(*self.server.http, timeout=HONEST)) as client:
            assert http_ask(client, IMAGE) == self.image
        drop(self.server, HONEST)

    def undergo(self, kind, nth, in_a_row):
        """What is wrong afterwards, or nothing."""
        with contextlib.suppress(Exception), kind(self.server, self.key) as work:
            self.memory.fail(nth, in_a_row)
            try:
                work()
            finally:
                self.memory.stop()
        if not self.memory.failed:
            return None
        try:
            self.whole()
        except (AssertionError, OSError) as fault:
            place = "\n    ".join(self.memory.place())
            log = "\n    ".join(self.server.lines[-3:])
            self.server.kill()
            self.begin()
            what = f"{kind.__name__}, allocation {nth}: {fault or type(fault)}"
            return f"{what}\n    {place}\n  its log ends so:\n    {log}"
        return None

    def count(self, kind):
        with kind(self.server, self.key) as work:
            self.memory.count()
            try:
                work()
            finally:
                self.memory.stop()
        return self.memory.stop()


@pytest.mark.parametrize("in_a_row", [1, pytest.param(20, marks=pytest.mark.full)])
@pytest.mark.parametrize("kind", KINDS)
def test_memory_runs_out(kind, in_a_row, pytestconfig, start_server, depot, tmp_path, images, key):
    ordeal = Ordeal(start_server, depot, FailingMemory(tmp_path / "memory"), images["ap1g4"], key)
    count = ordeal.count(kind)
    assert count > 0
    stride = 1 if pytestconfig.getoption("--full") else count // PLACES + 1
    found = (ordeal.undergo(kind, nth, in_a_row) for nth in range(1, count + 1, stride))
    faults = list(itertools.islice((fault for fault in found if fault), ENOUGH))
    ordeal.serve_somebody()
    assert not faults, f"{len(faults)} places:\n" + "\n".join(faults)
