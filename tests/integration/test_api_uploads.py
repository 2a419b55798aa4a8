"""Files for drop/ that come in pieces over the page's door: whole, cut, gone on with, and refused."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import select
import socket
import subprocess

import pytest

import apdepot
from apdepot import RELEASE, succeed, wait_until
from page import ADMIN, ADMIN_PASSWORD, VIEWER, VIEWER_PASSWORD, Page, add_page_user

HERE = {"web": {"listen": ["127.0.0.1:0"]}}
UPLOADS = "/api/v1/uploads"
OCTETS = "application/octet-stream"
PIECE = 256 << 10  # that the server takes at once


@pytest.fixture
def users(empty_depot, tmp_path):
    add_page_user(empty_depot, ADMIN, ADMIN_PASSWORD, "admin", tmp_path)
    add_page_user(empty_depot, VIEWER, VIEWER_PASSWORD, "viewer", tmp_path)
    return empty_depot


@pytest.fixture
def server(start_server, users):
    return start_server(users, HERE, web=None)


def logged_in(server, name=ADMIN, password=ADMIN_PASSWORD):
    page = Page(server.pages[0])
    assert page.log_in(name, password).status == 200
    return page


@pytest.fixture
def admin(server):
    return logged_in(server)


def announced(name="a.bin", size=1000, **more):
    return {"name": name, "size": size, "last_modified": "2026-11-28T02:14:07.000Z", **more}


def begin(page, form, status=201):
    response = page.ask(UPLOADS, "POST", form)
    assert response.status == status, response.text
    return response.headers["Location"], int(response.headers["Upload-Offset"])


def patch(page, place, offset, body, **more):
    return page.ask(place, "PATCH", body, **{"Content_Type": OCTETS, "Upload_Offset": str(offset), **more})


def offset_of(page, place):
    response = page.ask(place)
    assert response.status == 200, response.text
    assert response.headers["Upload-Offset"] == str(json.loads(response.text)["offset"])
    return json.loads(response.text)["offset"]


def dropped(depot):
    return sorted(path.name for path in (depot / "drop").iterdir())


def published(page):
    return any(item["path"] == RELEASE for item in page.json("/api/v1/releases")["items"])


def acts(page):
    return [(act["who"], act["act"], act["subject"], act["outcome"])
            for act in page.json("/api/v1/history/acts")["items"]]


class Wire:
    """A PATCH whose body is sent by hand."""

    def __init__(self, page, place, offset, length, **more):
        self.socket = socket.create_connection((page.url.hostname, page.url.port), timeout=apdepot.PATIENCE)
        headers = page.headers("PATCH", {"Host": page.url.netloc, "Content-Type": OCTETS, "Upload-Offset": str(offset),
                                         "Content-Length": None if length is None else str(length),
                                         **{name.replace("_", "-"): value for name, value in more.items()}})
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.send(f"PATCH {place} HTTP/1.1\r\n{head}\r\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The status and headers that come next."""
        text = b""
        while b"\r\n\r\n" not in text:
            piece = self.socket.recv(1)
            if not piece:
                break
            text += piece
        status = re.match(rb"HTTP/1\.1 (\d+)", text)
        assert status, text
        return int(status.group(1)), text.decode().lower()

    def is_answered(self):
        return bool(select.select([self.socket], [], [], 0.1)[0])


# ---- a whole file


def test_a_bundle_in_two_pieces_is_published(server, admin, bundle):
    content = bundle.read_bytes()
    half = len(content) // 2
    place, offset = begin(admin, announced(bundle.name, len(content), sha512=hashlib.sha512(content).hexdigest()))
    assert offset == 0 and json.loads(admin.ask(place).text) == {
        "id": place.rsplit("/", 1)[1], "name": bundle.name, "size": len(content), "offset": 0}

    first = patch(admin, place, 0, content[:half])
    assert (first.status, first.headers["Upload-Offset"]) == (204, str(half)), first.text
    assert dropped(server.depot) == []
    last = patch(admin, place, half, content[half:])

    assert (last.status, last.headers["Upload-Offset"]) == (204, str(len(content))), last.text
    wait_until(lambda: published(admin))
    wait_until(lambda: (ADMIN, "upload", bundle.name, "done") in acts(admin))
    # The last answer may have been lost: whoever asks hears that it is whole.
    assert offset_of(admin, place) == len(content)
    assert list((server.depot / "state/staging/uploads").iterdir()) == []


def test_head_tells_the_offset_too(admin):
    place, _ = begin(admin, announced())
    assert patch(admin, place, 0, b"x" * 10).status == 204

    response = admin.ask(place, "HEAD")

    assert (response.status, response.headers["Upload-Offset"], response.text) == (200, "10", "")


def test_an_upload_that_is_cut_twenty_times_ends_whole(server, admin, bundle):
    content = bundle.read_bytes()
    place, offset = begin(admin, announced(bundle.name, len(content)))
    step = len(content) // 21

    for _ in range(20):
        with Wire(admin, place, offset, len(content) - offset) as wire:
            wire.send(content[offset:offset + step])
        wait_until(lambda: offset_of(admin, place) == offset + step)
        assert dropped(server.depot) == []
        offset += step
    assert begin(admin, announced(bundle.name, len(content)), 200) == (place, offset)
    assert patch(admin, place, offset, content[offset:]).status == 204

    wait_until(lambda: published(admin))


def test_a_restart_in_between_goes_on(server, admin, users, start_server, bundle):
    content = bundle.read_bytes()
    place, _ = begin(admin, announced(bundle.name, len(content)))
    assert patch(admin, place, 0, content[:PIECE]).status == 204
    server.stop()

    page = logged_in(start_server(users, HERE, web=None))
    assert begin(page, announced(bundle.name, len(content)), 200) == (place, PIECE)
    assert patch(page, place, PIECE, content[PIECE:]).status == 204

    wait_until(lambda: published(page))


def test_a_drop_folder_on_a_disk_of_its_own_gets_the_whole_file(start_server, users, bundle):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a disk")
    drop = users / "drop"
    drop.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "apdepot-test", drop], check=True)
    try:
        server = start_server(users, HERE, web=None)
        page, content = logged_in(server), bundle.read_bytes()
        place, _ = begin(page, announced(bundle.name, len(content)))
        assert patch(page, place, 0, content).status == 204

        wait_until(lambda: published(page))
        server.stop()
    finally:
        subprocess.run(["umount", "--lazy", drop], check=True)


def test_curl_sends_a_file_once_it_is_told_to(server, admin, users, bundle):
    """It waits for 100 Continue; and of standard input it does not know the size."""
    token = succeed("token", "add", "robot", "--role", "admin", depot=users).strip()
    content = bundle.read_bytes()
    place, _ = begin(admin, announced(bundle.name, len(content)))

    def curl(source, offset, **options):
        ran = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", str(apdepot.PATIENCE), "--expect100-timeout", "9999",
             "--request", "PATCH", "--upload-file", source, "--header", f"Authorization: Bearer {token}", "--header",
             f"Content-Type: {OCTETS}", "--header", f"Upload-Offset: {offset}", "--header", "Expect: 100-continue",
             "--write-out", "%{http_code}", server.pages[0] + place], capture_output=True, check=True, **options)
        return ran.stdout.decode()

    assert curl(bundle, 1).endswith("409")
    assert curl("-", 0, input=content[:1000]) == "204"
    assert curl("-", 1000, input=content[1000:]) == "204"
    wait_until(lambda: published(admin))


def test_an_upload_does_not_take_its_size_in_memory(server, admin):
    size, block = 192 << 20, b"\0" * (1 << 20)

    def most():
        return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{server.pid}/status").read_text())[1])

    before = most()
    place, _ = begin(admin, announced("zeros.bin", size + 1))

    with Wire(admin, place, 0, size) as wire:
        for _ in range(size // len(block)):
            wire.send(block)
        assert wire.answer()[0] == 204

    assert most() - before < 64 << 10
    assert admin.ask(place, "DELETE").status == 204


# ---- what does not fit


def test_another_offset_is_told_the_true_one(admin):
    place, _ = begin(admin, announced())
    assert patch(admin, place, 0, b"x" * 100).status == 204

    for wrong in (0, 99, 101, 1000):
        response = patch(admin, place, wrong, b"y" * 10)
        assert (response.status, response.headers["Upload-Offset"]) == (409, "100"), response.text
    assert offset_of(admin, place) == 100


def test_of_two_that_send_the_same_upload_one_goes_on(admin):
    place, _ = begin(admin, announced(size=4 * PIECE))
    with Wire(admin, place, 0, 4 * PIECE) as first:
        first.send(b"a" * PIECE)
        wait_until(lambda: offset_of(admin, place) == PIECE)
        assert patch(admin, place, PIECE, b"b" * 1000).status == 204

        first.send(b"a" * PIECE)

        status, headers = first.answer()
    assert status == 409 and f"upload-offset: {PIECE + 1000}" in headers


@pytest.mark.parametrize("length", [1001, None], ids=["said", "chunked"])
def test_nothing_is_written_beyond_the_size(server, admin, length):
    place, _ = begin(admin, announced())
    chunked = {} if length else {"Transfer_Encoding": "chunked"}
    with Wire(admin, place, 0, length, **chunked) as wire:
        if not length:
            wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (1001, b"x" * 1001))
        assert wire.answer()[0] == 400  # where the length is said before anything was sent

    assert offset_of(admin, place) == 0
    assert dropped(server.depot) == []


def test_what_is_sent_elsewhere_or_otherwise_is_refused(admin):
    place, _ = begin(admin, announced())

    for offset, wrong, status in ((0, {"Content_Type": "application/json"}, 415), (0, {"Content_Type": None}, 415),
                                  ("x", {}, 400), ("-1", {}, 400), (0, {"Upload_Offset": None}, 400)):
        assert patch(admin, place, offset, b"x", **wrong).status == status, (offset, wrong)
    for unknown in ("0" * 16, "..", "%2e%2e%2fusers.yaml", "x"):
        assert patch(admin, f"{UPLOADS}/{unknown}", 0, b"x").status == 404
        assert admin.ask(f"{UPLOADS}/{unknown}").status == 404
        assert admin.ask(f"{UPLOADS}/{unknown}", "DELETE").status == 404
    assert offset_of(admin, place) == 0


def test_another_digest_than_was_announced_is_not_published(server, admin):
    place, _ = begin(admin, announced(sha512=hashlib.sha512(b"x" * 1000).hexdigest()))

    response = patch(admin, place, 0, b"y" * 1000)

    assert response.status == 422 and "SHA-512" in response.text
    assert dropped(server.depot) == [] and admin.ask(place).status == 404


def test_a_bundle_that_is_published_is_not_taken_again(server, admin, bundle):
    apdepot.succeed("import", bundle, depot=server.depot)
    asked = announced("again.zip", bundle.stat().st_size, sha512=hashlib.sha512(bundle.read_bytes()).hexdigest())

    response = admin.ask(UPLOADS, "POST", asked)

    assert response.status == 409 and RELEASE in response.text, response.text


def test_a_file_of_that_name_in_drop_is_not_replaced(start_server, users):
    server = start_server(users, {**HERE, "import": {"watch": False}}, web=None)
    page = logged_in(server)
    place, _ = begin(page, announced("a.zip"))
    (server.depot / "drop/a.zip").write_bytes(b"another")

    response = patch(page, place, 0, b"x" * 1000)

    assert response.status == 409 and response.headers["Upload-Offset"] is None, response.text
    assert page.ask(UPLOADS, "POST", announced("a.zip", 7)).status == 409
    assert (server.depot / "drop/a.zip").read_bytes() == b"another"
    (server.depot / "drop/a.zip").unlink()
    assert begin(page, announced("a.zip"), 200) == (place, 1000)
    assert (server.depot / "drop/a.zip").read_bytes() == b"x" * 1000


HOSTILE = [("", 400), (".", 400), ("..", 400), ("../a.zip", 400), ("/etc/passwd", 400), ("a\\b.zip", 400),
           ("a\nb.zip", 400), ("a\0b.zip", 400), ("a" * 300, 400), ("C:a.zip", 400), (".a.zip", 415),
           ("a.zip.part", 415), ("Thumbs.db", 415), ("ap1g7", 415)]


def test_a_name_that_is_not_a_files_or_never_imported_is_refused(server, admin):
    for name, status in HOSTILE:
        response = admin.ask(UPLOADS, "POST", announced(name))
        assert response.status == status and json.loads(response.text)["detail"], (name, response.text)
    for form in ({}, [], "x", announced(size=0), announced(size=-1), announced(size="many"), announced(sha512="x"),
                 announced(last_modified="\n"), {"name": ["a"], "size": 1}):
        assert admin.ask(UPLOADS, "POST", form, Content_Type="application/json").status == 400, form
    assert admin.ask(UPLOADS, "POST", json.dumps(announced()), Content_Type="text/plain").status == 415
    assert not (server.depot / "state/staging/uploads").exists()


def test_a_login_has_two_at_once_and_ends_one_to_begin_another(admin):
    places = [begin(admin, announced(name))[0] for name in ("1.zip", "2.zip")]

    refused = admin.ask(UPLOADS, "POST", announced("3.zip"))
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0 and "1.zip" in refused.text
    assert begin(admin, announced("1.zip"), 201)[0] == places[0]
    assert admin.ask(places[0], "DELETE").status == 204
    assert admin.ask(places[0]).status == 404

    begin(admin, announced("3.zip"))
    assert (ADMIN, "remove upload", "1.zip", "done") in wait_until(lambda: acts(admin))


def test_what_does_not_fit_on_the_disk_is_refused_and_what_came_stays(start_server, full_disk, tmp_path):
    add_page_user(full_disk, ADMIN, ADMIN_PASSWORD, "admin", tmp_path)
    server = start_server(full_disk, {**HERE, "uploads": {"reserve": 1}, "history": {"days": 0}}, web=None)
    page = logged_in(server)
    assert page.ask(UPLOADS, "POST", announced(size=100 << 20)).status == 507
    place, _ = begin(page, announced(size=2 << 20))
    (server.depot / "filler").write_bytes(b"x" * (2 << 20))

    response = patch(page, place, 0, b"x" * (2 << 20))

    assert response.status == 507, response.text
    assert 0 < offset_of(page, place) < 2 << 20
    (server.depot / "filler").unlink()

    def goes_on():
        offset = offset_of(page, place)
        return patch(page, place, offset, b"x" * ((2 << 20) - offset)).status == 204

    wait_until(goes_on)


# ---- who may


def test_who_may_not_is_refused_before_the_body_is_read(server, admin):
    place, _ = begin(admin, announced(size=10 << 20))
    viewer, stranger, forged = logged_in(server, VIEWER, VIEWER_PASSWORD), Page(server.pages[0]), logged_in(server)
    forged.csrf = None

    for page, status in ((viewer, 403), (stranger, 401), (forged, 403)):
        assert page.ask(UPLOADS, "POST", announced()).status == status
        with Wire(page, place, 0, 10 << 20) as wire:  # and not a byte of it
            assert wire.answer()[0] == status
        with Wire(page, place, 0, 10 << 20, Expect="100-continue") as wire:
            assert wire.answer()[0] == status
    for page, status in ((viewer, 403), (stranger, 401)):
        assert page.ask(place).status == status
    with Wire(admin, place, 0, 10 << 20, Origin="http://elsewhere.example") as wire:
        assert wire.answer()[0] == 403
    assert offset_of(admin, place) == 0


def test_a_client_that_sends_all_the_same_hears_why_it_is_refused(server, admin):
    """A browser reads no answer before it has sent its body."""
    place, _ = begin(admin, announced(size=10 << 20))
    with Wire(admin, place, 1, 10 << 20) as wire:
        for _ in range(10):
            wire.send(b"x" * (1 << 20))
        assert wire.answer()[0] == 409


def test_a_logout_ends_an_upload_under_way(server, admin):
    """Within ten seconds. What has come until then stays."""
    place, _ = begin(admin, announced(size=1 << 30))
    with Wire(admin, place, 0, 1 << 30) as wire:
        wire.send(b"x" * PIECE)
        wait_until(lambda: offset_of(admin, place) == PIECE)
        assert admin.ask("/api/v1/session", "DELETE").status == 204
        while not wire.is_answered():
            wire.send(b"x" * PIECE)
        assert wire.answer()[0] == 401
    assert offset_of(logged_in(server), place) < 1 << 30


def test_a_slow_upload_holds_up_nobody(server, admin):
    place, _ = begin(admin, announced(size=10 << 20))
    with Wire(admin, place, 0, 10 << 20) as wire, concurrent.futures.ThreadPoolExecutor(4) as many:
        wire.send(b"x")
        assert all(many.map(lambda _: admin.ask("/api/v1/status").status == 200, range(20)))
