"""The bundle that the other tests trust."""
import tarfile
import zipfile

import pytest
from make_bundle import AP_IMAGES, CONTROLLER, make_bundle, members

SEED = {  # an administrator's `ls -l` of the unpacked 17.9.4a
    "ap1g4": 42024960, "ap1g5": 39895040, "ap1g6": 70307840, "ap1g6a": 84623360, "ap1g7": 76728320, "ap1g8": 70512640,
    "ap3g3": 59156480, "C9800-AP-iosxe-wlc.bin": 301257756, "controller_version.info": 13, "readme.txt": 415,
    "version.info": 10,
}


def test_the_bundle_is_the_same_every_time(bundle, tmp_path):
    assert make_bundle(tmp_path).read_bytes() == bundle.read_bytes()


def test_the_small_bundle_has_the_same_members_as_the_real_one(images):
    assert set(images) == set(SEED)
    assert images["version.info"] == b"17.9.4.27\n" and images["controller_version.info"] == b"17.09.04a.0.6"
    assert len(images["readme.txt"]) == 415 and len(images[CONTROLLER]) % 2 == 1
    assert images[CONTROLLER].startswith(b".IOSXE2.0")


@pytest.mark.parametrize("name", AP_IMAGES)
def test_an_access_point_image_is_a_whole_tar(bundle, images, name):
    with zipfile.ZipFile(bundle) as archive, tarfile.open(fileobj=archive.open(name)) as image:
        parts = {part.name: len(image.extractfile(part).read()) for part in image}

    assert {"info", "part.bin", "ramfs_data_cisco.squashfs"} <= set(parts) and all(parts.values())
    assert len(images[name]) % 10240 == 0 and images[name].endswith(bytes(1024))


@pytest.mark.full
def test_the_full_bundle_has_the_seeds_sizes():
    sizes = {name: sum(map(len, chunks)) for name, chunks in members("full")}

    assert sizes == SEED and sum(sizes.values()) == 744_506_834
