"""One event loop for all: whoever works hard over SSH takes nothing from whoever goes block by block over TFTP."""
import concurrent.futures
import contextlib
import os

import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER
from clients import Client, key_user, sftp_with_key
from sftp_wire import connect

SIZE = 8 << 20
SMALL = 256 << 10


@pytest.fixture
def by_hand(empty_depot):
    """Images that an administrator has copied there: name and bytes."""
    folder = empty_depot / "images/by/hand"
    folder.mkdir(parents=True)
    files = {"large": os.urandom(SIZE), "small": os.urandom(SMALL + 7)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def log_in(server):
    with contextlib.closing(connect(server)) as transport:
        transport.auth_timeout = 120  # sixteen passwords are hashed beside all the rest
        transport.auth_password(USER, PASSWORD, fallback=False)
        return transport.is_authenticated()


def test_downloads_logins_an_import_and_tftp_all_succeed_together(start_server, empty_depot, by_hand, bundle, images,
                                                                  key, tmp_path):
    server = start_server(empty_depot, key_user(key))

    def download(number):
        target = tmp_path / f"got.{number}"
        target.mkdir()
        sftp_with_key(Client(server, tmp_path / f"home.{number}", key), "/by/hand", ["large"], target)
        return (target / "large").read_bytes() == by_hand["large"]

    with concurrent.futures.ThreadPoolExecutor(8 + 16 + 1) as pool:
        downloads = [pool.submit(download, number) for number in range(8)]
        logins = [pool.submit(log_in, server) for _ in range(16)]
        done = pool.submit(apdepot.run, "import", bundle, depot=empty_depot)
        while not all(each.done() for each in [*downloads, *logins, done]):
            assert tftp_wire.fetch(server.tftp, "/by/hand/small") == by_hand["small"]

        assert all(each.result() for each in logins)
        assert (done.result().returncode, done.result().stdout) == (0, RELEASE + "\n")
        assert all(each.result() for each in downloads)
    release = empty_depot / "images" / RELEASE[1:]
    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
