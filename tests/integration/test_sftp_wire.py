"""SFTP version 3 by the packet."""
import re
import stat

import pytest

from apdepot import PASSWORD, RELEASE, USER, wait_until
from sftp_wire import (BAD_MESSAGE, DATA, EOF, EXTENDED, EXTENDED_REPLY, FAILURE, FLAG_APPEND, FLAG_CREATE,
                       FLAG_EXCLUSIVE, FLAG_READ, FLAG_TRUNCATE, FLAG_WRITE, FSETSTAT, FSTAT, INIT, LSTAT, MKDIR,
                       NO_ATTRIBUTES, NO_SUCH_FILE, OK, OP_UNSUPPORTED, OPEN, OPENDIR, PERMISSION_DENIED, READ,
                       READDIR, READLINK, REALPATH, REMOVE, RENAME, RMDIR, SETSTAT, STAT, SYMLINK, WRITE, Cursor, Sftp,
                       ask_for_sftp, frame, login, string, u32, u64)

IMAGE = f"{RELEASE}/ap1g8"


# ---- names

@pytest.mark.parametrize("path, answer", [
    (".", "/"), ("", "/"), ("/", "/"), ("/.", "/"), ("/..", "/"), ("..", "/"), ("/../../..", "/"),
    ("EWC/17_9_4a", "/EWC/17_9_4a"), ("/EWC/17_9_4a/", "/EWC/17_9_4a"), ("//EWC///17_9_4a/./ap1g8", IMAGE),
    ("/EWC/17_9_4a/../x", "/EWC/x"), ("/../EWC", "/EWC"), ("../../etc/passwd", "/etc/passwd")])
def test_realpath_answers_below_the_root(sftp, path, answer):
    assert sftp.realpath(path) == answer


@pytest.mark.parametrize("path", [IMAGE, IMAGE[1:], "//EWC//17_9_4a/ap1g8", "/EWC/./17_9_4a/ap1g8", "/../.." + IMAGE,
                                  "EWC/17_9_4a/../17_9_4a/ap1g8"])
def test_relative_and_absolute_names_mean_the_same(sftp, images, path):
    assert sftp.ask(STAT, string(path)).attributes.size == len(images["ap1g8"])
    assert sftp.fetch(path) == images["ap1g8"]


def test_stat_lstat_and_fstat_agree(sftp, images):
    handle = sftp.open(IMAGE).handle
    found = [sftp.ask(STAT, string(IMAGE)).attributes, sftp.ask(LSTAT, string(IMAGE)).attributes,
             sftp.ask(FSTAT, string(handle)).attributes]

    assert found[0] == found[1] == found[2]
    assert found[0].size == len(images["ap1g8"]) and stat.S_ISREG(found[0].mode)


def test_a_directory_is_told_from_a_file(sftp):
    assert stat.S_ISDIR(sftp.ask(STAT, string(RELEASE)).attributes.mode)
    assert stat.S_ISDIR(sftp.ask(STAT, string("/")).attributes.mode)


@pytest.mark.parametrize("request_kind", [STAT, LSTAT, OPENDIR])
@pytest.mark.parametrize("path", ["/nothing", "/nothing/below", f"{IMAGE}/below"])
def test_what_is_not_there_is_no_such_file(sftp, request_kind, path):
    assert sftp.ask(request_kind, string(path)).status == NO_SUCH_FILE


def test_a_name_that_is_too_long_is_a_bad_message(sftp):
    assert sftp.ask(STAT, string("/" + "a" * 300)).status == BAD_MESSAGE
    assert sftp.open("/" + "a" * 300).status == BAD_MESSAGE


@pytest.mark.parametrize("name, cause", [("/a\0b", "holds a colon or a NUL"), ("/" + "a" * 300, "too long")], ids=["NUL", "long"])
def test_a_name_that_can_be_no_path_is_a_miss_told_once(server, sftp, name, cause):
    for _ in range(2):
        sftp.ask(STAT, string(name))

    assert [cause in line for line in server.whole_log("sftp-server") if " miss " in line] == [True]


# ---- reading

def test_a_file_is_read_in_sequence_without_pipelining(sftp, images):
    assert sftp.fetch(IMAGE) == images["ap1g8"]


def test_pipelined_reads_are_all_answered(sftp, images):
    handle = sftp.open(IMAGE).handle
    size, offsets = 1000, range(0, len(images["ap1g8"]), 1000)
    requests = {}
    for offset in offsets:
        packet = sftp.request(READ, string(handle), u64(offset), u32(size))
        requests[sftp.next_id] = offset
        sftp.send_raw(packet)

    replies = [sftp.receive() for _ in offsets]

    assert all(reply.data == images["ap1g8"][requests[reply.id]:][:size] for reply in replies)
    assert {reply.id for reply in replies} == set(requests)


@pytest.mark.parametrize("size", [1, 32768, 261120])
def test_a_read_gives_as_much_as_was_asked(sftp, images, size):
    handle = sftp.open("/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin").handle

    assert sftp.read(handle, 7, size).data == images["C9800-AP-iosxe-wlc.bin"][7:7 + size]


def test_a_read_at_or_behind_the_end_is_eof(sftp, images):
    handle, size = sftp.open(IMAGE).handle, len(images["ap1g8"])

    assert sftp.read(handle, size - 5, 100).data == images["ap1g8"][-5:]
    assert sftp.read(handle, size, 100).status == EOF
    assert sftp.read(handle, 1 << 62, 100).status in (EOF, FAILURE)
    assert sftp.read(handle, (1 << 64) - 1, 100).status in (EOF, FAILURE)


def test_a_read_of_nothing_is_empty_data(sftp):
    assert sftp.read(sftp.open(IMAGE).handle, 0, 0).data == b""


def test_a_huge_read_is_answered_with_what_fits(sftp, images):
    reply = sftp.read(sftp.open(IMAGE).handle, 0, 0xFFFFFFFF)

    assert reply.kind == DATA and images["ap1g8"].startswith(reply.data) and reply.data


@pytest.mark.parametrize("handle", [b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"nonsense" * 30])
def test_a_bad_handle_is_a_failure(sftp, handle):
    assert sftp.read(handle, 0, 100).status == FAILURE
    assert sftp.close(handle) == FAILURE
    assert sftp.ask(FSTAT, string(handle)).status == FAILURE
    assert sftp.ask(READDIR, string(handle)).status == FAILURE


def test_a_closed_handle_is_a_bad_one(sftp):
    handle = sftp.open(IMAGE).handle
    assert sftp.close(handle) == OK

    assert sftp.read(handle, 0, 100).status == FAILURE
    assert sftp.close(handle) == FAILURE


def test_a_handle_is_used_only_for_its_kind(sftp):
    file, directory = sftp.open(IMAGE).handle, sftp.ask(OPENDIR, string("/")).handle

    assert sftp.ask(READDIR, string(file)).status == FAILURE
    assert sftp.read(directory, 0, 100).status == FAILURE


def test_a_directory_cannot_be_opened_as_a_file(server, sftp):
    assert sftp.open(RELEASE).status in (NO_SUCH_FILE, PERMISSION_DENIED, FAILURE)
    server.wait_for_log(r"^sftp-server\[\d+\]: miss IS_DIRECTORY: /EWC/17_9_4a .*")


def test_the_handles_of_a_session_are_limited(sftp):
    handles = [sftp.open(IMAGE).handle for _ in range(1024)]

    assert len(set(handles)) == 1024
    assert sftp.open(IMAGE).status == FAILURE
    assert sftp.close(handles[0]) == OK
    assert sftp.open(IMAGE).handle


# ---- listing

def test_a_directory_lists_every_file_with_its_attributes(sftp, images):
    entries = {name: (longname, attributes) for name, longname, attributes in sftp.list(RELEASE)}

    assert set(entries) - {".", ".."} == set(images)
    for name, content in images.items():
        longname, attributes = entries[name]
        assert attributes.size == len(content) and stat.S_ISREG(attributes.mode)
        assert re.fullmatch(rf"-[rwx-]{{9}} .* {len(content)} .* {re.escape(name)}", longname)


def test_the_root_lists_its_folders(sftp):
    (longname, attributes), = [entry[1:] for entry in sftp.list("/") if entry[0] == "EWC"]

    assert longname.startswith("d") and stat.S_ISDIR(attributes.mode)


def test_a_directory_of_hundreds_is_listed_whole(server, sftp):
    directory = server.depot / "images/many"
    directory.mkdir()
    names = {f"image-{n:04}-with-a-name-of-some-length" for n in range(700)}
    for name in names:
        (directory / name).touch()

    listed = [name for name, _, _ in sftp.list("/many")]

    assert set(listed) - {".", ".."} == names
    assert len(listed) == len(set(listed))


def test_a_file_opened_as_a_directory_is_no_such_file(sftp):
    assert sftp.ask(OPENDIR, string(IMAGE)).status == NO_SUCH_FILE


# ---- what is refused

@pytest.mark.parametrize("flags", [
    FLAG_WRITE, FLAG_READ | FLAG_WRITE, FLAG_WRITE | FLAG_APPEND, FLAG_WRITE | FLAG_CREATE | FLAG_TRUNCATE,
    FLAG_WRITE | FLAG_CREATE | FLAG_EXCLUSIVE])
@pytest.mark.parametrize("path", [IMAGE, "/new"])
def test_opening_for_writing_is_denied(server, sftp, images, flags, path):
    assert sftp.open(path, flags).status == PERMISSION_DENIED
    assert sftp.fetch(IMAGE) == images["ap1g8"]
    assert not (server.depot / "images/new").exists()


SIZE_ZERO = u32(1) + u64(0)
WRITES = {
    "WRITE": (WRITE, string("HANDLE"), u64(0), string("x")),
    "SETSTAT": (SETSTAT, string(IMAGE), SIZE_ZERO),
    "FSETSTAT": (FSETSTAT, string("HANDLE"), SIZE_ZERO),
    "REMOVE": (REMOVE, string(IMAGE)),
    "MKDIR": (MKDIR, string("/new"), NO_ATTRIBUTES),
    "RMDIR": (RMDIR, string("/EWC")),
    "RENAME": (RENAME, string(IMAGE), string("/new")),
    "SYMLINK": (SYMLINK, string("/etc/passwd"), string("/new")),
    "posix-rename": (EXTENDED, string("posix-rename@openssh.com"), string(IMAGE), string("/new")),
    "hardlink": (EXTENDED, string("hardlink@openssh.com"), string(IMAGE), string("/new")),
    "fsync": (EXTENDED, string("fsync@openssh.com"), string("HANDLE")),
    "lsetstat": (EXTENDED, string("lsetstat@openssh.com"), string(IMAGE), SIZE_ZERO),
}


@pytest.mark.parametrize("name", WRITES)
def test_whatever_writes_is_denied(server, sftp, images, name):
    kind, *fields = WRITES[name]
    handle = sftp.open(IMAGE).handle
    before = sorted((server.depot / "images").rglob("*"))

    reply = sftp.ask(kind, *(string(handle) if field == string("HANDLE") else field for field in fields))

    assert reply.status == PERMISSION_DENIED
    assert sorted((server.depot / "images").rglob("*")) == before
    assert sftp.read_to_end(handle) == images["ap1g8"]


def test_a_link_that_stays_below_the_root_is_told_and_no_other(server, sftp, tmp_path):
    folder = server.depot / "images/EWC"
    (tmp_path / "secret").write_text("outside")
    for name, target in {"current": "17_9_4a", "absolute": "/EWC/17_9_4a", "nowhere": "17_9_9", "out": "../../../secret",
                         "host": str(folder), "climbs": "../../EWC"}.items():
        (folder / name).symlink_to(target)

    def ask(name):
        return sftp.ask(READLINK, string(f"/EWC/{name}"))

    (name, long_name, _), = ask("current").names
    assert name == long_name == "17_9_4a"
    assert ask("absolute").names[0][0] == "/EWC/17_9_4a"
    assert [ask(name).status for name in ("nowhere", "out", "host", "climbs")] == [PERMISSION_DENIED] * 4
    assert ask("17_9_4a/ap1g8").status == BAD_MESSAGE
    assert ask("missing").status == NO_SUCH_FILE


def test_extensions_that_write_are_not_announced(sftp):
    assert not {"posix-rename@openssh.com", "hardlink@openssh.com", "fsync@openssh.com", "lsetstat@openssh.com",
                "copy-data"} & set(sftp.extensions)


def test_the_limits_are_told(sftp):
    reply = sftp.ask(EXTENDED, string("limits@openssh.com"))
    cursor = Cursor(reply.body)

    assert sftp.extensions["limits@openssh.com"] == b"1"
    assert reply.kind == EXTENDED_REPLY
    assert [cursor.u64() for _ in range(4)] == [262144, 261120, 261120, 1024]


@pytest.mark.parametrize("kind, fields", [(21, ()), (99, ()), (199, (string("x"),)), (255, ()),
                                          (EXTENDED, (string("no-such@example.com"),))])
def test_an_unknown_request_is_unsupported_and_the_session_goes_on(sftp, kind, fields):
    assert sftp.ask(kind, *fields).status == OP_UNSUPPORTED
    assert sftp.realpath(".") == "/"


# ---- packets

def test_packets_may_come_a_byte_at_a_time(sftp, images):
    packets = (sftp.request(REALPATH, string(".")) + sftp.request(STAT, string(IMAGE)) +
               sftp.request(OPEN, string(IMAGE), u32(FLAG_READ), NO_ATTRIBUTES))
    for byte in packets:
        sftp.send_raw(bytes([byte]))

    assert sftp.receive().names[0][0] == "/"
    assert sftp.receive().attributes.size == len(images["ap1g8"])
    assert sftp.receive().handle


def test_packets_may_come_right_behind_the_subsystem_request(transport):
    sftp = Sftp(transport, initialise=False)
    ask_for_sftp(sftp.channel)
    sftp.send_raw(frame(INIT, u32(3)) + sftp.request(REALPATH, string(".")))

    sftp.receive_version()

    assert sftp.receive().names[0][0] == "/"


def test_a_newer_client_is_answered_with_version_3(transport):
    sftp = Sftp(transport, initialise=False)
    sftp.channel.invoke_subsystem("sftp")
    sftp.send_raw(frame(INIT, u32(6)))

    sftp.receive_version()


def test_trailing_bytes_in_a_request_are_ignored(sftp):
    assert sftp.ask(REALPATH, string("."), b"and more").names[0][0] == "/"


@pytest.mark.parametrize("start", [u32(256 * 1024 + 1) + bytes([READ]), u32(0xFFFFFFFF), b"GET / HTTP/1.1", u32(0)])
def test_a_length_that_cannot_be_closes_the_session(server, sftp, start):
    sftp.send_raw(start)

    sftp.expect_closed()
    server.wait_for_log(r"^sftp-server\[\d+\]: session closed ")


@pytest.mark.parametrize("body", [u32(100), u32(0xFFFFFFFF) + b"x", b""])
def test_a_request_that_lies_about_its_fields_ends_the_session_or_is_a_bad_message(server, sftp, body):
    sftp.send_raw(sftp.request(STAT, body))
    try:
        assert sftp.receive().status == BAD_MESSAGE
    except AssertionError as closed:
        assert "closed the channel" in str(closed)
    assert server.process.poll() is None


def test_a_request_before_init_is_refused(transport):
    sftp = Sftp(transport, initialise=False)
    sftp.channel.invoke_subsystem("sftp")
    sftp.send_raw(sftp.request(REALPATH, string(".")))

    sftp.expect_closed()


def test_unread_answers_hold_no_one_else_up(server, sftp, images):
    """A client that asks for far more than it reads: its window fills, another client is served."""
    handle = sftp.open("/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin").handle
    count = 100
    sftp.send_raw(b"".join(sftp.request(READ, string(handle), u64(0), u32(261120)) for _ in range(count)))
    other = login(server, USER, PASSWORD)

    assert Sftp(other).fetch(IMAGE) == images["ap1g8"]
    other.close()
    expected = images["C9800-AP-iosxe-wlc.bin"][:261120]
    assert all(sftp.receive().data == expected for _ in range(count))


# ---- the end of a file's transfer

def overwrite(path):
    with path.open("r+b") as file:
        file.write(b"new" * 1000)


def let_the_clock_tick(path):
    """A change of the file from now on has another time than its last one: the kernel counts some milliseconds."""
    probe = path.with_name(f"{path.name}-clock")

    def ticked():
        probe.write_bytes(b"")
        return probe.stat().st_ctime_ns > path.stat().st_ctime_ns

    wait_until(ticked)


def test_a_file_that_is_written_to_while_it_is_read_has_no_end(server, sftp, images):
    path = server.depot / f"images{IMAGE}"
    let_the_clock_tick(path)
    handle = sftp.open(IMAGE).handle
    assert sftp.read(handle, 0, 1000).data == images["ap1g8"][:1000]
    overwrite(path)
    last = sftp.read(handle, len(images["ap1g8"]) - 1000, 1000)
    assert last.status == FAILURE
    sftp.close(handle)

    server.wait_for_log(rf'^sftp-server\[\d+\]: close "{IMAGE}" bytes read 1000 written 0$')
    server.wait_for_log(rf'^sftp-server\[\d+\]: "{IMAGE}" changed while it was sent to 127\.0\.0\.1: 1000 of '
                        rf'{len(images["ap1g8"])} bytes in .*; put a new version in place with one rename')


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(server, sftp, images):
    handle = sftp.open(IMAGE).handle
    (server.depot / f"images{IMAGE}").unlink()

    assert sftp.read_to_end(handle) == images["ap1g8"]


def test_a_file_left_open_is_told_with_who_left_it(server, sftp, images):
    sftp.read(sftp.open(IMAGE).handle, 0, 1000)
    sftp.transport.close()

    server.wait_for_log(rf'^sftp-server\[\d+\]: "{IMAGE}" aborted by 127\.0\.0\.1 \(disconnected\): 1000 of '
                        rf'{len(images["ap1g8"])} bytes in ')
