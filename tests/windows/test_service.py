"""The service's life, from its installation to its removal."""
import shutil
import subprocess
import threading

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, wait_until
from clients import Client, sftp_with_password
from make_bundle import BUNDLE, make_bundle

SERVICE = r"HKLM\System\CurrentControlSet\Services\apdepot"
EVENTS = r"HKLM\System\CurrentControlSet\Services\EventLog\Application\apdepot"
TFTP = ("127.0.0.1", 69)


def log_of(data):
    return (data / "apdepot.log").read_text() if (data / "apdepot.log").exists() else ""


def wait_for_log(data, text):
    wait_until(lambda: text in log_of(data))


def test_the_service_is_installed_as_it_should_run(prefix, program, data):
    said = prefix.succeed(program, "service", "install")

    assert "the service apdepot is installed: depot C:/ProgramData/apdepot" in said
    assert prefix.registry(SERVICE, "ImagePath") == \
        r'"C:\apdepot\apdepot.exe" "service" "run" "--config" "C:/ProgramData/apdepot/apdepot.yaml"'
    assert prefix.registry(SERVICE, "ObjectName") == r"NT SERVICE\apdepot"
    assert prefix.registry(SERVICE, "Start") == "0x2"
    assert prefix.registry(EVENTS, "EventMessageFile") == r"C:\apdepot\apdepot.exe"
    assert prefix.registry(EVENTS, "CategoryMessageFile") == r"C:\apdepot\apdepot.exe"
    assert prefix.registry(EVENTS, "CategoryCount") == "0x3"
    assert "the service apdepot is stopped" in prefix.wine(program, "service", "status").stdout
    assert "is installed" in prefix.succeed(program, "service", "install")  # once more changes nothing


def test_the_service_serves_what_is_dropped(prefix, program, data, tmp_path):
    prefix.succeed(program, "service", "install")
    prefix.succeed(program, "service", "start")
    assert "the service apdepot is running" in prefix.succeed(program, "service", "status")

    bundle = make_bundle(tmp_path)
    shutil.copyfile(bundle, data / "drop" / BUNDLE)
    release = data / "images" / RELEASE[1:]
    wait_until(lambda: release.is_dir() and not (data / "drop" / BUNDLE).exists())

    with tftp_wire.Client(TFTP) as client:
        first = client.ask(f"{RELEASE}/ap1g8", "blksize", 1428)
        assert first.opcode == tftp_wire.OACK
    wait_for_log(data, f"RRQ from 127.0.0.1 filename {RELEASE}/ap1g8")
    prefix.succeed(program, "service", "stop")
    assert "is stopped" in prefix.wine(program, "service", "status").stdout


def test_a_stop_lets_a_transfer_end(prefix, program, data):
    content = bytes(range(256)) * 1000
    (data / "images").mkdir()
    (data / "images/file.bin").write_bytes(content)
    prefix.succeed(program, "service", "install")
    prefix.succeed(program, "service", "start")

    with tftp_wire.Client(TFTP) as client:
        client.request("/file.bin")
        got = client.expect_data(1)
        stopping = threading.Thread(target=prefix.wine, args=(program, "service", "stop"))
        stopping.start()
        wait_for_log(data, "stopping: 1 transfers")
        client.acknowledge(1)
        assert got + client.finish(1) == content
        stopping.join()

    assert "is stopped" in prefix.wine(program, "service", "status").stdout
    wait_for_log(data, "sent /file.bin to 127.0.0.1")


def test_a_reload_reads_the_configuration_again(prefix, program, data):
    (data / "images").mkdir()
    (data / "images/old.bin").write_bytes(b"old")
    prefix.succeed(program, "service", "install")
    prefix.succeed(program, "service", "start")
    config = data / "apdepot.yaml"
    good = config.read_text()

    config.write_text(good.replace('"listen": []', '"listen": [7]'))
    prefix.succeed(program, "service", "reload")
    wait_for_log(data, "web.listen")
    config.write_text(good.replace('"settle": 0', '"settle": 5'))
    prefix.succeed(program, "service", "reload")
    wait_for_log(data, "configuration")

    assert "is running" in prefix.succeed(program, "service", "status")


def test_what_keeps_the_service_from_starting_is_said(prefix, program, data):
    prefix.succeed(program, "service", "install")
    (data / "apdepot.yaml").write_text("tftp:\n  listen: [nonsense]\n")

    done = prefix.wine(program, "service", "start")

    assert done.returncode != 0
    assert "the event log says why" in done.stderr


def test_a_removed_service_leaves_the_depot(prefix, program, data):
    prefix.succeed(program, "service", "install")
    prefix.succeed(program, "service", "start")

    prefix.succeed(program, "service", "remove")

    assert prefix.registry(SERVICE, "ImagePath") is None
    assert prefix.registry(EVENTS, "EventMessageFile") is None
    assert (data / "apdepot.yaml").exists() and (data / "state").is_dir()
    assert "there is no service apdepot" in prefix.wine(program, "service", "status").stdout


def test_a_new_configuration_names_depot_and_log(prefix, program):
    prefix.succeed(program, "service", "install")

    config = prefix.drive / "ProgramData/apdepot/apdepot.yaml"
    assert "depot: 'C:/ProgramData/apdepot'\n" in config.read_text()
    assert "target: 'file:C:/ProgramData/apdepot/apdepot.log'" in config.read_text()
    assert "no errors" in prefix.succeed(program, "config", "check", "--config", "C:/ProgramData/apdepot/apdepot.yaml")
