"""What the process may do, and what root's commands do in a depot that belongs to somebody else."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import apdepot
import tftp_wire
from make_bundle import make_bundle

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


@pytest.fixture
def open_to_all():
    """A directory that every user may enter, which pytest's are not."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="apdepot-rights-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def theirs(open_to_all, state, images):
    """A depot of nobody's, with a release."""
    depot = open_to_all / "depot"
    release = depot / "images" / apdepot.RELEASE[1:]
    release.mkdir(parents=True)
    for name, content in images.items():
        (release / name).write_bytes(content)
    shutil.copytree(state, depot / "state")
    for path in [depot, *depot.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    return depot


def status_of(task):
    text = pathlib.Path(task, "status").read_text()
    return dict(re.findall(r"^(\w+):[ \t]*(.*)$", text, re.M))


def test_a_server_that_root_starts_gives_root_up(theirs, images):
    server = apdepot.Server(theirs)
    try:
        for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
            status = status_of(task)
            assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NOBODY)}, task
            assert set(status["Groups"].split()) <= {str(NOBODY)}
            assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
            assert status["NoNewPrivs"] == "1"
        assert pathlib.Path(f"/proc/{server.pid}/environ").stat().st_uid == 0, "a core could be taken of it"
        assert tftp_wire.fetch(server.tftp, f"{apdepot.RELEASE}/ap1g8") == images["ap1g8"]
        server.stop()
    finally:
        server.kill()


def test_every_relocation_is_read_only_once_it_runs():
    dynamic = subprocess.run(["readelf", "-d", apdepot.BINARY], capture_output=True, text=True, check=True).stdout
    headers = subprocess.run(["readelf", "-lW", apdepot.BINARY], capture_output=True, text=True, check=True).stdout
    assert re.search(r"\(FLAGS(_1)?\).*\b(NOW|BIND_NOW)\b", dynamic)
    assert "GNU_RELRO" in headers and not re.search(r"GNU_STACK.*RWE", headers)


# ---- root's commands

COMMANDS = {
    "import": ("import", "{bundle}"),
    "import an image": ("import", "{image}"),
    "import what is bad": ("import", "{damaged}"),
    "user add": ("user", "add", "evil", "--password-file", "{password}"),
    "promote": ("promote", apdepot.RELEASE),
    "retire": ("retire", apdepot.RELEASE),
}
PLACES = ("images", "images/EWC", "images/other", "state", "state/staging", "state/manifests", "drop", "rejected",
          "retired", "retired/EWC", "bundles")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_in_a_depot_leads_root_s_commands_nowhere(theirs, open_to_all, command, place):
    """The depot's owner has put it there. What is root's alone stays as it was."""
    roots = open_to_all / "roots"
    roots.mkdir()
    (roots / "file").write_text("root's\n")
    (roots / "file").chmod(0o600)
    roots.chmod(0o700)
    there = theirs / place
    there.parent.mkdir(parents=True, exist_ok=True)
    if there.exists():
        there.rename(there.with_name(there.name + ".was"))
    there.symlink_to(roots)
    for path in (there.parent, there):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    files = {"bundle": make_bundle(open_to_all), "image": open_to_all / "ap1g7", "damaged": open_to_all / "bad.zip",
             "password": open_to_all / "password"}
    files["image"].write_bytes(b"y" * 10_240)
    files["damaged"].write_bytes(files["bundle"].read_bytes()[:-5000])
    files["password"].write_text("pass word\n")
    for file in files.values():
        file.chmod(0o600)
    before = apdepot.snapshot(roots), roots.stat().st_mode, roots.stat().st_mtime_ns

    apdepot.run(*(word.format(**files) for word in COMMANDS[command]), depot=theirs)

    assert (apdepot.snapshot(roots), roots.stat().st_mode, roots.stat().st_mtime_ns) == before
    own = {path for path in theirs.rglob("*") if path.lstat().st_uid != NOBODY}
    assert not own, "root's own files in the depot"
