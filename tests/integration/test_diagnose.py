"""`apdepot diagnose`: a controller's own words, and what they mean here."""
import json
import subprocess

import pytest

import apdepot
from apdepot import RELEASE, ROOT, run

LOGS = ROOT / "tests/support/logs"


def diagnose(depot, log, *options, address="172.16.5.27"):
    return run("diagnose", log, "--address", address, *options, depot=depot)


def found(depot, log, **how):
    done = diagnose(depot, log, "--json", **how)
    return json.loads(done.stdout)


def test_each_failure_of_the_vendors_document_gets_its_cause_and_fix(depot):
    findings = [each for each in found(depot, LOGS / "ewc_failures.txt") if each["bad"] and "://" in each["what"]]

    sftp, tftp, silent = findings
    assert "sftp://*****@172.16.5.62/Documents/Wrong-Path/aplg6, No such file or directory" in sftp["what"]
    assert "172.16.5.62 answered, and this server is 172.16.5.27" in sftp["what"]
    assert tftp["when"] == "Feb 1 20:52:13.977"
    assert "look-alike" in tftp["what"] or "ap1g6" in tftp["what"]
    assert f"tftp-image-path {RELEASE}" in tftp["fix"]
    assert "the controller asks 172.16.5.199, and this server is 172.16.5.27" in silent["what"]
    assert "ap1g6" in silent["what"]
    assert silent["fix"] == "tftp-image-server 172.16.5.27"


def test_with_the_right_address_timed_out_is_a_firewall(depot):
    *_, silent = found(depot, LOGS / "ewc_failures.txt", address="172.16.5.199")

    assert "nothing came back from 172.16.5.199: a firewall" in silent["what"]
    assert "apdepot status" in silent["fix"]


def test_what_an_access_point_says_leads_to_its_controller(depot):
    (finding,) = found(depot, LOGS / "ap_failure.txt")

    assert "did not get ap1g8, because its controller 172.16.4.26 could not fetch it" in finding["what"]
    assert f"{RELEASE}/ap1g8 is served here" in finding["what"] and "show logging" in finding["fix"]


def test_what_only_follows_from_a_failure_is_left_out(depot):
    findings = [each["what"] for each in found(depot, LOGS / "ap_ios.txt") if each["bad"]]

    assert len([what for what in findings if "signature was refused" in what or "is not valid any more" in what]) == 1
    assert not any("ended the download" in what for what in findings)


def test_a_log_without_a_failure_ends_well(depot):
    done = diagnose(depot, LOGS / "success.txt")

    assert done.returncode == 0
    assert "the controller has sftp://*****@172.16.5.62/Documents/sftp_files/EWC_17_9_4a/ap3g3" in done.stdout
    assert "an access point has its image" in done.stdout


@pytest.mark.parametrize("reason, word", [
    ("Connection refused", "nothing listens on 172.16.5.27"), ("Permission denied", "did not let the user in"),
    ("No such file or directory", "is served here by now"), ("something new", "is served here by now")])
def test_other_reasons_have_their_words(depot, tmp_path, reason, word):
    log = tmp_path / "log"
    url = f"sftp://*****@172.16.5.27{RELEASE}/ap1g8"
    log.write_text(f"*Feb 1 20:29:25.730: %INSTALL-3-OPERATION_ERROR_MESSAGE: x: Failed to download file {url}: {reason}\n")
    done = diagnose(depot, log)

    assert done.returncode == 1 and word in done.stdout and reason in done.stdout


def test_the_log_may_come_through_a_pipe(depot):
    done = subprocess.run([apdepot.BINARY, "diagnose", "-", "--depot", depot], stdin=(LOGS / "success.txt").open(),
                          capture_output=True, text=True, env=apdepot.environment())
    assert done.returncode == 0 and "has its image" in done.stdout


def test_what_is_not_about_images_says_where_to_look(depot, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\0\xff nothing \x1b[31m\n")
    done = diagnose(depot, log)

    assert (done.returncode, done.stdout) == (1, "") and "show logging" in done.stderr
    assert run("diagnose", tmp_path / "none", depot=depot).returncode == 1


def test_hostile_text_in_a_log_is_escaped(depot, tmp_path):
    log = tmp_path / "log"
    log.write_text("*Feb 1 20:29:25.730: Failed to download file tftp://172.16.5.27/\x1b[31m\u202eap1g8: \x07Timed out\n")
    done = diagnose(depot, log)

    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout and "\\x1b[31m\\u202eap1g8" in done.stdout
