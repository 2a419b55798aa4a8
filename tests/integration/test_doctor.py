"""`apdepot doctor`: each check finds what keeps devices from their images, says how to fix it, and is content after
that."""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import pwd
import re
import shutil
import socket
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import pytest

import apdepot
import network
import tftp_wire
from apdepot import BINARY, RELEASE, USER, run, succeed, wait_until
from make_bundle import BUNDLE

NOBODY = pwd.getpwnam("nobody")
IMAGE = f"{RELEASE}/ap1g8"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become the service's user")
needs_networks = pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))


def why_no_firewall():
    """What keeps a test from having a firewall in a namespace, or None."""
    if network.why_not() or not shutil.which("nft"):
        return network.why_not() or "needs nft, of nftables"
    host = network.Host("nft")
    try:
        with host.inside():
            done = subprocess.run(["nft", "add", "table", "inet", "try"], capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else f"needs a kernel with nftables: {done.stderr}"
    finally:
        host.remove()


def give(path):
    """To the service's user, where root may."""
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            os.lchown(each, NOBODY.pw_uid, NOBODY.pw_gid)
    return path


@pytest.fixture
def tmp_path():
    """pytest's own are closed to the service's user."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="apdepot-doctor-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def empty_depot(empty_depot):
    for name in ("images", "drop", "rejected"):
        (empty_depot / name).mkdir(exist_ok=True)
    return give(empty_depot)


@pytest.fixture
def depot(depot):
    return give(depot)


@pytest.fixture
def config(tmp_path):
    """Writes a configuration, and returns the flags that name it."""
    def write(**settings):
        return ["--config", apdepot.write_config(tmp_path / "doctor.yaml", settings)]

    return write


@pytest.fixture
def host():
    """A host of its own, with its loopback alone."""
    host = network.Host("doctor")
    yield host
    host.remove()


@pytest.fixture
def lan(host):
    """A host with an interface lan, at whose other end is another one."""
    with contextlib.ExitStack() as stack:
        other = network.Host("doctor-far")
        stack.callback(other.remove)
        network.wire(host, "lan", other, "far")
        host.up("lan", "198.51.100.1/24")
        other.up("far", "198.51.100.10/24")
        yield host


def examine(depot, *ids, flags=(), **options):
    """What `doctor --only ID...` finds: a list of (result, found, fix) for one id, else a dict of them."""
    only = [word for each in ids for word in ("--only", each)]
    done = run("doctor", "--quick", "--json", *only, *flags, depot=depot, **options)
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert done.stderr == ""
    assert done.returncode == (1 if any(row["result"] == "fails" for row in rows.values()) else 0)
    for row in rows.values():
        assert row["result"] == row["findings"][0]["result"]
    found = {name: [(each["result"], each["found"], each["fix"]) for each in row["findings"]]
             for name, row in rows.items()}
    return found[ids[0]] if len(ids) == 1 else found


def worst(depot, check, **options):
    return examine(depot, check, **options)[0]


def is_ok(depot, check, **options):
    result, found, _ = worst(depot, check, **options)
    assert result == "ok", found
    return True


# ---- the command

def test_all_checks_are_shown_each_on_a_line(server):
    done = run("doctor", "--quick", depot=server.depot)
    rows = json.loads(run("doctor", "--quick", "--json", depot=server.depot).stdout)
    lines = done.stdout.splitlines()

    assert len(rows) == 28 and all(set(row) == {"id", "title", "result", "findings"} for row in rows)
    heads = [line for line in lines if not line.startswith(" ")]
    titles = [re.match(r"(ok|look|fails|unknown) +(\S.*?)  +(\S.*)$", line).group(2) for line in heads[:-1]]
    assert titles == [row["title"] for row in rows]
    width = {line.index(row["findings"][0]["found"]) for line, row in zip(heads, rows)
             if row["findings"][0]["found"] in line}
    assert len(width) == 1
    assert heads[-1].startswith("28 checks")
    for row in rows:
        for each in row["findings"]:
            assert not each["fix"] or f"{' ' * min(width)}fix: {each['fix']}" in lines
    assert "\x1b" not in done.stdout


def test_a_check_that_is_not_there_names_the_nearest(depot):
    done = run("doctor", "--only", "port69", depot=depot)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--only port69 is not a check; did you mean port-69?" in done.stderr
    far = run("doctor", "--only", "\x1b[2Jxyzzyxyzzy", depot=depot)
    assert far.returncode == 2 and "the checks are config, depot-rights, " in far.stderr and "\x1b" not in far.stderr


def test_it_changes_nothing(start_server, depot):
    server = start_server(depot, {"history": {"days": 0}})
    wait_until(lambda: (server.depot / "state/control.sock").exists())
    before = apdepot.snapshot(server.depot)
    run("doctor", depot=server.depot)

    assert apdepot.snapshot(server.depot) == before


@pytest.mark.parametrize("no_color, coloured", [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_refuses_them(depot, no_color, coloured):
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen([BINARY, "doctor", "--only", "config", "--depot", depot], stdout=theirs,
                                   env=apdepot.environment(TERM="xterm", NO_COLOR=no_color))
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := terminal.read(4096):
                text += piece
        assert process.wait(apdepot.PATIENCE) == 0
    assert (b"\x1b[32mok" in text) == coloured
    assert b"config" in text and b"1 check: all is well" in text


def test_without_a_server_the_rest_is_examined(depot):
    found = examine(depot, "running", "misses", "host-keys", "disk", "users")

    assert found["running"][0][0] == "fails" and found["running"][0][2] == "apdepot serve"
    assert found["misses"][0][0] == "unknown"
    assert [found[name][0][0] for name in ("host-keys", "disk", "users")] == ["ok"] * 3


def test_without_a_depot_one_is_asked_for(tmp_path):
    found = examine(tmp_path / "none", "depot-rights", "disk", "running")

    assert found["depot-rights"][0][0] == "fails" and found["depot-rights"][0][2] == "apdepot import BUNDLE.zip"
    assert {found[name][0][0] for name in ("disk", "running")} == {"unknown"}
    assert not (tmp_path / "none").exists()


# ---- the configuration and the depot

def test_config(depot, config, tmp_path):
    is_ok(depot, "config", flags=config())
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("tftp:\n  max_windw: 4\n")
    found = examine(depot, "config", "mtu", flags=["--config", wrong])

    assert found["config"] == [
        ("fails", f"{wrong}:2: tftp.max_windw is not a key; did you mean tftp.max_window?", "")]
    assert found["mtu"][0][0] == "unknown"


def test_config_whose_hashes_everybody_may_read(depot, config, tmp_path):
    (entry,) = [line for line in (depot / "state/users.yaml").read_text().splitlines() if "password_hash" in line]
    flags = config(ssh={"users": [{"name": "x", "password_hash": entry.split('"')[1]}]})
    (tmp_path / "doctor.yaml").chmod(0o644)
    result, found, fix = worst(depot, "config", flags=flags)

    assert (result, fix) == ("look", f"chmod o= {tmp_path}/doctor.yaml") and "password hashes" in found
    (tmp_path / "doctor.yaml").chmod(0o640)
    is_ok(depot, "config", flags=flags)


@as_root
def test_depot_rights(depot):
    is_ok(depot, "depot-rights")
    os.chown(depot / "drop", 0, 0)
    (depot / "images" / IMAGE[1:]).chmod(0)
    os.chown(depot / "images" / IMAGE[1:], 0, 0)
    found = examine(depot, "depot-rights")

    assert [(result, fix) for result, _, fix in found] == [
        ("fails", f"chown -R nobody: {depot}"), ("fails", f"chmod -R a+rX {depot}/images")]
    assert str(depot / "drop") in found[0][1] and IMAGE in found[1][1]


def test_disk(depot):
    is_ok(depot, "disk")


def test_disk_that_is_full_and_lies_in_memory(full_disk):
    (full_disk / "images").mkdir()
    (full_disk / "drop").mkdir()
    give(full_disk)
    found = examine(full_disk, "disk", "file-system")

    assert found["disk"][0][0] == "fails" and found["disk"][0][2].startswith("du -xh ")
    assert found["file-system"][0][0] == "look" and "(tmpfs)" in found["file-system"][0][1]


def test_disk_names_a_release_that_could_go(full_disk):
    for release in ("17_3_3", "17_9_4a"):
        (full_disk / "images/EWC" / release).mkdir(parents=True)
        (full_disk / "images/EWC" / release / "ap1g8").write_bytes(b"x")
    give(full_disk)

    assert worst(full_disk, "disk")[2] == "apdepot retire /EWC/17_3_3"


def test_file_system(depot):
    kind = subprocess.run(["stat", "-f", "-c", "%T", depot], capture_output=True, text=True, check=True).stdout
    if kind == "tmpfs\n":
        pytest.skip("the tests' own folder lies in memory")
    is_ok(depot, "file-system")


def test_host_keys(depot):
    is_ok(depot, "host-keys")
    key = depot / "state/ssh_host_rsa_key"
    key.chmod(0o644)
    result, found, fix = worst(depot, "host-keys")
    assert (result, fix) == ("fails", f"chmod 600 {key}") and "can be read by others" in found
    key.unlink()
    assert worst(depot, "host-keys")[0] == "look"
    os.mkfifo(key, 0o600)
    give(depot)
    assert worst(depot, "host-keys")[0] == "fails"


def test_host_keys_that_a_running_server_has_lost(server):
    server.fingerprints()
    (server.depot / "state/ssh_host_rsa_key").unlink()
    result, found, _ = worst(server.depot, "host-keys")

    assert result == "fails" and "changed host key" in found


def test_page(start_server, depot, tmp_path, config):
    server = start_server(depot, {}, web="127.0.0.1:0")
    result, found, fix = worst(depot, "page")
    assert (result, fix) == ("look", "apdepot web code") and "first administrator" in found
    password = tmp_path / "password"
    password.write_text("correct horse battery\n")
    succeed("user", "add", "boss", "--web", "admin", "--password-file", password, depot=depot)
    assert worst(depot, "page") == ("ok", f"served at {server.pages[0]}", "")
    server.stop()
    assert worst(depot, "page", flags=config(web={"listen": []})) == ("ok", "the page is switched off: web.listen is []", "")


def test_certificate_of_https(depot, tmp_path, config):
    def made(days, name="server"):
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", "/CN=x",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        key.chmod(0o644)
        web = {"listen": [], "certificate": str(certificate), "key": str(key)}
        return examine(depot, "page", flags=config(web=web, http={"listen": ["https://127.0.0.1:8443"]}))

    assert made(90)[0][0] == "ok"
    result, found, fix = made(20)[0]
    assert result == "look" and "ends 20" in found and "systemctl reload apdepot" in fix
    (tmp_path / "server.key").unlink()
    web = {"listen": [], "certificate": str(tmp_path / "server.crt"), "key": str(tmp_path / "server.key")}
    result, found, _ = worst(depot, "page", flags=config(web=web, http={"listen": ["https://127.0.0.1:8443"]}))
    assert result == "fails" and "server.key cannot be read" in found
    assert worst(depot, "page", flags=config(web=web, http={"listen": ["127.0.0.1:8080"]}))[0] == "ok"


def test_users(depot, config):
    is_ok(depot, "users")
    (depot / "state/users.yaml").rename(depot / "users.yaml")
    assert worst(depot, "users") == ("look", "SFTP is served, and nobody may log in", "apdepot user add ewc")
    is_ok(depot, "users", flags=config(ssh={"listen": []}))
    (depot / "users.yaml").rename(depot / "state/users.yaml")
    users = depot / "state/users.yaml"
    users.write_text(users.read_text().replace("root: /", "root: /nowhere").replace('root: "/"', 'root: "/nowhere"'))
    result, found, _ = worst(depot, "users")
    assert result == "fails" and f"the root /nowhere of the user {USER} " in found
    users.chmod(0o644)
    assert worst(depot, "users")[2] == f"chmod 600 {users}"


@pytest.fixture
def imported(empty_depot, bundle):
    succeed("import", bundle, depot=empty_depot)
    return empty_depot


def test_releases(imported):
    states = {result for result, _, _ in examine(imported, "releases")}
    assert states <= {"ok", "look"}
    image = imported / "images" / IMAGE[1:]
    whole = image.read_bytes()
    image.write_bytes(whole[:-1])
    result, found, fix = worst(imported, "releases")
    assert (result, fix) == ("fails", f"apdepot import --replace {BUNDLE}")
    assert f"ap1g8 has {len(whole) - 1} bytes" in found


def test_releases_by_every_byte(imported):
    image = imported / "images" / IMAGE[1:]
    status, whole = image.stat(), bytearray(image.read_bytes())
    whole[len(whole) // 2] ^= 1
    image.write_bytes(whole)
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "fails" not in [result for result, _, _ in examine(imported, "releases")]  # --quick reads no image
    done = run("doctor", "--only", "releases", "--json", depot=imported)

    assert done.returncode == 1
    assert "its SHA-256 is another one" in json.loads(done.stdout)[0]["findings"][0]["found"]


def test_releases_that_were_written_to_later(imported):
    image = imported / "images" / IMAGE[1:]
    later = image.stat().st_mtime + 3600
    os.utime(image, (later, later))
    found = examine(imported, "releases")

    assert [fix for _, text, fix in found if "was written to after the import" in text] == [f"apdepot verify {RELEASE}"]


def test_releases_of_which_there_is_none(empty_depot):
    assert worst(empty_depot, "releases")[0] == "look"


def test_drop_folder(depot):
    is_ok(depot, "drop-folder")
    (depot / "drop/bundle").mkdir()
    (depot / "rejected/a.zip").write_bytes(b"x")
    (depot / "rejected/a.zip.reason.txt").write_text("it is cut\n")
    give(depot)
    found = examine(depot, "drop-folder")

    assert found == [
        ("look", "bundle in drop/ is not a file: it is never imported", f"mv {depot}/drop/bundle/* {depot}/drop/"),
        ("look", "a.zip was rejected: it is cut",
         f"once you have seen to it: rm {depot}/rejected/a.zip {depot}/rejected/a.zip.reason.txt")]


def test_drop_folder_with_hostile_names(depot, tmp_path):
    name = "\x1b[2J`rm -rf ~`\n\u202e.zip"
    os.mkfifo(depot / "drop" / name)
    (tmp_path / "secret").write_text("a secret")
    (depot / "rejected/b.zip").write_bytes(b"x")
    (depot / "rejected/b.zip.reason.txt").symlink_to(tmp_path / "secret")
    give(depot)
    done = run("doctor", "--only", "drop-folder", depot=depot)

    assert done.returncode == 0
    assert not [each for each in done.stdout if each != "\n" and not each.isprintable()]
    assert "\\x1b[2J`rm -rf ~`\\n\\u202e.zip in drop/ is not a file" in done.stdout
    fixes = [line for line in done.stdout.splitlines() if "fix: " in line]
    assert fixes[0].endswith(f"fix: rm {depot}/drop/FILE") and not [line for line in fixes if "rm -rf" in line]
    assert "a secret" not in done.stdout


def test_clock_that_is_older_than_an_image(depot):
    later = (depot / "images" / IMAGE[1:]).stat().st_mtime + 7200
    os.utime(depot / "images" / IMAGE[1:], (later, later))
    found = examine(depot, "clock")

    assert [fix for result, text, fix in found if f"{IMAGE} was written " in text] == ["timedatectl set-ntp true"]


# ---- the server

def test_running(server):
    result, found, _ = worst(server.depot, "running")

    assert (result, found) == ("ok", f"version {succeed('version').split()[1]}, PID {server.pid}")


@pytest.fixture
def false_server(depot):
    """Starts what answers on the control socket of the depot in a server's place."""
    with contextlib.ExitStack() as stack:
        def start(body):
            class Answer(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def do_GET(self):
                    if body is None:
                        stopped.wait(apdepot.PATIENCE)
                        return
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def address_string(self):
                    return "unix"

                def log_message(self, *_):
                    pass

            stopped = threading.Event()
            place = depot / "state/control.sock"
            short = pathlib.Path(tempfile.mkdtemp(prefix="s"))
            stack.callback(shutil.rmtree, short)
            server = socketserver.ThreadingUnixStreamServer(str(short / "s"), Answer)
            server.daemon_threads = True
            (short / "s").rename(place)
            give(depot)
            place.chmod(0o660)
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            stack.callback(stopped.set)

        yield start


def test_running_in_another_version(depot, false_server):
    false_server(b'{"version":"9.9.9","loop":{"longest_ms":77.5}}')
    found = examine(depot, "running")

    assert [result for result, _, _ in found] == ["look", "look"]
    assert found[0][1].startswith("the server is of version 9.9.9, and this program of ")
    assert "took 78 ms" in found[1][1]


def test_running_something_that_is_not_apdepot(depot, false_server):
    false_server(b"\x1b[2J<html>")
    result, found, _ = worst(depot, "running")

    assert result == "fails" and "\x1b" not in found


def test_running_and_hanging(depot, false_server):
    false_server(None)
    result, found, _ = worst(depot, "running")

    assert result == "fails" and "does not answer: it hangs" in found


def test_misses(server, images):
    is_ok(server.depot, "misses")
    with tftp_wire.Client(server.tftp) as client:
        for name in (f"{RELEASE}/firmware-1", "/Wrong-Path/ap1g7x\x1b[2J"):
            assert client.ask(name).opcode == tftp_wire.ERROR
    found = examine(server.depot, "misses")

    assert [result for result, _, _ in found] == ["look", "look"]
    assert "firmware-1" in found[1][1] and "\x1b" not in found[0][1]
    (server.depot / "images" / RELEASE[1:] / "firmware-1").write_bytes(b"an image")
    (found,) = examine(server.depot, "misses")
    assert "/Wrong-Path does not exist" in found[1]


def test_history(start_server, depot):
    server = start_server(depot)
    tftp_wire.fetch(server.tftp, IMAGE)
    server.stop()
    database = depot / "state/history.db"
    done = run("doctor", "--only", "history", "--json", depot=depot)
    assert json.loads(done.stdout)[0]["findings"] == [{"result": "ok", "found": "whole", "fix": ""}]
    content = database.read_bytes()
    database.write_bytes(content[:100] + b"\xff" * 3000 + content[3100:])
    give(depot)
    done = run("doctor", "--only", "history", "--json", depot=depot)
    (finding,) = json.loads(done.stdout)[0]["findings"]
    assert done.returncode == 1 and finding["result"] == "fails" and "state/history.db is damaged" in finding["found"]
    database.rename(depot / "state/history.db.broken")
    result, _, fix = worst(depot, "history")
    assert result == "look" and f"sqlite3 {depot}/state/history.db.broken .recover" in fix


def test_algorithms(start_server, depot, config):
    server = start_server(depot)
    options = ["-o", "KexAlgorithms=diffie-hellman-group14-sha1", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
    host, port = server.ssh
    old = subprocess.run(["ssh", "-F", "none", *options, "-p", str(port), f"{USER}@{host}"], stdin=subprocess.DEVNULL,
                         capture_output=True, check=False)
    assert old.returncode != 0
    server.wait_for_log(r"Unable to negotiate with 127\.0\.0\.1")
    server.stop()
    give(depot)
    result, found, fix = worst(depot, "algorithms")

    assert result == "look" and found.startswith("127.0.0.1 was refused within 7 days: no key exchange method in common")
    assert "diffie-hellman-group14-sha1" in found and fix == "ssh.compatibility: legacy"
    is_ok(depot, "algorithms", flags=config(ssh={"compatibility": "legacy"}))
    logins = json.loads(run("history", "--logins", "--json", depot=depot).stdout)
    assert logins[-1]["outcome"] == "needs_legacy" and "diffie-hellman-group14-sha1" in logins[-1]["method"]


def test_families_and_never_seen(start_server, empty_depot, bundle, images):
    """A device has fetched an image of an old release; the new one was imported without it, hours ago."""
    old = empty_depot / "images/EWC/17_3_3"
    old.mkdir(parents=True)
    (old / "ap1g5").write_bytes(images["ap1g8"])
    give(empty_depot)
    server = start_server(empty_depot)
    tftp_wire.fetch(server.tftp, "/EWC/17_3_3/ap1g5")
    server.stop()
    succeed("import", bundle, depot=empty_depot)
    manifest = empty_depot / "state/manifests/EWC/17_9_4a.yaml"
    give(empty_depot)
    assert is_ok(empty_depot, "never-seen")
    (empty_depot / "images" / RELEASE[1:] / "ap1g5").unlink(missing_ok=True)
    result, found, fix = worst(empty_depot, "families")
    assert result == "look" and f"{RELEASE} has no ap1g5" in found and "127.0.0.1 fetched of /EWC/17_3_3" in found
    assert "apdepot releases --models" in fix
    imported = time.time() - 7200
    manifest.write_text(re.sub(r'imported_at: "[^"]+"', f'imported_at: "{apdepot_time(imported)}"', manifest.read_text()))
    database = sqlite3.connect(empty_depot / "state/history.db")
    with contextlib.closing(database), database:
        for table in ("devices", "holdings"):
            database.execute(f"UPDATE {table} SET last_at = ?", (int((imported - 60) * 1000),))
    give(empty_depot)
    result, found, fix = worst(empty_depot, "never-seen")
    assert result == "look" and found.startswith("127.0.0.1 fetched an older release")
    assert f"apdepot probe tftp://ADDRESS{RELEASE}/ap1g5" in fix


def apdepot_time(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_libraries(depot):
    assert is_ok(depot, "libraries")


@needs_networks
def test_limits(start_server, depot, host, config):
    with host.inside():
        start_server(depot)
        few = examine(depot, "limits", flags=config(ssh={"max_sessions": 1_000_000}))
        is_ok(depot, "limits", flags=config(ssh={"max_sessions": 10}))

    assert few[0][0] == "look" and few[0][2].startswith("LimitNOFILE=4000000 ")


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="systemd runs here")
def test_service_where_nothing_can_say(depot):
    assert worst(depot, "service")[0] == "unknown"


# ---- the host

@contextlib.contextmanager
def python_holds(host, kind, port):
    """Another process of the host has the port."""
    code = (f"import socket, sys\ns = socket.socket(socket.AF_INET, socket.{kind})\ns.bind(('0.0.0.0', {port}))\n"
            f"{'s.listen()' if kind == 'SOCK_STREAM' else ''}\nprint('bound', flush=True)\nsys.stdin.read()\n")
    with host.inside():
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
    try:
        assert process.stdout.readline() == "bound\n"
        yield process
    finally:
        process.communicate()


@needs_networks
@pytest.mark.parametrize("check, kind, port", [("port-69", "SOCK_DGRAM", 69), ("port-22", "SOCK_STREAM", 22)])
def test_port(depot, host, check, kind, port):
    with python_holds(host, kind, port) as process, host.inside():
        found = examine(depot, check)
    with host.inside():
        is_ok(depot, check)

    assert found[0][0] == "fails" and f"(PID {process.pid}" in found[0][1] and f"0.0.0.0:{port}" in found[0][1]
    assert found[0][2]


@needs_networks
def test_port_of_a_running_server(start_server, depot, lan, config):
    settings = {"tftp": {"listen": ["0.0.0.0:69"]}, "ssh": {"listen": ["0.0.0.0:22"]}}
    flags = config(**settings)
    with lan.inside():
        server = start_server(depot, settings, listen=())
        server.fingerprints()
        rows = examine(depot, "port-69", "port-22", "port-rights", "running", "reverse-path", "mtu", "address",
                       "host-keys", "users", "releases", "drop-folder", "misses", "limits", "config", "disk",
                       flags=flags)
        other = examine(depot, "port-69", flags=config(tftp={"listen": ["0.0.0.0:6969"]}))

    assert {name: found[0][0] for name, found in rows.items()} == dict.fromkeys(rows, "ok")
    assert rows["port-69"][0][1] == "served on UDP 0.0.0.0:69" and rows["address"][0][1] == "198.51.100.1"
    assert other[0][0] == "look" and "not on 0.0.0.0:6969" in other[0][1]


@needs_networks
def test_port_where_controllers_do_not_ask(depot, host, config):
    with host.inside():
        result, found, fix = worst(depot, "port-22", flags=config(ssh={"listen": ["0.0.0.0:2222"]}))

    assert result == "look" and "TCP 22 only" in found and fix == 'ssh.listen: ["0.0.0.0:22", "[::]:22"]'


@needs_networks
def test_http_ports(start_server, depot, host, config):
    settings = {"http": {"listen": ["0.0.0.0:80", "https://0.0.0.0:443"]}}
    flags = config(**settings)
    with python_holds(host, "SOCK_STREAM", 443) as process, host.inside():
        taken = examine(depot, "http-ports", flags=flags)
    with host.inside():
        server = start_server(depot, settings)
        served = worst(depot, "http-ports", flags=flags)
        is_ok(depot, "port-rights", flags=flags)
        server.stop()

    assert len(taken) == 1 and taken[0][0] == "fails" and f"(PID {process.pid}" in taken[0][1]
    assert taken[0][1].endswith("has TCP 0.0.0.0:443")
    assert served == ("ok", "served on TCP 0.0.0.0:80, 0.0.0.0:443", "")
    assert worst(depot, "http-ports") == ("ok", "HTTP is switched off: http.listen is []", "")


@needs_networks
def test_port_rights(depot, host):
    """Of a user who is not root."""
    command = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", BINARY, "doctor",
               "--only", "port-rights", "--json", "--depot", depot]
    start = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")

    def ask():
        done = subprocess.run(command, capture_output=True, text=True, env=apdepot.environment(), check=False)
        return json.loads(done.stdout)[0]

    with host.inside():
        start.write_text("1024\n")
        refused = ask()
        start.write_text("22\n")
        allowed = ask()
        is_ok(depot, "port-rights")
    assert refused["result"] == "fails"
    assert refused["findings"][0]["fix"].startswith("sysctl -w net.ipv4.ip_unprivileged_port_start=")
    assert allowed["result"] == "ok"


def shell(host, command):
    """A fix, as an administrator would run it."""
    with host.inside():
        subprocess.run(command, shell=True, check=True, capture_output=True)


@pytest.fixture
def walled(host):
    """A host whose firewall drops what no rule lets in."""
    if reason := why_no_firewall():
        pytest.skip(reason)
    shell(host, "nft add table inet filter && "
                "nft 'add chain inet filter input { type filter hook input priority 0; policy drop; }' && "
                "nft add rule inet filter input iifname lo accept")
    return host


def test_firewall(depot, walled):
    with walled.inside():
        found = examine(depot, "firewall")
    assert [(result, fix) for result, _, fix in found] == [
        ("fails", "nft insert rule inet filter input udp dport 69 accept"),
        ("fails", "nft insert rule inet filter input tcp dport 22 accept")]
    for _, _, fix in found:
        shell(walled, fix)
    with walled.inside():
        is_ok(depot, "firewall")
    shell(walled, "nft flush chain inet filter input; nft add rule inet filter input ip saddr 10.0.0.0/8 accept")
    with walled.inside():
        assert worst(depot, "firewall")[0] == "unknown"
    shell(walled, "nft flush ruleset")
    with walled.inside():
        assert worst(depot, "firewall") == ("ok", "no rule looks at what comes in", "")


def test_firewall_before_images_over_http(depot, walled, config):
    with walled.inside():
        found = examine(depot, "firewall", flags=config(tftp={"listen": []}, ssh={"listen": []},
                                                        http={"listen": ["https://0.0.0.0:8443"]}))

    assert [fix for _, _, fix in found] == ["nft insert rule inet filter input tcp dport 8443 accept"]


@pytest.mark.skipif(not shutil.which("iptables"), reason="needs iptables")
def test_firewall_of_iptables(depot, walled):
    shell(walled, "nft flush ruleset && iptables -P INPUT DROP && "
                  "iptables -A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT")
    with walled.inside():
        found = examine(depot, "firewall")
        assert worst(depot, "reply-ports")[0] == "fails"
    assert [(result, fix) for result, _, fix in found] == [("fails", "iptables -I INPUT -p udp --dport 69 -j ACCEPT")]
    shell(walled, found[0][2])
    shell(walled, "iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
    with walled.inside():
        is_ok(depot, "firewall")
        is_ok(depot, "reply-ports")


def test_reply_ports(depot, walled, config):
    ranged = config(tftp={"port_range": "49152-49251"})
    with walled.inside():
        assert worst(depot, "reply-ports")[::2] == ("fails", "tftp.single_port: true")
        _, _, fix = worst(depot, "reply-ports", flags=ranged)
    assert fix == "nft insert rule inet filter input udp dport 49152-49251 accept"
    shell(walled, fix)
    with walled.inside():
        is_ok(depot, "reply-ports", flags=ranged)
        assert worst(depot, "reply-ports")[0] == "unknown"  # some of the ports
        is_ok(depot, "reply-ports", flags=config(tftp={"single_port": True}))
    shell(walled, "nft add rule inet filter input ct state established,related accept")
    with walled.inside():
        is_ok(depot, "reply-ports")


@as_root
def test_firewall_is_for_root_to_see(depot):
    command = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", BINARY, "doctor",
               "--only", "firewall", "--depot", depot]
    done = subprocess.run(command, capture_output=True, text=True, env=apdepot.environment(), check=False)

    assert done.returncode == 0
    assert re.match(r"unknown +firewall +only root may read the firewall's rules\n", done.stdout)


@needs_networks
def test_reverse_path(depot, lan):
    with contextlib.ExitStack() as stack:
        other = network.Host("doctor-second")
        stack.callback(other.remove)
        network.wire(lan, "wlan", other, "far")
        lan.up("wlan", "203.0.113.1/24")
        with lan.inside():
            filters = pathlib.Path("/proc/sys/net/ipv4/conf")
            for name in ("all", "lan", "wlan"):
                (filters / name / "rp_filter").write_text("0\n")
            is_ok(depot, "reverse-path")
            (filters / "wlan/rp_filter").write_text("1\n")
            result, found, fix = worst(depot, "reverse-path")
            assert result == "look" and "comes in on wlan " in found
            (filters / "all/rp_filter").write_text(fix.rsplit("=", 1)[1])
            is_ok(depot, "reverse-path")


@needs_networks
def test_mtu(depot, lan, config):
    with lan.inside():
        is_ok(depot, "mtu")
    lan.ip("link", "set", "lan", "mtu", "1280")
    with lan.inside():
        result, found, fix = worst(depot, "mtu")
        is_ok(depot, "mtu", flags=config(tftp={"max_block_size": 1248}))

    assert (result, fix) == ("look", "tftp.max_block_size: 1248")
    assert found.startswith("lan carries packets of 1280 bytes")


@needs_networks
def test_address(depot, host, lan, config):
    with lan.inside():
        is_ok(depot, "address")
        gone = examine(depot, "address", flags=config(tftp={"listen": ["192.0.2.9:69"]}))
    assert gone[0][0] == "fails" and "192.0.2.9:69" in gone[0][1]
    lan.ip("link", "set", "lan", "down")
    with lan.inside():
        assert worst(depot, "address")[0] == "fails"


@as_root
def test_a_link_in_place_of_the_socket_leads_root_nowhere(depot, tmp_path):
    """Root asks as the depot's owner."""
    place = tmp_path / "root-only.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        place.chmod(0o600)
        listener.listen()
        listener.setblocking(False)
        (depot / "state/control.sock").symlink_to(place)
        give(depot)
        assert worst(depot, "running")[0] == "unknown"
        with pytest.raises(BlockingIOError):
            listener.accept()
