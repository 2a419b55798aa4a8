"""The drop folder: what is rejected, what is never opened, and what a crash leaves behind."""
import contextlib
import os
import re
import shutil
import zipfile

import pytest

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
        wait_until(lambda: not os.listdir(empty_depot / "drop"), timeout=8)
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

    assert [sum(name in line for line in server.log_lines()) for name in odd] == [1] * len(odd)
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
    wait_until(lambda: not os.listdir(server.depot / "drop"), timeout=8)


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
