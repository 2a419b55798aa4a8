"""packaging/container/Containerfile, step by step, in a root that debootstrap made."""
import glob
import json
import os
import re
import shlex
import shutil
import signal

import pytest

import apdepot
import container
import tftp_wire
from apdepot import RELEASE
from make_bundle import BUNDLE

FILE = apdepot.ROOT / "packaging/container/Containerfile"
DEPOT = "var/lib/apdepot"


def steps():
    """(instruction, what follows it) of each line, comments left out and continuations joined."""
    lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()]


def the(instruction):
    found, = (what for name, what in steps() if name == instruction)
    return found


@pytest.fixture(scope="module")
def image(package):
    """A container that is built but does not run yet."""
    release, = re.findall(r"^debian:(\w+)-slim$", the("FROM"))
    if release != container.debian():
        pytest.skip(f"the package is for {container.debian()}, and the Containerfile takes {release}")
    image = container.Container(container.bare_root(release, f"{release}-slim"))
    try:
        for instruction, what in steps():
            if instruction == "COPY":
                pattern, target = shlex.split(what)
                assert glob.fnmatch.fnmatch(package.name, pattern)
                shutil.copy(package, image.root / target[1:])
            elif instruction == "RUN":
                container.inside(image.root, "sh", "-c", what)
            else:
                assert instruction in ("FROM", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
        yield image
    finally:
        image.close()


@pytest.fixture(scope="module")
def running(image):
    image.end = getattr(signal, the("STOPSIGNAL"))
    image.start("apdepot", f"--user={the('USER')}", *json.loads(the("ENTRYPOINT")), *json.loads(the("CMD")))
    image.wait_until(lambda: "apdepot ready: " in image.console())
    return image


def test_there_is_no_systemd_in_it(image):
    assert not (image.root / "lib/systemd/systemd").exists()


def test_it_serves_as_its_user_and_keeps_no_capability(running):
    status = (apdepot.pathlib.Path("/proc") / str(running.init) / "status").read_text()
    owner = os.stat(running.root / DEPOT)

    assert re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE).group(1) == str(owner.st_uid) != "0"
    assert re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16] * 4


def test_a_bundle_in_the_volume_is_served(running, bundle):
    assert (running.root / the("VOLUME")[1:]) == running.root / DEPOT
    arriving = running.root / DEPOT / "arriving"
    shutil.copy(bundle, arriving)
    os.chown(arriving, *(getattr(os.stat(running.root / DEPOT), each) for each in ("st_uid", "st_gid")))
    arriving.rename(running.root / DEPOT / "drop" / BUNDLE)
    image = running.root / DEPOT / "images" / RELEASE[1:] / "ap1g8"
    running.wait_until(image.exists)
    with running.network():
        client = tftp_wire.Client(("127.0.0.1", 69))
    with client:
        content = client.ask(f"{RELEASE}/ap1g8").data

        assert content + client.finish(1) == image.read_bytes()


def test_the_health_check_says_whether_it_serves(running):
    """It asks at the control socket, for the ports are what the configuration says."""
    check = ["runuser", "-u", the("USER"), "--", *json.loads(the("HEALTHCHECK").split("CMD ", 1)[1])]
    socket = running.root / DEPOT / "state/control.sock"
    away = socket.with_name("away")
    assert running.run(*check, check=False).returncode == 0

    socket.rename(away)
    assert running.run(*check, check=False).returncode != 0
    away.rename(socket)


def test_it_ends_well_when_it_is_stopped(running):
    os.kill(running.init, running.end)

    assert running.nspawn.wait(container.PATIENCE) == 0
    assert "apdepot: stopped" in running.console()
