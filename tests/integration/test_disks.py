"""Disks that are full, read-only, or can do little: the depot says so, or does without. All of them are mounts."""
import contextlib
import http.client
import json
import os
import re
import subprocess
import tarfile

import pytest

import apdepot
import plain_files
import slow_files
import tftp_wire
from apdepot import READING, RELEASE, TIMESTAMP, run, succeed, wait_for_release, wait_until
from make_bundle import BUNDLE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts disks, which only root may")


@contextlib.contextmanager
def mounted(directory, *options):
    directory.mkdir(exist_ok=True)
    if subprocess.run(["/bin/mount", *options, directory]).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", directory], check=True)


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_disk_that_fills_publishes_nothing(tmp_path, bundle):
    depot = tmp_path / "depot"
    with mounted(depot, "-t", "tmpfs", "-o", "size=200k,mode=755", "none"):
        done = run("import", bundle, depot=depot)

        assert done.returncode == 1 and "bytes and" in done.stderr
        assert files(depot / "images") == [] and files(depot / "state/staging") == []


def test_the_room_for_a_whole_tar_is_asked_for_first(tmp_path):
    """Though there is enough for each of its members."""
    archive, member = tmp_path / "lab.tar", tmp_path / "member"
    member.write_bytes(bytes(120 << 10))
    with tarfile.open(archive, "w") as tar:
        for name in ("one", "two"):
            tar.add(member, name)
    depot = tmp_path / "depot"
    with mounted(depot, "-t", "tmpfs", "-o", "size=200k,mode=755", "none"):
        done = run("import", archive, depot=depot)

        assert done.returncode == 1 and f"unpacking needs {archive.stat().st_size} bytes and" in done.stderr


def test_a_read_only_disk_is_told_and_nothing_is_lost(new_depot, bundle):
    succeed("import", bundle, depot=new_depot)
    before = apdepot.snapshot(new_depot)
    with mounted(new_depot, "--bind", "-o", "ro", new_depot):
        done = run("import", bundle, depot=new_depot)

        assert done.returncode == 1 and "Read-only file system" in done.stderr and str(new_depot) in done.stderr
        for command in READING:
            succeed(*command, depot=new_depot)
    assert apdepot.snapshot(new_depot) == before


def test_a_depot_that_cannot_be_made_on_a_read_only_disk_is_told_with_the_way_out(tmp_path, bundle):
    """Under a unit with ProtectSystem=strict every folder but the unit's own looks like that."""
    depot = tmp_path / "depot"
    with mounted(depot, "-t", "tmpfs", "-o", "ro,mode=755", "none"):
        done = run("import", bundle, depot=depot)

    assert done.returncode == 1 and "Read-only file system; mount its disk for writing" in done.stderr
    assert f"ReadWritePaths={depot} " in done.stderr


@pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))
def test_a_file_system_that_can_do_little_holds_a_depot(start_server, new_depot, tmp_path, bundle, images):
    """What is published, replaced and promoted takes more steps there, and is the same in the end."""
    with plain_files.mounted(new_depot, tmp_path / "behind"):
        assert succeed("import", bundle, depot=new_depot) == RELEASE + "\n"
        image = new_depot / "images" / RELEASE[1:] / "ap1g8"
        image.chmod(0o600)
        image.write_bytes(b"another")
        assert succeed("import", "--replace", bundle, depot=new_depot) == RELEASE + "\n"
        succeed("promote", RELEASE, depot=new_depot)
        succeed("verify", depot=new_depot)
        server = start_server(new_depot)
        assert tftp_wire.fetch(server.tftp, "/EWC/current/ap1g8") == images["ap1g8"]
        server.stop()
        assert succeed("retire", RELEASE, "--force", depot=new_depot) == "retired/EWC/17_9_4a\n"
        assert files(new_depot / "images") == [] and files(new_depot / "state/staging") == []


@pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))
def test_a_drop_on_a_file_system_that_can_do_little_is_imported_and_taken_away(start_server, empty_depot, tmp_path, bundle,
                                                                             images):
    """Its drop/ is a file system of its own, so that nothing can be moved to state/ or rejected/."""
    with plain_files.mounted(empty_depot / "drop", tmp_path / "behind"):
        server = start_server(empty_depot)
        for _ in range(2):
            arriving = empty_depot / "drop/.arriving"
            arriving.write_bytes(bundle.read_bytes())
            arriving.rename(empty_depot / "drop" / BUNDLE)
            release = wait_for_release(server)
            wait_until(lambda: not [path for path in (empty_depot / "drop").rglob("*") if path.is_file()])
        server.stop()
    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_a_tree_that_cannot_be_watched_is_told_and_served_all_the_same(start_server, depot, bundle, images, tmp_path):
    for number in range(20):
        (depot / f"images/lab/{number}").mkdir(parents=True)
    few = tmp_path / "few"
    few.write_text(f"""#!/bin/sh
exec unshare --user --map-root-user sh -c 'echo 8 >/proc/sys/user/max_inotify_watches && exec "$0" "$@"' \\
  {apdepot.BINARY} "$@"
""")
    few.chmod(0o755)
    if subprocess.run([few, "version"], capture_output=True).returncode != 0:
        pytest.skip("user namespaces are not allowed here")
    server = start_server(depot, binary=few)
    server.wait_for_log(r"images/ cannot be watched.*fs\.inotify\.max_user_watches")
    new = depot / "images/lab/17_12_1"
    new.mkdir()
    (new / "ap1g8").write_bytes(b"new")

    assert tftp_wire.fetch(server.tftp, "/LAB/17.12.1/AP1G8") == b"new"
    (depot / "images" / RELEASE[1:]).rename(tmp_path / "away")
    bundle_in_drop = depot / "arriving"
    bundle_in_drop.write_bytes(bundle.read_bytes())
    bundle_in_drop.rename(depot / "drop" / BUNDLE)
    wait_for_release(server)
    assert tftp_wire.fetch(server.tftp, "/ewc/17.9.4a/ap1g8") == images["ap1g8"]


def test_an_upload_that_no_rename_could_publish_is_refused_when_it_begins(start_server, empty_depot):
    """images/ lies on another disk than state/, where an upload is kept until it is whole."""
    with mounted(empty_depot / "images", "-t", "tmpfs", "none"):
        server = start_server(empty_depot, {"tftp": {"uploads": True}})
        server.wait_for_log(r"^apdepot: images/ lies on another file system than state/")
        with tftp_wire.Client(server.tftp) as client:
            answer = client.ask("/uploads/new", opcode=tftp_wire.WRQ)
        assert answer.opcode == tftp_wire.ERROR and b"another file system" in answer.raw
        server.wait_for_log(r"^in\.tftpd\[\d+\]: miss WRITE_REFUSED: .*another file system")
        assert files(empty_depot / "images") == []
        server.stop()


def test_uploads_are_withheld_by_each_name_of_their_folder(start_server, depot):
    """As on a disk that takes upper and lower case for the same: two names, and one folder."""
    uploads = depot / "images/uploads"
    uploads.mkdir()
    (uploads / "config").write_text("secret")
    with mounted(depot / "images/UPLOADS", "--bind", uploads):
        server = start_server(depot, {"http": {"listen": ["127.0.0.1:0"]}})
        with tftp_wire.Client(server.tftp) as client:
            answer = client.ask("/UPLOADS/config")
        assert answer.opcode == tftp_wire.ERROR and "/UPLOADS/config is an upload" in answer.text
        for name in ("/UPLOADS/", "/UPLOADS/config"):
            with contextlib.closing(http.client.HTTPConnection(*server.http, timeout=apdepot.PATIENCE)) as connection:
                connection.request("GET", name)
                assert connection.getresponse().status in (403, 404)
        server.stop()


@pytest.mark.parametrize("log_format", ["classic", "json"])
def test_a_log_on_a_full_disk_goes_on_when_there_is_room(start_server, depot, tmp_path, log_format):
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=200k,mode=755", "none"):
        file, ballast = disk / "apdepot.log", disk / "ballast"
        server = start_server(depot, {"log": {"target": f"file:{file}", "format": log_format}})
        wait_until(lambda: "ssh-ed25519" in file.read_text())
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as out:
            while True:
                out.write(bytes(4096))
        for n in range(40):  # more than what is left of the file's last page
            with tftp_wire.Client(server.tftp) as client:
                assert client.ask(f"{n:03}" + "x" * 197).opcode == tftp_wire.ERROR
        wait_until(lambda: file.stat().st_size % 4096 == 0)
        ballast.unlink()
        tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8")

        wait_until(lambda: re.search(r"apdepot: \d+ log lines were dropped: No space left on device", file.read_text()))
        server.stop()
        whole = [line for line in file.read_text().splitlines() if line.endswith("}") or TIMESTAMP.match(line)]
        assert len(whole) >= len(file.read_text().splitlines()) - 1  # one is broken off
        if log_format == "json":
            told = [line for line in map(json.loads, whole) if line["event"] == "log.dropped"]
            assert told[0]["lines"] > 1 and told[0]["reason"] == "No space left on device"
