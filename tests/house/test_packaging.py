"""What the packages and the sources must agree in."""
import hashlib
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_package_has_the_version_of_the_sources():
    sources = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
    package = re.match(r"apdepot \(([\d.]+)\)", (ROOT / "packaging/debian/changelog").read_text()).group(1)

    assert package == sources


def test_the_configuration_of_the_package_is_the_same_in_every_version():
    """Where the package changes it, dpkg asks every administrator who has changed it too, and unattended upgrades stop."""
    digest = hashlib.sha256((ROOT / "packaging/debian/apdepot.yaml").read_bytes()).hexdigest()

    assert digest == "78aed5f175d705806c3c33ee22e54197e7fd7b4380667055801b7dc6854f1114"


def test_the_socket_units_and_the_server_have_the_same_names():
    listen = (ROOT / "server/process/listen.hpp").read_text()
    for unit in ("apdepot-tftp", "apdepot-ssh", "apdepot-http", "apdepot-https", "apdepot-syslog"):
        text = (ROOT / f"packaging/systemd/{unit}.socket").read_text()

        assert f"FileDescriptorName={unit}\n" in text and "BindIPv6Only=ipv6-only\n" in text
        assert f'"{unit}"' in listen and f'"{unit}.socket"' in listen


@pytest.mark.parametrize("unit", ["apdepot.service", "apdepot-ssh.socket"])
def test_sshd_has_its_port_first_at_every_boot_whatever_the_distribution_calls_it(unit):
    """Or the next reboot would lock the administrator out: Debian says ssh.service, most others sshd.service."""
    after = re.findall(r"^After=(.+)$", (ROOT / "packaging/systemd" / unit).read_text(), re.MULTILINE)

    assert {"ssh.service", "ssh.socket", "sshd.service", "sshd.socket"} <= set(" ".join(after).split())


@pytest.mark.parametrize("unit", [path.name for path in sorted((ROOT / "packaging/systemd").glob("*.socket"))])
def test_an_address_of_this_host_is_there_before_a_socket_unit_opens_it(unit):
    """One that an edit names: at the boot systemd would fail to bind it, and the service may not."""
    after = re.search(r"^After=(.+)$", (ROOT / "packaging/systemd" / unit).read_text(), re.MULTILINE)[1].split()

    assert "network-online.target" in after
    assert "\nWants=network-online.target\n" in (ROOT / "packaging/systemd/apdepot.service").read_text()


@pytest.mark.parametrize("unit", [path.name for path in sorted((ROOT / "packaging/systemd").glob("*.socket"))])
def test_a_socket_unit_names_the_command_that_applies_an_edit(unit):
    text = (ROOT / "packaging/systemd" / unit).read_text()

    assert f"`systemctl edit {unit}`" in text
    assert f"#   systemctl stop {unit} && systemctl restart apdepot\n" in text


@pytest.mark.parametrize("path, unit, sudo", [("README.md", "apdepot-tftp.socket", ""),
                                              ("docs/tasks.md", "apdepot-http.socket", "sudo "),
                                              ("server/process/address_plan.cpp", "{0}", "")])
def test_each_text_on_the_edit_of_a_socket_unit_names_that_command(path, unit, sudo):
    text = " ".join((ROOT / path).read_text().split())

    assert f"`{sudo}systemctl stop {unit} && {sudo}systemctl restart apdepot`" in text


def test_a_refusal_to_start_is_not_tried_again():
    status = re.search(r"exit_status = (\d+)", (ROOT / "server/commands/command.hpp").read_text()).group(1)

    assert f"RestartPreventExitStatus=2 {status}\n" in (ROOT / "packaging/systemd/apdepot.service").read_text()


def test_the_log_file_that_is_named_is_one_that_the_unit_allows_and_a_purge_removes():
    unit = (ROOT / "packaging/systemd/apdepot.service").read_text()
    folder = re.search(r"^LogsDirectory=(\S+)$", unit, re.MULTILINE)[1]
    for path in ("conf/apdepot.yaml", "server/os/host_text_linux.cpp"):
        assert f"file:/var/log/{folder}/apdepot.log" in (ROOT / path).read_text(), path

    assert f"rm -rf /var/log/{folder}\n" in (ROOT / "packaging/debian/apdepot.postrm").read_text()


def test_each_file_of_the_page_is_in_the_program():
    listed = set(re.findall(r"^ +'([^']+)',$", (ROOT / "web/meson.build").read_text(), re.MULTILINE))

    assert listed == {path.name for path in (ROOT / "web").iterdir()} - {"meson.build", "embed.sh"}


def test_the_units_of_the_static_archive_start_what_its_text_installs():
    edit, = re.findall(r"^sed -i '(.+)' .*/systemd/\*$", (ROOT / "packaging/static/package.sh").read_text(), re.MULTILINE)
    unit = subprocess.run(["sed", edit, ROOT / "packaging/systemd/apdepot.service"], check=True, capture_output=True,
                          text=True).stdout
    program, config = re.search(r"^ExecStart=(\S+) serve --config (\S+)$", unit, re.MULTILINE).groups()
    install = (ROOT / "packaging/static/INSTALL").read_text()

    assert re.search(r"^  sudo cp -r .*\bbin share /usr/local/$", install, re.MULTILINE) and program == "/usr/local/bin/apdepot"
    assert re.search(rf"^  sudo install -D .*\bapdepot\.yaml {re.escape(config)}$", install, re.MULTILINE)
    assert re.search(r"^  sudo useradd .*--user-group .* apdepot$", install, re.MULTILINE)
    assert "\nUser=apdepot\nGroup=apdepot\n" in unit


def test_each_document_that_is_named_is_shipped():
    """By the documents themselves, the configuration, the program or the page; package.sh reads the same list."""
    shipped = {path for pattern in (ROOT / "packaging/debian/apdepot.docs").read_text().split() for path in ROOT.glob(pattern)}
    texts = [*shipped, ROOT / "conf/apdepot.yaml", *(path for folder in ("server", "conf", "storage", "web", "packaging/systemd")
                                                     for path in (ROOT / folder).rglob("*") if path.is_file())]
    named = {ROOT / name for path in texts for name in re.findall(r"\bdocs/[a-z_.]+\.(?:md|json)\b", path.read_text())}
    named |= {ROOT / "docs" / name for path in shipped if path.parent.name == "docs"
              for name in re.findall(r"\]\(([a-z_.]+\.(?:md|json))\b", path.read_text())}

    assert len(named) > 4 and named <= shipped
    assert ROOT / "CHANGELOG.md" in shipped and "CHANGELOG.md" in (ROOT / "packaging/debian/changelog").read_text()


# ---- what a purge removes

@pytest.fixture
def depot(tmp_path):
    """As the package and the server have made it."""
    depot = tmp_path / "depot"
    for folder in ("images", "drop", "rejected", "state/manifests"):
        (depot / folder).mkdir(parents=True)
    (depot / "state/users.yaml").write_text("users: []\n")
    return depot


def purge(depot, path="/usr/bin:/bin"):
    """The postrm with other folders than the host's; it must exit with 0."""
    script = (ROOT / "packaging/debian/apdepot.postrm").read_text()
    for place in ("/etc/apdepot", "/var/log/apdepot"):
        script = script.replace(place, str(depot.parent / "elsewhere"))
    return subprocess.run(["sh", "-c", script.replace("/var/lib/apdepot", str(depot)), "postrm", "purge"], check=True,
                          env={"PATH": path}, capture_output=True, text=True).stdout


def test_a_purge_removes_a_depot_without_files(depot):
    (depot / "images/EWC/17_9_4a").mkdir(parents=True)

    assert purge(depot) == "" and not depot.exists()


@pytest.mark.parametrize("file", ["images/EWC/17_9_4a/ap1g8", "drop/bundle.zip", "rejected/bundle.zip"])
def test_a_purge_keeps_a_depot_with_a_file_and_its_state(depot, file):
    (depot / file).parent.mkdir(parents=True, exist_ok=True)
    (depot / file).write_text("an image")

    assert "holds images and stays" in purge(depot)
    assert (depot / file).exists() and (depot / "state/users.yaml").exists()


def test_a_purge_keeps_what_find_cannot_read(depot, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/find").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/find").chmod(0o755)

    assert "stays" in purge(depot, path=f"{tmp_path}/bin:/usr/bin:/bin")
    assert (depot / "state/users.yaml").exists()


def test_a_purge_keeps_a_file_that_comes_meanwhile(depot, tmp_path):
    """After it was looked for."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rm").write_text(f"#!/bin/sh\necho an image >{depot}/drop/bundle.zip\nexec /bin/rm \"$@\"\n")
    (tmp_path / "bin/rm").chmod(0o755)

    assert "stays" in purge(depot, path=f"{tmp_path}/bin:/usr/bin:/bin")
    assert (depot / "drop/bundle.zip").exists() and not (depot / "state").exists()
