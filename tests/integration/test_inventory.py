"""`apdepot inventory`: which access points of a controller's tables have a release."""
import json
import re
import subprocess

import pytest

import apdepot
from apdepot import RELEASE, run

SUMMARY = """
9120-EWC#show ap summary
Number of APs: 5
AP Name        Slots AP Model      Ethernet MAC   Radio MAC      Location   Country  IP Address     State
-------------------------------------------------------------------------------------------------------
floor-1        2     9120AXI       a4b2.3291.9b28 2c57.4119.a060 Fab A      UK       192.0.2.11     Registered
floor-2        2     C9120AXE-D    a4b2.3291.9b29 2c57.4119.a061 Fab A      UK       192.0.2.12     Registered
floor-3        2     AIR-AP2802E-D-K9 a4b2.3291.9b2a 2c57.4119.a062 default location UK 192.0.2.13  Registered
floor-4        2     9120AXI       a4b2.3291.9b2b 2c57.4119.a063 Fab A      UK       192.0.2.14     Registered
old            2     AIR-CAP1532I-E-K9 a4b2.3291.9b2c 2c57.4119.a064 Fab A  UK       192.0.2.15     Registered
"""
IMAGES = """
9120-EWC#show ap image
Total number of APs  : 5
        Completed predownloading   : 1
AP Name    Primary Image   Backup Image   Predownload Status   Predownload Version  Next Retry Time   Retry Count   Method
--------------------------------------------------------------------------------------------------------------------------
floor-1    17.9.4.27       17.6.5.22      None                 0.0.0.0              N/A               0             N/A
floor-2    17.6.5.22       17.9.4.27      Complete             17.9.4.27            N/A               0             CAPWAP
floor-3    17.6.5.22       17.3.3.26      Failed               17.9.4.27            00:01:00          3             CAPWAP
floor-4    17.6.5.22       17.3.3.26      None                 0.0.0.0              N/A               0             N/A
old        17.3.3.26       0.0.0.0        None                 0.0.0.0              N/A               0             N/A
"""


@pytest.fixture
def tables(tmp_path):
    file = tmp_path / "tables.txt"
    file.write_text(SUMMARY + IMAGES)
    return file


def test_each_access_point_is_told_and_who_needs_a_person_first(depot, tables):
    done = run("inventory", tables, depot=depot)

    assert done.returncode == 1
    head, names, *rows = done.stdout.splitlines()
    assert head == f"2 of 5 access points have {RELEASE}"
    assert re.match(r"AP +MODEL +RUNS +STATE +WHY$", names)
    assert [row.split()[0] for row in rows] == ["floor-3", "old", "floor-4", "floor-2", "floor-1"]
    assert "its predownload failed (Failed)" in rows[0]
    assert "the release has no ap1g3 for it" in rows[1]
    assert "runs 17.6.5.22" in rows[2] and "backup image" in rows[3] and "runs it" in rows[4]


def test_json_tells_the_same(depot, tables):
    told = json.loads(run("inventory", tables, "--release", "17.9.4a", "--json", depot=depot).stdout)

    assert (told["release"], told["have"], told["of"]) == (RELEASE, 2, 5)
    states = {each["name"]: each["state"] for each in told["access_points"]}
    assert states == {"floor-1": "running", "floor-2": "downloaded", "floor-3": "failed", "floor-4": "has_not",
                      "old": "no_image"}
    assert told["access_points"][0]["address"] == "192.0.2.13"


def test_a_summary_alone_asks_for_the_images(depot, tmp_path):
    file = tmp_path / "summary.txt"
    file.write_text(SUMMARY)
    done = run("inventory", file, depot=depot)

    assert done.stdout.startswith(f"0 of 5 access points have {RELEASE}\n")
    assert "add `show ap image`" in done.stdout


def test_when_all_have_it_the_status_is_0(depot, tmp_path):
    done = subprocess.run([apdepot.BINARY, "inventory", "-", "--depot", depot], input=IMAGES.split("floor-2")[0],
                          capture_output=True, text=True, timeout=60, env=apdepot.environment())

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"1 of 1 access points have {RELEASE}")


def test_hostile_names_are_escaped(depot, tmp_path):
    file = tmp_path / "tables.txt"
    file.write_text("a\x1b[2J\u202e 17.6.5.22 17.9.4.27 Comp\x07lete\n")
    for options in ([], ["--json"]):
        told = run("inventory", file, *options, depot=depot).stdout
        assert "\x1b" not in told and "\u202e" not in told and "\x07" not in told


def test_what_is_no_table_is_told(depot, tmp_path):
    file = tmp_path / "tables.txt"
    file.write_text("show ap image\n")
    done = run("inventory", file, depot=depot)

    assert (done.returncode, done.stdout) == (1, "") and "no line of" in done.stderr and "show ap image" in done.stderr


def test_a_release_that_is_not_here_is_told(depot, tables):
    done = run("inventory", tables, "--release", "17.12.1", depot=depot)
    assert done.returncode == 1 and RELEASE in done.stderr


def test_an_empty_depot_is_told(empty_depot, tables):
    (empty_depot / "images").mkdir()
    done = run("inventory", tables, depot=empty_depot)
    assert done.returncode == 1 and "no release is here yet" in done.stderr
