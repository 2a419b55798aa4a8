"""Who has fetched what, and what came of it: state/history.db, and `apdepot history` beside a server or without one."""
import json
import os
import re
import stat
import subprocess

import paramiko
import pytest

import apdepot
import sftp_wire
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, run, succeed, wait_for_release, wait_until
from make_bundle import BUNDLE

IMAGE = f"{RELEASE}/ap1g8"
LISTS = ("--holders", "--misses", "--logins", "--imports")


def rows(depot, *flags):
    return json.loads(succeed("history", "--json", *flags, depot=depot))


def wait_for_rows(depot, count, *flags):
    """They are written within the second, and the file itself soon after the start."""
    def look():
        told = run("history", "--json", *flags, depot=depot)
        found = json.loads(told.stdout) if told.returncode == 0 else []
        return found if len(found) >= count else None
    return wait_until(look)


def wait_for_file(depot):
    wait_until(lambda: run("history", depot=depot).returncode == 0)


def break_off(server, name=IMAGE):
    with tftp_wire.Client(server.tftp) as client:
        client.request(name)
        client.expect_data(1)
        client.acknowledge(1)
        client.expect_next_data(2)
        client.send(tftp_wire.error(3, "no room"))


def miss(server, name):
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask(name).opcode == tftp_wire.ERROR


def test_transfers_of_every_kind_are_told_with_their_ends(server, images):
    tftp_wire.fetch(server.tftp, IMAGE)
    wait_for_rows(server.depot, 1)
    transport = sftp_wire.login(server, USER, PASSWORD)
    sftp_wire.Sftp(transport).fetch(f"{RELEASE}/ap3g3")
    transport.close()
    wait_for_rows(server.depot, 2)
    break_off(server)
    first, second, third = wait_for_rows(server.depot, 3)

    size = len(images["ap1g8"])
    assert (first["protocol"], first["path"], first["outcome"], first["cause"]) == ("tftp", IMAGE, "whole", "complete")
    assert (first["size"], first["bytes"], first["client"], first["user"]) == (size, size, "127.0.0.1", None)
    assert first["direction"] == "read" and first["started_at"] <= first["ended_at"]
    assert (second["protocol"], second["user"], second["outcome"]) == ("sftp", USER, "whole")
    assert (third["outcome"], third["cause"], third["detail"]) == ("broke_off", "client_error", "no room")
    assert rows(server.depot, "--broken") == [third]
    assert rows(server.depot, "--file", "ap3g3") == [second]
    assert rows(server.depot, "--limit", "1") == [third]
    assert rows(server.depot, "--client", "192.0.2.1") == []
    for release in RELEASE, RELEASE + "/", "17.9.4a":
        assert len(rows(server.depot, "--release", release)) == 3
    assert len(rows(server.depot, "--since", "1h")) == 3 and rows(server.depot, "--since", "2999-01-01") == []
    held = {(row["path"], row["times"]) for row in rows(server.depot, "--holders")}
    assert held == {(IMAGE, 1), (f"{RELEASE}/ap3g3", 1)}


def test_the_columns_stand_below_each_other_and_nothing_is_coloured(server):
    tftp_wire.fetch(server.tftp, IMAGE)
    break_off(server)
    wait_for_rows(server.depot, 2)
    heading, *lines = succeed("history", depot=server.depot).splitlines()

    assert heading.split() == ["ENDED", "CLIENT", "BY", "FILE", "TOOK", "RATE", "OUTCOME"]
    assert len(lines) == 2 and all(line[heading.index("FILE"):].startswith(IMAGE) for line in lines)
    assert any(re.search(r"broke off at \d+ %: client error \(no room\)$", line) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_misses_are_counted_and_have_their_fix(server):
    for _ in range(3):
        miss(server, "/Wrong-Path/ap1g8")
    (row,) = wait_for_rows(server.depot, 1, "--misses")

    assert (row["asked"], row["cause"], row["client"]) == ("/Wrong-Path/ap1g8", "WRONG_DIRECTORY", "127.0.0.1")
    assert row["text"].endswith(f"tftp-image-path {RELEASE}")
    assert row["text"] in succeed("history", "--misses", depot=server.depot)


def test_logins_are_told_with_why_they_failed(server):
    with pytest.raises(paramiko.AuthenticationException):
        sftp_wire.login(server, USER, "wrong")
    wait_for_rows(server.depot, 1, "--logins")
    sftp_wire.login(server, USER, PASSWORD).close()
    failed, accepted = wait_for_rows(server.depot, 2, "--logins")

    assert (failed["user"], failed["outcome"], failed["client"]) == (USER, "wrong_password", "127.0.0.1")
    assert (accepted["user"], accepted["outcome"]) == (USER, "accepted")


def test_imports_are_told(start_server, empty_depot, bundle):
    server = start_server(empty_depot)
    (empty_depot / "drop/broken.zip").write_bytes(b"PK\x03\x04 not more")
    (rejected,) = wait_for_rows(empty_depot, 1, "--imports")
    arriving = empty_depot / "arriving"
    arriving.write_bytes(bundle.read_bytes())
    arriving.rename(empty_depot / "drop" / BUNDLE)
    wait_for_release(server)
    _, published = wait_for_rows(empty_depot, 2, "--imports")

    assert (rejected["file"], rejected["outcome"]) == ("broken.zip", "rejected")
    assert (published["file"], published["outcome"], published["detail"]) == (BUNDLE, "published", RELEASE)


def test_hostile_names_cannot_reach_the_terminal(server):
    hostile = "/\x1b[2Jevil\n" + "x" * 400
    miss(server, hostile)
    (row,) = wait_for_rows(server.depot, 1, "--misses")
    text = succeed("history", "--misses", depot=server.depot)

    assert row["asked"].startswith("/\\x1b[2Jevil\\n") and len(row["asked"]) <= 200
    assert "\x1b" not in text and len(text.splitlines()) == 2


def test_without_a_server_the_history_is_read_and_left_as_it_is(server):
    tftp_wire.fetch(server.tftp, IMAGE)
    server.stop()
    before = apdepot.snapshot(server.depot)

    assert [row["path"] for row in rows(server.depot)] == [IMAGE]
    assert apdepot.snapshot(server.depot) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk, which only root may")
def test_a_read_only_disk_is_no_hindrance(server):
    tftp_wire.fetch(server.tftp, IMAGE)
    server.stop()
    subprocess.run(["mount", "--bind", "-o", "ro", server.depot, server.depot], check=True)
    try:
        assert [row["path"] for row in rows(server.depot)] == [IMAGE]
    finally:
        subprocess.run(["umount", "--lazy", server.depot], check=True)


def test_the_file_is_for_owner_and_group(server):
    tftp_wire.fetch(server.tftp, IMAGE)
    wait_for_rows(server.depot, 1)
    for name in ("history.db", "history.db-wal"):
        status = (server.depot / "state" / name).stat()
        assert stat.S_IMODE(status.st_mode) == 0o640 and status.st_uid == os.geteuid()


def test_what_was_written_outlives_a_server_that_is_killed(start_server, depot):
    killed = apdepot.Server(depot)
    for _ in range(5):
        tftp_wire.fetch(killed.tftp, IMAGE)
    before = wait_for_rows(depot, 5)
    killed.kill()

    assert rows(depot) == before
    server = start_server(depot)
    tftp_wire.fetch(server.tftp, f"{RELEASE}/ap3g3")
    assert wait_for_rows(depot, 6)[:5] == before


def test_a_damaged_file_is_moved_aside_and_everybody_is_served(start_server, depot, images):
    damaged = depot / "state/history.db"
    damaged.write_bytes(b"no database" * 1000)
    told = run("history", depot=depot)
    assert told.returncode == 1 and "is damaged" in told.stderr
    server = start_server(depot)

    server.wait_for_log(r"^apdepot: state/history\.db is damaged .*history\.db\.broken")
    assert tftp_wire.fetch(server.tftp, IMAGE) == images["ap1g8"]
    wait_for_rows(depot, 1)
    assert (depot / "state/history.db.broken").read_bytes() == b"no database" * 1000


def test_a_full_disk_holds_up_nobody_and_the_history_goes_on_when_there_is_room(start_server, full_disk):
    image = full_disk / "images" / IMAGE[1:]
    image.parent.mkdir(parents=True)
    image.write_bytes(b"image")
    server = start_server(full_disk)
    wait_for_file(full_disk)
    ballast = full_disk / "ballast"
    try:
        with open(ballast, "wb", buffering=0) as out:
            while True:
                out.write(bytes(4096))
    except OSError:
        pass
    assert tftp_wire.fetch(server.tftp, IMAGE) == b"image"
    server.wait_for_log(r"the history cannot be written: database or disk is full")
    assert tftp_wire.fetch(server.tftp, IMAGE) == b"image"
    ballast.unlink()

    assert [row["outcome"] for row in wait_for_rows(full_disk, 2)] == ["whole", "whole"]


def test_the_history_can_be_switched_off(start_server, depot):
    server = start_server(depot, {"history": {"days": 0}})
    tftp_wire.fetch(server.tftp, IMAGE)
    server.stop()

    assert not (depot / "state/history.db").exists()
    told = run("history", depot=depot)
    assert told.returncode == 1 and "there is no history" in told.stderr and "history.days" in told.stderr


@pytest.mark.parametrize("flags, word", [
    (("--since", "yesterday"), "--since yesterday"), (("--since", "2026-13-01"), "--since 2026-13-01"),
    (("--since", "99999999999d"), "--since"), (("--limit", "0"), "--limit 0"), (("--limit", "x"), "--limit x"),
    (("--misses", "--logins"), "only one of"), (("--misses", "--broken"), "--misses has no --broken"),
    (("--imports", "--client", "192.0.2.1"), "--imports has no --client"),
    (("--logins", "--file", "ap1g8"), "--logins has no --file"), (("surplus",), "surplus")])
def test_what_makes_no_sense_is_refused(depot, flags, word):
    told = run("history", *flags, depot=depot)

    assert told.returncode == 2 and word in told.stderr


@pytest.mark.parametrize("flag", LISTS)
def test_an_empty_list_is_told_so(server, flag):
    wait_for_file(server.depot)
    told = run("history", flag, depot=server.depot)

    assert (told.returncode, told.stdout) == (0, "") and "nothing of this" in told.stderr
    assert rows(server.depot, flag) == []
