"""sshfs, rclone, asyncssh and dbclient; test_sftp_clients.py and test_scp_clients.py have the others."""
import pytest

from apdepot import RELEASE, wait_until
from clients import Client, key_user
from ssh_clients import AsyncsshScp, AsyncsshSftp, DbclientScp, DbclientSftp, Rclone, Sshfs

CLIENTS = [Sshfs, Rclone, AsyncsshSftp, AsyncsshScp, DbclientSftp, DbclientScp]
LARGE = "C9800-AP-iosxe-wlc.bin"


@pytest.fixture
def server(start_server, depot, key):
    config = key_user(key)
    config["ssh"]["users"][0]["uploads"] = True
    return start_server(depot, config)


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def remote(request, server, tmp_path, key):
    """The client under test."""
    if reason := request.param is Sshfs and Sshfs.unavailable():
        pytest.skip(reason)
    return request.param(Client(server, tmp_path / "home", key))


@pytest.fixture
def local(tmp_path):
    """A file to send, of more bytes than a window has."""
    path = tmp_path / "local.bin"
    path.write_bytes(bytes(range(256)) * 12_000)
    return path


def test_a_client_gets_an_image(remote, images, tmp_path):
    remote.get(f"{RELEASE}/{LARGE}", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == images[LARGE]


@pytest.mark.parametrize("remote", [kind for kind in CLIENTS if hasattr(kind, "list")], indirect=True,
                         ids=lambda kind: kind.__name__)
def test_a_client_lists_a_release(remote, images):
    assert {entry for entry in remote.list(RELEASE) if entry[0] not in (".", "..")} == {
        (name, len(content)) for name, content in images.items()}


def test_a_client_sends_a_file(remote, server, local):
    remote.put(local, "/uploads/sent.bin")
    uploads = server.depot / "images/uploads"

    wait_until((uploads / "sent.bin").exists)  # sshfs does not wait for the answer to its CLOSE
    assert [path.name for path in uploads.iterdir()] == ["sent.bin"]
    assert (uploads / "sent.bin").read_bytes() == local.read_bytes()
    server.wait_for_log(rf'close "/uploads/sent\.bin" bytes read 0 written {local.stat().st_size}$')


# In the client's own words.
TOLD = {Sshfs: "No such file or directory", Rclone: "not found", AsyncsshSftp: "No such file",
        AsyncsshScp: "No such file or directory", DbclientSftp: "not found",
        DbclientScp: "No such file or directory"}


def test_a_client_shows_that_a_file_is_not_there(remote, server, tmp_path):
    why = remote.why_not(f"{RELEASE}/ap1gl", tmp_path / "got")

    assert TOLD[type(remote)] in why
    server.wait_for_log(rf"^sftp-server\[\d+\]: miss \w+: {RELEASE}/ap1gl ")
