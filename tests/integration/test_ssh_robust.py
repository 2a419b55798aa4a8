"""Connections that break, stand still or are odd: each is its own client's trouble and no one else's."""
import asyncio
import contextlib
import functools
import os
import pathlib
import signal
import socket
import subprocess

import paramiko
import pytest

from apdepot import BINARY, PASSWORD, RELEASE, USER, environment, optimised_binary, wait_until
from clients import Client, key_user
from cut_link import DOWN, UP, CutLink
from sftp_wire import (DATA, FLAG_CREATE, FLAG_WRITE, INIT, OK, PATIENCE, READ, REALPATH, STAT, WRITE, Sftp,
                       ask_for_sftp, frame, login, string, u32, u64)
from ssh_clients import asyncssh_connect
from tftp_wire import OACK
from tftp_wire import Client as TftpClient

LOG_MB = 4  # what the server keeps of its log for the page
IMAGE = f"{RELEASE}/ap1g8"
LARGE = f"{RELEASE}/C9800-AP-iosxe-wlc.bin"
NEW = FLAG_WRITE | FLAG_CREATE


@pytest.fixture
def server(start_server, depot, key):
    """With `keyed`, who may upload."""
    config = key_user(key)
    config["ssh"]["users"][0]["uploads"] = True
    return start_server(depot, config)


@pytest.fixture
def client(server, tmp_path, key):
    return Client(server, tmp_path / "home", key)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def processor_ticks(server):
    """What the server has used of the processor so far, in hundredths of a second."""
    fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Neighbour:
    """Another session, in the middle of a download: there is always a piece of it under way."""

    def __init__(self, server, content, pieces):
        self.transport = login(server, USER, PASSWORD)
        self.sftp, self.expected, self.received = Sftp(self.transport), content, b""
        self.handle = self.sftp.open(LARGE).handle
        self.piece = len(content) // pieces + 1
        self._ask()

    def _ask(self):
        self.sftp.send_raw(self.sftp.request(READ, string(self.handle), u64(len(self.received)), u32(self.piece)))

    def go_on(self):
        """Takes the piece that is under way and asks for the next."""
        reply = self.sftp.receive()
        if reply.kind == DATA:
            self.received += reply.data
            self._ask()
        return reply.kind == DATA

    def finish(self):
        while self.go_on():
            pass
        assert self.received == self.expected
        self.transport.close()


@pytest.fixture
def neighbour(server, images):
    neighbour = Neighbour(server, images["C9800-AP-iosxe-wlc.bin"], 10)
    yield neighbour
    neighbour.transport.close()


# ---- a reset

def a_whole_session(address, key, name):
    """Logs in, sends a file, gets one, and leaves."""
    with contextlib.closing(paramiko.Transport(socket.create_connection(address, timeout=PATIENCE))) as transport:
        transport.start_client(timeout=PATIENCE)
        transport.auth_publickey("keyed", paramiko.Ed25519Key.from_private_key_file(str(key)))
        sftp = Sftp(transport)
        handle = sftp.open(name, NEW).handle
        for offset in range(0, len(CONTENT), 32768):
            part = CONTENT[offset:offset + 32768]
            assert sftp.ask(WRITE, string(handle), u64(offset), string(part)).status == OK
        assert sftp.close(handle) == OK
        sftp.fetch(IMAGE)


CONTENT = bytes(range(256)) * 500  # 128 kB


def moments(total):
    """How many bytes pass before the reset: thick in the handshake, then thin."""
    return [*range(0, 3000, 180), *range(3000, total, (total - 3000) // 12)]


def test_a_reset_at_any_moment_disturbs_nobody_and_leaves_nothing(server, images, key):
    whole = CutLink(server.ssh)
    with whole:
        a_whole_session(whole.address, key, "/uploads/whole")
    cuts = [(direction, limit) for direction in (UP, DOWN) for limit in moments(whole.passed[direction])]
    neighbour = Neighbour(server, images["C9800-AP-iosxe-wlc.bin"], 2 * len(cuts))
    server.wait_for_log("(Disconnected from|Connection closed by|Connection reset by) user keyed")
    before = descriptors(server)
    for number, (direction, limit) in enumerate(cuts):
        with CutLink(server.ssh, direction, limit) as link:
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError, AssertionError):
                a_whole_session(link.address, key, f"/uploads/{number}")
        neighbour.go_on()

    wait_until(lambda: descriptors(server) == before)
    neighbour.finish()
    uploads = server.depot / "images/uploads"
    assert all(path.read_bytes() == CONTENT for path in uploads.iterdir())
    assert 1 < len(list(uploads.iterdir())) < len(cuts)
    wait_until(lambda: not list((server.depot / "state/staging").iterdir()))


# ---- a client that stands still

@pytest.fixture
def huge(server):
    """An image that no buffer holds."""
    path = server.depot / "images/huge"
    path.write_bytes(os.urandom(1 << 20) * 64)
    return path


@contextlib.contextmanager
def downloading(client, name, target):
    """OpenSSH's sftp in the middle of it, the leader of its processes."""
    host, port = client.server.ssh
    batch = client.file("batch", f'get "{name}" "{target}"\n')
    process = subprocess.Popen(
        [*map(str, ["sftp", *client.key_options(), "-R", "256", "-b", batch, "-P", port, f"{client.keyed}@{host}"])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(HOME=str(client.home)),
        start_new_session=True)
    try:
        wait_until(lambda: target.exists() and target.stat().st_size > 0)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def let_a_second_pass(server):
    """By the server's clock: it sends again what is not acknowledged (RFC 2349)."""
    with TftpClient(server.tftp) as idler:
        assert idler.ask(IMAGE, "timeout", "1").opcode == OACK
        assert idler.receive().opcode == OACK


@pytest.mark.parametrize("stop", [os.kill, os.killpg], ids=["sftp", "sftp and its ssh"])
def test_a_stopped_client_costs_nothing_and_goes_on_later(client, huge, images, tmp_path, stop):
    server, target = client.server, tmp_path / "got"
    memory = server.resident_megabytes()
    with downloading(client, "/huge", target) as process:
        stop(process.pid, signal.SIGSTOP)
        let_a_second_pass(server)  # until its buffers are full
        ticks = processor_ticks(server)
        let_a_second_pass(server)

        assert processor_ticks(server) - ticks < 10
        assert server.resident_megabytes() - memory < 16
        assert target.stat().st_size < huge.stat().st_size
        neighbour = Neighbour(server, images["C9800-AP-iosxe-wlc.bin"], 10)
        neighbour.finish()
        stop(process.pid, signal.SIGCONT)
        assert process.wait(60) == 0
    assert target.read_bytes() == huge.read_bytes()


# ---- channels and packets of odd sizes

def narrow(transport, window, packet):
    """What this transport's channels offer from now on; paramiko would not go so low of itself."""
    transport._sanitize_window_size = transport._sanitize_packet_size = lambda size: size
    transport.open_session = functools.partial(transport.open_session, window_size=window, max_packet_size=packet)
    return transport


@pytest.mark.parametrize("window, packet", [(1024, 32768), (1 << 20, 64), (1024, 64), (100, 65)])
def test_a_narrow_channel_gets_an_image(transport, images, window, packet, monkeypatch):
    sizes = set()
    handlers = paramiko.Transport._channel_handler_table

    def heard(channel, message, handle=handlers[94]):  # SSH_MSG_CHANNEL_DATA
        sizes.add(len(message.get_remainder()) - 4)
        handle(channel, message)

    monkeypatch.setitem(handlers, 94, heard)

    assert Sftp(narrow(transport, window, packet)).fetch(f"{RELEASE}/ap1g4") == images["ap1g4"]
    assert max(sizes) <= min(window, packet)


@pytest.mark.parametrize("packet", [1, 10, 63])
def test_a_channel_for_crumbs_ends_its_connection_and_no_other(server, neighbour, transport, packet):
    """At 10 bytes libssh would send empty packets without end, and never come back."""
    with pytest.raises((paramiko.SSHException, EOFError, OSError, AssertionError)):
        Sftp(narrow(transport, 1 << 20, packet))

    server.wait_for_log(rf"Disconnecting user {USER} .*: the client takes packets of {packet} bytes at most; 64 are ")
    neighbour.finish()


def test_a_window_of_one_byte_gets_everything_in_its_time(transport, images):
    sftp = Sftp(narrow(transport, 1, 32768))

    assert sftp.ask(STAT, string(IMAGE)).attributes.size == len(images["ap1g8"])
    assert sftp.read(sftp.open(IMAGE).handle, 7, 100).data == images["ap1g8"][7:107]


def test_a_window_that_stays_shut_hinders_nobody(server, transport, images):
    shut = narrow(transport, 0, 32768).open_session(timeout=PATIENCE)
    ask_for_sftp(shut)
    shut.sendall(frame(INIT, u32(3)))
    ticks = processor_ticks(server)
    neighbour = Neighbour(server, images["C9800-AP-iosxe-wlc.bin"], 10)
    let_a_second_pass(server)

    neighbour.finish()
    assert processor_ticks(server) - ticks < 60  # one of them is for the password


@pytest.mark.parametrize("length", [1, 256 * 1024 + 1, 0x80000000, 0xFFFFFFFF])
def test_a_packet_that_cannot_be_ends_its_session_and_no_other(server, neighbour, transport, length):
    sftp = Sftp(transport)
    with contextlib.suppress(OSError, EOFError):  # the end may come before all is sent
        sftp.send_raw(u32(length) + bytes([REALPATH]) + bytes(300_000))
    sftp.expect_closed()

    server.wait_for_log(r"^(sshd|sftp-server)\[\d+\]: (bad message from|Disconnecting user)")
    neighbour.finish()


def test_the_largest_packet_that_can_be_is_taken(server, key):
    with contextlib.closing(login_with(server, key)) as transport:
        sftp = Sftp(transport)
        handle = sftp.open("/uploads/new", NEW).handle
        content = bytes(256 * 1024 - len(sftp.request(WRITE, string(handle), u64(0), string(b""))) + 4)
        assert sftp.ask(WRITE, string(handle), u64(0), string(content)).status == OK
        assert sftp.close(handle) == OK

    assert (server.depot / "images/uploads/new").stat().st_size == len(content)


def login_with(server, key):
    transport = paramiko.Transport(socket.create_connection(server.ssh, timeout=PATIENCE))
    transport.start_client(timeout=PATIENCE)
    transport.auth_publickey("keyed", paramiko.Ed25519Key.from_private_key_file(str(key)))
    return transport


def test_writes_may_come_faster_than_they_are_done(server, key):
    """More than the server keeps in memory, before the first answer is read."""
    with contextlib.closing(login_with(server, key)) as transport:
        sftp = Sftp(transport)
        handle, part, count = sftp.open("/uploads/new", NEW).handle, bytes(range(200)), 20_000
        sftp.send_raw(b"".join(sftp.request(WRITE, string(handle), u64(n * len(part)), string(part))
                               for n in range(count)))
        assert all(sftp.receive().status == OK for _ in range(count))
        assert sftp.close(handle) == OK

    assert (server.depot / "images/uploads/new").read_bytes() == part * count


def test_all_requests_may_come_in_one_segment(transport, images):
    """OpenSSH sends INIT right behind the subsystem request."""
    sftp = Sftp(transport, initialise=False)
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    ask_for_sftp(sftp.channel)
    sftp.send_raw(frame(INIT, u32(3)))
    sftp.send_raw(sftp.request(REALPATH, string(".")) + sftp.request(STAT, string(IMAGE)))
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    sftp.receive_version()
    assert sftp.receive().names[0][0] == "/"
    assert sftp.receive().attributes.size == len(images["ap1g8"])


# ---- sessions that do nothing

@contextlib.asynccontextmanager
async def idle_sessions(client, number):
    """Logged in, with SFTP begun; ten log in at a time."""
    async with contextlib.AsyncExitStack() as stack:
        async def begin():
            connection = await asyncssh_connect(client, kex_algs=["curve25519-sha256"],
                                                server_host_key_algs=["ssh-ed25519"])
            stack.push_async_callback(connection.wait_closed)
            stack.callback(connection.close)
            sftp = await connection.start_sftp_client()
            assert await sftp.realpath(".") == "/"

        for _ in range(number // 10):
            await asyncio.gather(*[begin() for _ in range(10)])
        yield


def open_and_close(client, number, meanwhile):
    async def sessions():
        async with idle_sessions(client, number):
            return meanwhile()

    return asyncio.run(sessions())


def test_five_hundred_idle_sessions_cost_little_and_leave_nothing(start_server, depot, key, images, tmp_path):
    binary = optimised_binary()  # only its memory means something
    server = start_server(depot, key_user(key), binary=binary or BINARY)
    client = Client(server, tmp_path / "home", key)
    open_and_close(client, 10, lambda: None)  # whatever is made once is there
    wait_until(lambda: sum("session closed" in line for line in server.log_lines()) == 10)
    files, memory = descriptors(server), server.resident_megabytes()

    def at_five_hundred():
        Neighbour(server, images["C9800-AP-iosxe-wlc.bin"], 10).finish()
        assert descriptors(server) >= files + 500
        return server.resident_megabytes()

    most = open_and_close(client, 500, at_five_hundred)
    wait_until(lambda: descriptors(server) == files)
    wait_until(lambda: not binary or server.resident_megabytes() <= memory + 5 + LOG_MB)
    open_and_close(client, 200, lambda: None)
    wait_until(lambda: descriptors(server) == files)

    assert not binary or (most - memory) * 1000 / 500 <= 64  # kB a session
    assert not binary or server.resident_megabytes() <= most + 1  # what is freed is used again
