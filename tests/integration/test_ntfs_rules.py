"""A depot on a file system that refuses what NTFS refuses, under the real binary: the server has files open while commands
publish, replace, promote and retire."""
import pytest

import ntfs_files
import slow_files
from apdepot import RELEASE, succeed

pytestmark = pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))

@pytest.fixture
def ntfs_depot(new_depot, tmp_path, bundle):
    with ntfs_files.mounted(new_depot, tmp_path / "behind"):
        assert succeed("import", bundle, depot=new_depot) == RELEASE + "\n"
        yield new_depot

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
