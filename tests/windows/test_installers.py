"""setup.exe, the MSI and the zip, each silently and from the first installation to the last removal."""
import hashlib
import os
import pathlib
import subprocess
import zipfile

import pytest

import tftp_wire
from apdepot import ROOT, wait_until
from test_service import SERVICE, TFTP

PACKAGES = pathlib.Path(os.environ.get("APDEPOT_PACKAGES", ROOT / "build/windows-packages"))


def package(suffix):
    (found,) = PACKAGES.glob(f"apdepot-*-windows-x86_64{suffix}")
    return found


@pytest.fixture
def serves(prefix, data):
    """Whether the service answers by its file."""
    (data / "images").mkdir()
    (data / "images/file.bin").write_bytes(b"of the depot")

    def serves():
        with tftp_wire.Client(TFTP) as client:
            client.request("/file.bin")
            return client.expect_data(1) == b"of the depot"

    return serves


def is_gone(folder):
    """setup.exe's uninstaller goes on in a copy of itself."""
    wait_until(lambda: not folder.exists() or not list(folder.iterdir()))


def test_setup_installs_upgrades_and_removes(prefix, data, serves):
    setup, folder = package("-setup.exe"), prefix.drive / "Program Files/apdepot"
    config = (data / "apdepot.yaml").read_bytes()

    prefix.succeed(setup, "/S")
    assert serves()
    assert "running" in prefix.succeed(folder / "apdepot.exe", "service", "status")
    assert {each.name for each in folder.iterdir()} == {"apdepot.exe", "README.txt", "LICENSE.txt", "uninstall.exe"}
    keys = {path.name: path.read_bytes() for path in (data / "state").glob("*key*")}

    prefix.succeed(setup, "/S")  # an upgrade to the same
    assert serves()
    assert keys and keys == {path.name: path.read_bytes() for path in (data / "state").glob("*key*")}

    prefix.succeed(folder / "uninstall.exe", "/S")
    is_gone(folder)
    assert prefix.registry(SERVICE, "ImagePath") is None
    assert (data / "apdepot.yaml").read_bytes() == config and (data / "images/file.bin").exists()


def test_the_msi_installs_and_removes(prefix, data, serves):
    msi, folder = package(".msi"), prefix.drive / "Program Files/apdepot"

    prefix.succeed("msiexec", "/i", msi, "/qn")
    assert serves()
    assert prefix.registry(SERVICE, "ImagePath").startswith(r'"C:\Program Files\apdepot\apdepot.exe" "service" "run"')

    prefix.succeed("msiexec", "/x", msi, "/qn")
    is_gone(folder)
    assert prefix.registry(SERVICE, "ImagePath") is None
    assert (data / "images/file.bin").exists()


def test_the_zip_holds_the_program(prefix, tmp_path):
    with zipfile.ZipFile(package(".zip")) as archive:
        archive.extractall(tmp_path / "there")
    (folder,) = (tmp_path / "there").iterdir()

    assert sorted(each.name for each in folder.iterdir()) == ["LICENSE.txt", "README.txt", "apdepot.exe"]
    assert prefix.succeed(folder / "apdepot.exe", "version").startswith("apdepot ")


def test_the_program_needs_only_windows_own_libraries():
    shown = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", package_program()], capture_output=True, text=True,
                           check=True).stdout

    libraries = {line.split()[-1].upper() for line in shown.splitlines() if "DLL Name" in line}
    assert libraries <= {"ADVAPI32.DLL", "BCRYPT.DLL", "CRYPT32.DLL", "IPHLPAPI.DLL", "KERNEL32.DLL", "MSVCRT.DLL",
                         "MSWSOCK.DLL", "NTDLL.DLL", "OLE32.DLL", "SHELL32.DLL", "USER32.DLL", "WER.DLL", "WS2_32.DLL"}
    for protection in ("HIGH_ENTROPY_VA", "DYNAMIC_BASE", "NX_COMPAT"):
        assert protection in shown


def package_program():
    from wine import PROGRAM
    return PROGRAM


def test_two_packings_give_the_same_bytes(tmp_path):
    version = package(".zip").name.split("-")[1]
    made = []
    for each in ("one", "two"):
        subprocess.run([ROOT / "packaging/windows/package.sh", package_program(), version, tmp_path / each], check=True)
        made.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / each).iterdir()})

    assert made[0] == made[1] and len(made[0]) == 3
