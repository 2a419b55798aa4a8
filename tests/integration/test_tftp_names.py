"""What a name may look like, and what it is never taken for; the whole table is in the unit tests of the lookup."""
import re
import signal

import pytest

from apdepot import RELEASE, succeed, write_config
from tftp_wire import DATA, ERROR, Client, fetch

IMAGE = f"{RELEASE}/ap1g8"


def ask(server, name, **how):
    with Client(server.tftp) as client:
        return client.ask(name, **how)


def expect_miss(server, name, cause, *texts):
    """ERROR 1, which says where the thing is, and the cause in the log."""
    packet = ask(server, name)
    assert (packet.opcode, packet.number) == (ERROR, 1), packet.raw
    for text in texts:
        assert text in packet.text
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: miss {cause}: ")


@pytest.mark.parametrize("name", [IMAGE, IMAGE[1:]])
def test_the_leading_slash_is_nobodys_business(server, images, name):
    assert fetch(server.tftp, name) == images["ap1g8"]
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1 filename {name}$")


@pytest.mark.parametrize("name, rule", [
    ("//EWC//17_9_4a/ap1g8", "slashes"),
    ("./EWC/17_9_4a/ap1g8", "slashes"),
    ("/EWC/./17_9_4a/../17_9_4a/ap1g8", "slashes"),
    ("EWC\\17_9_4a\\ap1g8", "slashes"),
    ("tftp://172.16.5.27/EWC/17_9_4a/ap1g8", "slashes"),
    ("/ewc/17_9_4A/AP1G8", "case"),
    ("/EWC/17.9.4a/ap1g8", "version"),
    ("/EWC/17.09.04a.0.6/ap1g8", "version"),
    ("/EWC_17_9_4a/ap1g8", "version"),
    ("/17_9_4a/ap1g8", "version"),
    ("/tftpboot/EWC/17_9_4a/ap1g8", "prefix"),
    ("C:\\TFTP-Root\\EWC\\17_9_4a\\ap1g8", "prefix"),
    ("/home/cisco/sftp_files/EWC_17_9_4a/ap1g8", "prefix"),
    ("ap1g8", "only_release")])
def test_what_was_plainly_meant_is_served_and_told(server, images, name, rule):
    assert fetch(server.tftp, name, "blksize", 8192) == images["ap1g8"]
    shown = re.escape(name.replace("\\", "\\\\"))  # the log's escape
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1 filename {shown} remapped to {IMAGE} \({rule}\)$")


@pytest.mark.parametrize("name, cause, texts", [
    ("/EWC/17_9_4a/aplg8", "LOOKALIKE", ["ap1g8", RELEASE]),
    ("/EWC/l7_9_4a/ap1g8", "LOOKALIKE", [f"ap1g8 is in {RELEASE}"]),
    ("/EWC/17.09.04a/aplg6", "LOOKALIKE", ["ap1g6", RELEASE]),
    ("/EWC/17_9_4a/ap1g9", "FAMILY_MISSING", ["ap1g9"]),
    ("/EWC/17_9_4a/ap1g6b", "FAMILY_MISSING", ["ap1g6b"]),
    ("/EWC/17_9_5/ap1g8", "NO_SUCH_RELEASE", [RELEASE]),
    ("/ME/17_9_4a/ap1g8", "WRONG_DIRECTORY", [RELEASE]),
    ("/Wrong-Path/ap1g8", "WRONG_DIRECTORY", [f"ap1g8 is in {RELEASE}"])])
def test_nothing_else_is_served_in_its_place(server, name, cause, texts):
    expect_miss(server, name, cause, *texts)


def test_two_files_that_fit_are_neither(server, depot):
    for name in ("MIXED.bin", "Mixed.bin"):
        (depot / "images" / name).write_bytes(name.encode())

    expect_miss(server, "/mixed.bin", "WRONG_CASE")
    assert fetch(server.tftp, "/Mixed.bin") == b"Mixed.bin"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\etc\\passwd", "/EWC/../../state/users.yaml",
                                  "tftp://host/../state/users.yaml", "C:\\..\\state\\users.yaml"])
def test_no_name_leads_out_of_the_depot(server, name):
    packet = ask(server, name)

    assert packet.opcode == ERROR
    server.wait_for_log(r"^in\.tftpd\[\d+\]: miss ESCAPES_ROOT: ")


@pytest.mark.parametrize("name", ["//EWC/17_9_4a/ap1g8", "EWC\\17_9_4a\\ap1g8", "/ewc/17_9_4a/ap1g8",
                                  "/EWC/17.9.4a/ap1g8", "/tftpboot/EWC/17_9_4a/ap1g8"])
def test_where_nothing_is_forgiven_only_exact_names_are_served(start_server, depot, images, name):
    server = start_server(depot, {"lookup": {"forgiving": False}})
    packet = ask(server, name)

    assert (packet.opcode, packet.number) == (ERROR, 1)
    assert fetch(server.tftp, IMAGE[1:]) == images["ap1g8"]
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sent ")
    assert not any("remapped" in line for line in server.whole_log())


@pytest.mark.parametrize("forgiving", [True, False])
def test_an_alias_stands_for_the_beginning_of_a_path(start_server, depot, images, forgiving):
    aliases = {"/tftpboot": RELEASE, "/wlc.bin": f"{RELEASE}/C9800-AP-iosxe-wlc.bin", "/EWC": "/nowhere"}
    server = start_server(depot, {"lookup": {"forgiving": forgiving, "aliases": aliases}})

    assert fetch(server.tftp, "/tftpboot/ap1g8") == images["ap1g8"]
    assert fetch(server.tftp, "tftpboot/ap1g4") == images["ap1g4"]
    assert fetch(server.tftp, "/wlc.bin", "blksize", 8192) == images["C9800-AP-iosxe-wlc.bin"]
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]  # what is there needs no alias
    expect_miss(server, "/tftpboot/ap1g9", "FAMILY_MISSING")
    assert ask(server, "/tftpboot2/ap1g8").opcode == ERROR
    assert ask(server, "/tftpboot/../../state/users.yaml").opcode == ERROR
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: RRQ from \S+ filename /tftpboot/ap1g8 remapped to {IMAGE} \(alias\)$")


def test_a_reload_takes_new_aliases_and_forgives_no_more(start_server, depot, tmp_path, images):
    server = start_server(depot, {"lookup": {"aliases": {"/old": RELEASE}}})
    assert fetch(server.tftp, "/old/ap1g8") == images["ap1g8"]
    assert fetch(server.tftp, IMAGE.lower()) == images["ap1g8"]

    write_config(tmp_path / "apdepot.yaml", {"lookup": {"forgiving": False, "aliases": {"/new": RELEASE}}})
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"^apdepot: configuration .* is in effect$")

    assert fetch(server.tftp, "/new/ap1g8") == images["ap1g8"]
    for name in ("/old/ap1g8", IMAGE.lower()):
        assert ask(server, name).opcode == ERROR
    assert ask(server, IMAGE).opcode == DATA


def test_an_images_name_alone_means_the_promoted_release_of_several(server, depot, images):
    other = depot / "images/EWC/17_12_4"
    other.mkdir()
    (other / "ap1g8").write_bytes(b"another train's")
    expect_miss(server, "ap1g8", "WRONG_DIRECTORY", "/EWC/17_12_4", RELEASE)
    succeed("promote", "17.9.4a", depot=depot)
    assert fetch(server.tftp, "ap1g8", "blksize", 8192) == images["ap1g8"]
    server.wait_for_log(rf"filename ap1g8 remapped to {IMAGE} \(promoted\)$")


def test_a_miss_names_the_nearest_release(server, depot):
    other = depot / "images/EWC/17_12_4"
    other.mkdir()
    (other / "ap1g8").write_bytes(b"another train's")
    expect_miss(server, "/EWC/17_9_4/ap1g8", "NO_SUCH_RELEASE", f"ap1g8 is in {RELEASE}")
    server.wait_for_log(rf"ap1g8 is in {RELEASE}: tftp-image-path {RELEASE}$")


def test_a_link_that_leads_out_is_named_in_the_log_and_not_to_the_device(server, depot, tmp_path):
    (depot / "images/EWC/17_6_5").symlink_to(tmp_path)
    packet = ask(server, "/EWC/17_6_5/ap1g8")
    assert packet.text == "File not found: /EWC/17_6_5/ap1g8 does not exist"
    server.wait_for_log(rf"miss LEADS_OUT: /EWC/17_6_5 is a link to {tmp_path}, out of the folder that is served; ")
