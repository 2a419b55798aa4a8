"""The program and its installers, in prefixes of wine that nobody used before."""
import shutil

import pytest

import apdepot
from network import have_own_loopback
from wine import PROGRAM, Prefix


def pytest_configure():
    have_own_loopback()


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """A prefix to copy: to make one takes longer."""
    folder = tmp_path_factory.mktemp("wine") / "prefix"
    folder.mkdir()
    with Prefix(folder):
        pass
    return folder


@pytest.fixture
def prefix(fresh, tmp_path):
    folder = tmp_path / "prefix"
    shutil.copytree(fresh, folder, symlinks=True)
    with Prefix(folder) as prefix:
        yield prefix
    shutil.rmtree(folder)


@pytest.fixture
def program(prefix):
    """Where an administrator has unpacked it."""
    folder = prefix.drive / "apdepot"
    folder.mkdir()
    shutil.copy(PROGRAM, folder)
    return folder / PROGRAM.name


@pytest.fixture
def data(prefix):
    """%ProgramData%/apdepot, with a configuration that serves this host alone."""
    folder = prefix.drive / "ProgramData/apdepot"
    folder.mkdir(parents=True)
    apdepot.write_config(folder / "apdepot.yaml", {
        "depot": "C:/ProgramData/apdepot", "tftp": {"listen": ["127.0.0.1:69"]}, "ssh": {"listen": ["127.0.0.1:22"]},
        "web": {"listen": []}, "log": {"target": "file:C:/ProgramData/apdepot/apdepot.log"}})
    return folder
