"""What docs/tasks.md tells an administrator to do, done."""
import os
import re
import shlex
import subprocess

import pytest

import apdepot
from apdepot import PASSWORD, ROOT, USER, Server, add_user, succeed
from clients import Client, make_key

TASKS = (ROOT / "docs/tasks.md").read_text()
DEPOT = "/var/lib/apdepot"


def commands(task, program):
    """The commands of one section that run this program."""
    section = TASKS.split(f"\n## {task}\n")[1].split("\n## ")[0]
    found = re.findall(rf"^(?:\$ )?(?:sudo )?({program} .*)$", section, re.MULTILINE)
    assert found, f"{task} has no {program}"
    return found


@pytest.fixture
def imported(empty_depot, bundle):
    succeed("import", bundle, depot=empty_depot)
    return empty_depot


@pytest.fixture
def host_key(tmp_path):
    file = tmp_path / "ssh_host_ed25519_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


@pytest.fixture
def ended():
    """Servers that end with the test."""
    with apdepot.ended(lambda lines: lines) as servers:
        yield servers


def test_an_sftp_account_of_openssh_logs_in_with_its_key_and_sees_the_old_host_key(tmp_path, host_key, ended):
    key = make_key(tmp_path / "id")
    chroot, depot = tmp_path / "srv", tmp_path / "depot"
    chroot.mkdir()
    (chroot / "image").write_bytes(b"x" * 70000)
    sshd = tmp_path / "sshd_config"
    sshd.write_text(f"ListenAddress 127.0.0.1:0\nMatch User ewc\n ForceCommand internal-sftp -R\n ChrootDirectory {chroot}\n"
                    f" AuthorizedKeysFile {key}.pub\n")
    config = tmp_path / "apdepot.yaml"
    config.write_text(succeed("config", "from", sshd).replace(DEPOT, str(depot)))
    (depot / "state").mkdir(parents=True)
    (depot / "images").mkdir()
    subprocess.run(["install", "-m", "600", host_key, depot / "state"], check=True)
    subprocess.run(["cp", "-r", f"{chroot}/.", depot / "images"], check=True)

    server = Server(depot, config, listen=("--tftp", "127.0.0.1:0"))
    ended.append(server)
    print_of_key = subprocess.run(["ssh-keygen", "-lf", host_key], capture_output=True, text=True, check=True).stdout.split()[1]
    server.wait_for_log(f"host key ssh-ed25519 {re.escape(print_of_key)}")
    client = Client(server, tmp_path / "home", key)
    host, port = server.ssh
    batch = client.file("batch", f'get /image "{tmp_path}/got"\n')
    client.run("sftp", *client.key_options(), "-b", batch, "-P", port, f"ewc@{host}")
    assert (tmp_path / "got").read_bytes() == b"x" * 70000


def test_the_lines_for_a_9800(imported):
    for line in commands("Serve a 9800", "apdepot"):
        words = shlex.split(line)[1:]
        if words[0] != "import":
            text = succeed(*words, depot=imported)
    section = TASKS.split("\n## Serve a 9800\n")[1]

    assert text.strip() in section


def test_an_aruba_controller_fetches_by_scp(empty_depot, tmp_path, start_server):
    image = tmp_path / "ArubaOS_72xx_8.6.0.4_74969"
    image.write_bytes(b"\0" * 511 + os.urandom(100_000))
    (line,) = [each for each in commands("Serve Aruba controllers by SCP", "apdepot") if "import" in each]
    path = succeed("import", image, depot=empty_depot).strip()
    assert image.name in line and f"\n{path}\n" in TASKS and f"{path}/{image.name}" in TASKS
    add_user(empty_depot, "aruba", PASSWORD, tmp_path)

    server = start_server(empty_depot)
    client = Client(server, tmp_path / "home", None)
    host, port = server.ssh
    for number, name in enumerate((f"{path}/{image.name}", image.name)):
        client.run(*client.with_password(), "scp", "-O", *client.password_options(), "-P", port, f"aruba@{host}:{name}",
                   tmp_path / f"got{number}")
        assert (tmp_path / f"got{number}").read_bytes() == image.read_bytes()


def test_a_depot_comes_back_from_its_archive(imported, tmp_path, images, start_server):
    upload = imported / "images/uploads/from-device"
    upload.parent.mkdir(exist_ok=True)
    upload.write_bytes(b"sent")
    os.setxattr(upload, "user.apdepot.sender", b"sftp:ewc")
    save, restore = commands("Back up and restore a depot", "tar")
    restored = tmp_path / "restored"
    restored.mkdir()
    for command, depot in ((save, imported), (restore, restored)):
        subprocess.run(shlex.split(command.replace(DEPOT, str(depot)).replace("depot.tgz", str(tmp_path / "depot.tgz"))),
                       check=True)

    assert "as imported" in succeed("verify", depot=restored)
    assert USER in succeed("user", "list", depot=restored)
    assert os.getxattr(restored / "images/uploads/from-device", "user.apdepot.sender") == b"sftp:ewc"
    keys = [sorted((path.name, path.read_bytes()) for path in (depot / "state").glob("ssh_host_*")) for depot in
            (imported, restored)]
    assert keys[0] and keys[0] == keys[1]
    server = start_server(restored)
    assert server.ready_line


def test_every_setting_that_is_named_is_one():
    keys = set(re.findall(r"`((?:tftp|ssh|lookup|log|import)\.[a-z_]+)", TASKS))
    known = succeed("config", "example")

    assert keys
    assert not [key for key in keys if not re.search(rf"^  {key.split('.')[1]}:", known, re.MULTILINE)]
