"""The SFTP clients that people have, one feature each; test_whole_job.py runs them over everything."""
import base64
import random
import socket

import pytest

from apdepot import PASSWORD, PATIENCE, RELEASE, USER
from clients import SFTP_CLIENTS, Client, get_lines, key_user


@pytest.mark.parametrize("fetch", SFTP_CLIENTS, ids=lambda fetch: fetch.__name__)
def test_a_client_gets_an_image(fetch, client, images, tmp_path):
    target = tmp_path / "got"
    target.mkdir()
    fetch(client, RELEASE, ["ap1g8"], target)

    assert (target / "ap1g8").read_bytes() == images["ap1g8"]


def sftp(client, *options, lines, check=True):
    """OpenSSH's client with a key; returns what it did."""
    host, port = client.server.ssh
    return client.run("sftp", *client.key_options(), *options, "-b", client.file("batch", lines), "-P", port,
                      f"{client.keyed}@{host}", check=check)


@pytest.mark.parametrize("options", [
    ("-B", "32768", "-R", "1"), ("-B", "1000"), ("-R", "64"), ("-B", "261120", "-R", "64")],
    ids=["one 32 KiB read at a time", "small reads", "many reads", "largest reads"])
def test_openssh_gets_an_image_by_reads_of_any_shape(client, options, images, tmp_path):
    sftp(client, *options, lines=get_lines(RELEASE, ["C9800-AP-iosxe-wlc.bin"], tmp_path))

    assert (tmp_path / "C9800-AP-iosxe-wlc.bin").read_bytes() == images["C9800-AP-iosxe-wlc.bin"]


@pytest.mark.parametrize("cipher", ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
                                    "aes128-ctr", "aes256-ctr"])
def test_openssh_gets_an_image_with_any_modern_cipher(client, cipher, images, tmp_path):
    sftp(client, "-c", cipher, lines=get_lines(RELEASE, ["ap1g8"], tmp_path))

    assert (tmp_path / "ap1g8").read_bytes() == images["ap1g8"]


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"])
def test_openssh_finds_either_host_key(client, algorithm, images, tmp_path):
    sftp(client, "-o", f"HostKeyAlgorithms={algorithm}", lines=get_lines(RELEASE, ["ap1g8"], tmp_path))

    assert (tmp_path / "ap1g8").read_bytes() == images["ap1g8"]


@pytest.mark.parametrize("option", ["KexAlgorithms=diffie-hellman-group14-sha1", "HostKeyAlgorithms=ssh-rsa",
                                    "Ciphers=aes128-cbc", "MACs=hmac-sha1"])
def test_what_only_old_devices_need_is_off(client, option):
    ciphers = ["-o", "Ciphers=aes128-ctr"] if option.startswith("MACs") else []
    done = sftp(client, "-o", option, *ciphers, lines="pwd\n", check=False)

    assert done.returncode != 0
    assert "no matching" in done.stderr


def test_openssh_survives_a_rekey_in_mid_transfer(client, images, tmp_path):
    sftp(client, "-o", "RekeyLimit=64K", lines=get_lines(RELEASE, ["C9800-AP-iosxe-wlc.bin"], tmp_path))

    assert (tmp_path / "C9800-AP-iosxe-wlc.bin").read_bytes() == images["C9800-AP-iosxe-wlc.bin"]


def test_the_server_exchanges_keys_anew_as_its_setting_says(start_server, depot, key, tmp_path):
    content = random.Random(4).randbytes(8 << 20)
    (depot / "images/big").write_bytes(content)
    server = start_server(depot, {"ssh": {**key_user(key)["ssh"], "rekey_limit": "1MiB"}})
    done = sftp(Client(server, tmp_path / "home", key), "-v", lines=f'get /big "{tmp_path}/big"\n')

    assert (tmp_path / "big").read_bytes() == content
    assert done.stderr.count("SSH2_MSG_KEXINIT received") > 4


def test_openssh_gets_a_whole_release(client, images, tmp_path):
    sftp(client, lines=f'get -R "{RELEASE}" "{tmp_path}/release"\n')

    assert {path.name: path.read_bytes() for path in (tmp_path / "release").iterdir()} == images


def test_openssh_lists_a_release(client, images):
    listing = sftp(client, lines=f"cd {RELEASE}\npwd\nls -l\n").stdout

    assert f"Remote working directory: {RELEASE}" in listing
    assert all(name in listing for name in images)


@pytest.mark.parametrize("line", ["put batch /new", f"rm {RELEASE}/ap1g8", f"rename {RELEASE}/ap1g8 /x", "mkdir /new",
                                  f"chmod 777 {RELEASE}/ap1g8", f"ln {RELEASE}/ap1g8 /x", "symlink /etc/passwd /x"])
def test_openssh_is_denied_whatever_writes(client, line):
    done = sftp(client, lines=line + "\n", check=False)

    assert done.returncode != 0
    assert sorted(path.name for path in (client.server.depot / "images").iterdir()) == ["EWC"]


def test_scp_gets_an_image_by_sftp(client, images, tmp_path):
    host, port = client.server.ssh
    client.run("scp", *client.key_options(), "-P", port, f"{client.keyed}@{host}:{RELEASE}/ap1g8", tmp_path / "image")

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


def test_curl_checks_the_host_key_by_its_fingerprint(client, images, tmp_path):
    host, port = client.server.ssh
    config = client.file("curlrc", f'user = "{USER}:{PASSWORD}"\n')
    url = f"sftp://{host}:{port}{RELEASE}/ap1g8"

    def fetch(fingerprint):
        return client.run("curl", "--disable", "-sS", "-K", config, "--hostpubsha256", fingerprint, "-o",
                          tmp_path / "image", url, check=False).returncode

    statuses = [fetch(logged.removeprefix("SHA256:")) for logged in client.server.fingerprints()]

    assert 0 in statuses
    assert (tmp_path / "image").read_bytes() == images["ap1g8"]
    assert fetch(base64.b64encode(bytes(32)).decode().rstrip("=")) == 60  # "not OK certificate or fingerprint"


def test_curl_gets_an_image_with_a_key(client, images, tmp_path):
    host, port = client.server.ssh
    client.run("curl", "--disable", "-sS", "--insecure", "--user", f"{client.keyed}:", "--key", client.key, "--pubkey",
               f"{client.key}.pub", "-o", tmp_path / "image", f"sftp://{host}:{port}{RELEASE}/ap1g8")

    assert (tmp_path / "image").read_bytes() == images["ap1g8"]


def test_a_client_that_is_no_ssh_client_disturbs_nothing(client, images, tmp_path):
    for rubbish in (b"GET / HTTP/1.0\r\n\r\n", bytes(70000), b"SSH-2.0-x\r\n" + b"\xff" * 5000, b""):
        with socket.create_connection(client.server.ssh, timeout=PATIENCE) as connection:
            connection.sendall(rubbish)
    sftp(client, lines=get_lines(RELEASE, ["ap1g8"], tmp_path))

    assert (tmp_path / "ap1g8").read_bytes() == images["ap1g8"]
