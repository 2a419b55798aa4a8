"""Uploads over TFTP: new files below images/uploads, whole or not at all."""
import os
import signal

import pytest

from apdepot import RELEASE, files_below, snapshot, wait_until
from tftp_wire import ACK, ERROR, OACK, PATIENCE, WRQ, Client, ack, data, error, fetch

UPLOADS = {"tftp": {"uploads": True}}
READABLE = {"tftp": {"uploads": True, "read_uploads": True}}


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, UPLOADS)


@pytest.fixture
def client(server):
    with Client(server.tftp) as client:
        yield client


def blocks_of(content, block_size=512):
    """The last one is short."""
    return [content[at : at + block_size] for at in range(0, len(content) + 1, block_size)]


def begin(client, name, *options, mode="octet"):
    """Asks for an upload, which must be accepted."""
    answer = client.ask(name, *options, opcode=WRQ, mode=mode)
    assert answer.opcode == OACK if options else answer.raw == b"\0\4\0\0", answer.raw
    return answer


def send_all(client, blocks, window=1, done=0):
    """Sends block after block, `done` of which the server has, until the last ACK has come; returns an ERROR that ends
    it before."""
    while done < len(blocks):
        for block in range(done, min(done + window, len(blocks))):
            client.send(data(block + 1, blocks[block]))
        while (packet := client.receive()).opcode == ACK and window == 1 and packet.number == done & 0xFFFF:
            pass  # once more: it is no reason to send once more
        if packet.opcode == ERROR:
            return packet
        ahead = (packet.number - done) & 0xFFFF
        assert packet.opcode == ACK and ahead <= window
        done += ahead
    return None


def put(server, name, content, *options, mode="octet"):
    """A whole upload."""
    with Client(server.tftp) as client:
        answer = begin(client, name, *options, mode=mode)
        agreed = {option: int(value) for option, value in answer.options.items()} if options else {}
        ending = send_all(client, blocks_of(content, agreed.get("blksize", 512)), agreed.get("windowsize", 1))
        assert not ending, ending.text


def uploaded(server, name):
    return (server.depot / "images/uploads" / name).read_bytes()


def expect_error(packet, code, *texts):
    assert (packet.opcode, packet.number) == (ERROR, code), packet.raw
    for text in texts:
        assert text in packet.text


def staged(server):
    """What lies in uploads that are under way."""
    return files_below(server.depot / "state/staging")


def expect_nothing_left(server, name):
    """No part of a file that did not become one, wherever it was."""
    wait_until(lambda: not list((server.depot / "state/staging").iterdir()))
    assert not (server.depot / "images/uploads" / name).exists()


# ---- what arrives

@pytest.mark.parametrize("options", [(), ("blksize", 1428), ("blksize", 512, "windowsize", 4), ("windowsize", 16)],
                         ids=lambda options: "-".join(map(str, options)))
def test_a_file_of_any_size_arrives_whole_and_can_be_read_at_once(start_server, depot, options):
    server = start_server(depot, READABLE)
    for size in (0, 1, 511, 512, 513, 512 * 4, 512 * 16 - 1, 1428, 1428 * 8, 20_000):
        content = os.urandom(size)
        put(server, f"/uploads/file-{size}", content, *options)

        assert uploaded(server, f"file-{size}") == content
        assert fetch(server.tftp, f"/uploads/file-{size}") == content


def test_an_upload_is_two_lines(server):
    put(server, "/uploads/crashinfo", bytes(2000), "blksize", 1024, "windowsize", 2)

    number = server.wait_for_log(r"^in\.tftpd\[(\d+)\]: WRQ from 127\.0\.0\.1 filename /uploads/crashinfo$").group(1)
    server.wait_for_log(rf"^in\.tftpd\[{number}\]: received /uploads/crashinfo from 127\.0\.0\.1: 2000 bytes in \d+\.\d s, "
                        r"blksize 1024 windowsize 2, 0 resent$")


@pytest.mark.parametrize("block_size", [8192, 65464])
def test_a_wide_window_of_large_blocks_is_received_whole(server, block_size):
    """The kernel has room for it: what it drops of a window costs a timeout."""
    content = os.urandom(1 << 20)
    put(server, "/uploads/new", content, "blksize", block_size, "windowsize", 16)

    assert server.wait_for_log(r"^in\.tftpd\[\d+\]: received /uploads/new .*, (\d+) resent$").group(1) == "0"
    assert uploaded(server, "new") == content


def test_block_numbers_wrap(server):
    content = b"".join(n.to_bytes(8, "big") for n in range(65536 + 40)) + b"end"
    put(server, "/uploads/long", content, "blksize", 8, "windowsize", 16)

    assert uploaded(server, "long") == content


def test_the_options_are_answered_in_the_clients_spelling_and_order(client):
    answer = begin(client, "/uploads/new", "TSize", "1234", "blkSIZE", "1428", "WindowSize", "4", "timeout", "3")

    assert answer.raw == b"\0\6TSize\x001234\0blkSIZE\x001428\0WindowSize\x004\0timeout\x003\0"


@pytest.mark.parametrize("name, there", [
    ("uploads/new", "new"), ("/uploads/new", "new"), ("//uploads//new", "new"), ("./uploads/new", "new"),
    ("/EWC/../uploads/new", "new"), ("/uploads/site/new", "site/new")])
def test_a_file_goes_where_its_name_says_below_uploads(server, name, there):
    (server.depot / "images/uploads/site").mkdir(parents=True)
    put(server, name, b"content")

    assert uploaded(server, there) == b"content"


TEXT = b"one\r\ntwo\r\0three\r\n" + b"x" * 494 + b"\r\n\r\0\r\n" + b"y" * 600 + b"\r\n"
READ_AS = b"one\ntwo\rthree\n" + b"x" * 494 + b"\n\r\n" + b"y" * 600 + b"\n"


@pytest.mark.parametrize("block_size", [8, 512])
def test_netascii_becomes_the_text_that_it_stands_for(server, block_size):
    assert any(block.endswith(b"\r") for block in blocks_of(TEXT, block_size))
    put(server, "/uploads/text", TEXT, "blksize", block_size, mode="netascii")

    assert uploaded(server, "text") == READ_AS


# ---- nothing before the end, and then all of it

def test_nothing_is_there_before_the_last_block(server, client):
    blocks = blocks_of(os.urandom(5000))
    begin(client, "/uploads/new")
    send_all(client, blocks[:-1])

    assert not (server.depot / "images/uploads/new").exists()
    assert len(staged(server)) == 1
    with Client(server.tftp) as reader:
        expect_error(reader.ask("/uploads/new"), 2)
    client.send(data(len(blocks), blocks[-1]))
    assert client.receive().raw == b"\0\4" + len(blocks).to_bytes(2, "big")
    assert uploaded(server, "new") == b"".join(blocks)


def test_a_repeated_request_is_acknowledged_again_by_the_same_upload(server, client):
    content = os.urandom(1000)
    begin(client, "/uploads/new", "timeout", "1")
    port, again = client.peer, None
    client.socket.settimeout(0.05)
    while not again:
        client.request("/uploads/new", "timeout", "1", opcode=WRQ)
        try:
            again = client.receive()
        except TimeoutError:
            pass

    assert (again.opcode, client.peer) == (OACK, port)
    client.socket.settimeout(PATIENCE)
    client.send(data(1, content[:512]))
    while (packet := client.receive()).opcode == OACK:
        pass  # of one more repetition
    client.request("/uploads/new", "timeout", "1", opcode=WRQ)  # a late copy: it must not start again
    client.send(data(2, content[512:]), to=port)

    assert packet.raw == b"\0\4\0\1"
    assert client.receive().raw == b"\0\4\0\2"
    assert uploaded(server, "new") == content
    assert sum(": WRQ from" in line for line in server.whole_log("in.tftpd")) == 1


def test_the_last_block_is_acknowledged_again_and_again(server, client):
    begin(client, "/uploads/new")
    for _ in range(3):
        client.send(data(1, b"all of it"))
        assert client.receive().raw == b"\0\4\0\1"

    assert uploaded(server, "new") == b"all of it"
    assert sum(": received " in line for line in server.whole_log("in.tftpd")) == 1


def test_a_block_that_comes_twice_is_stored_once(server, client):
    blocks = blocks_of(os.urandom(3000))
    begin(client, "/uploads/new")
    for number, block in enumerate(blocks, 1):
        for _ in range(2):
            client.send(data(number, block))
            assert client.receive().number == number

    assert uploaded(server, "new") == b"".join(blocks)


def test_a_gap_in_a_window_is_told(server, client):
    blocks = blocks_of(os.urandom(512 * 6))
    begin(client, "/uploads/new", "windowsize", 4)
    for number in (1, 3, 4):  # 2 is lost
        client.send(data(number, blocks[number - 1]))

    assert client.receive().raw == b"\0\4\0\1"
    assert not send_all(client, blocks, window=4, done=1)
    assert uploaded(server, "new") == b"".join(blocks)


def test_a_strangers_blocks_do_not_become_part_of_a_file(server, client):
    begin(client, "/uploads/new")
    with Client(server.tftp) as stranger:
        stranger.send(data(1, b"a stranger's"), to=client.peer)
        expect_error(stranger.receive(), 5)
    send_all(client, [b"the client's"])

    assert uploaded(server, "new") == b"the client's"


def test_of_two_clients_with_one_name_one_wins_whole(server):
    contents = [os.urandom(3000), os.urandom(3000)]
    with Client(server.tftp) as one, Client(server.tftp) as other:
        for each in (one, other):
            begin(each, "/uploads/new")
        for each, content in ((one, contents[0]), (other, contents[1])):
            send_all(each, blocks_of(content)[:-1])
        for each, content in ((other, contents[1]), (one, contents[0])):
            each.send(data(6, content[5 * 512 :]))
        endings = [other.receive(), one.receive()]

    winner, = [number for number, ending in enumerate(reversed(endings)) if ending.opcode == ACK]
    loser, = [ending for ending in endings if ending.opcode == ERROR]
    expect_error(loser, 6)
    assert uploaded(server, "new") == contents[winner]
    wait_until(lambda: not staged(server))


# ---- what is refused

@pytest.mark.parametrize("name", [
    "/new", "uploads", "/uploads/", f"{RELEASE}/ap1g8", f"{RELEASE}/new", "/uploads/../new", "/uploads2/new",
    "/UPLOADS/new", "../new", "/uploads/../../new", "/../../../etc/apdepot-test"])
def test_a_name_outside_uploads_is_refused(server, client, name):
    before = snapshot(server.depot / "images")
    expect_error(client.ask(name, opcode=WRQ), 2)

    assert {path: seen for path, seen in snapshot(server.depot / "images").items() if "/uploads" not in path} == before
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sending NAK \(2, Access denied\) to 127\.0\.0\.1$")
    server.wait_for_log(r"^in\.tftpd\[\d+\]: miss (WRITE_REFUSED|ESCAPES_ROOT): ")


@pytest.mark.parametrize("name", ["\\uploads\\new", "/uploads\\new", "uploads/new"])
def test_slashes_are_forgiven_as_they_are_for_images(server, client, name):
    client.ask(name, opcode=WRQ)
    client.send(data(1, b"content"))

    assert client.receive().opcode == ACK
    assert uploaded(server, "new") == b"content"


def test_a_name_that_no_file_may_have_is_refused_for_what_is_wrong_with_it(server, client):
    packet = client.ask("/uploads/a:new", opcode=WRQ)

    assert packet.opcode == ERROR and "holds a colon or a NUL" in packet.text


def test_a_link_leads_no_upload_out_of_uploads(server, client, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    uploads = server.depot / "images/uploads"
    uploads.mkdir(exist_ok=True)
    (uploads / "out").symlink_to(outside)
    (uploads / "up").symlink_to("../EWC")
    (uploads / "dangling").symlink_to(outside / "new")
    for name in ("out/new", "up/new", "dangling"):
        assert client.ask(f"/uploads/{name}", opcode=WRQ).opcode == ERROR

    assert not list(outside.iterdir())
    assert not (server.depot / "images/EWC/new").exists()


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_is_never_replaced(server, client, there):
    uploads = server.depot / "images/uploads"
    uploads.mkdir(exist_ok=True)
    (uploads / "file").write_bytes(b"the first")
    (uploads / "folder").mkdir()
    (uploads / "link").symlink_to("file")
    expect_error(client.ask(f"/uploads/{there}", opcode=WRQ), 6, "is there already")

    assert (uploads / "file").read_bytes() == b"the first"
    assert (uploads / "link").is_symlink()


def test_a_file_that_appears_meanwhile_is_not_replaced(server, client):
    begin(client, "/uploads/new")
    uploads = server.depot / "images/uploads"
    (uploads / "new").write_bytes(b"the administrator's")

    expect_error(send_all(client, [b"the client's"]), 6)
    assert (uploads / "new").read_bytes() == b"the administrator's"
    wait_until(lambda: not staged(server))


def test_folders_are_not_made(server, client):
    packet = client.ask("/uploads/missing/new", opcode=WRQ)

    assert packet.opcode == ERROR
    assert "there is no folder /uploads/missing" in packet.text
    assert not (server.depot / "images/uploads/missing").exists()


def test_without_the_setting_every_write_is_refused(start_server, depot):
    server = start_server(depot)
    (depot / "images/uploads").mkdir(exist_ok=True)
    with Client(server.tftp) as client:
        expect_error(client.ask("/uploads/new", opcode=WRQ), 2, "Access denied", "tftp.uploads")

    server.wait_for_log(r"^in\.tftpd\[\d+\]: WRQ from 127\.0\.0\.1 filename /uploads/new$")
    server.wait_for_log(r"^in\.tftpd\[\d+\]: sending NAK \(2, Access denied\) to 127\.0\.0\.1$")
    server.wait_for_log(r"^in\.tftpd\[\d+\]: miss WRITE_REFUSED: ")
    assert not (depot / "images/uploads/new").exists()


# ---- how much

@pytest.fixture
def small_server(start_server, depot):
    return start_server(depot, {"tftp": {"uploads": True, "max_upload": "2KiB"}})


def test_a_size_above_the_limit_is_refused_before_the_first_block(small_server):
    with Client(small_server.tftp) as client:
        expect_error(client.ask("/uploads/new", "tsize", 2049, opcode=WRQ), 3, "Disk full", "max_upload")

    expect_nothing_left(small_server, "new")


def test_a_size_at_the_limit_is_accepted(small_server):
    content = os.urandom(2048)
    put(small_server, "/uploads/new", content, "tsize", 2048)

    assert uploaded(small_server, "new") == content


def test_a_size_above_the_free_space_is_refused_before_the_first_block(start_server, depot):
    server = start_server(depot, {"tftp": {"uploads": True, "max_upload": "1000000TiB"}})
    with Client(server.tftp) as client:
        expect_error(client.ask("/uploads/new", "tsize", 1 << 59, opcode=WRQ), 3, "Disk full")

    expect_nothing_left(server, "new")


@pytest.mark.parametrize("mode", ["octet", "netascii"])
def test_a_file_that_grows_above_the_limit_is_broken_off(small_server, mode):
    with Client(small_server.tftp) as client:
        begin(client, "/uploads/new", mode=mode)
        ending = send_all(client, blocks_of(bytes(3000)))

        expect_error(ending, 3, "max_upload")
    expect_nothing_left(small_server, "new")
    small_server.wait_for_log(r"^in\.tftpd\[\d+\]: /uploads/new from 127\.0\.0\.1 broken off by the server \(3, ")


def test_a_file_that_is_not_as_long_as_was_announced_is_no_file(server, client):
    begin(client, "/uploads/new", "tsize", 2000)
    ending = send_all(client, blocks_of(bytes(1000)))

    assert ending.opcode == ERROR
    expect_nothing_left(server, "new")


def test_a_full_disk_breaks_an_upload_off_and_is_free_again(full_disk, start_server):
    server = start_server(full_disk, {**UPLOADS, "uploads": {"reserve": "1MiB"}})
    with Client(server.tftp) as client:
        begin(client, "/uploads/large", "blksize", 8192, "windowsize", 8)
        expect_error(send_all(client, blocks_of(bytes(5 << 20), 8192), window=8), 3, "Disk full", "uploads.reserve")
        assert free_bytes(full_disk) > 1 << 19  # of the reserve; folders and the history take from it
    expect_nothing_left(server, "large")

    put(server, "/uploads/small", bytes(100_000), "blksize", 8192)
    assert uploaded(server, "small") == bytes(100_000)


def free_bytes(directory):
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


@pytest.mark.parametrize("bounds, key", [
    ({"max_total": 3000}, "uploads.max_total"), ({"max_files": 1}, "uploads.max_files"),
    ({"reserve": "1000000TiB"}, "uploads.reserve")])
def test_a_bound_of_all_uploads_is_told_with_its_key(start_server, depot, bounds, key):
    (depot / "images/uploads").mkdir()
    (depot / "images/uploads/old").write_bytes(bytes(2000))
    server = start_server(depot, {**UPLOADS, "uploads": bounds})
    with Client(server.tftp) as client:
        packet = client.ask("/uploads/new", "tsize", 2000, opcode=WRQ)

    expect_error(packet, 3, "Disk full", key)
    server.wait_for_log(rf"miss WRITE_REFUSED: /uploads/new cannot be written; .*{key}")


def test_a_total_that_is_reached_while_a_file_is_sent_ends_it(start_server, depot):
    server = start_server(depot, {**UPLOADS, "uploads": {"max_total": 3000}})
    put(server, "/uploads/first", bytes(2000))
    with Client(server.tftp) as client:
        begin(client, "/uploads/new")
        expect_error(send_all(client, blocks_of(bytes(2000))), 3, "uploads.max_total")
    server.wait_for_log(r"^apdepot: an upload cannot be written: uploads\.max_total")
    expect_nothing_left(server, "new")

    (depot / "images/uploads/first").unlink()
    put(server, "/uploads/new", bytes(2000))


# ---- who may read

def test_uploads_are_not_read_over_tftp(server):
    put(server, "/uploads/running-config", b"enable secret 9 $9$")
    with Client(server.tftp) as client:
        for name in ("/uploads/running-config", "uploads/running-config", "//uploads//running-config", "/uploads/none"):
            expect_error(client.ask(name), 2, "set tftp.read_uploads: true")

    server.wait_for_log(r"miss READ_REFUSED: /uploads/running-config is an upload, and those are not served over TFTP; "
                        r"fetch it over SFTP, or set tftp\.read_uploads: true$")


def test_an_upload_changes_nothing_for_those_who_ask_for_images(start_server, depot, images):
    server = start_server(depot, READABLE)
    for folder in ("17.9.4a", "17.12.5"):
        (depot / "images/uploads" / folder).mkdir(parents=True)
        put(server, f"/uploads/{folder}/ap1g8", b"evil")
    put(server, "/uploads/ap1g8", b"evil")

    for name in ("/tftpboot/17.9.4a/ap1g8", "/17.9.4a/ap1g8", f"{RELEASE}/ap1g8"):
        assert fetch(server.tftp, name) == images["ap1g8"]
    with Client(server.tftp) as client:
        for name in ("/17.12.5/ap1g8", "/tftpboot/EWC/17.12.5/ap1g8", "/wrong/ap1g8", "/uploads/ap1g8 "):
            expect_error(client.ask(name), 1)
    assert fetch(server.tftp, "/uploads/17.12.5/ap1g8") == b"evil"
    server.wait_for_log(rf"/wrong does not exist; .*tftp-image-path {RELEASE}$")
    assert not any("image-path /uploads" in line for line in server.whole_log())


def test_an_alias_leads_a_write_to_uploads(start_server, depot):
    server = start_server(depot, {**UPLOADS, "lookup": {"aliases": {"/incoming": "/uploads", "/out": "/EWC"}}})
    put(server, "/incoming/new", b"content")
    with Client(server.tftp) as client:
        expect_error(client.ask("/out/new", opcode=WRQ), 2, "/EWC/new is not below /uploads")
        expect_error(client.ask("/incoming/new"), 2, "set tftp.read_uploads: true")
        expect_error(client.ask("/incoming/new", opcode=WRQ), 6)

    assert uploaded(server, "new") == b"content"


@pytest.mark.parametrize("answer", [ack(0), b"\0\6blksize\x001428\0", b"\0\0\0\0", b"\0\7\0\1"],
                         ids=["ack 0", "oack", "0", "7"])
def test_what_was_not_asked_for_does_not_end_an_upload(server, client, answer):
    begin(client, "/uploads/new", "blksize", 1428)
    client.send(answer)
    content = os.urandom(2000)
    send_all(client, [content[:1428], content[1428:]])

    assert uploaded(server, "new") == content


# ---- what is left of half an upload

def begin_half(server, client, name="/uploads/new"):
    begin(client, name)
    send_all(client, [bytes(512)] * 3)
    assert [path.stat().st_size for path in staged(server)] == [3 * 512]


def test_a_client_that_gives_up_leaves_nothing(server, client):
    begin_half(server, client)
    client.send(error(0, "changed my mind"))

    expect_nothing_left(server, "new")
    server.wait_for_log(r"^in\.tftpd\[\d+\]: /uploads/new aborted by 127\.0\.0\.1 \(0, changed my mind\): 1536 bytes ")


def test_a_client_whose_port_is_closed_leaves_nothing(server):
    with Client(server.tftp) as client:
        begin_half(server, client)
        client.send(data(4, bytes(512)))
        client.socket.close()  # the ACK of block 4 meets a closed port

        expect_nothing_left(server, "new")


def test_a_client_that_begins_anew_gets_a_new_upload(server, client):
    begin_half(server, client)
    port, content = client.peer, os.urandom(600)
    assert client.receive().raw == b"\0\4\0\3"  # once more: the server has heard nothing for its timeout
    client.request("/uploads/new", opcode=WRQ)
    while (packet := client.receive()).source == port:
        pass

    assert packet.raw == b"\0\4\0\0"
    assert not send_all(client, blocks_of(content))
    assert uploaded(server, "new") == content
    wait_until(lambda: not staged(server))


def test_a_killed_server_leaves_nothing_behind_at_its_next_start(start_server, depot):
    server = start_server(depot, UPLOADS)
    with Client(server.tftp) as client:
        begin_half(server, client)
        server.kill()
        client.peer = client.server  # nobody to say goodbye to
    assert staged(server)
    server = start_server(depot, UPLOADS)

    expect_nothing_left(server, "new")
    put(server, "/uploads/new", b"content")
    assert uploaded(server, "new") == b"content"


def test_a_server_that_ends_breaks_an_upload_off_and_leaves_nothing(start_server, depot):
    server = start_server(depot, {**UPLOADS, "drain": 0})
    with Client(server.tftp) as client:
        begin_half(server, client)
        server.signal(signal.SIGTERM)

        expect_error(client.receive(), 0, "shutting down")
        assert server.wait() == 0
    assert not (depot / "images/uploads/new").exists()
    assert not list((depot / "state/staging").iterdir())


def test_an_upload_under_way_ends_well_while_the_server_ends(start_server, depot):
    server = start_server(depot, UPLOADS)
    content = os.urandom(3000)
    with Client(server.tftp) as client:
        begin(client, "/uploads/new")
        assert not send_all(client, blocks_of(content)[:3])
        server.signal(signal.SIGTERM)
        server.wait_for_log(r"^apdepot: stopping: 1 transfers ")
        with Client(server.tftp) as late:
            late.request("/uploads/late", opcode=WRQ)

        assert not send_all(client, blocks_of(content), done=3)
    server.signal(signal.SIGTERM)  # nobody needs the last ACK again
    assert server.wait() == 0
    assert uploaded(server, "new") == content
    assert not (depot / "images/uploads/late").exists()


# ---- real clients

def tftp_hpa(clients, file, name):
    host, port = clients.server.tftp
    clients.run("tftp", "-m", "binary", host, port, "-c", "put", file, name)


def atftp(clients, file, name):
    host, port = clients.server.tftp
    clients.run("atftp", "--option", "blksize 1428", "--option", "tsize 0", "--put", "-l", file, "-r", name, host, port)


def atftp_in_windows(clients, file, name):
    host, port = clients.server.tftp
    clients.run("atftp", "--option", "blksize 1428", "--option", "windowsize 4", "--put", "-l", file, "-r", name, host,
                port)


def curl(clients, file, name):
    host, port = clients.server.tftp
    clients.run("curl", "-sS", "--tftp-blksize", "1428", "-T", file, f"tftp://{host}:{port}/{name}")


@pytest.mark.parametrize("upload", [tftp_hpa, atftp, atftp_in_windows, curl], ids=lambda upload: upload.__name__)
def test_a_client_puts_a_file_once(upload, clients, server, tmp_path, images):
    for size in (0, 1428 * 4, len(images["ap1g8"])):
        (tmp_path / "file").write_bytes(images["ap1g8"][:size])
        upload(clients, tmp_path / "file", f"/uploads/{size}")

        assert uploaded(server, str(size)) == images["ap1g8"][:size]


def test_tftp_hpa_puts_a_text(clients, server, tmp_path):
    text = b"".join(b"line %d\rof %s\n" % (n, b"x" * (n % 70)) for n in range(400))
    (tmp_path / "text").write_bytes(text)
    host, port = server.tftp
    clients.run("tftp", "-m", "ascii", host, port, "-c", "put", tmp_path / "text", "/uploads/text")

    assert uploaded(server, "text") == text


def test_curl_shows_that_a_file_is_there_already(clients, server, tmp_path):
    put(server, "/uploads/new", b"the first")
    (tmp_path / "file").write_bytes(b"the second")
    host, port = server.tftp
    done = clients.run("curl", "-sS", "-T", tmp_path / "file", f"tftp://{host}:{port}//uploads/new", check=False)

    assert done.returncode == 73  # "TFTP file already exists"
    assert uploaded(server, "new") == b"the first"
