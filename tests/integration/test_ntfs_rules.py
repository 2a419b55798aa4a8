"""A depot on a file system that refuses what NTFS refuses, under the real binary: the server has files open while commands
publish, replace, promote and retire."""
import errno
import json
import os

import pytest

import ntfs_files
import slow_files
from apdepot import RELEASE, files_below, run, succeed, wait_until
from tftp_wire import Client, fetch

IMAGE = f"{RELEASE}/ap1g8"
BLOCK = 512

pytestmark = pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))


@pytest.fixture
def ntfs_depot(new_depot, tmp_path, bundle):
    with ntfs_files.mounted(new_depot, tmp_path / "behind"):
        assert succeed("import", bundle, depot=new_depot) == RELEASE + "\n"
        yield new_depot


def is_tidy(depot):
    return not (depot / "state/changeover").exists() and os.listdir(depot / "state/staging") == []


def finish(client):
    """The rest of a download whose first block has come."""
    got, number, size = b"", 0, BLOCK
    while size == BLOCK:
        number += 1
        block = client.expect_next_data(number)
        got, size = got + block, len(block)
        client.acknowledge(number)
    return got


def begin(client, name):
    client.ask(name, "blksize", BLOCK)
    client.acknowledge(0)


def moved(folder, to):
    """False as long as the server has a file of it open."""
    try:
        folder.rename(to)
    except OSError as error:
        assert error.errno == errno.EBUSY
        return False
    return True


def test_the_rules_are_refused(ntfs_depot):
    release = ntfs_depot / "images" / RELEASE[1:]
    with (release / "ap1g8").open("rb"):
        for refused in (lambda: release.rename(ntfs_depot / "elsewhere"), (release / "ap1g8").unlink,
                        lambda: (release / "ap1g7").rename(release / "ap1g8")):
            with pytest.raises(OSError, match="busy"):
                refused()
    with pytest.raises(PermissionError):
        (ntfs_depot / "link").symlink_to("images")
    assert (ntfs_depot / "IMAGES/ewc/17_9_4A/AP1G8").exists()
    with pytest.raises(FileExistsError):
        (ntfs_depot / "Images").mkdir()


def test_a_release_in_use_is_promoted_replaced_and_retired(start_server, ntfs_depot, bundle, images):
    server = start_server(ntfs_depot)
    assert succeed("promote", RELEASE, depot=ntfs_depot) == "/EWC/current\n"
    assert (ntfs_depot / "images/EWC/current").read_text() == "17_9_4a\n"
    for name in ("/EWC/current/ap1g8", "/ewc/CURRENT/AP1G8"):
        assert fetch(server.tftp, name) == images["ap1g8"]

    other = ntfs_depot / "images" / RELEASE[1:] / "ap1g7"
    other.write_bytes(b"another")
    with Client(server.tftp) as client:
        begin(client, IMAGE)
        assert succeed("import", "--replace", bundle, depot=ntfs_depot) == RELEASE + "\n"
        assert fetch(server.tftp, f"{RELEASE}/ap1g7") == images["ap1g7"]
        succeed("verify", depot=ntfs_depot)
        assert finish(client) == images["ap1g8"]
    with Client(server.tftp) as client:
        begin(client, IMAGE)
        assert succeed("retire", RELEASE, "--force", depot=ntfs_depot) == "retired/EWC/17_9_4a\n"
        assert run("explain", IMAGE, depot=ntfs_depot).returncode == 1
        assert finish(client) == images["ap1g8"]
    server.wait_for_log(rf"sent {IMAGE} to .*: {len(images['ap1g8'])} bytes")
    assert [path.name for path in files_below(ntfs_depot / "images")] == []
    assert {path.name: path.read_bytes() for path in (ntfs_depot / "retired" / RELEASE[1:]).iterdir()} == images
    assert is_tidy(ntfs_depot)
    server.stop()


def test_a_retired_release_comes_back_as_an_administrator_brings_it(start_server, ntfs_depot, images):
    server = start_server(ntfs_depot)
    with Client(server.tftp) as client:
        begin(client, IMAGE)
        succeed("retire", RELEASE, depot=ntfs_depot)
        finish(client)
    wait_until(lambda: moved(ntfs_depot / "retired" / RELEASE[1:], ntfs_depot / "images" / RELEASE[1:]))
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    server.stop()


@pytest.mark.parametrize("by_server", [False, True])
def test_what_another_program_opens_in_the_middle_is_retired_once_it_is_closed(start_server, ntfs_depot, images,
                                                                            by_server):
    """Linux does not ask a file system about a rename to the same name, so that nobody sees before that it is open."""
    release, retired = ntfs_depot / "images" / RELEASE[1:], ntfs_depot / "retired" / RELEASE[1:]
    with (release / "readme.txt").open("rb"):
        done = run("retire", RELEASE, depot=ntfs_depot)
        assert done.returncode == 1 and "readme.txt" in done.stderr
        assert {path.name for folder in (release, retired) for path in folder.iterdir()} == set(images)
        done = run("promote", RELEASE, depot=ntfs_depot)
        assert done.returncode == 1 and "readme.txt" in done.stderr
    if by_server:
        server = start_server(ntfs_depot)
        wait_until(lambda: is_tidy(ntfs_depot))
        server.stop()
    else:
        assert succeed("retire", RELEASE, depot=ntfs_depot) == "retired/EWC/17_9_4a\n"
    assert {path.name: path.read_bytes() for path in retired.iterdir()} == images
    assert not release.exists() and is_tidy(ntfs_depot)


def test_names_in_another_case_are_the_same_release(ntfs_depot, bundle, images):
    (ntfs_depot / "images/EWC").rename(ntfs_depot / "moved")
    (ntfs_depot / "moved").rename(ntfs_depot / "images/ewc")
    assert run("import", bundle, depot=ntfs_depot).returncode == 0
    release, = json.loads(succeed("releases", "--json", depot=ntfs_depot))

    assert (release["path"], len(release["images"])) == ("/ewc/17_9_4a", len(images))
    assert is_tidy(ntfs_depot)
