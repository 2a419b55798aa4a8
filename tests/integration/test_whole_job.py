"""The main job: a bundle dropped into a folder is served to every client, byte for byte."""
import hashlib
import os
import pathlib
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, wait_for_release, wait_until
from clients import SFTP_CLIENTS, TFTP_CLIENTS, Client, key_user, sftp_with_key
from make_bundle import BUNDLE, make_bundle

SCALES = ["small", pytest.param("full", marks=pytest.mark.full)]


def digest(file):
    return hashlib.file_digest(file, "sha256").hexdigest()


def digests_in_bundle(bundle):
    with zipfile.ZipFile(bundle) as archive:
        return {name: digest(archive.open(name)) for name in archive.namelist()}


def digests_below(directory):
    found = {}
    for path in pathlib.Path(directory).iterdir():
        with path.open("rb") as file:
            found[path.name] = digest(file)
    return found


@pytest.mark.parametrize("scale", SCALES)
def test_a_dropped_bundle_reaches_ten_clients_byte_for_byte(scale, start_server, new_depot, tmp_path, key, request):
    binary = request.getfixturevalue("optimised") if scale == "full" else apdepot.BINARY
    apdepot.add_user(new_depot, USER, PASSWORD, tmp_path)
    server = start_server(new_depot, key_user(key), binary=binary)
    bundle = make_bundle(tmp_path, scale)
    expected = digests_in_bundle(bundle)
    assert len(expected) == 11
    shutil.copyfile(bundle, new_depot / "drop" / BUNDLE)
    bundle.unlink()

    release = wait_for_release(server, timeout=120)

    assert digests_below(release) == expected
    assert os.listdir(new_depot / "drop") == [] and os.listdir(new_depot / "rejected") == []

    def fetch_everything(number_and_client):
        number, fetch = number_and_client
        target = tmp_path / f"{fetch.__name__}.{number}"
        target.mkdir()
        fetch(Client(server, tmp_path / f"home.{number}", key), RELEASE, list(expected), target)
        got = digests_below(target)
        shutil.rmtree(target)
        return fetch.__name__, got

    ten = [*TFTP_CLIENTS, *SFTP_CLIENTS, TFTP_CLIENTS[2], sftp_with_key]
    with ThreadPoolExecutor(4) as pool:
        for name, got in pool.map(fetch_everything, enumerate(ten)):
            assert got == expected, name
    if scale == "full":
        assert server.resident_megabytes() < 30


def test_a_bundle_renamed_into_the_drop_folder_is_published(start_server, empty_depot, bundle, images):
    server = start_server(empty_depot)
    beside = empty_depot / "arriving.zip"
    shutil.copyfile(bundle, beside)
    beside.rename(empty_depot / "drop" / BUNDLE)

    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images


def test_a_slow_copy_is_waited_for(start_server, empty_depot, bundle, images, tmp_path):
    server = start_server(empty_depot, {"import": {"settle": 1}})
    content = bundle.read_bytes()
    other = tmp_path / "C9800-AP-universalk9.17.12.01.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("version.info", "17.12.1.5\n")
        archive.writestr("ap1g8", images["ap1g8"])

    with open(empty_depot / "drop" / BUNDLE, "wb") as slow:
        for part in range(3):
            slow.write(content[part * 100_000:(part + 1) * 100_000])
            slow.flush()
        # The other drop came later and is through: enough time has passed to take the half bundle for a whole one.
        shutil.copyfile(other, empty_depot / "drop" / other.name)
        wait_until(lambda: (empty_depot / "images/EWC/17_12_1").is_dir())
        assert not (empty_depot / "images" / RELEASE[1:]).exists()
        assert os.listdir(empty_depot / "rejected") == []
        slow.write(content[300_000:])
    release = wait_for_release(server)

    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
    assert os.listdir(empty_depot / "rejected") == []


def test_a_bundle_is_visible_whole_or_not_at_all(start_server, empty_depot, bundle, images):
    server = start_server(empty_depot)
    shutil.copyfile(bundle, empty_depot / "drop" / BUNDLE)
    below = empty_depot / "images"

    def files():
        return [path for path in below.rglob("*") if path.is_file()]

    seen = wait_until(files)

    assert len(seen) == len(images)
    wait_for_release(server)


def test_files_copied_into_images_by_hand_are_served_at_once(start_server, empty_depot):
    server = start_server(empty_depot)
    directory = empty_depot / "images/by/hand"
    directory.mkdir(parents=True)
    (directory / "ArubaOS_72xx_8.6.0.4_74969").write_bytes(b"image")

    assert tftp_wire.fetch(server.tftp, "/by/hand/ArubaOS_72xx_8.6.0.4_74969") == b"image"
