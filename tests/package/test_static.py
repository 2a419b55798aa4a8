"""apdepot-VERSION-linux-ARCH.tar.xz, and the program in a root that holds nothing else."""
import os
import pathlib
import re
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
PACKAGE = pathlib.Path(os.environ["APDEPOT_PACKAGE"])

import make_bundle  # noqa: E402
import tftp_wire  # noqa: E402
from apdepot import PASSWORD, RELEASE, Server  # noqa: E402
from clients import Client, sftp_with_password  # noqa: E402

in_a_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for chroot")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    with tarfile.open(PACKAGE) as archive:
        archive.extractall(folder)
    (top,) = folder.iterdir()
    return top


@pytest.fixture
def empty_root(tmp_path, unpacked):
    """A root with the binary and nothing else."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "apdepot").write_bytes((unpacked / "bin/apdepot").read_bytes())
    (root / "apdepot").chmod(0o755)
    return root


def in_root(root, *arguments, **options):
    done = subprocess.run(["/usr/sbin/chroot", root, "/apdepot", *arguments], capture_output=True, text=True, timeout=300,
                          env={}, check=False, **options)
    assert done.returncode == 0, f"{arguments} exited {done.returncode}: {done.stderr}"
    return done.stdout


def test_the_binary_needs_no_library(unpacked):
    shown = subprocess.run(["readelf", "-d", "-l", unpacked / "bin/apdepot"], capture_output=True, text=True, check=True).stdout

    assert "NEEDED" not in shown and "INTERP" not in shown
    assert "GNU_RELRO" in shown and re.search(r"FLAGS.*(BIND_NOW|NOW)", shown)


def test_the_package_is_whole(unpacked):
    for file in ("bin/apdepot", "share/man/man1/apdepot.1", "share/man/man5/apdepot.yaml.5", "share/man/man7/apdepot-log.7",
                 "share/bash-completion/completions/apdepot", "share/zsh/site-functions/_apdepot",
                 "share/fish/vendor_completions.d/apdepot.fish", "INSTALL", "LICENSE", "apdepot.yaml",
                 "systemd/apdepot-tftp.socket", "CHANGELOG.md", "docs/tasks.md"):
        assert (unpacked / file).stat().st_size > 0
    version = subprocess.run([unpacked / "bin/apdepot", "version"], capture_output=True, text=True, check=True).stdout
    assert unpacked.name == f"apdepot-{version.split()[1]}-linux-{os.uname().machine}"


def test_the_unit_starts_what_is_installed(unpacked):
    """INSTALL says where: tests/house/test_packaging.py compares it."""
    unit = (unpacked / "systemd/apdepot.service").read_text()

    assert "\nExecStart=/usr/local/bin/apdepot serve --config /etc/apdepot/apdepot.yaml\n" in unit
    assert all(line.lstrip().startswith("#") or not line for line in (unpacked / "apdepot.yaml").read_text().splitlines())


def test_the_configuration_says_the_defaults_once_it_is_uncommented(unpacked, tmp_path):
    text = (unpacked / "apdepot.yaml").read_text()
    shown = []
    for name, content in (("packed", text), ("uncommented", re.sub(r"^#( *)(?=[a-z_]+:)", r"\1", text, flags=re.MULTILINE))):
        (tmp_path / f"{name}.yaml").write_text(content)
        shown.append(subprocess.run([unpacked / "bin/apdepot", "config", "show", "--config", tmp_path / f"{name}.yaml"],
                                    capture_output=True, text=True, check=True).stdout)

    assert shown[0] == shown[1]


@in_a_root
def test_the_whole_job_in_an_empty_root(empty_root, tmp_path):
    bundle = make_bundle.make_bundle(tmp_path)
    (empty_root / bundle.name).write_bytes(bundle.read_bytes())
    (empty_root / "password").write_text(PASSWORD + "\n")
    assert in_root(empty_root, "import", f"/{bundle.name}", "--depot", "/depot").strip() == RELEASE
    in_root(empty_root, "user", "add", "ewc", "--password-file", "/password", "--depot", "/depot")
    assert "as imported" in in_root(empty_root, "verify", "--depot", "/depot")
    wrapper = tmp_path / "apdepot"
    # As nobody: without /etc/passwd there is no name that root could give up its rights for.
    wrapper.write_text(f"#!/bin/sh\nexec /usr/sbin/chroot --userspec=65534:65534 {empty_root} /apdepot serve --depot /depot "
                       "--tftp 127.0.0.1:0 --ssh 127.0.0.1:0\n")
    wrapper.chmod(0o755)
    for path in (empty_root / "depot", *(empty_root / "depot").rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)

    server = Server("/depot", binary=wrapper)
    try:
        image = (empty_root / f"depot/images{RELEASE}/ap1g8").read_bytes()
        assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8") == image
        (tmp_path / "got").mkdir()
        sftp_with_password(Client(server, tmp_path / "home", None), RELEASE, ["ap1g8"], tmp_path / "got")
        assert (tmp_path / "got/ap1g8").read_bytes() == image
        assert server.wait_for_log(r"^sshd\[\d+\]: Accepted ")
    finally:
        server.stop()
    assert sorted(path.name for path in empty_root.iterdir()) == sorted(["apdepot", bundle.name, "depot", "password"])


@in_a_root
@pytest.mark.parametrize("root", ["root", "0"])
def test_root_may_stay_root_without_a_name(empty_root, tmp_path, root):
    wrapper = tmp_path / "apdepot"
    wrapper.write_text(f'#!/bin/sh\nexec /usr/sbin/chroot {empty_root} /apdepot "$@"\n')
    wrapper.chmod(0o755)
    server = Server("/depot", binary=wrapper, user=root)
    server.stop()


@in_a_root
def test_no_user_of_the_host_is_looked_up(empty_root):
    """Without /etc/passwd a name is unknown, which is told, and nothing is loaded to find it out."""
    (empty_root / "depot").mkdir()
    done = subprocess.run(["/usr/sbin/chroot", empty_root, "/apdepot", "serve", "--depot", "/depot", "--user", "nobody"],
                          capture_output=True, text=True, timeout=60, env={}, check=False)

    assert done.returncode == 1 and "no such user" in done.stderr
