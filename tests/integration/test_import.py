"""`apdepot import`, and the bundles that must never be published."""
import hashlib
import io
import json
import os
import pty
import shutil
import stat
import subprocess
import tarfile
import zipfile

import pytest

import apdepot
import tftp_wire
from apdepot import RELEASE, snapshot
from make_bundle import BUNDLE

CONTENT = {"version.info": b"17.9.4.27\n", "controller_version.info": b"17.09.04a.0.6", "ap1g8": b"\1 not a tar " * 2000}


def make_zip(path, members, method=zipfile.ZIP_DEFLATED):
    """`members` are (name or ZipInfo, bytes) pairs."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def import_bundle(depot, *files, **options):
    return apdepot.run("import", *files, depot=depot, **options)


def published(depot):
    return sorted(str(path.relative_to(depot / "images")) for path in (depot / "images").rglob("*") if path.is_file())


def staged(depot):
    """Whatever an import left behind outside the places where something belongs."""
    return [path for path in depot.rglob("*") if "staging" in path.parts[:-1] and path.is_file()]


# ---- what is published

def test_a_bundle_becomes_a_release_and_its_path_is_printed(new_depot, bundle, images):
    done = import_bundle(new_depot, bundle)

    assert (done.returncode, done.stdout) == (0, RELEASE + "\n")
    release = new_depot / "images" / RELEASE[1:]
    assert {path.name: path.read_bytes() for path in release.iterdir()} == images
    assert not staged(new_depot)


def test_published_files_are_readable_for_all_and_writable_for_none_but_their_owner(new_depot, bundle):
    import_bundle(new_depot, bundle)

    for path in (new_depot / "images" / RELEASE[1:]).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & ~0o200 == 0o444


def test_the_bundle_itself_is_left_as_it_was(new_depot, bundle, tmp_path):
    file = tmp_path / BUNDLE
    shutil.copyfile(bundle, file)
    file.chmod(0o444)
    before = snapshot(tmp_path)[str(file)], file.read_bytes()

    import_bundle(new_depot, file)

    assert (snapshot(tmp_path)[str(file)], file.read_bytes()) == before


def test_the_same_bundle_again_says_so_and_changes_nothing(new_depot, bundle):
    import_bundle(new_depot, bundle)
    before = snapshot(new_depot / "images")

    done = import_bundle(new_depot, bundle)

    assert (done.returncode, done.stdout) == (0, RELEASE + "\n")
    assert "already" in done.stderr
    assert snapshot(new_depot / "images") == before


def test_the_same_members_in_another_container_are_the_same_bundle(new_depot, bundle, images, tmp_path):
    import_bundle(new_depot, bundle)
    before = snapshot(new_depot / "images")
    other = make_zip(tmp_path / BUNDLE, reversed(images.items()), zipfile.ZIP_STORED)

    done = import_bundle(new_depot, other)

    assert done.returncode == 0 and "already" in done.stderr
    assert snapshot(new_depot / "images") == before


def test_another_bundle_of_a_published_release_never_overwrites_it(new_depot, bundle, images, tmp_path):
    import_bundle(new_depot, bundle)
    before = snapshot(new_depot / "images")
    other = make_zip(tmp_path / BUNDLE, {**images, "ap1g8": images["ap1g7"]}.items())

    done = import_bundle(new_depot, other)

    assert done.returncode == 1 and RELEASE in done.stderr
    assert snapshot(new_depot / "images") == before


def test_the_content_names_the_release_not_the_file(new_depot, bundle, tmp_path):
    renamed = tmp_path / "download (3).zip"
    shutil.copyfile(bundle, renamed)

    assert import_bundle(new_depot, renamed).stdout == RELEASE + "\n"


def test_a_name_that_disagrees_with_the_content_is_warned_of(new_depot, bundle, tmp_path):
    renamed = tmp_path / "C9800-AP-universalk9.17.12.01.zip"
    shutil.copyfile(bundle, renamed)

    done = import_bundle(new_depot, renamed)

    assert (done.returncode, done.stdout) == (0, RELEASE + "\n")
    assert "17.12.01" in done.stderr and "17.09.04a" in done.stderr


def test_one_common_leading_folder_is_stripped(new_depot, images, tmp_path):
    folded = make_zip(tmp_path / BUNDLE, [(f"C9800-AP-universalk9.17.09.04a/{name}", images[name]) for name in images])

    assert import_bundle(new_depot, folded).stdout == RELEASE + "\n"
    assert published(new_depot) == sorted(f"{RELEASE[1:]}/{name}" for name in images)


def test_two_bundles_in_one_command_are_two_releases(new_depot, bundle, tmp_path):
    other = make_zip(tmp_path / "C9800-AP-universalk9.17.12.01.zip",
                     [("version.info", "17.12.1.5\n"), ("ap1g8", CONTENT["ap1g8"])])

    assert import_bundle(new_depot, bundle, other).stdout == f"{RELEASE}\n/EWC/17_12_1\n"


def test_a_bad_bundle_does_not_keep_a_good_one_out(new_depot, bundle, tmp_path):
    bad = tmp_path / "C9800-AP-universalk9.17.12.01.zip"
    bad.write_bytes(b"no zip")

    done = import_bundle(new_depot, bad, bundle)

    assert (done.returncode, done.stdout) == (1, RELEASE + "\n")
    assert bad.name in done.stderr


def test_an_import_is_served_by_a_running_server_at_once(server, tmp_path):
    other = make_zip(tmp_path / "C9800-AP-universalk9.17.12.01.zip",
                     [("version.info", "17.12.1.5\n"), ("ap1g8", CONTENT["ap1g8"])])

    assert apdepot.succeed("import", other, depot=server.depot) == "/EWC/17_12_1\n"

    assert tftp_wire.fetch(server.tftp, "/EWC/17_12_1/ap1g8") == CONTENT["ap1g8"]


def test_json_is_the_only_thing_on_stdout(new_depot, bundle):
    assert RELEASE in json.dumps(json.loads(apdepot.succeed("import", bundle, "--json", depot=new_depot)))


# ---- what is refused

def symlink(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def with_member(name, content=b"evil"):
    return lambda path: make_zip(path, [*CONTENT.items(), (name, content)])


def cut(size):
    """Without its last bytes: a download that broke off."""

    def damage(path):
        make_zip(path, CONTENT.items(), zipfile.ZIP_STORED)
        os.truncate(path, path.stat().st_size - size)

    return damage


def with_flipped_bit(path):
    make_zip(path, CONTENT.items(), zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"not a tar ", b"not a tar!", 1))


def with_flipped_bit_in_deflated_data(path):
    make_zip(path, [("version.info", CONTENT["version.info"]), ("ap1g8", os.urandom(50_000))])
    content = bytearray(path.read_bytes())
    content[30_000] ^= 0x10
    path.write_bytes(content)


HOSTILE = {
    "climbing name": with_member("../evil"),
    "climbing name within": with_member("a/../../evil"),
    "absolute name": with_member("/evil"),
    "backslash": with_member("..\\evil"),
    "drive": with_member("C:evil"),
    "dots alone": with_member(".."),
    "folder": with_member("folder/evil"),
    "link": with_member(symlink("evil"), b"/etc/passwd"),
    "link to a member": with_member(symlink("evil"), b"ap1g8"),
    "name twice": with_member("ap1g8", b"other"),
    "end cut off": cut(10),
    "directory cut off": cut(100),
    "half": cut(10_000),
    "nearly all cut off": cut(20_000),
    "wrong CRC": with_flipped_bit,
    "broken deflate": with_flipped_bit_in_deflated_data,
    "no archive": lambda path: path.write_bytes(b"<html>Please log in</html>"),
    "empty file": lambda path: path.write_bytes(b""),
    "empty archive": lambda path: make_zip(path, []),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_damaged_bundle_publishes_nothing(new_depot, tmp_path, name):
    file = tmp_path / BUNDLE
    HOSTILE[name](file)
    before = file.read_bytes()

    done = import_bundle(new_depot, file)

    assert (done.returncode, done.stdout) == (1, "")
    assert BUNDLE in done.stderr and len(done.stderr) > len(BUNDLE) + 20
    assert published(new_depot) == [] and os.listdir(new_depot / "images") == []
    assert not staged(new_depot)
    assert file.read_bytes() == before
    assert not [path for path in tmp_path.rglob("*evil*")]


def test_too_many_members_are_refused(new_depot, tmp_path):
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"import": {"max_members": 5}})
    file = make_zip(tmp_path / BUNDLE, [*CONTENT.items(), *((f"ap1g{n}0", b"x") for n in range(3))])

    done = import_bundle(new_depot, file, "--config", config)

    assert done.returncode == 1 and BUNDLE in done.stderr
    assert published(new_depot) == []


def test_an_archive_that_unpacks_to_too_much_is_refused(new_depot, tmp_path):
    file = make_zip(tmp_path / BUNDLE, [*CONTENT.items(), ("ap1g7", bytes(5_000_000))])

    done = import_bundle(new_depot, file)

    assert done.returncode == 1 and BUNDLE in done.stderr
    assert published(new_depot) == [] and not staged(new_depot)


def test_a_file_that_is_not_there_is_named(new_depot, tmp_path):
    done = import_bundle(new_depot, tmp_path / "missing.zip")

    assert done.returncode == 1 and "missing.zip" in done.stderr


@pytest.mark.parametrize("make, why", [
    (lambda path: path.mkdir(), "it is a folder; give the vendor's bundle itself"), (os.mkfifo, "not a regular file")],
    ids=["directory", "FIFO"])
def test_what_is_no_file_is_refused_at_once(new_depot, tmp_path, make, why):
    file = tmp_path / BUNDLE
    make(file)

    done = import_bundle(new_depot, file)

    assert done.returncode == 1 and BUNDLE in done.stderr and why in done.stderr


def test_a_link_on_the_command_line_is_followed(new_depot, bundle, tmp_path):
    """Other than one in drop/, which anybody may have put there."""
    link = tmp_path / "latest"
    link.symlink_to(bundle)

    assert import_bundle(new_depot, link).stdout == RELEASE + "\n"
    assert link.is_symlink()


# ---- more than zips, single images, digests, replacing

def make_tar(path, members, mode="w"):
    """`members` are (name, bytes) pairs."""
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("ending, mode", [(".tar", "w"), (".tar.gz", "w:gz"), (".tar.xz", "w:xz")])
def test_a_tar_is_imported_as_a_zip_is(new_depot, bundle, images, tmp_path, ending, mode):
    archive = make_tar(tmp_path / f"C9800-AP-universalk9.17.09.04a{ending}", images.items(), mode)

    assert import_bundle(new_depot, archive).stdout == RELEASE + "\n"
    assert import_bundle(new_depot, bundle).stderr.count("already") == 1


@pytest.mark.parametrize("name, release", [
    ("ArubaOS_72xx_8.6.0.4_74969", "/Aruba/8_6_0_4"), ("ArubaInstant_Hercules_8.6.0.4_74969", "/Aruba/8_6_0_4"),
    ("C9800-40-universalk9_wlc.17.09.04a.SPA.bin", "/C9800/17_9_4a"),
    ("CW9800H-wlc-universalk9.17.14.01.SPA.bin", "/C9800/17_14_1")])
def test_a_single_image_is_published_by_its_name(new_depot, tmp_path, name, release):
    (tmp_path / name).write_bytes(b"\1 an image " * 100)

    assert import_bundle(new_depot, tmp_path / name).stdout == release + "\n"
    assert published(new_depot) == [f"{release[1:]}/{name}"]


def test_a_conversion_image_is_not_unpacked(new_depot, tmp_path):
    image = make_tar(tmp_path / "AIR-AP1815-K9-ME-8-10-185-0.tar", [("part.bin", b"x" * 5000)])

    assert import_bundle(new_depot, image).stdout == "/ME/8_10_185_0\n"
    assert published(new_depot) == [f"ME/8_10_185_0/{image.name}"]


def test_what_nobody_knows_is_published_with_a_warning(new_depot, tmp_path):
    make_tar(tmp_path / "weird.tar.gz", [("readme.txt", b"hello")], "w:gz")
    (tmp_path / "weird.img").write_bytes(b"image")

    done = import_bundle(new_depot, tmp_path / "weird.tar.gz", tmp_path / "weird.img")

    assert (done.returncode, done.stdout) == (0, "/other/weird\n/other/weird.img\n")
    assert len(done.stderr.splitlines()) == 4
    assert done.stderr.count("nothing in it that could be checked") == 2
    assert published(new_depot) == ["other/weird.img", "other/weird/readme.txt"]


def test_another_bundle_takes_a_releases_place_only_when_told(new_depot, bundle, images, tmp_path):
    import_bundle(new_depot, bundle)
    other = make_zip(tmp_path / BUNDLE, {**images, "ap1g8": images["ap1g7"]}.items())

    refused = import_bundle(new_depot, other)
    assert refused.returncode == 1 and "ap1g8 has" in refused.stderr and "--replace" in refused.stderr
    assert import_bundle(new_depot, other, "--replace").stdout == RELEASE + "\n"

    assert (new_depot / "images" / RELEASE[1:] / "ap1g8").read_bytes() == images["ap1g7"]
    assert not staged(new_depot)


def test_a_digest_that_differs_rejects(new_depot, bundle, tmp_path):
    file = tmp_path / BUNDLE
    shutil.copyfile(bundle, file)
    right = hashlib.sha512(file.read_bytes()).hexdigest()
    wrong = import_bundle(new_depot, file, "--sha512", "0" * 128)
    assert wrong.returncode == 1 and right in wrong.stderr
    (tmp_path / f"{BUNDLE}.sha512").write_text("1" * 128 + f"  {BUNDLE}\n")
    beside = import_bundle(new_depot, file)
    assert beside.returncode == 1 and f"{BUNDLE}.sha512" in beside.stderr
    assert published(new_depot) == []
    (tmp_path / f"{BUNDLE}.sha512").write_text(f"{right}  {BUNDLE}\n")

    assert import_bundle(new_depot, file, "--sha512", right.upper()).returncode == 0
    assert import_bundle(new_depot, file, "--sha512", "xyz").returncode == 2


def test_verify_names_what_differs(new_depot, bundle):
    import_bundle(new_depot, bundle)
    assert RELEASE in apdepot.succeed("verify", depot=new_depot)
    found, = json.loads(apdepot.succeed("verify", RELEASE, "--json", depot=new_depot))
    assert (found["path"], found["verified"], found["differences"]) == (RELEASE, True, [])
    image = new_depot / "images" / RELEASE[1:] / "ap1g8"
    content = bytearray(image.read_bytes())
    content[50_000] ^= 1
    image.write_bytes(content)

    for spelling in ([], [RELEASE], ["17.9.4a"]):
        done = apdepot.run("verify", *spelling, depot=new_depot)
        assert done.returncode == 1 and "ap1g8" in done.stdout and "--replace" in done.stdout
    assert apdepot.run("verify", "/EWC/17_9_5", depot=new_depot).returncode == 1


def test_there_is_a_progress_bar_on_a_terminal_alone(new_depot, bundle):
    assert "%" not in import_bundle(new_depot, bundle).stderr
    shutil.rmtree(new_depot)
    ours, theirs = pty.openpty()
    command = [apdepot.BINARY, "import", bundle, "--depot", new_depot]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, env=apdepot.environment(), timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert done.stdout.decode() == RELEASE + "\n"
    assert "] " in shown and f"% {bundle}" in shown
