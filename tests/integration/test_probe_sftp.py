"""`apdepot probe sftp://`: a login and a file as a controller has them, and every cause of a failure provoked."""
import contextlib
import hashlib
import json
import os
import socket
import struct
import subprocess
import threading

import paramiko
import pytest

from apdepot import BINARY, PASSWORD, RELEASE, USER, environment, run, succeed
from clients import make_key

IMAGE = f"{RELEASE}/ap1g8"


@pytest.fixture
def home(tmp_path):
    """Where known_hosts is looked for."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    return folder


@pytest.fixture
def probe(tmp_path, home):
    """What `probe --json` says, with the password of the test's user unless told otherwise."""
    def ask(port, path=IMAGE, *options, password=PASSWORD, user=USER):
        file = tmp_path / "password"
        file.write_text(password + "\n")
        command = [BINARY, "probe", f"sftp://{user}@127.0.0.1:{port}{path}", "--json", "--wait", "30", *options,
                   "--password-file", file]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60,
                              cwd=tmp_path, env=environment(HOME=str(home)), stdin=subprocess.DEVNULL, check=False)
        found = json.loads(done.stdout)
        assert done.returncode == (0 if found["ok"] else 1) and done.stderr == ""
        if not found["ok"]:
            assert found["what"] and found["likely"] and found["check"]
        return found

    return ask


def test_a_controller_gets_the_image_that_was_imported(start_server, empty_depot, bundle, images, probe):
    succeed("import", bundle, depot=empty_depot)
    server = start_server(empty_depot)
    found = probe(server.ssh[1], IMAGE, "--depot", empty_depot)

    assert found["ok"] and found["sha256"] == hashlib.sha256(images["ap1g8"]).hexdigest()
    assert found["recorded_as"] == IMAGE and found["announced"] == found["bytes"] == len(images["ap1g8"])
    assert found["host_key"].split(" ")[1] in server.fingerprints()
    assert found["content"] == "AP image (tar), complete"


def test_a_host_key_is_shown_compared_and_never_kept(server, probe, home):
    shown = probe(server.ssh[1])
    kind, fingerprint = shown["host_key"].split(" ")
    named = probe(server.ssh[1], IMAGE, "--host-key", fingerprint)

    assert shown["ok"] and any("not known here" in note for note in shown["notes"])
    assert named["ok"] and named["notes"] == []
    assert kind.startswith("ssh-") and os.listdir(home / ".ssh") == []


def test_a_host_key_in_known_hosts_counts(server, probe, home, tmp_path):
    keys = subprocess.run(["ssh-keyscan", "-p", str(server.ssh[1]), "127.0.0.1"], capture_output=True, text=True,
                          check=True)
    known = home / ".ssh/known_hosts"
    known.write_text(keys.stdout)
    same = probe(server.ssh[1])
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    known.write_text(f"[127.0.0.1]:{server.ssh[1]} {other}")
    changed = probe(server.ssh[1])

    assert same["ok"] and same["notes"] == ["the host key is the one in known_hosts"]
    assert changed["cause"] == "HOST_KEY" and "known_hosts has another one" in changed["what"]
    assert known.read_text() == f"[127.0.0.1]:{server.ssh[1]} {other}"


def test_no_password_goes_to_another_host_key(server, probe):
    found = probe(server.ssh[1], IMAGE, "--host-key", "SHA256:" + "A" * 43)

    assert found["cause"] == "HOST_KEY" and found["host_key"].split(" ")[1] in found["what"]
    assert not [line for line in server.whole_log("sshd") if "password" in line]


@pytest.mark.parametrize("how", [{"password": "wrong"}, {"user": "nobody"}])
def test_a_login_that_is_refused(server, probe, how):
    found = probe(server.ssh[1], **how)

    assert found["cause"] == "LOGIN" and "refused the user" in found["what"]
    assert "methods that are left" in found["what"]


@pytest.mark.parametrize("path, cause", [("/Wrong-Path/ap1g6", "NOT_FOUND"), (RELEASE, "IS_FOLDER")])
def test_what_is_no_file(server, probe, path, cause):
    found = probe(server.ssh[1], path)

    assert found["cause"] == cause and found["prints"] == "No such file or directory"


def test_an_empty_image(server, depot, probe):
    (depot / "images" / IMAGE[1:]).write_bytes(b"")

    assert probe(server.ssh[1])["cause"] == "EMPTY"


def test_a_port_that_is_closed(probe):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert probe(port)["cause"] == "REFUSED"


# ---- servers that apdepot is not

@contextlib.contextmanager
def listening(serve):
    """Calls `serve` with each connection, which it need not close."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    serve(kept[-1])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(30)
        for connection in kept:
            connection.close()


def key_exchange(methods):
    """The packet with which an SSH server begins, with one method for each purpose."""
    lists = [methods, "ssh-ed25519", *["aes128-ctr"] * 2, *["hmac-sha2-256"] * 2, *["none"] * 2, "", ""]
    payload = b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(text)) + text.encode() for text in lists) + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def test_algorithms_that_do_not_meet(probe):
    with listening(lambda peer: peer.sendall(b"SSH-2.0-Old\r\n" + key_exchange("diffie-hellman-group1-sha1"))) as port:
        found = probe(port)

    assert found["cause"] == "ALGORITHMS" and "diffie-hellman-group1-sha1" in found["what"]
    assert "ssh.compatibility: legacy" in found["check"]


def test_a_server_that_says_nothing(probe):
    with listening(lambda peer: None) as port:
        found = probe(port, IMAGE, "--wait", "3")

    assert found["cause"] == "STALLED" and "nothing came for 3 s" in found["what"]


def test_a_server_that_is_not_of_ssh(probe):
    with listening(lambda peer: (peer.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"), peer.close())) as port:
        found = probe(port)

    assert found["cause"] == "ERROR" and "key exchange" in found["what"]


class Other(paramiko.ServerInterface):
    """A server with logins, and no SFTP."""

    def __init__(self, methods):
        self.methods = methods

    def get_allowed_auths(self, username):
        return self.methods

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        return paramiko.AUTH_SUCCESSFUL if responses == [PASSWORD] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


@pytest.fixture
def other_server(tmp_path):
    """Starts one; `methods` are those of its logins."""
    key = paramiko.Ed25519Key.from_private_key_file(str(make_key(tmp_path / "host_key")))
    with contextlib.ExitStack() as stack:
        def start(methods):
            def serve(peer):
                transport = paramiko.Transport(peer)
                stack.callback(transport.close)
                transport.add_server_key(key)
                transport.start_server(server=Other(methods))

            return stack.enter_context(listening(serve))

        yield start


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive"])
def test_a_server_without_sftp(probe, other_server, methods):
    found = probe(other_server(methods))

    assert found["cause"] == "NO_SFTP" and "when SFTP was asked for" in found["what"]


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive"])
def test_another_server_that_refuses_the_password(probe, other_server, methods):
    assert probe(other_server(methods), password="wrong")["cause"] == "LOGIN"


def test_a_server_that_takes_keys_only(probe, other_server):
    found = probe(other_server("publickey"))

    assert found["cause"] == "LOGIN" and "what it takes: publickey" in found["what"]


# ---- the command line

@pytest.mark.parametrize("arguments, words", [
    (("sftp://h/x",), "USER@SERVER"), (("sftp://u@h/x", "--plain"), "tftp:// only"),
    (("tftp://h/x", "--host-key", "SHA256:x"), "sftp:// only"),
    (("sftp://u@h/x", "--host-key", "MD5:x"), "ssh-keygen -lf")])
def test_wrong_usage(arguments, words, tmp_path):
    done = run("probe", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


def test_without_a_terminal_the_password_comes_from_a_file(server, tmp_path):
    done = run("probe", f"sftp://{USER}@127.0.0.1:{server.ssh[1]}{IMAGE}", cwd=tmp_path, start_new_session=True)

    assert done.returncode == 1 and "--password-file FILE" in done.stderr
