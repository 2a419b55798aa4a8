"""The drop folder: what is rejected, what is never opened, and what a crash leaves behind."""
import contextlib
import hashlib
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import zipfile

import pytest

import apdepot
import slow_files
import tftp_wire
from apdepot import RELEASE, wait_for_release, wait_until
from make_bundle import BUNDLE


def drop(server, source, name=BUNDLE):
    """Renamed in: whole at once."""
    beside = server.depot / "arriving"
    shutil.copyfile(source, beside)
    beside.rename(server.depot / "drop" / name)


@pytest.fixture
def server(start_server, empty_depot):
    return start_server(empty_depot)


@pytest.fixture
def damaged(bundle, tmp_path):
    file = tmp_path / "damaged.zip"
    file.write_bytes(bundle.read_bytes()[:-5000])
    return file


def test_a_drop_right_after_the_ready_line_is_seen(start_server, empty_depot, bundle):
    """Ready means that the folder is watched: nobody waits for what only a later look would find."""
    for _ in range(8):
        server = start_server(empty_depot)
        drop(server, bundle)
        server.wait_for_log("^apdepot: importing ", timeout=8)  # a look would wait 10 s for the writer
        wait_until(lambda: not os.listdir(empty_depot / "drop"))
        server.stop()


def test_a_rejected_drop_lies_beside_the_reason(server, damaged):
    drop(server, damaged)
    rejected = server.depot / "rejected"
    reason = rejected / f"{BUNDLE}.reason.txt"
    wait_until(lambda: not os.listdir(server.depot / "drop"))

    assert (rejected / BUNDLE).read_bytes() == damaged.read_bytes()
    assert len(reason.read_text().split()) > 3
    assert not list((server.depot / "images").rglob("*"))
    server.wait_for_log(rf"{BUNDLE}.*reject|reject.*{BUNDLE}")


def test_a_second_rejected_drop_does_not_overwrite_the_first(server, damaged):
    for content in (damaged.read_bytes(), b"something else"):
        damaged.write_bytes(content)
        drop(server, damaged)
        wait_until(lambda: not os.listdir(server.depot / "drop"))

    rejected = [path for path in (server.depot / "rejected").iterdir() if not path.name.endswith(".reason.txt")]

    assert len(rejected) == 2
    assert all((path.parent / f"{path.name}.reason.txt").is_file() for path in rejected)


def test_the_log_names_where_each_of_two_rejected_drops_of_one_name_lies(server, damaged):
    for moved_to in (BUNDLE, f"{BUNDLE}.2"):
        drop(server, damaged)
        server.wait_for_log(rf"\brejected/{re.escape(moved_to)}(?=$|[\s,;:)])")

        assert (server.depot / "rejected" / moved_to).is_file()


def test_a_good_bundle_after_a_damaged_one_is_published(server, damaged, bundle, images):
    drop(server, damaged)
    wait_until(lambda: not os.listdir(server.depot / "drop"))
    drop(server, bundle)

    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_the_same_bundle_dropped_again_is_taken_away_and_changes_nothing(server, bundle):
    drop(server, bundle)
    release = wait_for_release(server)
    before = {path.name: path.stat() for path in release.iterdir()}
    drop(server, bundle)
    wait_until(lambda: not os.listdir(server.depot / "drop"))

    assert {path.name: path.stat().st_ino for path in release.iterdir()} == {n: s.st_ino for n, s in before.items()}
    assert os.listdir(server.depot / "rejected") == []
    server.wait_for_log("already")


def make_device(path):
    with contextlib.suppress(PermissionError):
        os.mknod(path, 0o20644, os.makedev(1, 3))


def test_what_is_no_file_is_never_opened_and_named_once(server, bundle):
    folder = server.depot / "drop"
    (folder / "directory.zip").mkdir()
    (folder / "link.zip").symlink_to(bundle)
    os.mkfifo(folder / "fifo.zip")
    make_device(folder / "device.zip")
    odd = sorted(os.listdir(folder))
    for name in odd:
        server.wait_for_log(re.escape(name))
    drop(server, bundle)
    wait_for_release(server)

    log = server.whole_log()
    assert [sum(name in line for line in log) for name in odd] == [1] * len(odd)
    assert sorted(os.listdir(folder)) == odd
    assert os.listdir(server.depot / "rejected") == []


@pytest.mark.parametrize("name", [".hidden.zip", f"{BUNDLE}.part", f"{BUNDLE}.filepart", f"{BUNDLE}.crdownload",
                                  "x.tmp"])
def test_a_copy_in_the_making_is_waited_for_under_its_final_name(server, bundle, images, name):
    drop(server, bundle, name)
    drop(server, bundle, "C9800-AP-universalk9.17.09.04a (2).zip")
    wait_until(lambda: os.listdir(server.depot / "drop") == [name])
    (server.depot / "drop" / name).rename(server.depot / "drop" / BUNDLE)

    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
    wait_until(lambda: not os.listdir(server.depot / "drop"))


@pytest.mark.parametrize("take_away", [shutil.rmtree, lambda folder: folder.rename(folder.parent / "old")],
                         ids=["removed", "moved"])
def test_a_folder_that_is_made_anew_is_watched_again(server, damaged, bundle, images, take_away):
    drop(server, damaged)
    # The reason is there before the bundle: until both are, the server still has to do with drop/.
    wait_until(lambda: (server.depot / "rejected" / BUNDLE).exists())
    anew = server.depot / "anew"
    anew.mkdir()
    shutil.copyfile(bundle, anew / BUNDLE)
    os.utime(anew / BUNDLE, (0, 0))  # no need to wait for more of it
    take_away(server.depot / "drop")
    anew.rename(server.depot / "drop")

    release = wait_for_release(server)  # a folder that is not watched is looked through too, but after 60 s

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
    drop(server, bundle)
    wait_until(lambda: not os.listdir(server.depot / "drop"))


def test_what_lay_in_the_folder_before_the_start_is_imported(start_server, empty_depot, bundle, images):
    (empty_depot / "drop").mkdir()
    shutil.copyfile(bundle, empty_depot / "drop" / BUNDLE)
    os.utime(empty_depot / "drop" / BUNDLE, (0, 0))  # no need to wait for more of it
    server = start_server(empty_depot)

    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_an_import_killed_half_way_is_swept_up_and_done_again(start_server, empty_depot, tmp_path):
    big = tmp_path / "big.zip"
    content = {"version.info": b"17.9.4.27\n", "controller_version.info": b"17.09.04a.0.6",
               "C9800-AP-iosxe-wlc.bin": os.urandom(64 << 20)}
    with zipfile.ZipFile(big, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    server = start_server(empty_depot)
    drop(server, big)

    def staged():
        return [path for path in empty_depot.rglob("*.bin") if "images" not in path.relative_to(empty_depot).parts]

    wait_until(staged)
    server.kill()
    assert staged() and not (empty_depot / "images" / RELEASE[1:]).exists()
    assert (empty_depot / "drop" / BUNDLE).stat().st_size == big.stat().st_size
    os.utime(empty_depot / "drop" / BUNDLE, (0, 0))  # no need to wait for more of it

    release = wait_for_release(start_server(empty_depot), timeout=60)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == content
    assert not staged()


def test_the_watch_can_be_switched_off(start_server, empty_depot, bundle, images):
    server = start_server(empty_depot, {"import": {"watch": False}})
    (empty_depot / "drop").mkdir(exist_ok=True)
    drop(server, bundle)
    server.stop()

    assert not (empty_depot / "images" / RELEASE[1:]).exists()
    assert (empty_depot / "drop" / BUNDLE).exists()


def put(server, name, content):
    """Renamed in, as drop() does."""
    beside = server.depot / "arriving"
    beside.write_bytes(content)
    beside.rename(server.depot / "drop" / name)


def wait_until_empty(server):
    wait_until(lambda: not os.listdir(server.depot / "drop"))


def test_a_digest_beside_a_drop_is_used_and_taken_away(server, bundle):
    put(server, f"{BUNDLE}.sha512", hashlib.sha512(bundle.read_bytes()).hexdigest().encode())
    server.wait_for_log(r"\.sha512 waits for")
    drop(server, bundle)
    wait_for_release(server)
    wait_until_empty(server)

    assert os.listdir(server.depot / "rejected") == []
    assert not list((server.depot / "images").rglob("*.sha512"))


def test_a_digest_beside_a_drop_that_differs_rejects_it(server, bundle):
    put(server, "SHA512SUMS", b"0" * 128 + b"  " + BUNDLE.encode() + b"\n")
    server.wait_for_log("SHA512SUMS waits for")
    drop(server, bundle)
    wait_until_empty(server)

    server.wait_for_log(f"rejected {BUNDLE}: its SHA-512 is")
    assert not (server.depot / "images" / RELEASE[1:]).exists()
    assert (server.depot / "rejected" / "SHA512SUMS").exists()


def test_a_digest_that_comes_later_is_compared(server, bundle):
    drop(server, bundle)
    wait_for_release(server)
    put(server, f"{BUNDLE}.md5", hashlib.md5(bundle.read_bytes()).hexdigest().encode())
    server.wait_for_log(rf"{BUNDLE} is what {BUNDLE}.md5 says: {RELEASE} is verified")
    put(server, f"{BUNDLE}.md5", b"0" * 32)
    server.wait_for_log(rf"{BUNDLE} is not what {BUNDLE}.md5 says: {RELEASE} is not verified")
    wait_until_empty(server)


def test_published_bundles_may_be_kept(start_server, empty_depot, bundle):
    server = start_server(empty_depot, {"import": {"keep_bundles": True}})
    drop(server, bundle)
    wait_for_release(server)
    wait_until_empty(server)

    assert (empty_depot / "bundles" / BUNDLE).read_bytes() == bundle.read_bytes()


def test_several_drops_at_once_are_imported_one_after_the_other(server, bundle, tmp_path):
    folder = server.depot / "drop"
    for number in range(5):
        archive = tmp_path / f"C9800-AP-universalk9.17.12.0{number}.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("version.info", f"17.12.{number}.5\n")
            file.writestr("ap1g8", os.urandom(100_000))
        drop(server, archive, archive.name)
    drop(server, bundle)
    wait_for_release(server)
    for release in ("17_12_0", "17_12_1", "17_12_2", "17_12_3", "17_12_4", "17_9_4a"):
        server.wait_for_log(f"published /EWC/{release} ")

    assert os.listdir(folder) == []
    assert sorted(os.listdir(server.depot / "images/EWC")) == ["17_12_0", "17_12_1", "17_12_2", "17_12_3", "17_12_4",
                                                               "17_9_4a"]
    # A slow one tells how far it is, with a percentage.
    lines = [line for line in server.log_lines() if re.match("apdepot: (importing|published) (?!.* %$)", line)]
    assert [line.split()[1] for line in lines] == ["importing", "published"] * 6


@pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))
def test_a_slow_import_tells_how_far_it_is(start_server, empty_depot, bundle, images):
    """From a disk that stands still and that nothing can be taken away from: the release is published all the same."""
    slow = slow_files.SlowFile(empty_depot / "drop", BUNDLE, bundle)
    try:
        server = start_server(empty_depot, {"import": {"keep_bundles": False}})
        server.wait_for_log(rf"^apdepot: importing {BUNDLE}: \d+ %$")
        with tftp_wire.Client(server.tftp) as client:  # who asks meanwhile is told, and does not wait for that disk
            assert f"{BUNDLE} is being imported, " in client.ask(f"{RELEASE}/ap1g8").text
        server.wait_for_log(rf"miss BEING_IMPORTED: .*; {BUNDLE} is being imported, \d+ % done$")
        slow.open_gate()
        server.wait_for_log("it is published, but stays in drop/: ")
        server.stop()
    finally:
        slow.unmount()

    release = empty_depot / "images" / RELEASE[1:]
    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_a_drop_that_is_touched_while_it_is_imported_is_published_soon(server, bundle, images):
    """Copy programs set the mode and the times last."""
    file, modes = server.depot / "drop" / BUNDLE, itertools.cycle((0o600, 0o644))

    def touched_in_time():
        if not file.exists():
            drop(server, bundle)
        with contextlib.suppress(FileNotFoundError):
            file.chmod(next(modes))
        return any("was changed while it was imported" in line for line in server.log_lines())

    wait_until(touched_in_time)
    release = wait_for_release(server)  # a depot that fails is left alone for a minute
    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_a_slow_copy_into_a_preallocated_file_is_waited_for(server, bundle, images):
    content = bundle.read_bytes()
    with open(server.depot / "drop" / BUNDLE, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, len(content))
        for at in range(0, len(content), 1 << 16):
            file.write(content[at:at + (1 << 16)])
            file.flush()
        assert not server.log_lines("apdepot: importing")

    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
    assert os.listdir(server.depot / "rejected") == []


def test_the_thread_that_imports_is_polite(server, bundle):
    drop(server, bundle)
    wait_for_release(server)
    threads = [int(name) for name in os.listdir(f"/proc/{server.pid}/task")]
    nice = {thread: int(pathlib.Path(f"/proc/{server.pid}/task/{thread}/stat").read_text().rsplit(")")[1].split()[16])
            for thread in threads}
    polite = [thread for thread in threads if nice[thread] == 19]

    assert len(polite) == 1 and nice[server.pid] < 19
    done = subprocess.run(["ionice", "-p", str(polite[0])], capture_output=True, text=True)
    assert done.returncode != 0 or "idle" in done.stdout


def test_what_a_killed_writer_left_in_state_is_swept(start_server, empty_depot, bundle):
    for folder in ("state", "state/manifests/EWC", "rejected"):
        (empty_depot / folder).mkdir(parents=True, exist_ok=True)
        (empty_depot / folder / ".new-Ab12Cd").write_text("half")
    start_server(empty_depot)

    wait_until(lambda: not list(empty_depot.rglob(".new-*")))


def test_killed_at_any_moment_the_depot_holds_the_release_whole_or_not_at_all(start_server, empty_depot, tmp_path):
    """Fifty times, the drop taken up again at each start."""
    content = {"version.info": b"17.9.4.27\n", "controller_version.info": b"17.09.04a.0.6",
               **{f"ap1g{number}": os.urandom(2 << 20) for number in range(4, 8)}}
    big = tmp_path / "big.zip"
    with zipfile.ZipFile(big, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    release, dropped = empty_depot / "images" / RELEASE[1:], empty_depot / "drop" / BUNDLE
    dropped.parent.mkdir(exist_ok=True)
    moments, whole = random.Random(5), 0
    for turn in range(50):
        if not dropped.exists():
            shutil.rmtree(empty_depot / "images", ignore_errors=True)
            os.link(big, dropped)
            os.utime(dropped, (0, 0))  # no need to wait for more of it
        server = start_server(empty_depot)
        server.changed.acquire()
        longest = 0.4 if whole else 0.4 + turn / 4  # longer where a machine is slow
        server.changed.wait_for(lambda: server.ended, moments.uniform(0, longest))
        server.changed.release()
        server.kill()
        if release.exists():
            whole += 1
            assert {path.name: path.read_bytes() for path in release.iterdir()} == content
        else:
            assert dropped.stat().st_size == big.stat().st_size
    server = start_server(empty_depot)
    wait_until(lambda: not dropped.exists())
    server.stop()

    assert 0 < whole < 50
    assert {path.name: path.read_bytes() for path in release.iterdir()} == content
    assert os.listdir(empty_depot / "state/staging") == []
    assert not list(empty_depot.rglob(".new-*"))
    assert apdepot.run("verify", depot=empty_depot).returncode == 0


def other_bundle(path, number):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version.info", f"17.12.{number}.5\n")
        archive.writestr("ap1g8", os.urandom(100_000))
    return path


def test_a_newer_file_of_the_same_name_is_imported_too(server, tmp_path):
    """Who copies each release to one name, by a rename, as soon as the one before is seen: none is lost."""
    for number in range(12):
        drop(server, other_bundle(tmp_path / "b.zip", number), "latest.zip")
        wait_until((server.depot / f"images/EWC/17_12_{number}").exists)
    wait_until_empty(server)

    assert sorted(os.listdir(server.depot / "images/EWC")) == sorted(f"17_12_{number}" for number in range(12))
    assert os.listdir(server.depot / "rejected") == []
    wait_until(lambda: os.listdir(server.depot / "state/taken") == [])


def test_a_newer_file_is_not_rejected_for_the_older_one(server, damaged, tmp_path):
    """Nor is it kept as if it had been published."""
    for number in range(12):
        drop(server, damaged, "latest.zip")
        wait_until(lambda: (server.depot / "rejected/latest.zip.reason.txt").exists())
        drop(server, other_bundle(tmp_path / "b.zip", number), "latest.zip")
        wait_until((server.depot / f"images/EWC/17_12_{number}").exists)
        wait_until_empty(server)
        shutil.rmtree(server.depot / "rejected")
        (server.depot / "rejected").mkdir()


def test_what_a_killed_server_had_taken_out_of_drop_is_imported_at_the_next_start(start_server, empty_depot, bundle):
    taken = empty_depot / "state/taken/take-Ab12Cd"
    taken.mkdir(parents=True, mode=0o700)
    shutil.copyfile(bundle, taken / BUNDLE)
    os.utime(taken / BUNDLE, (0, 0))  # no need to wait for more of it
    wait_for_release(start_server(empty_depot))

    assert not taken.exists()


def test_a_full_rejected_keeps_bad_files_in_drop_until_there_is_room(start_server, empty_depot, damaged, bundle):
    server = start_server(empty_depot, {"import": {"max_rejected": 2}})
    for number in range(4):
        drop(server, damaged, f"bad{number}.zip")
        server.wait_for_log(f"bad{number}.zip: the archive is not whole" if number < 2 else
                            rf"cannot import bad{number}.zip: .*rejected/, which holds 2 files, and "
                            r"import\.max_rejected is 2: empty it")
    drop(server, bundle)  # the others are not in the way
    wait_for_release(server)

    assert sorted(os.listdir(empty_depot / "drop")) == ["bad2.zip", "bad3.zip"]
    assert len([name for name in os.listdir(empty_depot / "rejected") if not name.endswith(".reason.txt")]) == 2
    (empty_depot / "drop/again").touch()  # what is looked at is not read and told again
    server.wait_for_log(r"cannot import again: ")
    assert len(server.log_lines("apdepot: cannot import bad2.zip")) == 1
    shutil.rmtree(empty_depot / "rejected")
    (empty_depot / "rejected").mkdir()
    drop(server, damaged, "bad2.zip")
    wait_until(lambda: (empty_depot / "rejected/bad2.zip").exists())


@pytest.mark.parametrize("log_format", ["classic", "json"])
def test_a_reason_is_one_line_everywhere(start_server, empty_depot, tmp_path, log_format):
    """libarchive's own text has a line break in it."""
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr("version.info", "17.9.4.27\n")
        file.writestr("ap1g8", b"x" * 5000)
    content = bytearray(archive.read_bytes())
    content[content.index(b"x" * 5000) + 10] ^= 1
    archive.write_bytes(content)
    server = start_server(empty_depot, {"log": {"format": log_format}})
    drop(server, archive)
    wait_until(lambda: (empty_depot / "rejected" / BUNDLE).exists())

    reason = (empty_depot / "rejected" / f"{BUNDLE}.reason.txt").read_bytes()
    assert reason.count(b"\n") == 1 and reason.endswith(b"\n") and reason[:-1].decode().isprintable()
    done = apdepot.run("import", archive, depot=empty_depot)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "\\n" not in done.stderr
    assert not [line for line in server.whole_log() if "\\n" in line]


def test_an_import_that_fails_in_an_unforeseen_way_is_told_and_the_next_one_goes_on(server, bundle):
    """Whatever that is: here the records of what was published are gone."""
    shutil.rmtree(server.depot / "state/manifests")
    drop(server, bundle, "first.zip")
    server.wait_for_log("cannot import first.zip: .*tried again")
    (server.depot / "state/manifests").mkdir()
    drop(server, bundle)
    wait_for_release(server)

    assert (server.depot / "drop/first.zip").exists()


def processor_ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_list_of_all_digests_holds_up_nothing(server, tmp_path):
    for number in range(20):
        apdepot.succeed("import", other_bundle(tmp_path / f"b{number}.zip", number), depot=server.depot)
    put(server, "SHA512SUMS", b"".join(b"%0128x  file%d.zip\n" % (line, line) for line in range(7000)))
    server.wait_for_log("SHA512SUMS waits for")
    drop(server, other_bundle(tmp_path / "b.zip", 99), "b.zip")
    wait_until((server.depot / "images/EWC/17_12_99").exists)

    assert processor_ticks(server.pid) / os.sysconf("SC_CLK_TCK") < 20  # of CPU; it was minutes
