"""releases, explain, promote and retire, beside a running server, and import.keep."""
import json
import os
import shutil
import subprocess

import pytest

import apdepot
from apdepot import PASSWORD, READING, RELEASE, USER, run, succeed
from clients import key_user
from make_bundle import make_bundle
from sftp_wire import Sftp, login
from tftp_wire import DATA, ERROR, Client, fetch

IMAGE = f"{RELEASE}/ap1g8"
BY_HAND = {"imported_at": None, "verified": None}


def listed(depot):
    return json.loads(succeed("releases", "--json", depot=depot))


def explained(*arguments, depot, served=True):
    done = run("explain", *arguments, "--json", depot=depot)
    assert done.returncode == (0 if served else 1), done.stderr
    return json.loads(done.stdout)


def code_of(server, name):
    with Client(server.tftp) as client:
        return client.ask(name).opcode


# ---- releases

def test_an_imported_release_is_listed_with_what_is_known_of_it(new_depot, bundle, images):
    succeed("import", bundle, depot=new_depot)
    release, = listed(new_depot)

    assert set(release) == {"path", "product", "version", "spellings", "images", "imported_at", "verified", "current"}
    assert (release["path"], release["product"], release["version"]) == (RELEASE, "EWC", "17.9.4a")
    assert release["spellings"] == ["17.9.4a", "17.09.04a", "17_9_4a", "17.9.4.27", "17.09.04a.0.6"]
    assert release["imported_at"].endswith("Z") and release["verified"] is True
    assert {image["name"]: image["size"] for image in release["images"]} == \
        {name: len(content) for name, content in images.items()}
    for image in release["images"]:
        assert set(image) == {"name", "family", "size", "sha256"} and len(image["sha256"]) == 64
        assert image["family"] == (image["name"] if image["name"].startswith("ap") else None)


def test_what_was_put_there_by_hand_is_listed_too(depot):
    (depot / "images/EWC/current").symlink_to("17_9_4a")
    release, = listed(depot)

    assert release["path"] == RELEASE and release.items() >= BY_HAND.items()
    assert all(image["sha256"] is None for image in release["images"])
    assert f"{RELEASE}  EWC  " in succeed("releases", depot=depot)


def test_an_empty_depot_has_no_releases(new_depot):
    (new_depot / "images").mkdir(parents=True)

    assert listed(new_depot) == []


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_who_only_reads_makes_no_depot(tmp_path, command):
    done = run(*command, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no depot in {tmp_path}/depot: name it with --depot DIR" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="setpriv takes away what only root has")
def test_who_may_not_read_the_records_is_told_so(new_depot, bundle):
    """It must not look as if nobody had imported anything. What needs no record is answered."""
    succeed("import", bundle, depot=new_depot)
    (new_depot / "state").chmod(0)
    restricted = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-setuid,-setgid", apdepot.BINARY]

    def run_restricted(*command):
        return subprocess.run([*restricted, *command, "--depot", new_depot], capture_output=True, text=True,
                              env=apdepot.environment())

    for command in (("releases",), ("releases", "--json"), ("verify",)):
        done = run_restricted(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{new_depot}/state/manifests cannot be read" in done.stderr and "as the depot's owner" in done.stderr
    for command in (("releases", "--models"), ("explain", IMAGE), ("wlc-config", RELEASE)):
        assert run_restricted(*command).returncode == 0


@pytest.mark.parametrize("model, family", [("C9120AXI", "ap1g7"), ("AIR-AP2802I-E-K9", "ap3g3")])
def test_a_model_is_told_its_image_and_where_it_is(depot, model, family):
    (row,) = json.loads(succeed("releases", "--models", model, "--json", depot=depot))

    assert (row["family"], row["releases"]) == (family, [RELEASE])


def test_a_model_whose_image_is_not_here_or_not_known(depot):
    assert run("releases", "--models", "AIR-AP1602", depot=depot).returncode == 1
    done = run("releases", "--models", "XYZ", depot=depot)
    assert done.returncode == 1 and "XYZ" in done.stderr


def test_a_family_that_the_table_does_not_know_is_shown(depot):
    (depot / f"images{RELEASE}/ap9g9").touch()
    rows = {row["family"]: row for row in json.loads(succeed("releases", "--models", "--json", depot=depot))}

    assert rows["ap9g9"] == {"family": "ap9g9", "models": [], "unconfirmed": [], "releases": [RELEASE]}
    assert rows["ap1g2"]["releases"] == []


# ---- explain

def test_explain_says_what_is_served_and_by_which_rule(depot):
    assert explained("/EWC/17.09.04a/ap1g8", depot=depot) == {
        "path": "/EWC/17.09.04a/ap1g8", "served": IMAGE, "rule": "version", "cause": None, "nearest": None, "fix": None}


def test_explain_says_why_nothing_is_served_in_the_words_of_the_log(depot, server):
    assert explained("/Wrong-Path/ap1g6", depot=depot, served=False) == {
        "path": "/Wrong-Path/ap1g6", "served": None, "rule": None, "cause": "WRONG_DIRECTORY",
        "nearest": f"{RELEASE}/ap1g6", "fix": f"ap1g6 is in {RELEASE}: tftp-image-path {RELEASE}"}
    text = run("explain", "/Wrong-Path/ap1g6", depot=depot).stdout.splitlines()[0]
    assert code_of(server, "/Wrong-Path/ap1g6") == ERROR
    assert server.wait_for_log(r"\]: (miss .*)").group(1) == text
    assert explained("/Wrong-Path/ap1g6", "--protocol", "sftp", depot=depot, served=False)["fix"].endswith(
        f"sftp-image-path {RELEASE}")


@pytest.mark.parametrize("name, models", [
    ("/EWC/17.9.4a/ap1g8", "ap1g8 is for C9105"), ("/Wrong-Path/aplg7", "ap1g7 is for C9115, C9120"),
    ("/EWC/17_9_4a/ap1g2", "ap1g2 is for 1600")])
def test_explain_says_which_models_an_image_is_for(depot, name, models):
    assert run("explain", name, depot=depot).stdout.splitlines()[1:] == [models]


def test_explain_heeds_the_configuration(depot, tmp_path):
    file = apdepot.write_config(tmp_path / "apdepot.yaml", {
        "lookup": {"forgiving": False, "aliases": {"/aps": RELEASE}}, "tftp": {"deny": ["192.0.2.0/24"]}})
    config = ("--config", file)

    assert explained("/aps/ap1g8", *config, depot=depot)["rule"] == "alias"
    assert explained("/ewc/17_9_4a/ap1g8", *config, depot=depot, served=False)["cause"] == "WRONG_CASE"
    denied = explained(IMAGE, "--client", "192.0.2.7", *config, depot=depot, served=False)
    assert denied["fix"] == "its address is in tftp.deny"
    assert "refused" in run("explain", IMAGE, "--client", "192.0.2.7", "--protocol", "http", *config, depot=depot).stdout
    assert explained(IMAGE, "--client", "192.0.2.7", "--protocol", "sftp", *config, depot=depot)["served"] == IMAGE
    assert explained("../x", depot=depot, served=False)["cause"] == "ESCAPES_ROOT"
    assert explained("../EWC/17_9_4a/ap1g8", "--protocol", "sftp", depot=depot)["served"] == IMAGE


@pytest.mark.parametrize("protocol", ["tftp", "sftp"])
def test_explain_says_what_could_be_written(depot, tmp_path, key, protocol):
    how = ("--write", "--protocol", protocol)
    assert explained("/uploads/x", *how, depot=depot, served=False)["cause"] == "WRITE_REFUSED"

    config = {**key_user(key), "tftp": {"uploads": True}, "lookup": {"aliases": {"/incoming": "/uploads"}}}
    config["ssh"]["users"][0]["uploads"] = True
    file = apdepot.write_config(tmp_path / "apdepot.yaml", config)
    how += ("--config", file)
    (depot / "images/uploads").mkdir()
    (depot / "images/uploads/old").touch()
    assert explained("/uploads/x", *how, depot=depot)["served"] == "/uploads/x"
    by_alias = explained("/incoming/x", *how, depot=depot)
    assert (by_alias["served"], by_alias["rule"]) == ("/uploads/x", "alias")
    for name in ("/uploads/old", "/uploads/no/x", "/incoming/old", "/uploads", "/x"):
        assert explained(name, *how, depot=depot, served=False)["cause"] == "WRITE_REFUSED"
    assert sorted(path.name for path in (depot / "images/uploads").iterdir()) == ["old"]


@pytest.mark.parametrize("arguments", [
    ("explain",), ("explain", "a", "b"), ("explain", "a", "--protocol", "ftp"),
    ("explain", "a", "--protocol", "http", "--write"), ("explain", "a", "--client", "x"),
    ("retire",), ("promote",), ("releases", "surplus"), ("releases", "--models", "a", "b")])
def test_wrong_usage(tmp_path, arguments):
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr


# ---- promote and retire, in a running server

def test_current_moves_from_release_to_release(server, depot, images):
    shutil.copytree(depot / "images/EWC/17_9_4a", depot / "images/EWC/17_12_1")
    (depot / "images/EWC/17_12_1/ap1g8").write_bytes(b"newer")
    for name in ("controller_version.info", "version.info"):
        (depot / "images/EWC/17_12_1" / name).unlink()

    assert succeed("promote", "17.9.4a", depot=depot) == "/EWC/current\n"
    assert fetch(server.tftp, "/EWC/current/ap1g8") == images["ap1g8"]
    assert succeed("promote", "17.12.1", depot=depot) == "/EWC/current\n"
    assert fetch(server.tftp, "/EWC/current/ap1g8") == b"newer"
    assert (depot / "images/EWC/current").read_text() == "17_12_1\n"
    assert {release["version"]: release["current"] for release in listed(depot)} == {"17.9.4a": False, "17.12.1": True}
    assert [line.split()[0] for line in succeed("releases", depot=depot).splitlines() if line.endswith(", current")] == \
        ["/EWC/17_12_1"]


@pytest.mark.parametrize("made_by_hand", [False, True])
def test_links_to_current_and_through_it_lead_to_what_is_promoted(server, depot, images, made_by_hand):
    """So does a link of that name, which stays one."""
    newer, current = depot / "images/EWC/17_12_1", depot / "images/EWC/current"
    newer.mkdir()
    (newer / "ap1g8").write_bytes(b"newer")
    if made_by_hand:
        current.symlink_to("17_12_1")
    (depot / "images/wlc").symlink_to("EWC/current")
    (depot / "images/ap1g8").symlink_to("/EWC/current/ap1g8")
    sftp = Sftp(login(server, USER, PASSWORD))
    for release, content in ("17.9.4a", images["ap1g8"]), ("17.12.1", b"newer"):
        succeed("promote", release, depot=depot)
        for name in ("/EWC/current/ap1g8", "/wlc/ap1g8", "/ap1g8"):
            assert fetch(server.tftp, name) == sftp.fetch(name) == content
    assert current.is_symlink() == made_by_hand
    listed = {name: long for name, long, _ in sftp.list("/EWC")}
    assert listed["current"].startswith("l") and listed["17_12_1"].startswith("d")
    assert {name for name, _, _ in sftp.list("/EWC/current")} - {".", ".."} == {"ap1g8"}
    current.unlink()
    sftp.transport.close()


def test_what_an_administrator_writes_into_current_counts_at_once(server, depot, images):
    current = depot / "images/EWC/current"
    current.write_text("17_9_4a\r\n")
    assert fetch(server.tftp, "/ewc/current/AP1G8") == images["ap1g8"]
    assert [release["current"] for release in listed(depot)] == [True]
    current.write_text("17_3_3")
    assert "/EWC/current is a link to 17_3_3, which does not exist" in run(
        "explain", "/EWC/current/ap1g8", depot=depot).stdout
    current.write_text("two\nlines")
    assert fetch(server.tftp, "/EWC/current") == b"two\nlines"
    assert "names no release and is left alone" in run("promote", RELEASE, depot=depot).stderr


def test_a_directory_called_current_is_left_alone(depot):
    (depot / "images/EWC/current").mkdir()
    (depot / "images/EWC/current/ap1g8").write_bytes(b"mine")
    done = run("promote", RELEASE, depot=depot)

    assert done.returncode == 1 and "/EWC/current" in done.stderr
    assert (depot / "images/EWC/current/ap1g8").read_bytes() == b"mine"


def test_a_retired_release_is_served_no_more_but_what_runs_goes_on(server, depot, images):
    with Client(server.tftp) as client:
        client.ask(IMAGE, "blksize", 8192)
        assert code_of(server, "/ewc/17.9.4a/ap1g8") == DATA
        assert succeed("retire", "17.09.04a", depot=depot) == "retired/EWC/17_9_4a\n"
        assert code_of(server, IMAGE) == code_of(server, "/ewc/17.9.4a/ap1g8") == ERROR
        got, number, last = b"", 0, 8192
        while last == 8192:
            client.acknowledge(number)
            number += 1
            block = client.expect_next_data(number)
            got, last = got + block, len(block)
        client.acknowledge(number)
    assert got == images["ap1g8"]
    assert listed(depot) == []
    assert (depot / "retired/EWC/17_9_4a/ap1g8").read_bytes() == images["ap1g8"]


def test_what_is_current_is_retired_by_force_only(depot):
    succeed("promote", RELEASE, depot=depot)
    done = run("retire", RELEASE, depot=depot)
    assert done.returncode == 1 and "/EWC/current points at /EWC/17_9_4a" in done.stderr

    succeed("retire", RELEASE, "--force", depot=depot)
    assert list((depot / "images/EWC").iterdir()) == []


@pytest.mark.parametrize("command", ["retire", "promote", "wlc-config"])
def test_a_spelling_must_fit_exactly_one_release(depot, command):
    shutil.copytree(depot / "images/EWC/17_9_4a", depot / "images/lab/17_9_4a")
    done = run(command, "17.9.4a", depot=depot)

    assert done.returncode == 1
    assert all(text in done.stderr for text in ("more than one", "/EWC/17_9_4a", "/lab/17_9_4a"))


def older(depot, *names):
    """Imported releases, by what makes them such: a manifest."""
    for name in names:
        shutil.copytree(depot / "images/EWC/17_9_4a", depot / "images/EWC" / name)
        manifest = (depot / "state/manifests/EWC/17_9_4a.yaml").read_text().replace("17_9_4a", name)
        (depot / f"state/manifests/EWC/{name}.yaml").write_text(manifest)
        for info in ("controller_version.info", "version.info"):
            (depot / f"images/EWC/{name}/{info}").unlink()


def test_import_keep_retires_the_oldest(new_depot, bundle, tmp_path):
    succeed("import", bundle, depot=new_depot)
    older(new_depot, "17_3_1", "17_3_10", "16_12_8")
    file = apdepot.write_config(tmp_path / "apdepot.yaml", {"import": {"keep": 2}})
    done = run("import", bundle, "--config", file, depot=new_depot)

    assert done.returncode == 0 and "retired /EWC/16_12_8 to retired/EWC/16_12_8: import.keep is 2" in done.stderr
    assert sorted(path.name for path in (new_depot / "images/EWC").iterdir()) == ["17_3_10", "17_9_4a"]


def test_a_name_that_is_mistyped_makes_no_depot(tmp_path):
    done = run("import", tmp_path / "C9800.zip", depot=tmp_path / "depot")

    assert done.returncode == 1
    assert done.stderr == f"apdepot: {tmp_path}/C9800.zip cannot be imported: No such file or directory\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_given_for_a_bundle_makes_no_depot(tmp_path):
    (tmp_path / "images").mkdir()
    done = run("import", tmp_path / "images", depot=tmp_path / "depot")

    assert done.returncode == 1 and f"copy a folder of images to a place below {tmp_path}/depot/images" in done.stderr
    assert not (tmp_path / "depot").exists()


def test_import_keep_counts_for_the_drop_folder(start_server, new_depot, bundle, tmp_path):
    succeed("import", bundle, depot=new_depot)
    older(new_depot, "17_3_1")
    server = start_server(new_depot, {"import": {"keep": 1}})
    shutil.copy(make_bundle(tmp_path), new_depot / "drop")

    server.wait_for_log(r"^apdepot: retired /EWC/17_3_1 to retired/EWC/17_3_1: import\.keep is 1$")
