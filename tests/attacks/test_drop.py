"""What goes through drop/: nothing is lost, and whoever writes there does not stop others' imports."""
import os
import shutil
import zipfile

import pytest

import apdepot
from judges import cpu_seconds, judge_loop

ROUNDS = 6


def make_release(path, number):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("controller_version.info", f"17.{number:02}.01.0.6")
        archive.writestr("version.info", f"17.{number}.1.27\n")
        for name in ("ap1g4", "ap1g5", "ap1g6", "ap1g8", "ap3g3"):
            archive.writestr(name, f"\1{number} {name}".encode() * 100)
    return path


def found_again(depot, number):
    """Where the release is: published, or still there to be looked at."""
    wanted = f"\1{number} ap1g8".encode() * 100
    if any(path.read_bytes() == wanted for path in (depot / "images").rglob("ap1g8")):
        return "published"
    for folder in ("drop", "rejected"):
        for path in (depot / folder).glob("*.zip"):
            with zipfile.ZipFile(path) as archive:
                if archive.read("ap1g8") == wanted:
                    return folder
    return None


@pytest.mark.parametrize("keep_bundles", [False, True])
def test_a_file_that_takes_another_s_place_in_drop_is_not_lost(start, depot, tmp_path, keep_bundles):
    """The newer one is renamed into place as soon as the older one's release appears."""
    server = start(**{"import": {"keep_bundles": keep_bundles}})
    place, lost = depot / "drop/image.zip", []
    for attempt in range(ROUNDS):
        first, second = 2 * attempt + 20, 2 * attempt + 21
        make_release(tmp_path / "first.zip", first)
        make_release(tmp_path / "second.zip", second)
        apdepot.wait_until(lambda: not place.exists())
        os.rename(tmp_path / "first.zip", place)
        apdepot.wait_until(lambda: (depot / f"images/EWC/17_{first}_1").exists())  # noqa: B023
        os.rename(tmp_path / "second.zip", place)
        apdepot.wait_until(lambda: not place.exists())
        try:
            apdepot.wait_until(lambda: found_again(depot, second), 5)  # noqa: B023
        except AssertionError:
            lost.append(second)
    assert not lost
    judge_loop(server)


def test_a_long_list_of_digests_does_not_hold_up_an_import(start, depot, tmp_path):
    """The processor's time tells whether each line read every manifest."""
    for number in range(20):
        apdepot.succeed("import", make_release(tmp_path / f"C9800-AP-universalk9.17.{number:02}.01.zip", number),
                        depot=depot)
    server = start()
    before = cpu_seconds(server)
    sums = "".join(f"{number:0128x}  file{number}.zip\n" for number in range(7000))
    (tmp_path / "SHA512SUMS").write_text(sums)
    os.rename(tmp_path / "SHA512SUMS", depot / "drop/SHA512SUMS")
    shutil.copyfile(make_release(tmp_path / "next.zip", 40), tmp_path / "copy.zip")
    os.rename(tmp_path / "copy.zip", depot / "drop/next.zip")
    apdepot.wait_until((depot / "images/EWC/17_40_1").exists)
    assert cpu_seconds(server) - before < 5
    judge_loop(server)


def test_rejected_files_have_a_bound(start, depot):
    server = start(**{"import": {"max_rejected": 10}})
    for number in range(40):
        (depot / f"arriving{number}").write_bytes(b"PK\3\4 nothing " + bytes([number]) * 100)
        os.rename(depot / f"arriving{number}", depot / f"drop/bad{number}.zip")
    apdepot.wait_until(lambda: len(list((depot / "rejected").glob("bad*.zip"))) == 10)
    server.wait_for_log("max_rejected")
    server.stop()
    assert len(list((depot / "rejected").iterdir())) <= 2 * 10
    assert len(list((depot / "drop").glob("bad*.zip"))) == 30
