"""What the packages and the sources must agree in."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_package_has_the_version_of_the_sources():
    sources = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
    package = re.match(r"apdepot \(([\d.]+)\)", (ROOT / "packaging/debian/changelog").read_text()).group(1)

    assert package == sources


def test_the_socket_units_and_the_server_have_the_same_names():
    listen = (ROOT / "server/process/listen.hpp").read_text()
    for unit in ("apdepot-tftp", "apdepot-ssh", "apdepot-syslog"):
        text = (ROOT / f"packaging/systemd/{unit}.socket").read_text()

        assert f"FileDescriptorName={unit}\n" in text and "BindIPv6Only=ipv6-only\n" in text
        assert f'"{unit}"' in listen and f'"{unit}.socket"' in listen


def test_a_refusal_to_start_is_not_tried_again():
    status = re.search(r"exit_status = (\d+)", (ROOT / "server/commands/command.hpp").read_text()).group(1)

    assert f"RestartPreventExitStatus=2 {status}\n" in (ROOT / "packaging/systemd/apdepot.service").read_text()


def test_the_log_file_that_is_named_is_one_that_the_unit_allows_and_a_purge_removes():
    unit = (ROOT / "packaging/systemd/apdepot.service").read_text()
    folder = re.search(r"^LogsDirectory=(\S+)$", unit, re.MULTILINE)[1]
    for path in ("conf/apdepot.yaml", "server/process/server.cpp"):
        assert f"file:/var/log/{folder}/apdepot.log" in (ROOT / path).read_text(), path

    assert f"rm -rf /var/log/{folder}\n" in (ROOT / "packaging/debian/apdepot.postrm").read_text()


def test_each_file_of_the_page_is_in_the_program():
    listed = set(re.findall(r"^ +'([^']+)',$", (ROOT / "web/meson.build").read_text(), re.MULTILINE))

    assert listed == {path.name for path in (ROOT / "web").iterdir()} - {"meson.build", "embed.sh"}
