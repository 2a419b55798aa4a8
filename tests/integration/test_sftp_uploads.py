"""Uploads over SFTP: new files below a user's /uploads, whole or not at all."""
import os
import pathlib
import socket
import stat
import subprocess

import paramiko
import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, files_below, snapshot, wait_until
from clients import CONTENT, THEN, Client, key_user, openssh, put_openssh, put_scp
from sftp_wire import (ATTRS, CLOSE, EXTENDED, EXTENDED_REPLY, FAILURE, FLAG_APPEND, FLAG_CREATE, FLAG_EXCLUSIVE,
                       FLAG_READ, FLAG_TRUNCATE, FLAG_WRITE, FSETSTAT, FSTAT, LSTAT, MKDIR, NO_ATTRIBUTES,
                       NO_SUCH_FILE, OK, OPEN, PERMISSION_DENIED, READLINK, REMOVE, RENAME, RMDIR, SETSTAT, STAT,
                       SYMLINK, WRITE, Cursor, Sftp, login, string, u32, u64)

NEW = FLAG_WRITE | FLAG_CREATE | FLAG_TRUNCATE
OUTSIDE = b"Permission denied: only what is below /uploads can be written"
IMAGE = f"{RELEASE}/ap1g8"
SIZE, OWNER, MODE, TIMES = 1, 2, 4, 8  # what ATTRS may hold


def allow_uploads(depot):
    """For the user with the password."""
    users = depot / "state/users.yaml"
    text = users.read_text()
    assert text.count("uploads: false") == 1
    users.write_text(text.replace("uploads: false", "uploads: true"))
    return depot


@pytest.fixture
def server(start_server, depot, key):
    """With the user, who has a password, and `keyed`, who has a key; both may upload."""
    config = key_user(key)
    config["ssh"]["users"][0]["uploads"] = True
    return start_server(allow_uploads(depot), config)


@pytest.fixture
def client(server, tmp_path, key):
    return Client(server, tmp_path / "home", key)


def text(reply):
    """Of a status."""
    cursor = Cursor(reply.body)
    cursor.u32()
    return cursor.string()


def write(sftp, handle, offset, content):
    return sftp.ask(WRITE, string(handle), u64(offset), string(content)).status


def put(sftp, path, content=b"content"):
    handle = sftp.open(path, NEW).handle
    assert write(sftp, handle, 0, content) == OK
    assert sftp.close(handle) == OK


def name_request(sftp, kind, path):
    return sftp.ask(kind, string(path), *([NO_ATTRIBUTES] if kind == MKDIR else [])).status


def rename(sftp, old, new):
    return sftp.ask(RENAME, string(old), string(new)).status


def times(modified):
    return u32(TIMES) + u32(modified) + u32(modified)


def staged(server):
    """What lies in uploads that are under way."""
    return files_below(server.depot / "state/staging")


def expect_nothing_staged(server):
    wait_until(lambda: not list((server.depot / "state/staging").iterdir()))


# ---- a file by the packet

def test_a_file_appears_whole_when_it_is_closed(server, sftp, uploads):
    handle = sftp.open("/uploads/new", NEW).handle
    assert write(sftp, handle, 5, b"56789") == OK
    assert write(sftp, handle, 0, b"01234") == OK
    assert not list(uploads.iterdir())

    assert sftp.close(handle) == OK

    assert (uploads / "new").read_bytes() == b"0123456789"
    assert stat.S_IMODE((uploads / "new").stat().st_mode) == 0o644
    assert sftp.fetch("/uploads/new") == b"0123456789"
    expect_nothing_staged(server)


def test_an_upload_is_told_in_the_words_of_sftp_server(server, sftp):
    handle = sftp.open("/uploads/new", NEW).handle
    write(sftp, handle, 0, b"0123456789")
    sftp.ask(FSETSTAT, string(handle), u32(MODE | TIMES) + u32(0o644) + u32(THEN) + u32(THEN))
    sftp.close(handle)
    sftp.ask(MKDIR, string("/uploads/d"), NO_ATTRIBUTES)
    rename(sftp, "/uploads/new", "/uploads/d/new")
    name_request(sftp, REMOVE, "/uploads/d/new")
    name_request(sftp, RMDIR, "/uploads/d")

    for text in (r'open "/uploads/new" flags WRITE,CREATE,TRUNCATE mode 0666', r'set "/uploads/new" mode 0644, ignored',
                 r'set "/uploads/new" modtime 20200913-12:26:40', r'close "/uploads/new" bytes read 0 written 10',
                 r'mkdir name "/uploads/d" mode 0777', r'rename old "/uploads/new" new "/uploads/d/new"',
                 r'remove name "/uploads/d/new"', r'rmdir name "/uploads/d"'):
        server.wait_for_log(rf"^sftp-server\[\d+\]: {text}$")


def test_an_open_upload_tells_its_size_by_handle_and_by_name(sftp):
    handle = sftp.open("/uploads/new", NEW).handle
    write(sftp, handle, 0, b"0123456789")

    for reply in (sftp.ask(FSTAT, string(handle)), sftp.ask(STAT, string("/uploads/new")),
                  sftp.ask(LSTAT, string("/uploads/new"))):
        assert reply.attributes.size == 10 and stat.S_ISREG(reply.attributes.mode)
    assert sftp.list("/uploads") == []


def test_what_clients_set_on_an_open_upload(sftp, uploads):
    handle = sftp.open("/uploads/new", NEW).handle
    write(sftp, handle, 0, b"0123456789")
    assert sftp.ask(FSETSTAT, string(handle), times(THEN)).status == OK
    assert sftp.ask(FSETSTAT, string(handle), u32(MODE) + u32(0o100000)).status == OK
    assert sftp.ask(FSETSTAT, string(handle), u32(OWNER) + u32(0) + u32(0)).status == PERMISSION_DENIED
    assert sftp.ask(FSETSTAT, string(handle), u32(SIZE) + u64(4)).status == OK
    assert sftp.ask(FSTAT, string(handle)).attributes.size == 4
    assert sftp.ask(SETSTAT, string("/uploads/new"), u32(MODE) + u32(0o600)).status == OK
    assert sftp.ask(EXTENDED, string("fsync@openssh.com"), string(handle)).status == OK
    sftp.close(handle)

    status = (uploads / "new").stat()
    assert (status.st_size, status.st_mtime, stat.S_IMODE(status.st_mode)) == (4, THEN, 0o644)


def test_a_file_may_be_read_while_it_is_written(sftp):
    handle = sftp.open("/uploads/new", NEW | FLAG_READ).handle
    write(sftp, handle, 0, b"0123456789")

    assert sftp.read(handle, 3, 4).data == b"3456"
    assert sftp.read_to_end(handle) == b"0123456789"


def test_appending_needs_no_offset(sftp, uploads):
    handle = sftp.open("/uploads/new", FLAG_WRITE | FLAG_CREATE | FLAG_APPEND).handle
    for part in (b"012", b"345", b"6789"):
        assert write(sftp, handle, 0, part) == OK
    sftp.close(handle)

    assert (uploads / "new").read_bytes() == b"0123456789"


def test_pipelined_writes_of_any_size_arrive(sftp, uploads):
    handle = sftp.open("/uploads/new", NEW).handle
    sizes, at = [1, 32768, 261000, 7, 100_000, 261000, 113_224], 0
    for size in sizes:
        sftp.send_raw(sftp.request(WRITE, string(handle), u64(at), string(CONTENT[at:at + size])))
        at += size
    sftp.send_raw(sftp.request(CLOSE, string(handle)))

    assert all(sftp.receive().status == OK for _ in range(len(sizes) + 1))
    assert at == len(CONTENT) and (uploads / "new").read_bytes() == CONTENT


def test_a_file_is_copied_by_the_server(sftp, uploads, images):
    image, copied = images["C9800-AP-iosxe-wlc.bin"], sftp.open("/uploads/copied", NEW).handle
    original = sftp.open(f"{RELEASE}/C9800-AP-iosxe-wlc.bin").handle

    def copy(offset, size, to_offset):
        return sftp.ask(EXTENDED, string("copy-data"), string(original), u64(offset), u64(size), string(copied),
                        u64(to_offset)).status

    assert copy(0, 0, 0) == OK
    assert copy(10, 20, len(image)) == OK
    assert sftp.close(copied) == OK
    assert (uploads / "copied").read_bytes() == image + image[10:30]


# ---- what vanishes

@pytest.mark.parametrize("ending", ["reset", "end", "server"])
def test_an_upload_that_is_not_closed_vanishes(server, transport, sftp, uploads, ending):
    handle = sftp.open("/uploads/half", NEW).handle
    write(sftp, handle, 0, CONTENT[:100_000])
    assert [path.stat().st_size for path in staged(server)] == [100_000]

    if ending == "reset":
        transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        transport.sock.close()
    elif ending == "end":
        sftp.channel.close()
    else:
        server.signal(15)
        transport.close()
        server.wait()
    if ending != "server":
        server.wait_for_log(r'forced close "/uploads/half" bytes read 0 written 100000$')

    expect_nothing_staged(server)
    assert not list(uploads.iterdir())


def test_a_session_that_ends_in_the_middle_of_writes_leaves_nothing(server, transport, sftp, uploads):
    handle = sftp.open("/uploads/half", NEW).handle
    for n in range(40):
        sftp.send_raw(sftp.request(WRITE, string(handle), u64(n * 32768), string(bytes(32768))))
    transport.close()

    server.wait_for_log(r"session closed for local user")
    expect_nothing_staged(server)
    assert not list(uploads.iterdir())


def test_a_full_disk_fails_and_leaves_nothing(full_disk, start_server):
    server = start_server(allow_uploads(full_disk), {"uploads": {"reserve": "1MiB"}})
    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    handle = sftp.open("/uploads/large", NEW).handle
    statuses = [write(sftp, handle, n << 18, bytes(250_000)) for n in range(20)]

    assert statuses[0] == OK and statuses[-1] == FAILURE
    assert sftp.close(handle) == FAILURE
    server.wait_for_log("miss WRITE_REFUSED: /uploads/large cannot be written; .*uploads.reserve$")
    apdepot.succeed("user", "list", depot=full_disk)
    expect_nothing_staged(server)
    put(sftp, "/uploads/small", bytes(100_000))
    assert [path.name for path in (full_disk / "images/uploads").iterdir()] == ["small"]
    transport.close()


# ---- bounds

def test_a_file_that_is_too_large_fails_and_leaves_nothing(start_server, depot):
    server = start_server(allow_uploads(depot), {"ssh": {"max_upload": "2KiB"}})
    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    put(sftp, "/uploads/largest", bytes(2048))
    for offset, size in ((2047, 2), (2048, 1), ((1 << 64) - 1, 1), (1 << 63, 1), (0, 2049)):
        handle = sftp.open("/uploads/large", NEW).handle
        assert write(sftp, handle, offset, bytes(size)) == FAILURE
        assert write(sftp, handle, 0, b"more") == OK
        assert sftp.close(handle) == FAILURE
    handle = sftp.open("/uploads/large", NEW).handle
    assert sftp.ask(FSETSTAT, string(handle), u32(SIZE) + u64(2049)).status == FAILURE
    transport.close()

    server.wait_for_log(r"miss WRITE_REFUSED: /uploads/large is larger than a user may send; ssh\.max_upload bounds")
    expect_nothing_staged(server)
    assert [path.name for path in (depot / "images/uploads").iterdir()] == ["largest"]


@pytest.fixture
def sftp_of():
    """Sessions of the user with the password."""
    transports = []

    def start(server):
        transports.append(login(server, USER, PASSWORD))
        return Sftp(transports[-1])

    yield start
    for transport in transports:
        transport.close()


def test_all_uploads_together_are_bounded_and_the_client_reads_by_what(start_server, depot, sftp_of):
    bounds = {"max_total": "4KiB", "max_files": 2, "max_folders": 1}
    server = start_server(allow_uploads(depot), {"uploads": bounds})
    sftp = sftp_of(server)
    put(sftp, "/uploads/first", bytes(2048))

    handle = sftp.open("/uploads/new", NEW).handle
    reply = sftp.ask(WRITE, string(handle), u64(1 << 30), string("x"))  # a hole counts
    assert reply.status == FAILURE and b"uploads.max_total" in reply.body
    assert sftp.close(handle) == FAILURE
    handle = sftp.open("/uploads/new", NEW).handle
    assert sftp.ask(FSETSTAT, string(handle), u32(SIZE) + u64(2049)).status == FAILURE
    assert sftp.ask(FSETSTAT, string(handle), u32(SIZE) + u64(2048)).status == OK
    assert b"uploads.max_files" in sftp.open("/uploads/more", NEW).body
    original = sftp.open("/uploads/first").handle
    assert sftp.ask(EXTENDED, string("copy-data"), string(original), u64(0), u64(0), string(handle),
                    u64(1)).status == FAILURE
    assert sftp.close(handle) == FAILURE
    assert name_request(sftp, MKDIR, "/uploads/d") == OK
    reply = sftp.ask(MKDIR, string("/uploads/e"), NO_ATTRIBUTES)
    assert reply.status == FAILURE and b"uploads.max_folders" in reply.body
    put(sftp, "/uploads/d/new", bytes(2048))
    assert name_request(sftp, REMOVE, "/uploads/first") == OK
    put(sftp, "/uploads/first", bytes(2048))
    for key in ("max_total", "max_files", "max_folders"):
        server.wait_for_log(rf"miss WRITE_REFUSED: /uploads/\w+ cannot be written; uploads\.{key}")


def test_uploads_of_all_roots_count_together(start_server, depot, key, tmp_path, sftp_of):
    (depot / "images/site-7").mkdir()
    config = {**key_user(key), "uploads": {"max_files": 1}}
    config["ssh"]["users"][0].update(uploads=True, root="/site-7")
    server = start_server(allow_uploads(depot), config)
    openssh(Client(server, tmp_path / "home", key), "put batch /uploads/new\n")

    assert b"uploads.max_files" in sftp_of(server).open("/uploads/new", NEW).body


def test_an_alias_leads_a_write_to_uploads(start_server, depot, sftp_of):
    aliases = {"/incoming": "/uploads"}
    sftp = sftp_of(start_server(allow_uploads(depot), {"lookup": {"aliases": aliases}}))
    put(sftp, "/incoming/new")

    assert (depot / "images/uploads/new").read_bytes() == b"content"
    assert sftp.ask(SETSTAT, string("/incoming/new"), times(THEN)).status == OK
    assert name_request(sftp, REMOVE, "/incoming/new") == OK


# ---- names

@pytest.mark.parametrize("path, there", [
    ("uploads/new", "new"), ("/uploads/new", "new"), ("//uploads//./new", "new"), ("/EWC/../uploads/new", "new"),
    ("../../uploads/new", "new"), ("/uploads/site/new", "site/new"), ("/uploads/site/../new", "new")])
def test_a_file_goes_where_its_name_says_below_uploads(sftp, uploads, path, there):
    (uploads / "site").mkdir()
    put(sftp, path)

    assert (uploads / there).read_bytes() == b"content"


@pytest.mark.parametrize("path", ["/new", f"{RELEASE}/new", "/uploads/../new", "/uploads/x/../../new", "/uploads2/new",
                                  "/UPLOADS/new", "../new", IMAGE])
def test_nothing_is_written_outside_uploads(server, sftp, path):
    put(sftp, "/uploads/mine")
    before = snapshot(server.depot / "images")
    for flags in (NEW, FLAG_WRITE | FLAG_CREATE | FLAG_EXCLUSIVE, FLAG_WRITE, FLAG_WRITE | FLAG_APPEND | FLAG_CREATE,
                  FLAG_CREATE, FLAG_READ | FLAG_TRUNCATE):
        assert sftp.open(path, flags).status == PERMISSION_DENIED
    for kind in (MKDIR, RMDIR, REMOVE):
        assert name_request(sftp, kind, path) == PERMISSION_DENIED
    assert rename(sftp, "/uploads/mine", path) == PERMISSION_DENIED
    assert rename(sftp, path, "/uploads/theirs") == PERMISSION_DENIED
    assert sftp.ask(SETSTAT, string(path), times(THEN)).status == PERMISSION_DENIED
    assert sftp.ask(SETSTAT, string(path), u32(MODE) + u32(0o777)).status == PERMISSION_DENIED

    assert snapshot(server.depot / "images") == before


def test_a_name_outside_uploads_is_told_where_to_go(server, sftp):
    sftp.open("/new", NEW)

    server.wait_for_log(r"^sftp-server\[\d+\]: miss WRITE_REFUSED: /new is not below /uploads; write /uploads/new$")


def test_a_refused_upload_says_why_though_the_client_looked_first(server, sftp):
    """As `put` of OpenSSH's sftp, its scp and sshfs do; the miss of the first look says nothing of writing."""
    assert sftp.ask(STAT, string("/new")).status == NO_SUCH_FILE
    reply = sftp.open("/new", NEW)

    assert reply.status == PERMISSION_DENIED and text(reply) == OUTSIDE
    server.wait_for_log(r"^sftp-server\[\d+\]: miss WRITE_REFUSED: /new is not below /uploads; write /uploads/new$")


def test_each_refusal_tells_the_client_its_reason(sftp, uploads):
    put(sftp, "/uploads/there")
    others = b"only the user who sent it may change, rename or remove it"
    for reply, told in {
            "open": (sftp.open("/uploads/there", NEW), b"File exists, and nothing is replaced"),
            "mkdir": (sftp.ask(MKDIR, string("/new"), NO_ATTRIBUTES), OUTSIDE),
            "mkdir again": (sftp.ask(MKDIR, string("/uploads"), NO_ATTRIBUTES), b"File exists"),
            "remove": (sftp.ask(REMOVE, string(IMAGE)), others),
            "rmdir": (sftp.ask(RMDIR, string(RELEASE)), others),
            "rename": (sftp.ask(RENAME, string(IMAGE), string("/uploads/image")), others),
            "rename out": (sftp.ask(RENAME, string("/uploads/there"), string("/new")), OUTSIDE),
            "utime": (sftp.ask(SETSTAT, string(IMAGE), times(THEN)), others),
            "chown": (sftp.ask(SETSTAT, string("/uploads/there"), u32(OWNER) + u32(0) + u32(0)),
                      b"size and owner of a file that is there stay as they are"),
            "symlink": (sftp.ask(SYMLINK, string("/uploads/a"), string("/uploads/b")), b"links are never made here"),
            "handle": (sftp.ask(CLOSE, string(b"none")), b"No such handle is open")}.values():
        assert reply.status != OK and text(reply) == told


def test_who_may_only_read_is_told_so(start_server, depot):
    server = start_server(depot)
    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    for reply in (sftp.open("/uploads/new", NEW), sftp.ask(REMOVE, string(IMAGE))):
        assert reply.status == PERMISSION_DENIED and text(reply) == b"user ewc may only read here"
    transport.close()


def test_real_clients_show_the_reason(server, client, tmp_path):
    local = client.file("local", "content")
    with pytest.raises(PermissionError, match="only what is below /uploads can be written"):
        transport = login(server, USER, PASSWORD)
        paramiko.SFTPClient.from_transport(transport).put(str(local), "/new")
    transport.close()
    host, port = server.ssh
    done = client.run("scp", "-s", *client.key_options(), "-P", port, local, f"keyed@{host}:/by-scp", check=False)
    assert done.returncode != 0
    server.wait_for_log(r"miss WRITE_REFUSED: /by-scp is not below /uploads; write /uploads/by-scp$")


def test_no_link_leads_out(server, sftp, uploads, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"outside")
    for name, target in {"out": outside, "up": "../EWC/17_9_4a", "file": outside / "file", "new": outside / "new",
                         "image": "../EWC/17_9_4a/ap1g8"}.items():
        (uploads / name).symlink_to(target)
    before, images = snapshot(outside), snapshot(server.depot / "images/EWC")
    for path in ("/uploads/out/new", "/uploads/up/new", "/uploads/out/file", "/uploads/up/ap1g8"):
        assert sftp.open(path, NEW).status in (NO_SUCH_FILE, FAILURE)
        assert sftp.ask(SETSTAT, string(path), times(THEN)).status == NO_SUCH_FILE
        assert all(name_request(sftp, kind, path) == NO_SUCH_FILE for kind in (MKDIR, RMDIR, REMOVE))
    for path in ("/uploads/file", "/uploads/new", "/uploads/image"):
        assert sftp.open(path, NEW).status == FAILURE
        assert sftp.ask(SETSTAT, string(path), times(THEN)).status == NO_SUCH_FILE
    assert sftp.ask(SYMLINK, string("/etc/passwd"), string("/uploads/made")).status == PERMISSION_DENIED
    assert sftp.ask(EXTENDED, string("hardlink@openssh.com"), string(IMAGE), string("/uploads/made")).status == \
        PERMISSION_DENIED
    assert sftp.ask(READLINK, string("/uploads/file")).status == PERMISSION_DENIED
    assert name_request(sftp, REMOVE, "/uploads/file") == PERMISSION_DENIED  # nobody sent the link

    assert (snapshot(outside), snapshot(server.depot / "images/EWC")) == (before, images)


def test_a_folder_that_becomes_a_link_while_a_file_is_sent_leads_nowhere(server, sftp, uploads):
    (uploads / "site").mkdir()
    handle = sftp.open("/uploads/site/new", NEW).handle
    write(sftp, handle, 0, b"content")
    (uploads / "site").rmdir()
    (uploads / "site").symlink_to("../EWC")

    assert sftp.close(handle) == NO_SUCH_FILE
    assert not (server.depot / "images/EWC/new").exists()
    expect_nothing_staged(server)


def test_each_user_has_uploads_below_the_own_root(start_server, depot, key, tmp_path):
    (depot / "images/site-7").mkdir()
    config = key_user(key)
    config["ssh"]["users"][0].update(uploads=True, root="/site-7")
    client = Client(start_server(depot, config), tmp_path / "home", key)
    openssh(client, "put batch /uploads/new\n")

    assert (depot / "images/site-7/uploads/new").exists()
    assert not (depot / "images/uploads").exists()


# ---- what is there already

@pytest.mark.parametrize("there", ["file", "folder", "link", "dangling"])
def test_what_is_there_is_never_replaced(sftp, uploads, there):
    (uploads / "file").write_bytes(b"the first")
    (uploads / "folder").mkdir()
    (uploads / "link").symlink_to("file")
    (uploads / "dangling").symlink_to("nothing")
    put(sftp, "/uploads/mine", b"mine")
    before = snapshot(uploads)
    for flags in (NEW, FLAG_WRITE | FLAG_CREATE | FLAG_EXCLUSIVE, FLAG_WRITE, FLAG_WRITE | FLAG_APPEND):
        assert sftp.open(f"/uploads/{there}", flags).status == FAILURE
    assert rename(sftp, "/uploads/mine", f"/uploads/{there}") == FAILURE
    assert sftp.ask(EXTENDED, string("posix-rename@openssh.com"), string("/uploads/mine"),
                    string(f"/uploads/{there}")).status == FAILURE
    assert name_request(sftp, MKDIR, f"/uploads/{there}") == FAILURE

    assert snapshot(uploads) == before


def test_of_two_that_send_one_name_the_first_to_end_has_it(sftp, uploads):
    first, second = (sftp.open("/uploads/new", NEW).handle for _ in range(2))
    write(sftp, first, 0, b"first")
    write(sftp, second, 0, b"second")

    assert sftp.close(second) == OK
    assert sftp.close(first) == FAILURE
    assert (uploads / "new").read_bytes() == b"second"


def test_writing_to_what_is_not_there_needs_create(sftp, uploads):
    assert sftp.open("/uploads/new", FLAG_WRITE).status == NO_SUCH_FILE
    assert sftp.open("/uploads/no/new", NEW).status == NO_SUCH_FILE
    assert not list(uploads.iterdir())


# ---- whose it is

def theirs(server, uploads):
    """Files and folders of others."""
    other = login(server, USER, PASSWORD)
    put(Sftp(other), "/uploads/users")
    name_request(Sftp(other), MKDIR, "/uploads/users-folder")
    other.close()
    (uploads / "admins").write_bytes(b"the administrator's")
    (uploads / "admins-folder").mkdir()
    with tftp_wire.Client(server.tftp) as device:
        assert device.ask("/uploads/devices", opcode=tftp_wire.WRQ).opcode == tftp_wire.ACK
        device.send(tftp_wire.data(1, b"the device's"))
        assert device.receive().opcode == tftp_wire.ACK
    return ("users", "admins", "devices", "users-folder", "admins-folder")


def test_only_who_sent_it_removes_renames_or_redates_it(start_server, depot, key, tmp_path):
    config = {**key_user(key), "tftp": {"uploads": True}}
    config["ssh"]["users"][0]["uploads"] = True
    server = start_server(allow_uploads(depot), config)
    client, uploads = Client(server, tmp_path / "home", key), depot / "images/uploads"
    names = theirs(server, uploads)
    before = snapshot(uploads)
    for name in names:
        for line in (f"rm /uploads/{name}", f"rmdir /uploads/{name}", f"rename /uploads/{name} /uploads/new",
                     f"chmod 600 /uploads/{name}"):
            assert openssh(client, line + "\n", check=False).returncode == 1
        server.wait_for_log(rf"miss WRITE_REFUSED: /uploads/{name} stays as it is; only the user who sent it ")
    assert snapshot(uploads) == before

    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    reply = sftp.ask(REMOVE, string("/uploads/admins"))
    assert reply.status == PERMISSION_DENIED and b"only the user who sent it may" in reply.body
    assert sftp.ask(SETSTAT, string("/uploads/devices"), times(THEN)).status == PERMISSION_DENIED
    assert sftp.ask(SETSTAT, string("/uploads/users"), times(THEN)).status == OK
    assert rename(sftp, "/uploads/users", "/uploads/users-folder/moved") == OK
    assert name_request(sftp, REMOVE, "/uploads/users-folder/moved") == OK
    assert name_request(sftp, RMDIR, "/uploads/users-folder") == OK
    transport.close()


def test_where_nobody_can_record_who_sent_it_nobody_removes_it(start_server, new_depot, keyed_state, sftp_of):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a disk without extended attributes")
    new_depot.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "apdepot-test", new_depot], check=True)
    try:
        subprocess.run(["cp", "-r", keyed_state, new_depot / "state"], check=True)
        server = start_server(allow_uploads(new_depot))
        sftp = sftp_of(server)
        put(sftp, "/uploads/new")
        reply = sftp.ask(REMOVE, string("/uploads/new"))
        assert reply.status == PERMISSION_DENIED and b"cannot record who sent it" in reply.body
        assert (new_depot / "images/uploads/new").read_bytes() == b"content"
    finally:
        subprocess.run(["umount", "--lazy", new_depot], check=True)


# ---- folders, names and times

def test_folders_come_and_go(sftp, uploads):
    assert name_request(sftp, MKDIR, "/uploads/d") == OK
    put(sftp, "/uploads/d/file")
    assert name_request(sftp, RMDIR, "/uploads/d") == FAILURE
    assert name_request(sftp, REMOVE, "/uploads/d") == FAILURE
    assert name_request(sftp, RMDIR, "/uploads/d/file") == NO_SUCH_FILE
    assert rename(sftp, "/uploads/d", "/uploads/e") == OK
    assert name_request(sftp, REMOVE, "/uploads/e/file") == OK
    assert name_request(sftp, REMOVE, "/uploads/e/file") == NO_SUCH_FILE
    assert name_request(sftp, RMDIR, "/uploads/e") == OK
    for kind in (RMDIR, REMOVE):
        assert name_request(sftp, kind, "/uploads") == PERMISSION_DENIED
    assert name_request(sftp, MKDIR, "/uploads") == FAILURE  # it is there

    assert not list(uploads.iterdir())


def test_winscp_sends_a_part_sets_its_times_and_renames_it(sftp, uploads):
    part = "/uploads/image.bin.filepart"
    assert sftp.ask(STAT, string(part)).status == NO_SUCH_FILE
    handle = sftp.open(part, NEW).handle
    write(sftp, handle, 0, b"content")
    assert sftp.ask(STAT, string(part)).kind == ATTRS
    assert sftp.close(handle) == OK
    assert sftp.ask(SETSTAT, string(part), u32(MODE | TIMES) + u32(0o644) + u32(THEN) + u32(THEN)).status == OK
    assert rename(sftp, part, "/uploads/image.bin") == OK

    assert [(path.name, path.stat().st_mtime) for path in uploads.iterdir()] == [("image.bin", THEN)]


def test_a_size_or_owner_of_what_is_published_stays(sftp, uploads):
    put(sftp, "/uploads/file")
    assert sftp.ask(SETSTAT, string("/uploads/file"), u32(SIZE) + u64(0)).status == PERMISSION_DENIED
    assert sftp.ask(SETSTAT, string("/uploads/file"), u32(OWNER) + u32(1) + u32(1)).status == PERMISSION_DENIED
    assert sftp.ask(SETSTAT, string("/uploads/none"), u32(MODE) + u32(0o600)).status == NO_SUCH_FILE

    assert (uploads / "file").read_bytes() == b"content"


# ---- extensions

def test_the_extensions_are_told(sftp):
    assert list(sftp.extensions.items()) == [
        ("posix-rename@openssh.com", b"1"), ("statvfs@openssh.com", b"2"), ("fstatvfs@openssh.com", b"2"),
        ("fsync@openssh.com", b"1"), ("limits@openssh.com", b"1"), ("expand-path@openssh.com", b"1"),
        ("copy-data", b"1"), ("home-directory", b"1")]


def test_the_space_is_the_disks(server, sftp):
    reply = sftp.ask(EXTENDED, string("statvfs@openssh.com"), string("/uploads"))
    cursor, disk = Cursor(reply.body), os.statvfs(server.depot)
    told = [cursor.u64() for _ in range(11)]

    assert reply.kind == EXTENDED_REPLY
    assert told[1:3] == [disk.f_frsize, disk.f_blocks] and told[10] == disk.f_namemax
    assert told[9] == 2  # nosuid, and writable
    assert sftp.ask(EXTENDED, string("statvfs@openssh.com"), string("/no")).status == NO_SUCH_FILE


# ---- a user who may only read

@pytest.fixture
def reader(start_server, depot):
    """An SFTP session of the user, who has no uploads."""
    server = start_server(depot)
    transport = login(server, USER, PASSWORD)
    yield Sftp(transport)
    transport.close()
    assert not (depot / "images/uploads").exists()


def test_a_read_only_user_is_refused_each(reader):
    assert set(reader.extensions) == {"statvfs@openssh.com", "fstatvfs@openssh.com", "limits@openssh.com",
                                      "expand-path@openssh.com", "home-directory"}
    handle = reader.open(IMAGE).handle
    for request in ((OPEN, string("/uploads/new"), u32(NEW), NO_ATTRIBUTES), (MKDIR, string("/uploads"), NO_ATTRIBUTES),
                    (MKDIR, string("/uploads/d"), NO_ATTRIBUTES), (RMDIR, string("/EWC")), (REMOVE, string(IMAGE)),
                    (RENAME, string(IMAGE), string("/x")), (SETSTAT, string(IMAGE), times(THEN)),
                    (FSETSTAT, string(handle), times(THEN)), (WRITE, string(handle), u64(0), string("x")),
                    (EXTENDED, string("posix-rename@openssh.com"), string(IMAGE), string("/x")),
                    (EXTENDED, string("fsync@openssh.com"), string(handle)),
                    (EXTENDED, string("copy-data"), string(handle), u64(0), u64(0), string(handle), u64(0))):
        assert reader.ask(*request).status == PERMISSION_DENIED
    reply = reader.ask(EXTENDED, string("statvfs@openssh.com"), string("/"))
    assert int.from_bytes(reply.body[72:80], "big") == 3  # read-only, for this user


# ---- the clients that people have

def lftp(client, commands):
    host, port = client.server.ssh
    connect = " ".join(map(str, ["ssh", "-a", "-x", *client.key_options()]))
    start = f'set cmd:fail-exit true; set net:max-retries 1; set sftp:connect-program "{connect}"; '
    return client.run("lftp", "--norc", "-c", f"{start}open sftp://{client.keyed}:@{host}:{port}; {commands}")


def psftp(client, lines):
    host, port = client.server.ssh
    known = [word for fingerprint in client.server.fingerprints() for word in ("-hostkey", fingerprint)]
    return client.run("psftp", "-batch", "-P", port, *known, "-pwfile", client.file("psftp.password", PASSWORD + "\n"),
                      "-b", client.file("batch", lines), f"{USER}@{host}")


def put_openssh_with_times(client, local, remote):
    openssh(client, f"put -p {local} {remote}\n")


def put_openssh_synced(client, local, remote):
    openssh(client, f"put -f {local} {remote}\n", "-R", "3", "-B", "10000")


def put_psftp(client, local, remote):
    psftp(client, f"put {local} {remote}\n")


def put_curl(client, local, remote):
    host, port = client.server.ssh
    config = client.file("curlrc", f'user = "{USER}:{PASSWORD}"\n')
    client.run("curl", "--disable", "-sS", "--config", config, "--insecure", "--ftp-create-dirs", "-T", local,
               f"sftp://{host}:{port}{remote}")


# Its libssh2 ends the channel in the place of SCP's last word.
def put_curl_scp(client, local, remote):
    host, port = client.server.ssh
    config = client.file("curlrc", f'user = "{USER}:{PASSWORD}"\n')
    client.run("curl", "--disable", "-sS", "--config", config, "--insecure", "-T", local, f"scp://{host}:{port}{remote}")


def put_lftp(client, local, remote):
    lftp(client, f"put {local} -o {remote}")


def paramiko_client(server):
    return paramiko.SFTPClient.from_transport(login(server, USER, PASSWORD))


def put_paramiko(client, local, remote):
    with paramiko_client(client.server) as session:
        session.put(str(local), remote)
        session.utime(remote, (THEN, THEN))
        session.chmod(remote, 0o600)
        session.get_channel().get_transport().close()


PUTS = {put_openssh: None, put_openssh_with_times: THEN, put_openssh_synced: None, put_scp: THEN, put_psftp: None,
        put_curl: None, put_curl_scp: None, put_lftp: THEN, put_paramiko: THEN}


@pytest.mark.parametrize("send", PUTS, ids=lambda send: send.__name__)
def test_a_client_sends_a_file(server, client, uploads, local, send):
    send(client, local, "/uploads/sent.bin")

    assert [path.name for path in uploads.iterdir()] == ["sent.bin"]
    assert (uploads / "sent.bin").read_bytes() == CONTENT
    if PUTS[send]:
        assert (uploads / "sent.bin").stat().st_mtime == PUTS[send]
    server.wait_for_log(rf'close "/uploads/sent\.bin" bytes read 0 written {len(CONTENT)}$')


def test_a_client_fails_on_a_name_that_is_taken(client, uploads, local):
    openssh(client, f"put {local} /uploads/sent.bin\n")
    for command in ("put", "put -a", "reput"):
        assert openssh(client, f"{command} {client.home}/batch /uploads/sent.bin\n", check=False).returncode != 0

    assert (uploads / "sent.bin").read_bytes() == CONTENT


def test_openssh_keeps_house(client, uploads, local):
    done = openssh(client, f"""mkdir /uploads/d
cd /uploads/d
put {local} a
chmod 644 a
rename a b
cp b c
rm b
!true
df -h
ln -s c d
""", check=False)  # the last line fails

    assert done.returncode == 1 and "Permission denied" in done.stderr, done.stderr
    assert "Used" in done.stdout and "%" in done.stdout
    assert [path.name for path in (uploads / "d").iterdir()] == ["c"]
    assert (uploads / "d/c").read_bytes() == CONTENT
    openssh(client, "rm /uploads/d/c\nrmdir /uploads/d\n")
    assert not list(uploads.iterdir())


def folder(tmp_path):
    """Something to send whole."""
    source = tmp_path / "source"
    (source / "sub/deep").mkdir(parents=True)
    for name in ("a", "sub/b", "sub/deep/c"):
        (source / name).write_text(name)
        os.utime(source / name, (THEN, THEN))
    return source


def contents(directory):
    return {str(path.relative_to(directory)): path.read_text() for path in pathlib.Path(directory).rglob("*")
            if path.is_file()}


@pytest.mark.parametrize("send", [
    lambda client, source: openssh(client, f"put -R -p {source} /uploads/sent\n"),
    lambda client, source: psftp(client, f"put -r {source} /uploads/sent\n"),
    lambda client, source: lftp(client, f"mirror -R {source} /uploads/sent")], ids=["openssh", "psftp", "lftp"])
def test_a_client_sends_a_folder(client, uploads, tmp_path, send):
    source = folder(tmp_path)
    send(client, source)

    assert contents(uploads / "sent") == contents(source)


def test_lftp_mirrors_once_more_what_is_new(client, uploads, tmp_path):
    source = folder(tmp_path)
    lftp(client, f"mirror -R {source} /uploads/sent")
    (source / "sub/new").write_text("new")
    before = (uploads / "sent/a").stat().st_ino
    lftp(client, f"mirror -R {source} /uploads/sent")

    assert contents(uploads / "sent") == contents(source)
    assert (uploads / "sent/a").stat().st_ino == before


def test_paramiko_writes_here_and_there(server, uploads):
    with paramiko_client(server) as session:
        with session.open("/uploads/file", "w") as file:
            file.set_pipelined(True)
            file.write(b"0123456789")
            file.seek(2)
            file.write(b"xx")
            file.truncate(6)
        session.mkdir("/uploads/d")
        session.posix_rename("/uploads/file", "/uploads/d/file")
        with pytest.raises(PermissionError):
            session.symlink("/etc/passwd", "/uploads/link")
        with pytest.raises(OSError, match="File exists, and nothing is replaced"):
            session.open("/uploads/d/file", "x")
        session.get_channel().get_transport().close()

    assert (uploads / "d/file").read_bytes() == b"01xx45"


def test_sixteen_uploads_at_once_keep_apart(server, uploads):
    transports = [login(server, USER, PASSWORD) for _ in range(4)]
    sessions = [Sftp(transport) for transport in transports]
    handles = [[session.open(f"/uploads/{n}-{m}", NEW).handle for m in range(4)] for n, session in enumerate(sessions)]
    for turn in range(5):
        for n, session in enumerate(sessions):
            for m, handle in enumerate(handles[n]):
                assert write(session, handle, turn * 1000, bytes([16 * n + m]) * 1000) == OK
    for n, session in enumerate(sessions):
        assert all(session.close(handle) == OK for handle in handles[n])
        transports[n].close()

    for n in range(4):
        for m in range(4):
            assert (uploads / f"{n}-{m}").read_bytes() == bytes([16 * n + m]) * 5000
