"""The page's door: the first administrator, logins, roles, tokens, and what is refused."""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess

import pytest

import apdepot
import tftp_wire
from apdepot import RELEASE, run, succeed, wait_until
from control import Control
from page import ADMIN, ADMIN_PASSWORD, VIEWER, VIEWER_PASSWORD, Page, add_page_user

IMAGE = f"{RELEASE}/ap1g8"
HERE = {"web": {"listen": ["127.0.0.1:0"]}}
# Of the tests all come from 127.0.0.1, which the tests' configurations trust.
STRICT = {**HERE, "ssh": {"trusted": []}}


@pytest.fixture
def users(depot, tmp_path):
    add_page_user(depot, ADMIN, ADMIN_PASSWORD, "admin", tmp_path)
    add_page_user(depot, VIEWER, VIEWER_PASSWORD, "viewer", tmp_path)
    return depot


@pytest.fixture
def server(start_server, users):
    return start_server(users, HERE, web=None)


@pytest.fixture
def anybody(server):
    return Page(server.pages[0])


@pytest.fixture
def admin(server):
    page = Page(server.pages[0])
    assert page.log_in(ADMIN, ADMIN_PASSWORD).status == 200
    return page


@pytest.fixture
def viewer(server):
    page = Page(server.pages[0])
    assert page.log_in(VIEWER, VIEWER_PASSWORD).status == 200
    return page


@contextlib.contextmanager
def begun(server):
    """A transfer in the middle, which its client ends."""
    with tftp_wire.begun(server.tftp, IMAGE) as client:
        yield client
        client.send(tftp_wire.error(0, "enough"))


def raw(server, data, *, shut=False):
    """What the page's port answers to these bytes, to the end of the connection."""
    host, port = Page(server.pages[0]).url.hostname, Page(server.pages[0]).url.port
    with socket.create_connection((host, port), timeout=apdepot.PATIENCE) as connection:
        connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


# ---- the first administrator


def test_the_first_administrator_is_made_with_the_code_of_the_log_once(start_server, depot):
    server = start_server(depot, HERE, web=None)
    page = Page(server.pages[0])
    code = server.wait_for_log(r"first administrator|#code=(\S+)").string
    code = re.search(r"#code=([A-Z2-9]{4}-[A-Z2-9]{4})", code).group(1)
    assert page.json("/api/v1")["needs_setup"] is True
    assert succeed("web", "code", depot=depot).strip() == code
    form = {"code": code, "name": ADMIN, "password": ADMIN_PASSWORD}

    for wrong, status in ((dict(form, code="AAAA-AAAA"), 403), (dict(form, password="short"), 400),
                          (dict(form, name="a b"), 400), (dict(form, name=apdepot.USER), 409)):
        assert page.ask("/api/v1/setup", "POST", wrong).status == status, wrong
    made = page.ask("/api/v1/setup", "POST", dict(form, code=code.lower().replace("-", "")))
    assert made.status == 201, made.text

    assert page.json("/api/v1")["needs_setup"] is False
    assert page.ask("/api/v1/setup", "POST", dict(form, name="other")).status == 404
    assert page.log_in(ADMIN, ADMIN_PASSWORD).status == 200
    assert page.json("/api/v1/session")["role"] == "admin"
    assert run("web", "code", depot=depot).returncode == 1
    server.wait_for_log(rf"http: Accepted password for {ADMIN} from 127\.0\.0\.1")
    server.wait_for_log(rf"apdepot: {ADMIN}: set up the page, from 127\.0\.0\.1: done")
    # He is for the page alone.
    users = json.loads(succeed("user", "list", "--json", depot=depot))
    assert [(user["web"], user["sftp"]) for user in users if user["name"] == ADMIN] == [("admin", False)]


def test_with_an_administrator_there_is_no_code(server, anybody):
    assert anybody.json("/api/v1") == {"api": "v1", "version": anybody.json("/api/v1")["version"], "needs_setup": False}
    assert anybody.ask("/api/v1/setup", "POST", {"code": "", "name": "x", "password": "0123456789ab"}).status == 404
    assert not any("#code=" in line for line in server.log_lines())


def test_a_new_start_has_a_new_code(start_server, depot):
    codes = set()
    for _ in range(2):
        server = start_server(depot, HERE, web=None)
        codes.add(re.search(r"#code=(\S+)", server.wait_for_log(r"#code=").string).group(1))
        server.stop()

    assert len(codes) == 2


# ---- logging in


def test_a_user_logs_in_and_out(server, anybody):
    assert anybody.ask("/api/v1/status").status == 401 and anybody.ask("/api/v1/session").status == 401
    done = anybody.log_in(ADMIN, ADMIN_PASSWORD)

    assert json.loads(done.text)["role"] == "admin"
    cookie = done.headers["Set-Cookie"]
    assert re.fullmatch(r"apdepot=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", cookie)
    assert anybody.json("/api/v1/session") == {"name": ADMIN, "role": "admin", "csrf": anybody.csrf}
    assert anybody.json("/api/v1/status")["listen"]["web"] == server.pages
    out = anybody.ask("/api/v1/session", "DELETE")
    assert out.status == 204 and "Max-Age=0" in out.headers["Set-Cookie"]
    assert anybody.ask("/api/v1/status").status == 401


@pytest.mark.parametrize(("name", "password", "why"), [
    (ADMIN, "wrong", f"Failed password for {ADMIN} from"), ("nobody", "wrong", "for invalid user nobody from"),
    ("Maria", ADMIN_PASSWORD, "for invalid user Maria from .*spelled otherwise"),
    (apdepot.USER, apdepot.PASSWORD, f"for {apdepot.USER} from .*web: none"),
    ("a\nb\x1b[31m<img onerror=x>", "x", r"invalid user a\\nb\\x1b")])
def test_a_login_that_fails_tells_the_client_nothing_and_the_log_all(server, anybody, name, password, why):
    first = anybody.log_in(ADMIN, "wrong")
    answer = anybody.log_in(name, password)

    assert (answer.status, answer.text) == (401, first.text) and "Set-Cookie" not in answer.headers
    server.wait_for_log(f"http: Failed password .*{why}" if not why.startswith("Failed") else why)


def test_a_changed_password_or_role_ends_a_session(server, users, admin, viewer, tmp_path):
    file = tmp_path / "new"
    file.write_text("quite another password\n")
    file.chmod(0o600)
    succeed("user", "passwd", ADMIN, "--password-file", file, depot=users)
    assert admin.ask("/api/v1/status").status == 401
    assert admin.log_in(ADMIN, "quite another password").status == 200
    succeed("user", "web", VIEWER, "admin", depot=users)

    assert viewer.ask("/api/v1/status").status == 401
    assert viewer.log_in(VIEWER, VIEWER_PASSWORD).status == 200
    succeed("user", "remove", VIEWER, depot=users)
    assert viewer.ask("/api/v1/status").status == 401


def test_a_user_of_the_page_may_not_log_in_over_ssh(server):
    import paramiko  # noqa: PLC0415
    with pytest.raises(paramiko.AuthenticationException), contextlib.closing(paramiko.Transport(server.ssh)) as transport:
        transport.connect(username=ADMIN, password=ADMIN_PASSWORD)
    server.wait_for_log(rf"Failed password for {ADMIN} from .*sftp: false")


def test_five_failures_lock_the_address_out_and_the_account_not(start_server, users):
    server = start_server(users, STRICT, web=None)
    page = Page(server.pages[0])
    for _ in range(5):
        assert page.log_in(ADMIN, "wrong").status == 401
    answer = page.log_in(ADMIN, ADMIN_PASSWORD)

    assert answer.status == 429 and 0 < int(answer.headers["Retry-After"]) <= 60
    assert "ssh.trusted" in answer.text
    server.wait_for_log("Failed password for maria .*not judged")
    assert Control(users).ask("/api/v1/status")[0] == 200


# ---- roles


def test_a_viewer_looks_and_does_not_change(server, viewer, admin):
    with begun(server) as client:
        (row,) = viewer.json("/api/v1/transfers")["items"]
        assert viewer.ask(f"/api/v1/transfers/{row['id']}", "DELETE").status == 403
        assert admin.ask(f"/api/v1/transfers/{row['id']}", "DELETE").status == 204
        assert wait_until(client.drain)[-1].text == "Stopped by the administrator"


@pytest.mark.parametrize("lacks", [{"X_CSRF": None}, {"X_CSRF": "x" * 43}, {"Origin": "http://evil.example"},
                                   {"Origin": None}, {"Origin": "null"}, {"Sec_Fetch_Site": "same-site"},
                                   {"Content_Type": "application/x-www-form-urlencoded"}])
def test_a_change_that_is_not_the_pages_own_is_refused(admin, lacks):
    refused = admin.ask("/api/v1/transfers/1", "DELETE", **lacks)

    assert refused.status in (403, 415), refused.text
    assert refused.headers["Content-Type"] == "application/problem+json" and "fix" in json.loads(refused.text)
    assert admin.ask("/api/v1/transfers/1", "DELETE").status == 404


def test_another_page_cannot_log_a_browser_in(anybody):
    form = {"name": ADMIN, "password": ADMIN_PASSWORD}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": None}, {"Sec_Fetch_Site": "cross-site"}):
        assert anybody.ask("/api/v1/session", "POST", form, **headers).status == 403
    assert anybody.ask("/api/v1/session", "POST", json.dumps(form), Content_Type="text/plain").status == 415
    assert anybody.ask("/api/v1/session", "POST", form, Origin=None, Sec_Fetch_Site="same-origin").status == 200


def test_a_token_needs_neither_session_nor_proof(server, users, anybody):
    token = succeed("token", "add", "prometheus", depot=users).strip()
    strong = succeed("token", "add", "robot", "--role", "admin", depot=users).strip()
    assert re.fullmatch(r"apd_[\w-]{43}", token)
    file = users / "state/tokens.yaml"
    assert file.stat().st_mode & 0o777 == 0o600 and token not in file.read_text()

    def ask(path, which, method="GET"):
        return anybody.ask(path, method, Authorization=f"Bearer {which}", Origin=None).status

    assert ask("/metrics", token) == 200 and ask("/api/v1/status", token) == 200
    assert ask("/api/v1/transfers/1", token, "DELETE") == 403
    assert ask("/api/v1/transfers/1", strong, "DELETE") == 404
    assert ask("/api/v1/status", token + "x") == 401 and ask("/api/v1/status", "") == 401
    assert json.loads(succeed("token", "list", "--json", depot=users)) == [
        {"name": "prometheus", "role": "viewer"}, {"name": "robot", "role": "admin"}]
    assert run("token", "add", "robot", depot=users).returncode == 1
    succeed("token", "remove", "prometheus", depot=users)
    assert ask("/api/v1/status", token) == 401


# ---- who is spoken to


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8069", "", "127.0.0.1.evil.example", "localhost:x"])
def test_a_request_for_another_host_is_refused(anybody, host):
    refused = anybody.ask("/", Host=host)

    assert refused.status == 421 and "web.names" in refused.text


def test_a_name_of_the_configuration_is_known_after_a_reload(start_server, users, tmp_path):
    server = start_server(users, HERE, web=None)
    page = Page(server.pages[0])
    assert page.ask("/", Host="images.corp.example").status == 421
    apdepot.write_config(tmp_path / "apdepot.yaml", {"web": {**HERE["web"], "names": ["Images.corp.example"]}})
    server.signal(1)
    server.wait_for_log("is in effect")

    assert page.ask("/", Host="images.corp.example:8069").status == 200
    assert page.ask("/", Host="corp.example").status == 421


def test_every_answer_carries_the_policy(anybody):
    for path in ("/", "/api/v1", "/api/v1/status", "/none"):
        headers = anybody.ask(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == ("no-cache" if path == "/" else "no-store")
        assert "Strict-Transport-Security" not in headers


def test_a_proxy_that_is_believed_says_who_asks(start_server, users):
    server = start_server(users, {**HERE, "web": {**HERE["web"], "proxies": ["127.0.0.1"]}}, web=None)
    page = Page(server.pages[0])
    page.origin = page.origin.replace("http:", "https:")
    done = page.ask("/api/v1/session", "POST", {"name": ADMIN, "password": ADMIN_PASSWORD}, X_Forwarded_Proto="https",
                    X_Forwarded_For="10.9.9.9, 192.0.2.7, 127.0.0.1")

    assert done.status == 200, done.text
    assert re.match(r"__Host-apdepot=.*; Secure", done.headers["Set-Cookie"])
    server.wait_for_log(f"Accepted password for {ADMIN} from 192\\.0\\.2\\.7")


def test_others_are_not_believed(server, anybody):
    anybody.ask("/api/v1/session", "POST", {"name": ADMIN, "password": "x"}, X_Forwarded_For="192.0.2.7")

    server.wait_for_log(f"Failed password for {ADMIN} from 127\\.0\\.0\\.1")


# ---- what is wrong


@pytest.mark.parametrize(("request_text", "status"), [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"413"),
    (b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n", b"413"),
    (b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n\r\n", b"400")])
def test_a_request_that_is_wrong_is_answered_and_the_connection_ends(server, request_text, status):
    assert raw(server, request_text).split(b"\r\n")[0].split(b" ")[1] == status


@pytest.mark.parametrize("body", ["", "[" * 60000, "{" * 60000, '{"name":1,"password":2}', '{"name":"a"}', "null", "&a",
                                  '{"name":{"name":"a"},"password":"b"}', "a: &x b\nc: *x"])
def test_a_form_that_is_none_is_refused(server, anybody, body):
    refused = anybody.ask("/api/v1/session", "POST", body, Content_Type="application/json")

    assert refused.status == 400, refused.text
    assert anybody.ask("/healthz").status == 200


def test_unknown_paths_and_methods(anybody, admin):
    assert anybody.ask("/none").status == 404 and anybody.ask("/api/v1/none").status == 404
    wrong = anybody.ask("/", "PUT")
    assert wrong.status == 405 and wrong.headers["Allow"] == "GET"
    assert admin.ask("/api/v1/web/code").status == 404  # for the control socket alone


def test_the_page_is_packed_and_kept_by_a_browser(anybody):
    packed = anybody.connect()
    packed.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    answer = packed.getresponse()
    body = answer.read()
    assert answer.headers["Content-Encoding"] == "gzip" and body[:2] == b"\x1f\x8b"
    assert anybody.ask("/", If_None_Match=answer.headers["ETag"]).status == 304
    assert "<!doctype html>" in anybody.ask("/").text
    head = anybody.ask("/", "HEAD")
    assert head.status == 200 and int(head.headers["Content-Length"]) > 100 and head.text == ""
    packed.close()


# ---- where it is served


def test_without_addresses_there_is_no_page(start_server, users):
    server = start_server(users, {"web": {"listen": []}}, web=None)

    assert server.pages == [] and "page" not in server.ready_line


def test_a_port_that_is_taken_is_told_and_devices_are_served(start_server, users):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        server = start_server(users, {"web": {"listen": [address]}}, web=None)

        server.wait_for_log(rf"the page is not served on {re.escape(address)}: .*web\.listen")
        assert server.pages == []
        with begun(server):
            pass


def test_curl_shows_the_page(anybody):
    done = subprocess.run(["curl", "--silent", "--show-error", "--fail", anybody.origin + "/api/v1"], capture_output=True,
                          text=True, timeout=apdepot.PATIENCE, check=True)

    assert json.loads(done.stdout)["api"] == "v1"
