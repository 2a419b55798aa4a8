"""What a terminal obeys, or does not show, comes from no name of a file, a client or a command line."""
import json
import re

import pytest

import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, run, write_config
from sftp_wire import STAT, Sftp, login, string

EVIL = "a\x1b[2J\rb\u202ec\u2028d\u0085e\u200bf\u00a0g\U000e0041h"
ESCAPED = r"a\x1b[2J\rb\u202ec\u2028d\u0085e\u200bf\u00a0g\U000e0041h"
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff\U000e0000-\U000e0fff]")


@pytest.mark.parametrize("shape", ["classic", "json"])
def test_in_the_log(start_server, depot, shape):
    server = start_server(depot, {"log": {"format": shape}})
    with tftp_wire.Client(server.tftp) as client:
        client.ask("/" + EVIL)
    transport = login(server, USER, PASSWORD)
    Sftp(transport).ask(STAT, string("/" + EVIL))
    transport.close()
    server.wait_for_log("Connection closed by user ewc")
    lines = server.whole_log()

    assert not any(HIDDEN.search(line) for line in lines)
    shown = [json.loads(line)["text"] for line in lines if line.startswith("{")] if shape == "json" else lines
    for word in ("RRQ from 127.0.0.1 filename", "stat name"):
        assert any(word in line and ESCAPED in line for line in shown)


@pytest.mark.parametrize("arguments", [
    (EVIL,), ("--" + EVIL,), ("version", EVIL), ("config", EVIL), ("config", "check", "--config", EVIL),
    ("serve", "--tftp", EVIL), ("serve", EVIL), ("explain", "/" + EVIL), ("explain", "/" + EVIL, "--json"),
    ("explain", "x", "--protocol", EVIL), ("explain", "x", "--client", EVIL), ("verify", EVIL), ("retire", EVIL),
    ("promote", EVIL), ("wlc-config", EVIL), ("wlc-config", RELEASE, "--mode", EVIL),
    ("wlc-config", RELEASE, "--address", EVIL), ("releases", "--models", EVIL), ("import", EVIL),
    ("user", EVIL), ("user", "add", EVIL), ("user", "remove", EVIL), ("user", "passwd", EVIL),
    ("user", "add", "x", "--key", EVIL), ("user", "add", "x", "--password-file", EVIL),
    ("user", "add", "x", "--root", EVIL)])
def test_of_a_command_line(depot, arguments):
    done = run(*arguments, depot=depot)

    assert done.stdout + done.stderr
    assert not HIDDEN.search(done.stdout + done.stderr)


def test_of_the_files_of_a_depot(depot):
    folder = depot / "images" / ("EWC" + EVIL) / "17_9_5"
    folder.mkdir(parents=True)
    (folder / "ap1g8").write_text("x")
    (folder / EVIL).write_text("x")
    text = ""
    for arguments in (("releases",), ("releases", "--json"), ("releases", "--models"), ("verify",),
                      ("explain", f"/EWC{EVIL}/17_9_5/{EVIL}"), ("explain", "/ap1g8"),
                      ("wlc-config", f"/EWC{EVIL}/17_9_5")):
        done = run(*arguments, depot=depot)
        text += done.stdout + done.stderr

    assert ESCAPED in text and not HIDDEN.search(text)


def test_of_a_configuration(tmp_path, depot):
    file = tmp_path / f"{EVIL}.yaml"
    key = EVIL.replace("\U000e0041", "")  # YAML has no surrogates
    write_config(file, {key: 1, "log": {"level": key, key: 2}, "depot": str(depot)})

    done = run("config", "check", "--config", file)

    assert done.returncode == 1 and done.stderr.count("\n") >= 3
    assert not HIDDEN.search(done.stderr)


def test_of_the_reason_for_a_rejection(start_server, empty_depot):
    server = start_server(empty_depot)
    (empty_depot / "arriving").write_text("no archive")
    (empty_depot / "arriving").rename(empty_depot / "drop" / f"{EVIL}.zip")
    server.wait_for_log("rejected .*")
    server.stop()

    reason, = (empty_depot / "rejected").glob("*.reason.txt")
    assert not HIDDEN.search(reason.read_text()) and reason.read_text().count("\n") == 1


def test_a_mistake_of_the_command_line_is_one_line(depot):
    done = run("explain", "x", "two\nlines", depot=depot)

    assert done.returncode == 2
    assert done.stderr == "apdepot: unexpected argument two\\nlines; `apdepot --help` shows how\n"
