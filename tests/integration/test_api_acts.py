"""What administrators do by the API: releases, users, imports, and that it stands in the log and among the acts."""
import contextlib
import os
import stat
import subprocess

import paramiko
import pytest

import apdepot
import tftp_wire
from apdepot import RELEASE, wait_until
from control import Control
from make_bundle import BUNDLE


@pytest.fixture
def control(server):
    with contextlib.closing(Control(server.depot)) as asked:
        yield asked


def acts(control):
    return [(each["act"], each["subject"], each["outcome"]) for each in control.json("/api/v1/history/acts")["items"]]


def release(control):
    (found,) = control.json("/api/v1/releases")["items"]
    return found


def test_a_release_is_promoted_and_current_is_not_retired(server, control):
    assert not release(control)["current"]
    status, told = control.submit("POST", f"/api/v1/releases{RELEASE}/promote")
    assert (status, told) == (200, {"path": "/EWC/current", "release": RELEASE})
    assert wait_until(lambda: release(control)["current"])
    assert (server.depot / "images/EWC/current").read_text() == "17_9_4a\n"
    assert tftp_wire.fetch(server.tftp, "/EWC/current/ap1g8")

    status, problem = control.submit("POST", f"/api/v1/releases/{RELEASE.replace('/', '%2F')}/retire")
    assert status == 409 and "current" in problem["detail"] and problem["fix"]
    server.wait_for_log(rf"^apdepot: an administrator of this host: promote {RELEASE}: done$")
    server.wait_for_log(rf"^apdepot: an administrator of this host: retire {RELEASE}: .*current")
    done = wait_until(lambda: len(found := acts(control)) >= 2 and found)
    assert done[1] == ("promote", RELEASE, "done") and done[0][:2] == ("retire", RELEASE)


def test_a_release_is_retired_and_then_it_is_not_here(server, control):
    status, told = control.submit("POST", f"/api/v1/releases{RELEASE}/retire")

    assert status == 200 and told["path"] == RELEASE and (server.depot / told["moved_to"]).is_dir()
    wait_until(lambda: not control.json("/api/v1/releases")["items"])
    for act in ("promote", "retire", "verify"):
        assert control.submit("POST", f"/api/v1/releases{RELEASE}/{act}")[0] == 404


def test_an_imported_release_is_looked_at_again(start_server, empty_depot, bundle):
    server = start_server(empty_depot)
    with contextlib.closing(Control(server.depot)) as control:
        os.link(bundle, server.depot / "drop" / BUNDLE) if os.stat(bundle).st_dev == os.stat(
            server.depot).st_dev else subprocess.run(["cp", bundle, server.depot / "drop"], check=True)
        found = wait_until(lambda: (rows := control.json("/api/v1/releases")["items"]) and rows[0])
        assert found["verified"] and found["differing"] == [] and found["verification"] is None
        (row,) = wait_until(lambda: [each for each in control.json("/api/v1/imports")["items"]
                                     if each["state"] == "published"])
        assert (row["file"], row["path"], row["step"]) == (BUNDLE, RELEASE, "done")
        assert control.submit("POST", f"/api/v1/releases{RELEASE}/verify")[0] == 202
        looked = wait_until(lambda: (it := release(control)["verification"]) and not it["running"] and it)
        assert looked["found"]["verified"] and looked["found"]["differences"] == []

        image = server.depot / "images" / RELEASE[1:] / "ap1g8"
        image.write_bytes(image.read_bytes() + b"x")
        wait_until(lambda: release(control)["differing"] == ["ap1g8"])
        control.submit("POST", f"/api/v1/releases{RELEASE}/verify")
        looked = wait_until(lambda: (it := release(control)["verification"])["found"] and not it["running"]
                            and it["found"]["differences"] and it)
        assert "ap1g8" in looked["found"]["differences"][0]


def test_a_bundle_that_is_rejected_stands_among_the_imports_and_the_verdicts(server, control):
    (server.depot / "drop/broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    (row,) = wait_until(lambda: [each for each in control.json("/api/v1/imports")["items"]
                                 if each["state"] == "rejected"])

    assert row["file"] == "broken.zip" and row["reason"]
    (lying,) = control.json("/api/v1/imports")["rejected"]["items"]
    assert lying["file"] == "broken.zip" and lying["reason"]
    status = control.json("/api/v1/status")
    assert status["imports"] == {"running": [], "rejected": 1}
    assert "IMPORT_REJECTED" in {each["code"] for each in status["verdict"]}
    assert "broken.zip was rejected" in apdepot.succeed("status", depot=server.depot)


def test_users_are_added_changed_and_removed_and_may_log_in_at_once(server, control):
    user = {"name": "maria", "password": "correct horse", "uploads": True}
    status, told = control.submit("POST", "/api/v1/users", user)
    assert status == 201 and told["name"] == "maria" and "hash" not in str(told)
    assert stat.S_IMODE(os.stat(server.depot / "state/users.yaml").st_mode) == 0o600

    def log_in(password):
        transport = paramiko.Transport(server.ssh)
        try:
            transport.connect(username="maria", password=password)
            return True
        except paramiko.AuthenticationException:
            return False
        finally:
            transport.close()

    assert log_in("correct horse")
    assert control.submit("POST", "/api/v1/users", user)[0] == 409
    assert control.submit("PATCH", "/api/v1/users/maria", {"password": "battery staple"})[0] == 200
    assert log_in("battery staple") and not log_in("correct horse")
    users = {each["name"]: each for each in control.json("/api/v1/users")["items"]}
    assert users["maria"]["uploads"] and users["maria"]["password"] and users[apdepot.USER]
    assert control.submit("DELETE", "/api/v1/users/maria")[0] == 204
    assert control.submit("DELETE", "/api/v1/users/maria")[0] == 404
    assert not log_in("battery staple")
    done = wait_until(lambda: len(found := acts(control)) >= 5 and found)
    assert ("add user", "maria", "done") in done and ("remove user", "maria", "done") in done
    assert "correct horse" not in str(done) + "\n".join(server.log_lines())


@pytest.mark.parametrize("user", [{}, {"name": "a b", "password": "x"}, {"name": "a"}, {"name": "a", "password": ""},
                                  {"name": "a", "password": "x", "root": "/nowhere"}, {"name": "a", "hash": "x"}])
def test_a_user_that_is_wrong_is_not_added(control, user):
    status, problem = control.submit("POST", "/api/v1/users", user)

    assert status == 400 and problem["detail"]
    assert [each["name"] for each in control.json("/api/v1/users")["items"]] == [apdepot.USER]


def test_a_miss_is_fixed_once_the_name_is_served(server, control):
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask(f"{RELEASE}/ap9g9").opcode == tftp_wire.ERROR
    (group,) = wait_until(lambda: control.json("/api/v1/misses")["items"])
    assert (group["folder"], group["times"], group["clients_total"], group["mended"]) == (RELEASE, 1, 1, None)
    assert "MISSES" in {each["code"] for each in wait_until(
        lambda: [each for each in control.json("/api/v1/status")["verdict"] if each["code"] != "OK"])}
    (server.depot / "images" / RELEASE[1:] / "ap9g9").write_bytes(b"image")
    wait_until(lambda: control.json("/api/v1/misses")["items"][0]["mended"] == "the name is served now")


def test_the_history_is_read_page_by_page_and_as_csv(server, control):
    for name in ("ap1g8", "ap1g7", "ap3g3"):
        tftp_wire.fetch(server.tftp, f"{RELEASE}/{name}")
    wait_until(lambda: len(control.json("/api/v1/history/transfers")["items"]) == 3)
    first = control.json("/api/v1/history/transfers?limit=2")
    rest = control.json(f"/api/v1/history/transfers?limit=2&after={first['next']}")
    paths = [each["path"] for each in first["items"] + rest["items"]]
    assert paths == [f"{RELEASE}/{name}" for name in ("ap3g3", "ap1g7", "ap1g8")] and rest["next"] is None
    assert len(control.json("/api/v1/history/transfers?q=AP1G&result=whole&client=127.0.0.1&since=1h")["items"]) == 2
    assert control.json("/api/v1/history/transfers?until=2020-01-01")["items"] == []
    status, text = control.ask("/api/v1/history/transfers", Accept="text/csv")
    heading, *rows = text.splitlines()
    assert status == 200 and heading.startswith("ended_at,started_at,client,") and len(rows) == 3


def test_explain_and_the_controllers_lines_are_as_the_commands_say(server, control):
    assert control.json("/api/v1/explain?path=AP1G8")["served"] == f"{RELEASE}/ap1g8"
    assert control.json("/api/v1/explain?path=/x&write=1")["cause"] == "WRITE_REFUSED"
    lines = control.json("/api/v1/controller-lines?release=17.9.4a&address=192.0.2.2")
    assert lines["lines"] == apdepot.succeed("wlc-config", "17.9.4a", "--address", "192.0.2.2", depot=server.depot)
    assert control.json("/api/v1/config")["settings"]["tftp"]["listen"]


def test_the_doctor_looks_and_says_what_it_could_not_see(server, control):
    assert control.submit("POST", "/api/v1/health/run")[0] == 202
    told = wait_until(lambda: (it := control.json("/api/v1/health"))["at"] and it)
    results = {each["id"]: each["result"] for each in told["items"]}
    assert {results["running"], results["disk"]} <= {"ok", "look"}
    unknown = [finding for each in told["items"] for finding in each["findings"] if finding["result"] == "unknown"]
    assert all("sudo apdepot doctor" in finding["fix"] for finding in unknown)
    assert told["counts"]["unknown"] == sum(each["result"] == "unknown" for each in told["items"])


def test_a_stopped_transfer_is_an_act(server, control):
    with tftp_wire.Client(server.tftp) as client:
        client.request(f"{RELEASE}/ap1g8")
        client.expect_data(1)
        (row,) = control.json("/api/v1/transfers")["items"]
        assert control.ask(f"/api/v1/transfers/{row['id']}", "DELETE")[0] == 204
    wait_until(lambda: ("stop transfer", str(row["id"]), "done") in acts(control))


def test_metrics_tell_of_devices_disk_and_checks(server, control):
    tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8")
    control.submit("POST", "/api/v1/health/run")

    def families():
        text = apdepot.succeed("status", "--metrics", depot=server.depot)
        return "apdepot_health{" in text and 'apdepot_devices{kind="access point"} 1' in text and text
    text = wait_until(families)
    assert "apdepot_depot_free_bytes " in text and f'apdepot_rollout_devices{{release="{RELEASE}",status="fetched"}} 1' in text
