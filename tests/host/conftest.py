"""One booted Debian for all tests of the file: they are one story, in the order in which they stand."""
import contextlib
import os
import pathlib
import shutil

import pytest

import container
from make_bundle import make_bundle


@pytest.fixture(scope="session")
def package():
    """The .deb, which `./dev package` has built."""
    return pathlib.Path(os.environ["APDEPOT_PACKAGE"]).resolve()


@pytest.fixture(scope="session", autouse=True)
def tools():
    if reason := container.reason_to_skip():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def host(package, tools, tmp_path_factory, pytestconfig):
    """Where it cannot be booted, the short form is skipped: that runs on any machine."""
    with contextlib.ExitStack() as stack:
        try:
            host = container.Container(container.base_root(container.debian(), package))
            stack.callback(host.close)
            host.boot()
        except container.Unable as error:
            if pytestconfig.option.markexpr != "short":
                raise
            pytest.skip(str(error))
        shutil.copy(package, host.root / "root/apdepot.deb")
        container.version_before(package, host.root / "root/before.deb", tmp_path_factory.mktemp("before"))
        yield host


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"))
