"""One booted Debian for all tests of the file: they are one story, in the order in which they stand."""
import os
import pathlib
import shutil

import pytest

import container
from make_bundle import make_bundle


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root, to boot a Debian of its own"
    missing = [tool for tool in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(tool)]
    return f"needs {' and '.join(missing)}: apt install debootstrap systemd-container" if missing else None


@pytest.fixture(scope="session")
def package():
    """The .deb, which `./dev package` has built."""
    return pathlib.Path(os.environ["APDEPOT_PACKAGE"]).resolve()


@pytest.fixture(scope="session", autouse=True)
def tools():
    if reason := reason_to_skip():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def host(package, tools, tmp_path_factory):
    host = container.Container(container.base_root(os.environ.get("APDEPOT_DEBIAN", "bookworm"), package))
    try:
        host.boot()
        shutil.copy(package, host.root / "root/apdepot.deb")
        container.version_before(package, host.root / "root/before.deb", tmp_path_factory.mktemp("before"))
        yield host
    finally:
        host.close()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"))
