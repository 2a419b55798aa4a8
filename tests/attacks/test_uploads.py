"""What somebody may do who may send files: he reaches neither others' files nor anybody's lookups, nor the last of the
disk."""
import contextlib
import os
import shutil
import subprocess

import paramiko
import pytest

import apdepot
import sftp_wire
import tftp_wire
from apdepot import RELEASE
from judges import IMAGE, cpu_seconds, judge_loop
from sftp_wire import (FLAG_CREATE, FLAG_WRITE, FSETSTAT, MKDIR, NO_ATTRIBUTES, NO_SUCH_FILE, OK, REMOVE, RENAME, SETSTAT,
                       WRITE, Sftp, string, u32, u64)
from tftp_wire import ERROR, WRQ, Client, data

EVIL = b"evil"
ACCESS_TIMES = u32(8) + u32(1) + u32(1)


@pytest.fixture
def log_in(key):
    """A function: SFTP of an account."""
    with contextlib.ExitStack() as stack:
        def log_in(server, user="sender"):
            transport = stack.enter_context(contextlib.closing(sftp_wire.connect(server)))
            transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(str(key)))
            return Sftp(transport)
        yield log_in


def put(sftp, name, content=EVIL):
    """The status of each step until one fails."""
    reply = sftp.open(name, FLAG_WRITE | FLAG_CREATE)
    if reply.kind != sftp_wire.HANDLE:
        return reply.status
    for at in range(0, len(content), 30_000):
        status = sftp.ask(WRITE, string(reply.handle), u64(at), string(content[at:at + 30_000])).status
        if status != OK:
            sftp.close(reply.handle)
            return status
    return sftp.close(reply.handle)


def put_over_tftp(server, name, content=EVIL, *options):
    """The opcode of the last answer."""
    with Client(server.tftp) as client:
        answer = client.ask(name, *options, opcode=WRQ)
        blocks = [content[at:at + 512] for at in range(0, len(content) + 1, 512)]
        for number, block in enumerate(blocks, 1):
            if answer.opcode == ERROR:
                break
            client.send(data(number, block))
            answer = client.receive()
        return answer.opcode


def advice(server, name):
    """What a device is told, or gets."""
    with Client(server.tftp) as client:
        answer = client.ask(name)
        return answer.data if answer.opcode == tftp_wire.DATA else answer.text.encode()


# ---- the lookup

def test_an_upload_over_tftp_is_nobody_s_advice(start, depot):
    server = start(tftp={"uploads": True})
    put_over_tftp(server, "/uploads/ap1g8")
    for name in ("/ap1g8", "/tftpboot/ap1g8", "/Wrong/ap1g8"):
        told = advice(server, name)
        assert b"/uploads" not in told and EVIL not in told, told
        assert "/uploads" not in apdepot.run("explain", name, depot=depot).stdout
    assert not [line for line in server.whole_log() if "tftp-image-path /uploads" in line]


@pytest.mark.parametrize("folder", ["/uploads/EWC/17_9_5", "/uploads/17_9_4a", "/uploads/EWC/17_9_4a",
                                    "/uploads/a/uploads", "/uploads/current"])
def test_an_upload_stands_in_for_no_image(start, log_in, images, folder):
    server = start()
    sftp = log_in(server)
    made = ""
    for part in folder.split("/")[1:]:
        made += "/" + part
        sftp.ask(MKDIR, string(made), NO_ATTRIBUTES)
    assert put(sftp, f"{folder}/ap1g8") == OK

    name = folder.removeprefix("/uploads")
    for asked in (f"{name}/ap1g8", f"/tftpboot{name}/ap1g8", f"/x{name}/AP1G8"):
        told = advice(server, asked)
        assert EVIL not in told and folder.encode() not in told, (asked, told)
    assert tftp_wire.fetch(server.tftp, "/17_9_4a/ap1g8") == images["ap1g8"]
    assert sftp.fetch(f"{folder}/ap1g8") == EVIL


def test_no_client_makes_a_pointer(start, log_in):
    """What promote writes into EWC/current leads to a release. A client's file of that name and content leads nowhere."""
    server = start()
    sftp = log_in(server)
    sftp.ask(MKDIR, string("/uploads/17_9_4a"), NO_ATTRIBUTES)
    assert put(sftp, "/uploads/17_9_4a/ap1g8") == OK
    assert put(sftp, "/uploads/current", b"17_9_4a\n") == OK

    assert sftp.fetch("/uploads/current") == b"17_9_4a\n"
    assert sftp.open("/uploads/current/ap1g8").status == NO_SUCH_FILE
    assert {"current": "-", "17_9_4a": "d"}.items() <= {name: long[0] for name, long, _ in sftp.list("/uploads")}.items()
    assert EVIL not in advice(server, "/current/ap1g8")


def test_devices_do_not_read_what_others_sent(start, log_in):
    """A device's configuration holds password hashes."""
    server = start(tftp={"uploads": True})
    assert put(log_in(server), "/uploads/config") == OK
    put_over_tftp(server, "/uploads/from a device")
    for name in ("/uploads/config", "uploads/config", "/UPLOADS/config", "/EWC/../uploads/config",
                 "/uploads/from a device"):
        assert EVIL not in advice(server, name)


def test_a_deep_name_that_cannot_be_written_holds_nobody_up(start, log_in):
    """To tell why copied each folder's name once for every folder above it, on the loop: 8 ms."""
    server = start()
    sftp = log_in(server)
    for number in range(20):
        assert put(sftp, "/uploads" + "/a" * 2040 + f"/{number}") == NO_SUCH_FILE
    judge_loop(server)


# ---- others' files

@pytest.mark.parametrize("whose", ["another user's", "a device's", "the administrator's"])
def test_only_who_sent_a_file_removes_renames_or_dates_it(start, log_in, depot, key, whose):
    line = key.with_suffix(".pub").read_text().strip()
    users = [{"name": name, "authorized_keys": [line], "uploads": True} for name in ("sender", "other", "honest")]
    server = start(tftp={"uploads": True}, ssh={"users": users})
    sender = log_in(server)
    path = depot / "images/uploads/theirs"
    if whose == "another user's":
        assert put(log_in(server, "other"), "/uploads/theirs") == OK
    elif whose == "a device's":
        put_over_tftp(server, "/uploads/theirs")
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(EVIL)
    apdepot.wait_until(path.exists)
    before = path.stat()

    statuses = [sender.ask(SETSTAT, string("/uploads/theirs"), ACCESS_TIMES).status,
                sender.ask(RENAME, string("/uploads/theirs"), string("/uploads/mine")).status,
                sender.ask(REMOVE, string("/uploads/theirs")).status]
    reply = sender.open("/uploads/theirs")
    if reply.kind == sftp_wire.HANDLE:
        statuses.append(sender.ask(FSETSTAT, string(reply.handle), ACCESS_TIMES).status)
    assert OK not in statuses
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_one_s_own_file_may_go(start, log_in):
    sftp = log_in(start())
    assert put(sftp, "/uploads/mine") == OK
    assert sftp.ask(RENAME, string("/uploads/mine"), string("/uploads/mine too")).status == OK
    assert sftp.ask(REMOVE, string("/uploads/mine too")).status == OK


# ---- bounds

def test_folders_and_files_have_a_bound(start, log_in, depot):
    server = start(uploads={"max_folders": 50, "max_files": 20})
    sftp = log_in(server)
    made = [sftp.ask(MKDIR, string(f"/uploads/{number}"), NO_ATTRIBUTES).status for number in range(100)]
    assert made[0] == OK and OK not in made[50:]
    sent = [put(sftp, f"/uploads/file {number}") for number in range(40)]
    assert sent[0] == OK and OK not in sent[20:]
    assert put_over_tftp(server, "/uploads/over tftp") == ERROR


def test_all_uploads_together_have_a_bound(start, log_in, depot):
    server = start(tftp={"uploads": True}, uploads={"max_total": "1MiB"})
    sftp = log_in(server)
    for number in range(8):
        put(sftp, f"/uploads/{number}", bytes(300_000))
        put_over_tftp(server, f"/uploads/device {number}", bytes(30_000))
    server.stop()
    total = sum(path.stat().st_size for path in (depot / "images/uploads").rglob("*") if path.is_file())
    assert 500_000 < total <= 1 << 20


def test_a_forgiving_lookup_does_not_look_at_uploads(start, log_in, depot, images):
    """Thousands of folders, one more before each lookup."""
    for number in range(20_000):
        (depot / f"images/uploads/{number % 100}/{number}").mkdir(parents=True)
    server = start(uploads={"max_folders": 100_000})
    sftp = log_in(server)
    sftp.ask(MKDIR, string("/uploads/first"), NO_ATTRIBUTES)
    before = cpu_seconds(server)
    for number in range(20):
        sftp.ask(MKDIR, string(f"/uploads/new {number}"), NO_ATTRIBUTES)
        assert tftp_wire.fetch(server.tftp, "/tftpboot/EWC/17_9_4a/version.info") == images["version.info"]
    assert cpu_seconds(server) - before < 1


def test_more_than_was_announced_is_not_taken(start, depot):
    server = start(tftp={"uploads": True})
    assert put_over_tftp(server, "/uploads/five", bytes(100_000), "tsize", 5) == ERROR
    server.stop()
    assert not (depot / "images/uploads/five").exists()


@pytest.fixture
def small_disk(depot):
    """The depot on a disk of 64 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    copy = depot.with_name("copy")
    depot.rename(copy)
    depot.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64M,mode=755", "apdepot-attacks", depot], check=True)
    shutil.copytree(copy, depot, dirs_exist_ok=True)
    yield depot
    subprocess.run(["umount", "--lazy", depot], check=True)
    shutil.rmtree(copy)


@pytest.mark.parametrize("protocol", ["sftp", "tftp", "sftp, many files"])
def test_the_reserve_of_the_disk_stays_free(start, log_in, small_disk, protocol):
    reserve = 16 << 20
    server = start(tftp={"uploads": True}, uploads={"reserve": "16MiB"})
    content = bytes(60 << 20)
    if protocol == "sftp":
        assert put(log_in(server), "/uploads/large", content) != OK
    elif protocol == "tftp":
        with Client(server.tftp) as client:
            answer, number = client.ask("/uploads/large", "blksize", 65_000, opcode=WRQ), 0
            while answer.opcode != ERROR and number < 1000:
                number += 1
                client.send(data(number, content[:65_000]))
                answer = client.receive()
            assert answer.opcode == ERROR
    else:
        sftp = log_in(server)
        handles = [sftp.open(f"/uploads/{number}", FLAG_WRITE | FLAG_CREATE).handle for number in range(8)]
        for at in range(0, 8 << 20, 30_000):
            for handle in handles:
                sftp.ask(WRITE, string(handle), u64(at), string(content[:30_000]))
                assert shutil.disk_usage(small_disk).free >= reserve - (1 << 20)
    assert shutil.disk_usage(small_disk).free >= reserve - (1 << 20)
    assert tftp_wire.fetch(server.tftp, IMAGE)
    assert RELEASE in apdepot.succeed("releases", depot=small_disk)
