"""Every test has a depot, a server and a home of its own, and every server must end well."""
import os
import shutil
import subprocess
import zipfile

import pytest

import apdepot
import sftp_wire
import wine_limits
from clients import CONTENT, THEN, Client, key_user, make_key
from make_bundle import make_bundle


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="also run what needs the real sizes")


def pytest_collection_modifyitems(config, items):
    if apdepot.UNDER_WINE:
        for item in items:
            if why := wine_limits.why_not(item.path.name, item.originalname):
                item.add_marker(pytest.mark.skip(reason=why))
    if not config.getoption("--full") and "full" not in config.option.markexpr:
        for item in items:
            if "full" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs --full"))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The small bundle. Read only."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def images(bundle):
    """Name and bytes of each of the small bundle's members."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def keyed_state(tmp_path_factory):
    """A state/ with host keys and the user, made once: making them takes longer than most tests."""
    directory = tmp_path_factory.mktemp("template")
    return apdepot.make_state(directory, apdepot.write_config(directory / "apdepot.yaml", {}))


@pytest.fixture
def new_depot(tmp_path):
    """A depot that nothing has made yet. It goes with the test: pytest would keep hundreds of them."""
    yield tmp_path / "depot"
    shutil.rmtree(tmp_path / "depot", ignore_errors=True)


@pytest.fixture
def empty_depot(new_depot, keyed_state):
    """A depot with host keys and the user, and without an image."""
    new_depot.mkdir()
    shutil.copytree(keyed_state, new_depot / "state")
    return new_depot


@pytest.fixture
def depot(empty_depot, images):
    """A depot that serves the release, which an administrator has copied there."""
    release = empty_depot / "images" / apdepot.RELEASE[1:]
    release.mkdir(parents=True)
    for name, content in images.items():
        (release / name).write_bytes(content)
    return empty_depot


@pytest.fixture
def full_disk(new_depot, keyed_state):
    """A depot on a disk of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    new_depot.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M,mode=755", "apdepot-test", new_depot], check=True)
    subprocess.run(["cp", "-r", keyed_state, new_depot / "state"], check=True)
    yield new_depot
    subprocess.run(["umount", "--lazy", new_depot], check=True)


@pytest.fixture
def start_server(tmp_path, new_depot):
    """Starts servers, and ends them while their depot is still there. `config` is the configuration as a dict; the
    rest is apdepot.Server's."""
    with apdepot.ended(lambda lines: lines) as servers:
        def start(depot, config=None, **options):
            file = apdepot.write_config(tmp_path / "apdepot.yaml", config or {})
            servers.append(apdepot.Server(depot, file, **options))
            return servers[-1]

        yield start


@pytest.fixture
def server(start_server, depot):
    return start_server(depot)


@pytest.fixture
def optimised():
    """For what is measured."""
    return apdepot.optimised_binary() or pytest.skip("there is no binary without a sanitizer: build/release/apdepot")


@pytest.fixture
def transport(server):
    """An SSH connection of the user."""
    transport = sftp_wire.login(server, apdepot.USER, apdepot.PASSWORD)
    yield transport
    transport.close()


@pytest.fixture
def sftp(transport):
    return sftp_wire.Sftp(transport)


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "id_ed25519")


@pytest.fixture
def keyed_server(start_server, depot, key):
    """A server with the user, who has a password, and `keyed`, who has a key."""
    return start_server(depot, key_user(key))


@pytest.fixture
def client(keyed_server, tmp_path, key):
    """For the real clients, against a server that knows their user, password and key."""
    return Client(keyed_server, tmp_path / "home", key)


@pytest.fixture
def local(tmp_path):
    """A file for them to send."""
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (THEN, THEN))
    path.chmod(0o600)
    return path


@pytest.fixture
def uploads(server):
    """The folder, which the server has made once somebody has begun SFTP."""
    return server.depot / "images/uploads"


@pytest.fixture
def clients(server, tmp_path):
    """For the real clients of TFTP."""
    return Client(server, tmp_path / "home", key=None)
