"""`syslog.listen`: what controllers and access points send of their own logs becomes sentences with cause and fix."""
import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess

import pytest

import apdepot
import hand_over
import network
import tftp_wire
from apdepot import RELEASE, ROOT, wait_until, write_config
from control import Control

LOGS = ROOT / "tests/support/logs"
ANYWHERE = {"listen": ["127.0.0.1:0"], "allow": ["127.0.0.0/8"]}
needs_networks = pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))


def failure(url, reason, sequence=57):
    return (f"<187>{sequence}: 9120-EWC: *Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: "
            f"install_engine: Failed to install_add package {url}, Error: Failed to download file {url}: {reason}")


def send(server, *lines, source="127.0.0.1", to=None):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind((source, 0))
        for line in lines:
            device.sendto(line if isinstance(line, bytes) else line.encode(), to or server.syslog)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def handed(directory, *sockets):
    how = hand_over.hand_over(directory, [(name, each.fileno()) for name, each in sockets])
    return {**how, "env": apdepot.environment(**how["env"])}


@pytest.fixture
def heard(start_server, depot):
    """A server that hears this host's own lines."""
    return start_server(depot, {"syslog": ANYWHERE})


# ---- what is said

def test_a_wrong_path_is_a_sentence_with_the_controllers_line(heard):
    send(heard, failure("tftp://127.0.0.1/Wrong-Path/ap1g6", "No such file or directory"))
    line = heard.wait_for_log(r"^apdepot: syslog of 9120-EWC \(127\.0\.0\.1\): (.*)").group(1)

    assert line.startswith("tftp://127.0.0.1/Wrong-Path/ap1g6, No such file or directory: /Wrong-Path does not exist")
    assert line.endswith(f"tftp-image-path {RELEASE}")


def test_a_look_alike_is_named(heard):
    send(heard, failure(f"tftp://127.0.0.1{RELEASE}/aplg6", "No such file or directory"))
    line = heard.wait_for_log(r"^apdepot: syslog of .*").group()

    assert "aplg6" in line and "ap1g6" in line.replace("aplg6", "")


def test_a_controller_that_asks_another_server_is_told_this_one(heard):
    send(heard, failure(f"tftp://172.16.5.199{RELEASE}/ap1g6", "Timed out"))
    line = heard.wait_for_log(r"^apdepot: syslog of .*").group()

    assert "Timed out: 9120-EWC asks 172.16.5.199, and this server is 127.0.0.1" in line
    assert line.endswith("; tftp-image-server 127.0.0.1")


def test_without_a_request_timed_out_is_a_firewall(heard):
    url = f"tftp://127.0.0.1{RELEASE}/ap1g8"
    send(heard, failure(url, "Timed out"))
    line = heard.wait_for_log(r"^apdepot: syslog of .*").group()

    assert "no request of 9120-EWC has arrived here: a firewall stops UDP 69" in line
    assert line.endswith(f"`apdepot probe {url}` from its network shows where")


def test_with_a_request_timed_out_is_a_firewall_of_the_answer(heard):
    with tftp_wire.Client(heard.tftp) as client:
        client.request(f"{RELEASE}/ap1g8")
        heard.wait_for_log(r"in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1")
        send(heard, failure(f"tftp://127.0.0.1{RELEASE}/ap1g8", "Timed out"))
        line = heard.wait_for_log(r"^apdepot: syslog of .*").group()

    assert "what was sent back did not reach it" in line and "tftp.single_port: true" in line


def test_an_access_points_lines_are_joined(heard):
    send(heard, "<13>Feb 13 11:11:40 kernel: [*02/13/2024 11:11:40.1030] Image Data Request sent to 172.16.4.26, "
                "fileName [ap1g8], slaveStatus 0",
         "<13>Feb 13 11:12:09 kernel: Going to restart CAPWAP (reason : image download cannot start)...")
    line = heard.wait_for_log(r"^apdepot: syslog of 127\.0\.0\.1: (.*)").group(1)

    assert line.startswith("an access point did not get ap1g8, because its controller 172.16.4.26 could not fetch it")
    assert f"{RELEASE}/ap1g8 is served here" in line and "show logging" in line


def test_what_went_well_is_told_too(heard):
    send(heard, "<189>58: 9120-EWC: *Feb  1 17:07:00.720: %CAPWAPAC_SMGR_TRACE_MESSAGE-5-AP_JOIN_DISJOIN: Chassis 1 R0/0: "
                "wncd: AP Event: AP Image Download Success")

    heard.wait_for_log(r"syslog of 9120-EWC \(127\.0\.0\.1\): an access point has its image$")


def records(file):
    """The messages of a log, each as its device sends it: on one line."""
    lines = []
    for line in file.read_text().splitlines():
        line = line.strip().strip("`")
        if re.match(r"\*\w|\[\*|\w{3} +\d+ \d", line) or not lines:
            lines.append(line)
        elif line and line != "<#root>" and not line.startswith("Pour "):
            lines[-1] += " " + line
    return [line for line in lines if line]


FAILING = re.compile(r"Failed to download file \S+:|Error opening|problem extracting|checksum error|cannot start|"
                     r"No space left|signature failed|download failed\.|Booted in bundle|Refusing image|validation failed|"
                     r"integrity check FAILED|validating the signature|not a valid IOS", re.IGNORECASE)


@pytest.mark.parametrize("file", sorted(LOGS.glob("*.txt")), ids=lambda file: file.stem)
def test_each_failing_line_of_the_collected_logs_becomes_one_sentence(heard, file):
    """Each from another address, so that none is taken for what follows from the one before."""
    for number, line in enumerate(records(file), 1):
        source = f"127.0.1.{number}"
        before = len(heard.log_lines())
        send(heard, f"<187>{line}", source=source)
        send(heard, f"<187>{failure(f'tftp://127.0.0.1/end-{number}', 'Timed out')}", source="127.0.2.1")
        heard.wait_for_log(rf"syslog of .*end-{number}, Timed out", since=before)
        said = [text for text in heard.log_lines("apdepot: syslog of") if source in text.split(": ")[1]]
        if FAILING.search(line):
            assert len(said) == 1 and "; " in said[0], (line, said)
        assert len(said) <= 1


@needs_networks
@pytest.mark.skipif(not shutil.which("logger"), reason="needs logger, of bsdutils")
def test_the_vendors_lines_by_logger_over_a_network(start_server, depot):
    """As an administrator plays it: the seed's addresses, and the seed's three failures."""
    with contextlib.ExitStack() as stack:
        host, controller = network.Host("syslog"), network.Host("syslog-ewc")
        stack.callback(host.remove)
        stack.callback(controller.remove)
        network.wire(host, "lan", controller, "ewc")
        host.up("lan", "172.16.5.27/16")
        controller.up("ewc", "172.16.4.26/16")
        with host.inside():
            server = start_server(depot, {"syslog": {"listen": ["0.0.0.0:514"], "allow": ["172.16.4.0/24"]}})
        with controller.inside():
            for line in records(LOGS / "ewc_failures.txt"):
                for form in ("--rfc3164", "--rfc5424"):
                    subprocess.run(["logger", "-n", "172.16.5.27", "-d", form, "-t", "ewc", line], check=True)
        for sentence in (
                r"sftp://\*\*\*\*\*@172\.16\.5\.62/Documents/Wrong-Path/aplg6, No such file or directory: 172\.16\.5\.62 "
                r"answered, and this server is 172\.16\.5\.27",
                rf"tftp://172\.16\.5\.27/Wrong-Path/aplg6, No such file or directory: .*tftp-image-path {RELEASE}",
                r"tftp://172\.16\.5\.199/EWC/17_9_4a/aplg6, Timed out: \S+ asks 172\.16\.5\.199, and this server is "
                r"172\.16\.5\.27; once it asks this server, it will fail again: .*; tftp-image-server 172\.16\.5\.27"):
            server.wait_for_log(rf"^apdepot: syslog of .*172\.16\.4\.26.*: {sentence}")
        said = server.whole_log("apdepot: syslog of")
    assert len([line for line in said if "Timed out" in line]) == 1


# ---- how often, and by whom

def test_the_same_line_again_is_told_once_and_counted(start_server, depot):
    server = start_server(depot, {"syslog": ANYWHERE, "log": {"format": "json"}})
    lines = [failure("tftp://172.16.5.199/a/ap1g8", "Timed out", number) for number in range(20)]
    send(server, *lines, failure("tftp://172.16.5.199/b/ap1g8", "Timed out"))
    server.wait_for_log("/b/ap1g8")
    events = [json.loads(line) for line in server.log_lines() if "controller.said" in line]

    assert [event["url"] for event in events] == ["tftp://172.16.5.199/a/ap1g8", "tftp://172.16.5.199/b/ap1g8"]
    assert {event["kind"] for event in events} == {"failed"} and all(event["bad"] for event in events)
    assert events[0]["client"] == "127.0.0.1" and events[0]["host"] == "9120-EWC"
    assert "asks 172.16.5.199" in events[0]["finding"] and events[0]["fix"] == "tftp-image-server 127.0.0.1"


@pytest.mark.parametrize("allow", [[], ["192.0.2.0/24"]])
def test_who_is_not_listed_is_refused_counted_and_told_once(start_server, depot, allow):
    server = start_server(depot, {"syslog": {**ANYWHERE, "allow": allow}})
    send(server, *[failure("tftp://127.0.0.1/a", "Timed out")] * 30)
    server.wait_for_log(r"dropped a line of syslog from 127\.0\.0\.1: its address is not in syslog\.allow$")
    control = Control(server.depot)
    wait_until(lambda: 'apdepot_syslog_refused_total{limit="allow"} 30\n' in control.ask("/metrics")[1])
    log = server.whole_log()

    assert len([line for line in log if "syslog" in line and "ready" not in line and "is empty" not in line]) == 1


def test_a_flood_is_bounded_and_counted(start_server, depot):
    server = start_server(depot, {"syslog": {**ANYWHERE, "max_lines_per_second": 5}})
    send(server, *[f"<189>{number}: *Feb  1 20:52:13.977: %SYS-5-CONFIG_I: x" for number in range(200)])
    server.wait_for_log(r"dropped a line of syslog from 127\.0\.0\.1: .*syslog\.max_lines_per_second\)")
    control = Control(server.depot)
    metrics = wait_until(lambda: re.search(r'apdepot_syslog_refused_total\{limit="max_lines_per_second"\} (\d+)',
                                           control.ask("/metrics")[1]))

    assert 0 < int(metrics.group(1)) <= 200
    assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8")


def test_messages_are_counted(heard):
    send(heard, failure("tftp://172.16.5.199/a", "Timed out"))
    heard.wait_for_log("syslog of")

    assert 'apdepot_controller_messages_total{kind="failed"} 1\n' in Control(heard.depot).ask("/metrics")[1]


# ---- hostile lines

def test_hostile_lines_are_escaped_bounded_and_do_no_harm(heard):
    hostile = [b"", b"\0" * 100, b"<", b"<999>", b"\xff" * 65_000, b"<187>" + b"A" * 60_000,
               b"<187>1 - - - - - [" + b"[" * 2_000,
               failure("tftp://127.0.0.1/\x1b[31m\u202e<img onerror=x>", "\x07\x9b oops").encode(),
               b"<187>1 - \x1b[2J a b - - %INSTALL-3-OPERATION_ERROR_MESSAGE: Failed to download file tftp://: x",
               b"<187>x\n" + b"\n".join(failure(f"tftp://127.0.0.1/{i}", "Timed out").encode() for i in range(20))[:1900]]
    send(heard, *hostile, failure("tftp://127.0.0.1/last", "No such file or directory"))
    heard.wait_for_log("/last,? No such file")
    heard.wait_for_log("u202e<img")
    log = "\n".join(heard.whole_log())

    assert "\x1b" not in log and "\u202e" not in log and "\x07" not in log and "\\x1b[31m\\u202e<img" in log
    assert all(len(line) < 2_100 for line in log.splitlines())


# ---- where it listens

def test_it_is_off_by_default(server):
    assert not server.addresses["syslog"]


def test_a_reload_opens_closes_and_allows(start_server, depot, tmp_path):
    server, config = start_server(depot), tmp_path / "apdepot.yaml"
    port = free_port()
    write_config(config, {"syslog": {"listen": [f"127.0.0.1:{port}"], "allow": []}})
    server.signal(signal.SIGHUP)
    server.wait_for_log(rf"syslog 127\.0\.0\.1:{port} is served from now on")
    server.wait_for_log(r"syslog\.allow: is empty, so that nobody may send")
    server.wait_for_log(r"is in effect")
    line = failure("tftp://127.0.0.1/x", "No such file or directory")
    send(server, line, to=("127.0.0.1", port))
    server.wait_for_log(r"not in syslog\.allow")
    write_config(config, {"syslog": {"listen": [f"127.0.0.1:{port}"], "allow": ["127.0.0.1"]}})
    seen = len(server.log_lines())
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"is in effect", since=seen)
    send(server, line, to=("127.0.0.1", port))
    server.wait_for_log(r"syslog of 9120-EWC")
    write_config(config, {})
    server.signal(signal.SIGHUP)
    server.wait_for_log(rf"syslog 127\.0\.0\.1:{port} is not served any more")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def test_a_port_that_is_taken_keeps_no_device_from_its_image(start_server, depot):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = start_server(depot, {"syslog": {"listen": [address], "allow": ["127.0.0.1"]}})
        server.wait_for_log(rf"syslog is not heard: cannot listen on UDP {re.escape(address)}: the port is in use by")

    assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8")


def test_a_socket_of_the_service_manager_is_heard(start_server, depot, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as given:
        given.bind(("127.0.0.1", 0))
        server = start_server(depot, {"syslog": {"allow": ["127.0.0.1"]}},
                              **handed(tmp_path, ("apdepot-syslog", given)))
        send(server, failure("tftp://127.0.0.1/x", "No such file or directory"), to=given.getsockname())
        server.wait_for_log("syslog of 9120-EWC")


# ---- who else tells it

def test_the_api_tells_what_a_controller_said_and_the_rollout_what_a_device_said(start_server, depot):
    server = start_server(depot, {"syslog": ANYWHERE, "expected": ["127.0.0.9"]})
    control = Control(server.depot)
    send(server, failure("tftp://172.16.5.199/EWC/17_9_4a/ap1g6", "Timed out"), source="127.0.0.9")
    server.wait_for_log("syslog of 9120-EWC")
    (heard,) = control.json("/api/v1/recent")["heard"]
    status = wait_until(lambda: (told := control.json("/api/v1/status"))["rollout"] and told)
    (device,) = control.json("/api/v1/rollout")["items"]

    assert (heard["client"], heard["host"], heard["kind"]) == ("127.0.0.9", "9120-EWC", "failed")
    assert heard["url"] == "tftp://172.16.5.199/EWC/17_9_4a/ap1g6" and heard["fix"] == "tftp-image-server 127.0.0.1"
    assert status["listen"]["syslog"] == ["127.0.0.1:%d" % server.syslog[1]]
    (verdict,) = [each for each in status["verdict"] if each["code"] == "HEARD"]
    assert verdict["text"].startswith("9120-EWC says in its log: tftp://172.16.5.199/EWC/17_9_4a/ap1g6, Timed out: 9120-EWC asks")
    assert device["status"] == "never_seen" and "; its log says: " in device["evidence"]
