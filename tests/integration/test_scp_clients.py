"""Legacy SCP, which Aruba's controllers and old Cisco devices speak."""
import os
import stat

import pytest

from apdepot import PASSWORD, RELEASE, USER, snapshot
from clients import CONTENT, THEN, Client, key_user
from sftp_wire import Sftp

IMAGE = f"{RELEASE}/ap1g8"
KEYED, WRITER = "keyed", "writer"


@pytest.fixture
def server(start_server, depot, key):
    """`keyed` may read, `writer` may upload; the same key opens both."""
    config = key_user(key, KEYED)
    config["ssh"]["users"].append({**config["ssh"]["users"][0], "name": WRITER, "uploads": True})
    return start_server(depot, config)


@pytest.fixture
def client(server, tmp_path, key):
    return Client(server, tmp_path / "home", key)


@pytest.fixture
def scp(client):
    """OpenSSH's, with the legacy protocol. `source` and `target` may name the server by a leading colon."""

    def run(source, target, *options, user=KEYED, check=True):
        host, port = client.server.ssh
        source, target = (f"{user}@{host}{name}" if str(name).startswith(":") else name for name in (source, target))
        return client.run("scp", "-O", *client.key_options(), "-P", port, *options, source, target, check=check)

    return run


# ---- from the server

def test_openssh_fetches_a_file_with_its_time(scp, server, images, tmp_path):
    os.utime(server.depot / f"images{IMAGE}", (THEN, THEN))
    scp(f":{IMAGE}", tmp_path / "got", "-p")

    assert (tmp_path / "got").read_bytes() == images["ap1g8"]
    assert (tmp_path / "got").stat().st_mtime == THEN
    server.wait_for_log(rf'^sftp-server\[\d+\]: open "{IMAGE}" flags READ mode 0666$')
    server.wait_for_log(rf'^sftp-server\[\d+\]: close "{IMAGE}" bytes read {len(images["ap1g8"])} written 0$')


def test_openssh_fetches_a_directory(scp, images, tmp_path):
    scp(f":{RELEASE}", tmp_path / "got", "-r")

    assert {path.name: path.read_bytes() for path in (tmp_path / "got").iterdir()} == images


def test_openssh_fetches_what_matches_a_pattern(scp, images, tmp_path):
    (tmp_path / "got").mkdir()
    scp(f":{RELEASE}/ap1g*", tmp_path / "got")

    assert {path.name for path in (tmp_path / "got").iterdir()} == {name for name in images if name.startswith("ap1g")}


@pytest.mark.parametrize("name, told", [
    (f"{RELEASE}/ap1gl", "No such file or directory"), (RELEASE, "not a regular file"),
    ("/../../etc/passwd", "No such file or directory")], ids=["missing", "a directory", "outside"])
def test_openssh_shows_why_a_file_does_not_come(scp, tmp_path, name, told):
    done = scp(f":{name}", tmp_path / "got", check=False)

    assert done.returncode != 0
    assert told in done.stderr
    assert not (tmp_path / "got").exists()


def test_a_miss_over_scp_is_explained(scp, server, tmp_path):
    scp(f":{RELEASE}/ap1gl", tmp_path / "got", check=False)

    server.wait_for_log(r"^sftp-server\[\d+\]: miss ")


def test_curl_fetches_a_file(client, images, tmp_path):
    host, port = client.server.ssh
    login = client.file("curlrc", f'user = "{USER}:{PASSWORD}"\n')
    client.run("curl", "-sS", "-k", "-K", login, "-o", tmp_path / "got", f"scp://{host}:{port}{IMAGE}")

    assert (tmp_path / "got").read_bytes() == images["ap1g8"]


@pytest.fixture
def pscp(client):
    host, port = client.server.ssh
    known = [word for fingerprint in client.server.fingerprints() for word in ("-hostkey", fingerprint)]
    secret = client.file("password", PASSWORD + "\n")

    def run(source, target, check=True):
        source, target = (f"{USER}@{host}{name}" if str(name).startswith(":") else name for name in (source, target))
        return client.run("pscp", "-scp", "-batch", "-P", port, *known, "-pwfile", secret, source, target, check=check)

    return run


def test_pscp_fetches_a_file(pscp, images, tmp_path):
    pscp(f":{IMAGE}", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == images["ap1g8"]


def test_pscp_shows_who_may_only_read(pscp, local):
    done = pscp(local, ":/uploads/new.bin", check=False)

    assert done.returncode != 0
    assert f"user {USER} may only read here" in done.stdout + done.stderr


# ---- to the server

def test_openssh_sends_a_file_with_its_time(scp, uploads, local):
    scp(local, ":/uploads/new.bin", "-p", user=WRITER)

    assert (uploads / "new.bin").read_bytes() == CONTENT
    assert (uploads / "new.bin").stat().st_mtime == THEN
    assert stat.S_IMODE((uploads / "new.bin").stat().st_mode) == 0o644


def test_openssh_sends_a_directory(scp, uploads, tmp_path):
    (tmp_path / "tree/inner").mkdir(parents=True)
    (tmp_path / "tree/a").write_bytes(CONTENT)
    (tmp_path / "tree/inner/b").write_bytes(b"")
    scp(tmp_path / "tree", ":/uploads", "-r", user=WRITER)

    assert (uploads / "tree/a").read_bytes() == CONTENT
    assert (uploads / "tree/inner/b").read_bytes() == b""


def test_nothing_is_overwritten(scp, uploads, local):
    scp(local, ":/uploads/taken", user=WRITER)
    local.write_bytes(b"other")
    done = scp(local, ":/uploads/taken", user=WRITER, check=False)

    assert done.returncode != 0
    assert "File exists" in done.stderr
    assert (uploads / "taken").read_bytes() == CONTENT


def test_a_name_outside_of_uploads_is_refused(scp, server, local):
    before = snapshot(server.depot / "images/EWC")
    for name in (":/new.bin", f":{RELEASE}/new.bin", ":/uploads/../new.bin"):
        done = scp(local, name, user=WRITER, check=False)

        assert done.returncode != 0
        assert "Permission denied" in done.stderr
    assert snapshot(server.depot / "images/EWC") == before
    assert {path.name for path in (server.depot / "images").iterdir()} == {"EWC", "uploads"}


def test_who_may_only_read_is_told_so(scp, server, local):
    before = snapshot(server.depot / "images")
    done = scp(local, ":/uploads/new.bin", check=False)

    assert done.returncode != 0
    assert f"user {KEYED} may only read here" in done.stderr
    assert snapshot(server.depot / "images") == before


def test_a_file_larger_than_max_upload_is_refused(start_server, depot, key, tmp_path, local):
    config = key_user(key, WRITER)
    config["ssh"]["users"][0]["uploads"] = True
    config["ssh"]["max_upload"] = "100KiB"
    server = start_server(depot, config)
    client = Client(server, tmp_path / "home", key)
    host, port = server.ssh
    done = client.run("scp", "-O", *client.key_options(), "-P", port, local, f"{WRITER}@{host}:/uploads/large",
                      check=False)

    assert done.returncode != 0
    assert "large" in done.stderr.lower()
    assert not (depot / "images/uploads/large").exists()


# ---- what is no scp

@pytest.mark.parametrize("command", ["id", "scp -f /etc/passwd; id", "scp -f $(id)", "scp", "rsync --server . /"])
def test_any_other_command_is_refused(client, server, command):
    host, port = server.ssh
    done = client.run("ssh", *client.key_options(), "-p", port, f"{KEYED}@{host}", command, check=False, stdin="")

    assert done.returncode != 0
    assert "uid=" not in done.stdout
    server.wait_for_log(r'^sshd\[\d+\]: refused the command "')


def test_sftp_and_scp_share_a_connection(transport, images):
    sftp = Sftp(transport)
    channel = transport.open_session()
    channel.exec_command(f"scp -f {IMAGE}")
    channel.sendall(b"\0")
    assert channel.makefile("rb").readline() == f"C0644 {len(images['ap1g8'])} ap1g8\n".encode()

    assert sftp.fetch(f"{RELEASE}/ap1g6") == images["ap1g6"]
    channel.sendall(b"\0")
    content = b""
    while len(content) < len(images["ap1g8"]) + 1:
        content += channel.recv(65536)
    assert content == images["ap1g8"] + b"\0"
    channel.sendall(b"\0")
    assert channel.recv_exit_status() == 0
