"""What somebody may do over SSH who may only read."""
import concurrent.futures
import contextlib
import os
import socket

import paramiko
import pytest

import apdepot
import sftp_wire
import tftp_wire
from judges import IMAGE, KEY_EXCHANGE_MS, Growth, descriptors, judge_loop
from raw_ssh import CHANNEL_CLOSE, CHANNEL_DATA, Closed, channel_data
from sftp_wire import FLAG_CREATE, FLAG_WRITE, NO_ATTRIBUTES, OPEN, OPENDIR, STAT, Sftp, frame, string, u32
from ssh_attacks import (AFTER_LOGIN, BIG_FOLDER, BUSY_ONCE, NO_ANSWERS_READ, SCP_COMMANDS, SMALL_REQUESTS, busy_once,
                         flood_logged_in, hostile_uploads, list_again, reads_without_new_keys, rekey, scp, send_until_admitted,
                         send_until_it_stands, small_requests, unread_reads)

MOST_MB = 16  # for one connection; the honest clients beside it need some of it
ADDRESS_MB = 32 + 2 * MOST_MB  # what HeldBytes counts of an address, and what the heap adds to it
SESSIONS, SESSION_MB = 200, 0.1  # of one address, and what each has beside
CATALOGUE_MB = 12  # of the folder's 100,000 files
DESCRIPTORS = 4096
KERNEL_MB = 40  # that the kernel's buffers of one connection hold at most


@pytest.mark.parametrize("kind", SMALL_REQUESTS)
def test_small_requests_on_ten_channels(start, under_attack, kind):
    server = start()
    with Growth(server) as growth:
        under_attack(server, small_requests, 2, kind)
    assert growth.megabytes <= 2 * MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("connections", [1, 10])
@pytest.mark.parametrize("kind", AFTER_LOGIN)
def test_packets_whose_answers_nobody_reads(start, under_attack, kind, connections):
    server = start()
    with Growth(server) as growth:
        under_attack(server, flood_logged_in, 2, kind, connections)
    assert growth.megabytes <= MOST_MB + 2 * connections
    judge_loop(server)


@pytest.mark.parametrize("kind", NO_ANSWERS_READ)
def test_the_server_reads_nothing_from_a_client_that_reads_nothing(start, target, beside, kind):
    """What goes out of the client's hands then is what the kernel's buffers hold."""
    server = start()
    with Growth(server) as growth, beside(server):
        sent = send_until_it_stands(target(server), kind, 100_000_000)
    assert sent < KERNEL_MB * 1_000_000
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_many_connections_together_send_no_more_ahead_than_an_address_may_hold(start, target, beside):
    """Each is cut off at some 2 MB; the address is at 32."""
    server = start()
    kind = next(kind for kind in NO_ANSWERS_READ if "global" in kind)
    with Growth(server) as growth, beside(server), concurrent.futures.ThreadPoolExecutor(60) as attackers:
        list(attackers.map(lambda _: send_until_admitted(target(server), kind, 100_000_000), range(60)))
    assert growth.megabytes <= ADDRESS_MB
    judge_loop(server)


def test_a_key_exchange_that_is_begun_and_left(start, under_attack):
    server = start()
    with Growth(server) as growth:
        under_attack(server, flood_logged_in, 3, "unknown", 1, "127.0.0.2", True)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("clients", [1, 40])
def test_key_exchanges_again_and_again(start, under_attack, clients):
    server = start()
    assert under_attack(server, rekey, 4, clients)
    judge_loop(server, KEY_EXCHANGE_MS)


def test_reads_whose_answers_nobody_reads(start, under_attack):
    server = start()
    with Growth(server) as growth:
        under_attack(server, unread_reads, 3)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_answers_do_not_pile_up_while_the_server_waits_for_new_keys(start, target):
    """libssh asks for them by itself, and keeps all that is to be sent until the client has agreed."""
    server = start(ssh={"rekey_limit": "1MiB"})
    with Growth(server) as growth:
        assert reads_without_new_keys(target(server), 400 << 20) > 1 << 20
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_a_packet_that_is_too_long_ends_its_connection(start, logged_in):
    server = start()
    ssh = logged_in(server)
    with contextlib.suppress(OSError):
        ssh.socket.sendall(u32(262_144) + bytes(200_000))
    server.wait_for_log(r"Disconnecting user reader .*: a packet of more than 48 KiB$")


# ---- what an idle connection keeps

@pytest.mark.parametrize("kind", BUSY_ONCE)
def test_sessions_that_were_busy_once_keep_no_more_than_an_address_may_hold(start, under_attack, kind):
    """libssh's buffers do not shrink: each session keeps 300 KiB of reads, or 64 KiB for each channel."""
    server = start()
    with Growth(server) as growth:
        under_attack(server, busy_once, kind, SESSIONS)
    assert growth.megabytes <= ADDRESS_MB + SESSIONS * SESSION_MB
    server.wait_for_log("Disconnecting user reader .*: all connections together hold too much, and this one holds most$")
    judge_loop(server)


@pytest.mark.parametrize("name", ["/" + "n" * 250_000, "/" + "n/" * 2000 + "x"], ids=["long", "deep"])
def test_names_are_not_remembered_at_length(start, logged_in, name):
    server = start()
    ssh = logged_in(server)
    channels = [ssh.open_sftp(number) for number in range(4)]
    with Growth(server) as growth, contextlib.suppress(Closed):
        for number in range(100):
            for channel in channels:
                stat = frame(STAT, u32(number), string(f"{name}{number}"))
                ssh.send(*(channel_data(channel, stat[at:at + 30_000]) for at in range(0, len(stat), 30_000)))
                ssh.expect(CHANNEL_DATA)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_missed_names_are_not_kept(start, logged_in):
    """Names that are as long as a name may be: all together they are 12 MB."""
    server = start()
    ssh = logged_in(server)
    channel = ssh.open_sftp()
    with Growth(server) as growth:
        for number in range(3000):
            ssh.send(channel_data(channel, frame(STAT, u32(number), string(f"/{number:04}" + "/nnn" * 1000))))
            ssh.expect(CHANNEL_DATA)
    assert growth.megabytes <= MOST_MB / 2
    judge_loop(server)


def test_refused_commands_are_not_remembered_at_length(start, logged_in):
    server = start()
    ssh = logged_in(server)
    with Growth(server) as growth, contextlib.suppress(Closed):
        for number in range(100):
            channel = ssh.open_channel(number)
            assert not ssh.ask(channel, "exec", string(f"{number}" + "x" * 200_000))
            ssh.send(bytes([CHANNEL_CLOSE]) + u32(channel))
            ssh.expect(CHANNEL_CLOSE)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


# ---- descriptors

@pytest.fixture
def limited(start, tmp_path):
    """A server that the system gives no more than 4096 descriptors."""
    wrapper = tmp_path / "limited"
    wrapper.write_text(f'#!/bin/sh\nexec prlimit --nofile={DESCRIPTORS} {apdepot.BINARY} "$@"\n')
    wrapper.chmod(0o755)
    return start(binary=wrapper)


KINDS_OF_HANDLES = {
    "files": ("reader", lambda number: frame(OPEN, u32(number), string(IMAGE), u32(1), NO_ATTRIBUTES)),
    "folders": ("reader", lambda number: frame(OPENDIR, u32(number), string("/EWC/17_9_4a"))),
    "uploads": ("sender", lambda number: frame(OPEN, u32(number), string(f"/uploads/{number}"),
                                               u32(FLAG_WRITE | FLAG_CREATE), NO_ATTRIBUTES)),
}


@pytest.mark.parametrize("kind", KINDS_OF_HANDLES)
def test_handles_leave_descriptors_for_others(limited, key, images, kind):
    user, request = KINDS_OF_HANDLES[kind]
    private = paramiko.Ed25519Key.from_private_key_file(str(key))
    with contextlib.ExitStack() as stack:
        held = []  # paramiko closes what nobody holds
        for _ in range(6):
            with contextlib.suppress(paramiko.SSHException, EOFError, AssertionError, OSError):
                transport = stack.enter_context(contextlib.closing(paramiko.Transport(socket.create_connection(
                    limited.ssh, timeout=sftp_wire.PATIENCE, source_address=("127.0.0.2", 0)))))
                transport.start_client(timeout=sftp_wire.PATIENCE)
                transport.auth_publickey(user, private)
                for _ in range(10):
                    held.append(Sftp(transport))
                    held[-1].send_raw(b"".join(map(request, range(150))))
                    for _ in range(150):
                        held[-1].receive()
        assert descriptors(limited) < DESCRIPTORS
        assert tftp_wire.fetch(limited.tftp, IMAGE) == images["ap1g8"]
        with contextlib.closing(sftp_wire.connect(limited)) as transport:
            transport.auth_publickey("honest", private)
            assert Sftp(transport).fetch(IMAGE) == images["ap1g8"]


@pytest.mark.parametrize("who", ["connection", "channels"])
@pytest.mark.parametrize("kind", ["files", "folders"])
def test_the_end_of_many_open_handles_does_not_hold_the_loop(start, key, beside, kind, who):
    """Each has lines of its own in the log: as many as a connection may have, and as many channels."""
    server = start(log={"level": "debug"})
    user, request = KINDS_OF_HANDLES[kind]
    private = paramiko.Ed25519Key.from_private_key_file(str(key))
    each, idle = 100 if kind == "files" else 6, descriptors(server)
    with beside(server):
        for _ in range(3):
            with contextlib.closing(sftp_wire.connect(server)) as transport:
                transport.auth_publickey(user, private)
                sessions = [Sftp(transport) for _ in range(10)]
                for session in sessions:
                    session.send_raw(b"".join(map(request, range(each))))
                    for _ in range(each):
                        assert session.receive().kind == sftp_wire.HANDLE
                if who == "channels":
                    for session in sessions:
                        session.channel.close()
            apdepot.wait_until(lambda: descriptors(server) < idle + 32)  # a user has so many files open at a time
    judge_loop(server)


# ---- big folders

@pytest.fixture
def crowd(depot):
    """A folder of 100,000 files."""
    folder = depot / "images" / BIG_FOLDER
    folder.mkdir()
    for number in range(100_000):
        os.close(os.open(folder / f"{number:06}", os.O_CREAT | os.O_WRONLY))


@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
def test_a_folder_of_many_files_does_not_hold_the_loop(crowd, start, under_attack, read):
    server = start()
    with Growth(server) as growth:
        under_attack(server, list_again, 5, 10, "reader", "127.0.0.2", BIG_FOLDER, read)
    assert growth.megabytes <= ADDRESS_MB + CATALOGUE_MB
    judge_loop(server)


# ---- uploads and scp

def test_uploads_that_are_begun_and_left_hold_neither_loop_nor_memory(start, under_attack, depot):
    server = start()
    with Growth(server) as growth:
        assert under_attack(server, hostile_uploads, 4)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)
    assert sum(path.stat().st_blocks * 512 for path in (depot / "images/uploads").rglob("*")) < 256 << 20


@pytest.mark.parametrize("kind", SCP_COMMANDS)
def test_commands_of_scp_do_not_hold_the_loop(crowd, start, under_attack, kind):
    server = start()
    with Growth(server) as growth:
        under_attack(server, scp, 3, kind)
    assert growth.megabytes <= 4 * MOST_MB
    judge_loop(server)


def test_a_pattern_of_brackets_does_not_hold_the_loop(start, depot, under_attack):
    folder = depot / "images/brackets"
    folder.mkdir()
    for number in range(64):
        (folder / ("[" * 250 + f"{number:04}")).write_bytes(b"x")
    server = start()
    under_attack(server, patterns, ["*" + "[" * 127 + "y" + "[" * 850, "[" * 1000, "*" * 200 + "y", "[!" * 400,
                                    "*[" * 300 + "]y", "?" * 255])
    judge_loop(server)


def patterns(target, names):
    """Asks `scp -f` for each."""
    for name in names:
        with contextlib.suppress(Closed), target.log_in() as ssh:
            channel = ssh.open_channel()
            if ssh.ask(channel, "exec", string(f"scp -f brackets/{name}")):
                ssh.send(channel_data(channel, b"\0"))
                ssh.expect(CHANNEL_DATA)
