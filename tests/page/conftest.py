"""The page in a browser, against the real server: each test has a depot of its own."""
import pathlib
import shutil
import zipfile

import pytest

import apdepot
from browser import Browser, page_of
from make_bundle import make_bundle

MARIA, NOC, PASSWORD = "maria", "noc", "correct horse battery"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The small bundle. Read only."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def prepared_state(tmp_path_factory):
    """A state/ with host keys, an administrator and a viewer, made once."""
    directory = tmp_path_factory.mktemp("template")
    state = apdepot.make_state(directory, apdepot.write_config(directory / "apdepot.yaml", {"web": {"listen": []}}))
    for name, role in ((MARIA, "admin"), (NOC, "viewer")):
        add_web_user(state.parent, name, role, directory)
    return state


def add_web_user(depot, name, role, directory):
    file = pathlib.Path(directory, f"{name}.password")
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    apdepot.succeed("user", "add", name, "--web", role, "--password-file", file, depot=depot)


@pytest.fixture
def new_depot(tmp_path):
    """A depot that nothing has made yet."""
    yield tmp_path / "depot"
    shutil.rmtree(tmp_path / "depot", ignore_errors=True)


@pytest.fixture
def empty_depot(new_depot, prepared_state):
    """One with users, and without an image."""
    new_depot.mkdir()
    shutil.copytree(prepared_state, new_depot / "state")
    return new_depot


@pytest.fixture
def depot(empty_depot, bundle):
    """One that serves the release, which an administrator has copied there."""
    release = empty_depot / "images" / apdepot.RELEASE[1:]
    release.mkdir(parents=True)
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(release)
    return empty_depot


@pytest.fixture
def start_server(tmp_path, new_depot):
    """Starts servers with a page, and ends them while their depot is still there."""
    with apdepot.ended(lambda lines: lines) as servers:
        def start(depot, config=None):
            file = apdepot.write_config(tmp_path / "apdepot.yaml", config or {})
            listen = ("--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0", "--web", "127.0.0.1:0")
            servers.append(apdepot.Server(depot, file, listen=listen, web=None))
            return servers[-1]

        yield start


@pytest.fixture
def server(start_server, depot):
    return start_server(depot)


@pytest.fixture
def open_browser(tmp_path):
    """Opens browsers at the page of a server. What the page did wrong stands in a browser's console."""
    browsers = []

    def begin(server, name=None):
        browsers.append(Browser(page_of(server), tmp_path))
        if name:
            browsers[-1].log_in(name, PASSWORD)
        return browsers[-1]

    yield begin
    complaints = [each for browser in browsers for each in browser.complaints()]
    for browser in browsers:
        browser.driver.quit()
    assert not complaints


@pytest.fixture
def page(open_browser, server):
    """The page, seen by an administrator."""
    return open_browser(server, MARIA)
