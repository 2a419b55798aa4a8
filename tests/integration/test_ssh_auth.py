"""Who may come in over SSH, and that there is nothing but SFTP behind the door."""
import base64
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pty
import re
import select
import signal
import stat
import termios

import paramiko
import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, wait_until
from clients import key_user, make_key
from sftp_wire import (INIT, PATIENCE, Sftp, ask_for_sftp, channel_request, connect, frame, login, string,
                       u32)


def may_enter(server, user, password):
    transport = connect(server)
    try:
        transport.auth_password(user, password, fallback=False)
        return True
    except (paramiko.SSHException, EOFError):
        return False
    finally:
        transport.close()


# ---- ways in

def test_the_right_password_opens_the_door_and_no_other_does(server):
    assert may_enter(server, USER, PASSWORD)
    assert not may_enter(server, USER, PASSWORD + "x")
    assert not may_enter(server, USER, PASSWORD[:-1])
    assert not may_enter(server, USER, "")


@pytest.mark.parametrize("user", ["root", "EWC", "", "ewc\n", "../ewc", "a" * 1000])
def test_an_unknown_user_is_refused(server, user):
    assert not may_enter(server, user, PASSWORD)


def test_keyboard_interactive_takes_the_password(server):
    transport = connect(server)
    transport.auth_interactive(USER, lambda title, instructions, prompts: [PASSWORD] * len(prompts))

    assert Sftp(transport).realpath(".") == "/"
    transport.close()


def test_keyboard_interactive_refuses_a_wrong_password(server):
    transport = connect(server)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_interactive(USER, lambda title, instructions, prompts: ["wrong"] * len(prompts))
    transport.close()


def test_no_authentication_is_refused_and_names_the_ways_in(server):
    transport = connect(server)
    with pytest.raises(paramiko.BadAuthenticationType) as refused:
        transport.auth_none(USER)
    transport.close()

    assert {"password", "publickey", "keyboard-interactive"} <= set(refused.value.allowed_types)


def test_a_key_opens_the_account_that_lists_it(keyed_server, key):
    transport = connect(keyed_server)
    transport.auth_publickey("keyed", paramiko.Ed25519Key.from_private_key_file(str(key)))

    assert Sftp(transport).realpath(".") == "/"
    transport.close()


def test_a_key_opens_no_other_account(keyed_server, key, tmp_path):
    stranger = make_key(tmp_path / "stranger")
    for user, file in ((USER, key), ("keyed", stranger), ("nobody", key)):
        transport = connect(keyed_server)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(str(file)))
        transport.close()


def test_no_password_opens_an_account_without_one(keyed_server):
    assert not may_enter(keyed_server, "keyed", "")
    assert not may_enter(keyed_server, "keyed", PASSWORD)


def test_a_login_is_logged_and_its_password_is_not(server):
    may_enter(server, USER, "wr0ng-secret")
    login(server, USER, PASSWORD).close()
    server.wait_for_log(r"\bAccepted password for ewc from 127\.0\.0\.1 port \d+ ssh2$")

    text = "\n".join(server.whole_log())

    assert PASSWORD not in text and "wr0ng-secret" not in text


def failures(server, *attempts):
    """The lines of failed logins, without their ports, once as many are there."""
    for attempt in attempts:
        transport = connect(server)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            attempt(transport)
        transport.close()
    pattern = r"^sshd\[\d+\]: (Failed .* from 127\.0\.0\.1 port) \d+ (ssh2.*)$"
    lines = [re.search(pattern, line) for line in server.whole_log("sshd")]
    return [" ".join(line.groups()) for line in lines if line]


def fingerprint(key):
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def test_a_failed_password_says_why(keyed_server):
    def password(name):
        return lambda transport: transport.auth_password(name, "wrong", fallback=False)

    assert failures(keyed_server, password(USER), password("nobody"), password("EWC"), password("ewc "),
                    password("keyed")) == [
        "Failed password for ewc from 127.0.0.1 port ssh2",
        "Failed password for invalid user nobody from 127.0.0.1 port ssh2",
        "Failed password for invalid user EWC from 127.0.0.1 port ssh2: the user is called ewc",
        "Failed password for invalid user ewc\\x20 from 127.0.0.1 port ssh2: the user is called ewc",
        "Failed password for keyed from 127.0.0.1 port ssh2: the user has no password, only keys: apdepot user passwd "
        "sets one"]


def test_a_failed_key_says_which_and_why(keyed_server):
    keys = [paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()]

    def publickey(name, key):
        return lambda transport: transport.auth_publickey(name, key)

    rsa, ecdsa = (f"{kind} {fingerprint(key)}" for kind, key in zip(("RSA", "ECDSA"), keys))
    assert failures(keyed_server, publickey("keyed", keys[0]), publickey(USER, keys[1]), publickey("nobody", keys[1])) == [
        f"Failed publickey for keyed from 127.0.0.1 port ssh2: {rsa}, not one of the user's keys",
        f"Failed publickey for ewc from 127.0.0.1 port ssh2: {ecdsa}, the user has no keys, only a password",
        f"Failed publickey for invalid user nobody from 127.0.0.1 port ssh2: {ecdsa}"]


def test_an_accepted_key_is_told_as_sshd_tells_it(keyed_server, key):
    private = paramiko.Ed25519Key.from_private_key_file(str(key))
    transport = connect(keyed_server)
    transport.auth_publickey("keyed", private)
    transport.close()

    told = keyed_server.wait_for_log(r"^sshd\[\d+\]: Accepted publickey for keyed from 127\.0\.0\.1 port \d+ ssh2: (.*)$")

    assert told.group(1) == f"ED25519 {fingerprint(private)}"


# ---- ways that are shut

def test_six_tries_are_all_a_connection_gets(server):
    transport = connect(server)
    tries = 0
    with pytest.raises((paramiko.SSHException, EOFError)):
        while tries < 20:
            tries += 1
            try:
                transport.auth_password(USER, "wrong", fallback=False)
            except paramiko.AuthenticationException:
                if not transport.is_active():
                    raise
    transport.join(PATIENCE)

    assert not transport.is_alive()
    server.wait_for_log(r"^sshd\[\d+\]: Disconnecting 127\.0\.0\.1 port \d+: Too many authentication failures$")
    assert tries in (6, 7)  # the end comes with the sixth refusal, or to the client's surprise at its seventh try
    assert may_enter(server, USER, PASSWORD)


def test_the_client_reads_why_the_connection_ends(client):
    """With sshd's own code and text."""
    host, port = client.server.ssh
    password = client.file("askpass", "#!/bin/sh\necho wrong\n")
    password.chmod(0o700)
    done = client.run("env", f"SSH_ASKPASS={password}", "SSH_ASKPASS_REQUIRE=force", "ssh", *client.ssh_options(), "-o",
                      "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=20", "-p", port, f"{USER}@{host}",
                      check=False, stdin="")

    assert f"Received disconnect from {host} port {port}:2: Too many authentication failures" in done.stderr


def test_a_changed_user_name_ends_the_connection(server):
    transport = connect(server)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("somebody", "wrong", fallback=False)
    with pytest.raises((paramiko.SSHException, EOFError)):
        transport.auth_password(USER, PASSWORD, fallback=False)
    transport.join(PATIENCE)

    assert not transport.is_alive()


def message(kind, *strings):
    built = paramiko.Message()
    built.add_byte(bytes([kind]))
    for text in strings:
        built.add_string(text)
    return built


@pytest.mark.parametrize("kind, strings", [(52, ()), (90, ("session", b"", b""))],
                         ids=["USERAUTH_SUCCESS", "CHANNEL_OPEN"])
def test_what_only_a_server_or_a_user_may_say_ends_the_connection(server, kind, strings):
    transport = connect(server)
    transport._send_message(message(kind, *strings))
    transport.join(PATIENCE)

    assert not transport.is_alive()
    assert may_enter(server, USER, PASSWORD)
    assert sum("Accepted" in line for line in server.whole_log()) == 1


@pytest.mark.parametrize("method", [("none",), ("keyboard-interactive", "", "")], ids=lambda method: method[0])
def test_requests_that_are_no_tries_are_limited_too(server, method):
    transport = connect(server)
    transport._send_message(message(5, "ssh-userauth"))  # SSH_MSG_SERVICE_REQUEST
    for _ in range(51):
        transport._send_message(message(50, USER, "ssh-connection", *method))  # SSH_MSG_USERAUTH_REQUEST
    transport.join(PATIENCE)

    assert not transport.is_alive()
    server.wait_for_log("requests to log in|too many packets that are no login")  # paramiko answers each refusal, too
    assert may_enter(server, USER, PASSWORD)


# ---- nothing but SFTP

@pytest.mark.parametrize("ask", [
    lambda channel: channel.exec_command("true"),
    lambda channel: channel.invoke_subsystem("no-such-subsystem")], ids=["command", "subsystem"])
def test_whatever_is_not_sftp_is_refused(transport, ask):
    channel = transport.open_session(timeout=PATIENCE)
    with pytest.raises(paramiko.SSHException):
        ask(channel)


def test_a_shell_says_what_there_is_instead(client):
    host, port = client.server.ssh
    for options in (["-T"], ["-tt"]):
        done = client.run("ssh", *client.key_options(), *options, "-p", port, f"{client.keyed}@{host}", check=False,
                          stdin="ls\n")

        assert done.returncode == 1
        assert done.stdout.splitlines() == [f"this server speaks SFTP and SCP only: sftp -P {port} keyed@{host}"]
    client.server.wait_for_log(r"^sshd\[\d+\]: refused a shell$")


def test_sftp_starts_on_a_channel_that_asked_for_more(transport):
    sftp = Sftp(transport, initialise=False)
    channel_request(sftp.channel, "env", string("LANG"), string("C"))
    channel_request(sftp.channel, "pty-req", string("vt100"), u32(80), u32(24), u32(0), u32(0), string(b"\0"))
    channel_request(sftp.channel, "auth-agent-req@openssh.com")
    channel_request(sftp.channel, "exec", string("true"))
    channel_request(sftp.channel, "x11-req", b"\0", string("MIT-MAGIC-COOKIE-1"), string("0" * 32), u32(0))
    ask_for_sftp(sftp.channel)
    sftp.send_raw(frame(INIT, u32(3)))

    sftp.receive_version()

    assert sftp.realpath(".") == "/"


@pytest.mark.parametrize("kind, name, told", [("subsystem", "sftp", "subsystem"),
                                              ("exec", f"scp -f {RELEASE}/ap1g6", "command")], ids=["sftp", "scp"])
def test_a_channel_in_use_starts_nothing_else(server, transport, images, kind, name, told):
    sftp = Sftp(transport)
    handle = sftp.open(f"{RELEASE}/ap1g8").handle
    channel_request(sftp.channel, kind, string(name))

    server.wait_for_log(rf"^sshd\[\d+\]: refused a {told}$")
    assert sftp.read_to_end(handle) == images["ap1g8"]


def test_data_on_a_channel_without_sftp_ends_the_connection(server, transport, images):
    channel = transport.open_session(timeout=PATIENCE)
    with contextlib.suppress(OSError, EOFError):
        channel.sendall(bytes(1 << 20))
    transport.join(PATIENCE)

    assert not transport.is_alive()
    other = login(server, USER, PASSWORD)
    assert Sftp(other).fetch(f"{RELEASE}/ap1g8") == images["ap1g8"]
    other.close()


def test_channels_of_one_connection_work_side_by_side(transport, images):
    one, other = Sftp(transport), Sftp(transport)
    first, second = one.open(f"{RELEASE}/ap1g8").handle, other.open(f"{RELEASE}/ap1g6").handle
    for offset in range(0, 3000, 1000):
        assert one.read(first, offset, 1000).data == images["ap1g8"][offset:offset + 1000]
        assert other.read(second, offset, 1000).data == images["ap1g6"][offset:offset + 1000]
    one.channel.close()

    assert other.read_to_end(second) == images["ap1g6"]


def test_ten_channels_are_enough_and_a_closed_one_makes_room(transport, images):
    channels = [Sftp(transport) for _ in range(10)]
    with pytest.raises(paramiko.ChannelException):
        transport.open_session(timeout=PATIENCE)
    for sftp in channels[:5]:
        sftp.channel.close()
    for _ in range(5):
        assert Sftp(transport).fetch(f"{RELEASE}/ap1g6") == images["ap1g6"]


def test_a_channel_that_never_became_sftp_is_closed_in_return(transport, images):
    unused = transport.open_session(timeout=PATIENCE)
    unused.close()

    assert Sftp(transport).fetch(f"{RELEASE}/ap1g6") == images["ap1g6"]
    wait_until(lambda: transport._channels.get(unused.get_id()) is None)


def test_openssh_gets_no_shell_command_or_tunnel(client):
    host, port = client.server.ssh
    for options, command in ((["-T"], ["true"]), (["-T"], []), (["-tt"], ["id"]), (["-T", "-A", "-X"], ["true"]),
                             (["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"], [])):
        done = client.run("ssh", *client.key_options(), *options, "-p", port, f"{client.keyed}@{host}", *command,
                          check=False, stdin="")
        assert done.returncode != 0
        assert "uid=" not in done.stdout


def test_forwarding_is_refused(transport):
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=PATIENCE)
    with pytest.raises(paramiko.SSHException):
        transport.request_port_forward("127.0.0.1", 0)

    assert Sftp(transport).realpath(".") == "/"


# ---- what is kept in state/

def private_keys(depot):
    return [path for path in (depot / "state").rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_host_keys_are_made_once_and_for_the_owner_alone(start_server, new_depot):
    first = start_server(new_depot)
    fingerprints = first.fingerprints()
    first.stop()
    second = start_server(new_depot)

    assert second.fingerprints() == fingerprints
    assert len(private_keys(new_depot)) == 2
    assert {mode(path) for path in private_keys(new_depot)} == {0o600}
    assert mode(new_depot / "state") == 0o700


def test_servers_that_begin_at_once_with_a_new_depot_show_the_same_keys(start_server, new_depot):
    """The one whose key was overwritten would show another one after its next start."""
    servers = [start_server(new_depot) for _ in range(3)]
    shown = [server.fingerprints() for server in servers]

    assert shown == [shown[0]] * 3


def test_the_logged_fingerprint_is_the_one_a_client_sees(server):
    transport = connect(server)
    digest = hashlib.sha256(transport.get_remote_server_key().asbytes()).digest()
    transport.close()

    assert "SHA256:" + base64.b64encode(digest).decode().rstrip("=") in server.fingerprints()


def test_a_host_key_that_others_may_read_is_refused_and_tftp_goes_on(start_server, depot, images):
    exposed = private_keys(depot)[0]
    exposed.chmod(0o640)
    server = start_server(depot)
    server.wait_for_log(exposed.name)

    apdepot.wait_until(server.refuses_connections)
    assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8") == images["ap1g8"]


# ---- users

def test_users_are_kept_for_the_owner_alone_and_without_their_passwords(depot):
    file = depot / "state/users.yaml"

    assert mode(file) == 0o600
    assert PASSWORD not in file.read_text()


def test_a_users_file_that_others_may_read_is_refused(depot):
    (depot / "state/users.yaml").chmod(0o644)
    done = apdepot.run("user", "list", depot=depot)

    assert done.returncode == 1
    assert "users.yaml" in done.stderr


def spoil(users_file, name):
    """Two words that are no keys, in the entry of that user."""
    text = users_file.read_text()
    users_file.write_text(text.replace(f'name: "{name}"', f'name: "{name}"\n    rot: "/EWC"\n    uplods: true'))


def test_a_mistake_in_one_users_entry_keeps_that_user_out_and_is_told_at_the_start(start_server, depot, tmp_path):
    apdepot.add_user(depot, "operator", "first word", tmp_path)
    spoil(depot / "state/users.yaml", "operator")
    server = start_server(depot)

    for word, key in (("rot", "root"), ("uplods", "uploads")):
        server.wait_for_log(
            rf"^apdepot: \S+users\.yaml:\d+: users\[1\]\.{word} is not a key; did you mean users\[1\]\.{key}\?$")
    assert may_enter(server, USER, PASSWORD)
    assert not may_enter(server, "operator", "first word")


def test_a_mistake_in_the_users_file_is_told_at_a_reload(server):
    spoil(server.depot / "state/users.yaml", USER)
    server.signal(signal.SIGHUP)

    server.wait_for_log(r"users\.yaml:\d+: users\[0\]\.rot is not a key")


def test_the_users_file_is_checked_with_the_configuration(depot):
    done = apdepot.run("config", "check", depot=depot)
    assert done.returncode == 0 and "users.yaml: no errors" in done.stderr

    spoil(depot / "state/users.yaml", USER)
    done = apdepot.run("config", "check", depot=depot)
    assert done.returncode == 1 and "users[0].rot" in done.stderr


def test_a_configuration_is_checked_before_its_depot_is_there(tmp_path):
    apdepot.succeed("config", "check", depot=tmp_path / "depot")

    assert not (tmp_path / "depot").exists()


@pytest.mark.parametrize("flags, content, told", [
    (("--key",), "127.0.0.1 localhost\n", ":1: must be one public key on one line"),
    (("--key",), "# mine\n\nssh-ed25519 AAAA\n", ":3: must be one public key on one line"),
    (("--key",), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "it is a private key"),
    (("--key",), "# nothing yet\n", "there is no key in it"),
    (("--root", "EWC", "--key"), "{key}\n", "--root EWC: it is a folder"),
    (("--root", "/../x", "--key"), "{key}\n", "--root /../x: it is a folder")])
def test_a_user_that_could_not_log_in_is_not_added(depot, tmp_path, key, flags, content, told):
    before = (depot / "state/users.yaml").read_bytes()
    file = tmp_path / "given.pub"
    file.write_text(content.format(key=key.with_suffix(".pub").read_text().strip()))
    done = apdepot.run("user", "add", "operator", *flags, file, depot=depot)

    assert done.returncode in (1, 2) and told in done.stderr
    assert "AAAA" not in done.stderr and "b3Bl" not in done.stderr and "localhost" not in done.stderr
    assert (depot / "state/users.yaml").read_bytes() == before


def test_users_that_are_added_at_once_are_all_there(depot, key):
    names = [f"operator{i}" for i in range(12)]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: apdepot.succeed("user", "add", name, "--key", f"{key}.pub", depot=depot), names))

    listed = json.loads(apdepot.succeed("user", "list", "--json", depot=depot))
    assert {user["name"] for user in listed} == {USER, *names}


def test_a_key_may_have_any_comment(start_server, depot, tmp_path, key):
    words = key.with_suffix(".pub").read_bytes().split()[:2]
    file = tmp_path / "given.pub"
    file.write_bytes(b" ".join([*words, b'\xc3\xa4 \xff\x01 "a" # b: {c\r\n']))
    apdepot.succeed("user", "add", "operator", "--key", file, depot=depot)
    transport = connect(start_server(depot))
    transport.auth_publickey("operator", paramiko.Ed25519Key.from_private_key_file(str(key)))

    assert transport.is_authenticated()
    transport.close()


def test_users_change_in_a_running_server_at_once(server, tmp_path):
    depot = server.depot
    apdepot.add_user(depot, "operator", "first word", tmp_path)
    assert may_enter(server, "operator", "first word")

    apdepot.add_user(depot, "operator", "second word", tmp_path, command="passwd")
    assert may_enter(server, "operator", "second word")
    assert not may_enter(server, "operator", "first word")

    apdepot.succeed("user", "remove", "operator", depot=depot)
    assert not may_enter(server, "operator", "second word")
    assert may_enter(server, USER, PASSWORD)


def test_users_are_listed(depot, tmp_path):
    apdepot.add_user(depot, "operator", "first word", tmp_path)

    lines = apdepot.succeed("user", "list", depot=depot).splitlines()

    assert [line.split()[0] for line in lines] == ["ewc", "operator"]


def test_a_user_may_be_given_uploads_when_it_is_made(depot, tmp_path):
    file = tmp_path / "password"
    file.write_text("some password\n")
    apdepot.succeed("user", "add", "sender", "--uploads", "--password-file", file, depot=depot)

    listed = json.loads(apdepot.succeed("user", "list", "--json", depot=depot))
    assert {user["name"]: user["uploads"] for user in listed} == {USER: False, "sender": True}


@pytest.mark.parametrize("arguments, named", [
    (("add", USER), USER), (("remove", "nobody"), "nobody"), (("passwd", "nobody"), "nobody"),
    (("add", "../x"), "../x"), (("add", "a b"), "a b"), (("add", ""), "")])
def test_what_cannot_be_done_to_a_user_says_so(depot, tmp_path, arguments, named):
    file = tmp_path / "password"
    file.write_text("some password\n")
    before = (depot / "state/users.yaml").read_bytes()
    flags = ("--password-file", file) if arguments[0] != "remove" else ()
    done = apdepot.run("user", *arguments, *flags, depot=depot)

    assert done.returncode in (1, 2) and done.stdout == ""
    assert named in done.stderr
    assert (depot / "state/users.yaml").read_bytes() == before


def test_a_password_is_taken_from_the_files_first_line_whatever_its_ending(depot, server, tmp_path):
    for name, content in (("none", b"words of mine"), ("unix", b"words of mine\n"), ("dos", b"words of mine\r\n")):
        file = tmp_path / name
        file.write_bytes(content)
        apdepot.succeed("user", "add", name, "--password-file", file, depot=depot)

        assert may_enter(server, name, "words of mine")


@contextlib.contextmanager
def at_a_terminal(*arguments):
    """Runs a command there; `read_until` gives what it wrote, `write` types."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(apdepot.BINARY, [apdepot.BINARY, *map(str, arguments)], apdepot.environment())

    class Terminal:
        def read_until(self, text):
            seen = b""
            while text not in seen:
                assert select.select([terminal], [], [], PATIENCE)[0], seen
                seen += os.read(terminal, 1000)
            return seen

        def write(self, text):
            os.write(terminal, text)

        def echoes(self):
            return termios.tcgetattr(terminal)[3] & termios.ECHO != 0

        def exit_status(self):
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    try:
        yield Terminal()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.close(terminal)


def test_a_password_is_asked_for_twice_and_not_shown(server):
    with at_a_terminal("user", "add", "operator", "--depot", server.depot) as terminal:
        for prompt in (b"Password for operator: ", b"Once more: "):
            assert b"my words" not in terminal.read_until(prompt)
            wait_until(lambda: not terminal.echoes())
            terminal.write(b"my words\n")
        assert b"my words" not in terminal.read_until(b"user operator may log in now")
        assert terminal.exit_status() == 0

    assert may_enter(server, "operator", "my words")


@pytest.mark.parametrize("answers, told", [
    ((b"one\n", b"another\n"), b"the two passwords differ, nothing was changed"),
    ((b"\n", b"\n"), b"the password is empty: nothing was changed"),
    ((b"\x03",), b"no password was given, nothing was changed"),
    ((b"\x04",), b"no password was given, nothing was changed")])
def test_a_password_that_is_not_given_changes_nothing_and_leaves_a_terminal_that_shows(depot, answers, told):
    before = (depot / "state/users.yaml").read_bytes()
    with at_a_terminal("user", "add", "operator", "--depot", depot) as terminal:
        for prompt, answer in zip((b"Password for operator: ", b"Once more: "), answers):
            terminal.read_until(prompt)
            wait_until(lambda: not terminal.echoes())
            terminal.write(answer)
        terminal.read_until(told)
        assert terminal.echoes() and terminal.exit_status() == 1

    assert (depot / "state/users.yaml").read_bytes() == before


def test_without_a_terminal_a_password_comes_from_a_file(depot):
    done = apdepot.run("user", "add", "operator", depot=depot, start_new_session=True)

    assert done.returncode == 1 and "--password-file" in done.stderr


def test_users_of_the_configuration_are_reloaded_with_it(start_server, depot, tmp_path, key):
    server = start_server(depot)
    private = paramiko.Ed25519Key.from_private_key_file(str(key))
    apdepot.write_config(tmp_path / "apdepot.yaml", key_user(key))
    server.signal(signal.SIGHUP)

    def keyed_may_enter():
        transport = connect(server)
        try:
            transport.auth_publickey("keyed", private)
            return True
        except paramiko.AuthenticationException:
            return False
        finally:
            transport.close()

    apdepot.wait_until(keyed_may_enter)
