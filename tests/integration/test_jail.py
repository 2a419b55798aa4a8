"""No name, link or odd file leads out of images/ or stops the server."""
import os
import socket

import pytest

import tftp_wire
from apdepot import RELEASE
from sftp_wire import NO_SUCH_FILE, OK, OPENDIR, PERMISSION_DENIED, STAT, STATUS, string

IMAGE = f"{RELEASE}/ap1g8"


@pytest.fixture
def images_folder(depot):
    return depot / "images"


def tftp_is_refused(server, name):
    with tftp_wire.Client(server.tftp) as client:
        packet = client.ask(name)
    return packet.opcode == tftp_wire.ERROR and packet.number in (1, 2) and bool(packet.text)


ESCAPES = {
    "absolute": "/etc/passwd",
    "climbing": "../../../../../../../../etc/passwd",
    "through /proc": "/proc/self/root/etc/passwd",
    "through its own descriptors": "/proc/self/fd/0",
    "to itself": "link",
    "to the depot's secrets": "../state/users.yaml",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_link_that_leads_out_leads_nowhere(server, sftp, images_folder, name):
    (images_folder / "link").symlink_to(ESCAPES[name])

    assert sftp.open("/link").status in (NO_SUCH_FILE, PERMISSION_DENIED)
    assert sftp.ask(STAT, string("/link")).status in (NO_SUCH_FILE, PERMISSION_DENIED)
    assert tftp_is_refused(server, "/link")


@pytest.mark.parametrize("target", ["/etc", "/", "..", "../../.."])
def test_a_folder_link_that_leads_out_shows_nothing_of_the_host(server, sftp, images_folder, target):
    (images_folder / "folder").symlink_to(target)

    assert sftp.open("/folder/passwd").status in (NO_SUCH_FILE, PERMISSION_DENIED)
    assert sftp.open("/folder/etc/passwd").status in (NO_SUCH_FILE, PERMISSION_DENIED)
    assert sftp.open("/folder/state/users.yaml").status in (NO_SUCH_FILE, PERMISSION_DENIED)
    assert tftp_is_refused(server, "/folder/passwd")
    if sftp.ask(OPENDIR, string("/folder")).kind != STATUS:
        assert {name for name, _, _ in sftp.list("/folder")} - {".", ".."} <= {"EWC", "folder"}


@pytest.mark.parametrize("target", [IMAGE, IMAGE[1:], "EWC/../EWC/17_9_4a/ap1g8", f"/../../..{IMAGE}", "second-link"])
def test_a_link_that_stays_inside_works(server, sftp, images_folder, images, target):
    (images_folder / "second-link").symlink_to(IMAGE)
    (images_folder / "link").symlink_to(target)

    assert sftp.fetch("/link") == images["ap1g8"]
    assert tftp_wire.fetch(server.tftp, "/link") == images["ap1g8"]


def test_a_folder_link_that_stays_inside_works(server, sftp, images_folder, images):
    (images_folder / "current").symlink_to("/EWC/17_9_4a")

    assert sftp.fetch("/current/ap1g8") == images["ap1g8"]
    assert tftp_wire.fetch(server.tftp, "/current/ap1g8") == images["ap1g8"]
    assert {name for name, _, _ in sftp.list("/current")} - {".", ".."} == set(images)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


def make_device(path):
    try:
        os.mknod(path, 0o20644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("may not make a device")


@pytest.mark.parametrize("make", [os.mkfifo, make_socket, make_device], ids=["FIFO", "socket", "device"])
def test_what_is_no_regular_file_is_refused_at_once(server, sftp, images_folder, images, make):
    make(images_folder / "odd")

    assert sftp.open("/odd").status == PERMISSION_DENIED
    assert tftp_is_refused(server, "/odd")
    server.wait_for_log(r"^in\.tftpd\[\d+\]: miss UNREADABLE: /odd ")
    assert sftp.fetch(IMAGE) == images["ap1g8"]
    assert tftp_wire.fetch(server.tftp, IMAGE) == images["ap1g8"]


def test_a_fifo_holds_up_no_transfer_that_runs(server, sftp, images_folder, images):
    os.mkfifo(images_folder / "fifo")
    handle = sftp.open(IMAGE).handle
    with tftp_wire.Client(server.tftp) as client:
        content = client.ask(IMAGE).data
        assert tftp_is_refused(server, "/fifo")
        assert sftp.open("/fifo").status == PERMISSION_DENIED

        assert content + client.finish(1) == images["ap1g8"]
    assert sftp.read_to_end(handle) == images["ap1g8"]
    assert sftp.close(handle) == OK


@pytest.mark.parametrize("name", [
    "/../../../etc/passwd", "/EWC/../../etc/passwd", "/..\\..\\etc\\passwd", "/%2e%2e/%2e%2e/etc/passwd",
    "/....//etc/passwd", "/etc/passwd\0.bin", "/EWC/17_9_4a/ap1g8\0", "~/.ssh/id_rsa", "/proc/self/environ",
    "/dev/zero"])
def test_no_spelling_of_a_name_leads_out(server, sftp, name):
    assert sftp.open(name).kind == STATUS
    assert tftp_is_refused(server, name.replace("\0", "\\0"))


def test_a_file_replaced_during_a_transfer_is_read_to_its_end(server, sftp, images_folder, images):
    handle = sftp.open(IMAGE).handle
    with tftp_wire.Client(server.tftp) as client:
        content = client.ask(IMAGE).data
        beside = images_folder / "beside"
        beside.write_bytes(b"new")
        beside.rename(images_folder / IMAGE[1:])

        assert content + client.finish(1) == images["ap1g8"]
    assert sftp.read_to_end(handle) == images["ap1g8"]
    assert sftp.fetch(IMAGE) == b"new"
