"""Devices, what a controller says of them, and how far a release has come: /devices, /inventory, /rollout."""
import contextlib
import json

import pytest

import tftp_wire
from apdepot import RELEASE, wait_until
from control import Control

IMAGE = f"{RELEASE}/ap1g8"
SUMMARY = """
9120-EWC#show ap summary
AP Name   Slots  AP Model  Ethernet MAC    Radio MAC       Location  Country  IP Address  State
------------------------------------------------------------------------------------------------
floor-1   2  9105AXI  a4b2.3291.9b28  2c57.4119.a060  Fab A  UK  127.0.0.1   Registered
floor-2   2  9120AXI  a4b2.3291.9b29  2c57.4119.a061  Fab A  UK  192.0.2.12  Registered
floor-3   2  AIR-CAP1532I-E-K9  a4b2.3291.9b2a  2c57.4119.a062  Fab A  UK  192.0.2.13  Registered
"""
IMAGES = """
9120-EWC#show ap image
AP Name    Primary Image   Backup Image   Predownload Status   Predownload Version  Next Retry Time   Retry Count
floor-2    17.6.5.22       17.9.4.27      Complete             17.9.4.27            N/A               0
"""


@pytest.fixture
def control(server):
    with contextlib.closing(Control(server.depot)) as asked:
        yield asked


def rollout(control, query=""):
    return control.json(f"/api/v1/rollout{query}")


def status_of(control, address):
    found = [row["status"] for row in rollout(control)["items"] if row["address"] == address]
    return found[0] if found else None


def test_a_pasted_table_is_understood_before_it_changes_anything(control):
    status, told = control.submit("POST", "/api/v1/inventory?dry_run=1", SUMMARY + "lorem ipsum\n", "text/plain")

    assert status == 200 and told["dry_run"]
    assert (told["understood"], told["unknown"], told["unknown_lines"]) == (3, 1, ["lorem ipsum"])
    assert [each["name"] for each in told["changed"]] == ["floor-1", "floor-2", "floor-3"]
    assert rollout(control)["items"] == []


def test_a_pasted_table_and_what_the_devices_do_make_the_rollout(server, control):
    status, told = control.submit("POST", "/api/v1/inventory", SUMMARY, "text/plain")
    assert status == 200 and told["changes"] == 3
    first = rollout(control)
    assert (first["release"], first["have"], first["total"]) == (RELEASE, 0, 3)
    statuses = {row["name"]: row["status"] for row in first["items"]}
    assert statuses["floor-2"] == "never_seen" and statuses["floor-3"] == "not_for_this_release"

    control.submit("POST", "/api/v1/inventory", IMAGES, "text/plain")
    (row,) = [row for row in rollout(control)["items"] if row["name"] == "floor-2"]
    assert (row["status"], row["method"], row["address"]) == ("reported", "controller", "192.0.2.12")
    assert "backup image is 17.9.4.27" in row["evidence"]

    with tftp_wire.Client(server.tftp) as client:
        client.request(IMAGE)
        client.expect_data(1)
        client.acknowledge(1)
        client.expect_next_data(2)
        wait_until(lambda: status_of(control, "127.0.0.1") == "downloading")
        client.send(tftp_wire.error(3, "no room"))
    wait_until(lambda: status_of(control, "127.0.0.1") == "broke_off")
    tftp_wire.fetch(server.tftp, IMAGE)
    wait_until(lambda: status_of(control, "127.0.0.1") == "fetched")
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask("/Wrong-Path/ap1g8").opcode == tftp_wire.ERROR
    wait_until(lambda: status_of(control, "127.0.0.1") == "asked_in_vain")
    told = rollout(control)
    assert (told["have"], told["counts"]["reported"], told["counts"]["asked_in_vain"]) == (1, 1, 1)
    assert f"tftp-image-path {RELEASE}" in told["items"][0]["evidence"]


def test_who_fetches_two_families_and_is_in_no_list_is_a_shared_address(server, control):
    for name in ("ap1g8", "ap1g7"):
        tftp_wire.fetch(server.tftp, f"{RELEASE}/{name}")
    wait_until(lambda: status_of(control, "127.0.0.1") == "shared_address")

    assert rollout(control)["total"] == 0
    status, told = control.submit("PATCH", "/api/v1/devices/127.0.0.1", {"kind": "controller", "name": "EWC", "site": "dock"})
    assert status == 200 and told["kind"] == "controller"
    (row,) = rollout(control, "?site=dock")["items"]
    assert (row["status"], row["name"]) == ("controller", "EWC") and "2 images of the release" in row["evidence"]
    assert rollout(control, "?site=elsewhere")["items"] == []
    assert rollout(control)["sites"] == ["dock"]


def test_what_is_said_of_a_device_is_kept_and_stands_with_what_it_did(start_server, depot):
    server = start_server(depot)
    tftp_wire.fetch(server.tftp, IMAGE)
    with contextlib.closing(Control(depot)) as control:
        wait_until(lambda: control.json("/api/v1/devices")["items"])
        assert control.submit("PATCH", "/api/v1/devices/127.0.0.1", {"name": "<img onerror>\n", "model": "C9105AXI"})[0] == 200
    server.stop()
    start_server(depot)
    with contextlib.closing(Control(depot)) as control:
        device = control.json("/api/v1/devices/127.0.0.1")
        assert (device["name"], device["model"], device["kind"]) == ("<img onerror>\\n", "C9105AXI", "access point")
        assert (device["last_fetched"], device["whole"], device["misses"]) == (IMAGE, 1, 0)
        assert [held["path"] for held in device["holdings"]] == [IMAGE] and device["ended"][0]["outcome"] == "whole"
        (row,) = control.json("/api/v1/devices?q=9105")["items"]
        assert row["address"] == "127.0.0.1"
        assert control.json("/api/v1/devices?kind=controller")["items"] == []
        status, told = control.submit("PATCH", "/api/v1/devices/127.0.0.1", {"name": None})
        assert status == 200 and told["name"] is None and told["model"] == "C9105AXI"


@pytest.mark.parametrize("change", ["[]", "{", '{"color": "red"}', '{"kind": "printer"}', '{"name": ["a"]}'])
def test_a_change_that_is_not_understood_changes_nothing(control, change):
    status, problem = control.submit("PATCH", "/api/v1/devices/192.0.2.7", change)

    assert status == 400 and problem["detail"]
    assert control.json("/api/v1/devices")["items"] == []


def test_an_inventory_of_another_type_is_refused(control):
    status, problem = control.submit("POST", "/api/v1/inventory", "{}", "application/json")

    assert status == 415 and "show ap summary" in problem["fix"]


def test_a_list_tells_sites_and_expected_devices_are_listed_before_they_ask(start_server, depot):
    start_server(depot, {"expected": ["192.0.2.20", "192.0.2.64/26"]})
    with contextlib.closing(Control(depot)) as control:
        status, told = control.submit("POST", "/api/v1/inventory", "Name;Address;Site\nfloor-9;192.0.2.9;dock\n", "text/csv")
        assert status == 200 and told["understood"] == 1
        rows = rollout(control)["items"]
        assert {(row["address"], row["status"]) for row in rows} == {("192.0.2.20", "never_seen"),
                                                                     ("192.0.2.9", "never_seen")}
        devices = control.json("/api/v1/devices")["items"]
        assert all(device["expected"] for device in devices) and len(devices) == 2


def test_pages_of_devices_hold_each_of_them_once(control):
    lines = "name,address\n" + "".join(f"ap{i},192.0.2.{i}\n" for i in range(1, 31))
    assert control.submit("POST", "/api/v1/inventory", lines, "text/csv")[1]["understood"] == 30
    names, after = [], 0
    while after is not None:
        page = control.json(f"/api/v1/devices?limit=7&after={after}")
        names += [each["name"] for each in page["items"]]
        after = page["next"]

    assert sorted(names) == sorted(f"ap{i}" for i in range(1, 31))
    assert json.loads(control.ask("/api/v1/rollout?limit=7")[1])["next"] == 7
