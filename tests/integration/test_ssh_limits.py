"""How often and how long somebody may try to log in, and that nobody's tries keep another out."""
import concurrent.futures
import contextlib
import re
import socket
import threading
import time

import paramiko
import pytest

import apdepot
from apdepot import PASSWORD, USER
from clients import make_key
from sftp_wire import PATIENCE, Sftp, connect, login

DROP = r"^sshd\[\d+\]: drop connection #\d+ from \[{}\]:\d+ on \[127\.0\.0\.1\]:\d+ {}"
PENALTY = r"^sshd\[\d+\]: {}/32: activating ipv4 penalty of {} seconds for penalty: {}; ssh\.trusted lists"


@pytest.fixture
def start(start_server, depot):
    """Starts a server with settings of SSH's, and nobody trusted."""
    return lambda **settings: start_server(depot, {"ssh": {"trusted": [], **settings}})


def dial(server, host="127.0.0.1"):
    return socket.create_connection(server.ssh, timeout=PATIENCE, source_address=(host, 0))


def connect_from(server, host):
    transport = paramiko.Transport(dial(server, host))
    transport.start_client(timeout=PATIENCE)
    transport.auth_timeout = PATIENCE
    return transport


def greeting(connection):
    """What the server says first; nothing when it hangs up."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(100)
    return b""


@contextlib.contextmanager
def silent(server, number, host="127.0.0.1"):
    """Connections that the server has accepted, and that say nothing."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(dial(server, host))) for _ in range(number)]
        yield connections


def fail_from(server, host, password="wrong"):
    with contextlib.closing(connect_from(server, host)) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(USER, password, fallback=False)


def may_enter(server, host="127.0.0.1"):
    with contextlib.closing(connect_from(server, host)) as transport:
        transport.auth_password(USER, PASSWORD, fallback=False)
        return transport.is_authenticated()


# ---- the time to log in

def test_whoever_does_not_log_in_is_shown_the_door(start):
    server = start(login_grace=1)
    transport = connect(server)
    transport.join(PATIENCE)

    assert not transport.is_alive()
    server.wait_for_log(r"^sshd\[\d+\]: Timeout before authentication for 127\.0\.0\.1 port \d+$")


def test_a_login_ends_the_time(start):
    server = start(login_grace=5)
    transport = login(server, USER, PASSWORD)
    connect(server).join(PATIENCE)
    server.wait_for_log("Timeout before authentication")

    assert Sftp(transport).realpath(".") == "/"
    transport.close()


def test_a_bad_signature_counts_though_libssh_swallows_it(start, key):
    public_line = key.with_suffix(".pub").read_text().strip()
    server = start(users=[{"name": "keyed", "authorized_keys": [public_line]}])
    private = paramiko.Ed25519Key.from_private_key_file(str(key))
    private.sign_ssh_data = lambda *_: signature
    signature = paramiko.Message()
    signature.add_string("ssh-ed25519")
    signature.add_string(bytes(64))
    with contextlib.suppress(paramiko.SSHException):  # the penalty; it takes three that come fast enough
        for _ in range(5):
            transport, seen = connect(server), len(server.lines)
            transport.auth_publickey("keyed", private, event=threading.Event())  # nobody answers it
            server.wait_for_log(r"^sshd\[\d+\]: Failed publickey for keyed .*: the signature is wrong", since=seen)
            transport.close()
            transport.join(PATIENCE)

    server.wait_for_log(PENALTY.format(r"127\.0\.0\.1", r"\d+", "failed authentication"))


# ---- a delay that grows

def test_the_answer_to_a_wrong_password_comes_later_each_time(start):
    server = start()
    transport = connect(server)
    times = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(USER, "wrong", fallback=False)
        times.append(time.monotonic() - began)
    transport.close()

    assert times[1] > 0.5 and times[2] > 1 and times[3] > 2


def test_an_address_waits_though_each_try_has_a_connection_of_its_own(start):
    server = start()
    for _ in range(2):
        fail_from(server, "127.0.0.2")
    began = time.monotonic()
    fail_from(server, "127.0.0.2")

    assert time.monotonic() - began > 1


def test_while_an_answer_is_held_back_others_are_served_and_the_client_may_go(start):
    server = start()
    transport = connect(server)
    for _ in range(3):
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(USER, "wrong", fallback=False)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        fourth = pool.submit(transport.auth_password, USER, "wrong", fallback=False)
        assert may_enter(server)
        assert not fourth.done()
        transport.close()
        with pytest.raises((paramiko.SSHException, EOFError)):
            fourth.result(PATIENCE)
    server.wait_for_log(r"Connection (closed|reset) by 127\.0\.0\.1 port \d+$")

    assert may_enter(server)


# ---- caps

def test_silent_connections_from_one_address_do_not_keep_another_out(start):
    server = start()
    with silent(server, 200, "127.0.0.2"):
        assert may_enter(server)
        server.wait_for_log(DROP.format(r"127\.0\.0\.2", r"past MaxStartups \(ssh\.max_unauthenticated_per_address\)"))

    assert len([line for line in server.whole_log() if ": drop connection" in line]) < 10


def test_an_address_that_has_its_share_is_told_so_and_may_come_again(start):
    server = start(max_unauthenticated_per_address=2)
    with silent(server, 2) as connections:
        assert all(greeting(each).startswith(b"SSH-2.0-") for each in connections)
        with contextlib.closing(dial(server)) as third:
            assert greeting(third) == b"Exceeded MaxStartups\r\n"
            assert third.recv(1) == b""

    assert apdepot.wait_until(lambda: greeting(dial(server)).startswith(b"SSH-2.0-"))


def test_all_addresses_together_are_dropped_at_full(start):
    server = start(max_unauthenticated="1:100:2")
    with silent(server, 1, "127.0.0.2") as one, silent(server, 1, "127.0.0.3") as two:
        assert all(greeting(each) for each in one + two)
        with contextlib.closing(dial(server, "127.0.0.4")) as third:
            assert greeting(third).startswith(b"Exceeded")
    server.wait_for_log(DROP.format(r"127\.0\.0\.4", r"past MaxStartups \(ssh\.max_unauthenticated\)$"))


def test_a_login_makes_room(start):
    server = start(max_unauthenticated_per_address=1)
    transports = []
    for _ in range(3):
        transports.append(login(server, USER, PASSWORD))

    assert all(Sftp(transport).realpath(".") == "/" for transport in transports)
    for transport in transports:
        transport.close()


@pytest.mark.parametrize("setting, trusted", [("max_sessions", ["127.0.0.1"]), ("max_sessions_per_address", [])])
def test_sessions_have_a_bound(start, setting, trusted):
    server = start(**{setting: 2}, trusted=trusted)
    transports = [login(server, USER, PASSWORD) for _ in range(2)]
    with contextlib.closing(dial(server)) as third:
        assert greeting(third).startswith(b"Exceeded")
    server.wait_for_log(DROP.format(r"127\.0\.0\.1", rf"past MaxStartups \(ssh\.{setting}\)$"))

    for transport in transports:
        assert Sftp(transport).realpath(".") == "/"
        transport.close()


def fill(server, host):
    """As many sessions as USER gets from there."""
    held = []
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        while True:
            transport = connect_from(server, host)
            transport.auth_password(USER, PASSWORD, fallback=False)
            held.append(transport)
    return held


def test_two_addresses_leave_room_for_a_third(start):
    server = start(max_sessions=16)
    held = [fill(server, host) for host in ("127.0.0.2", "127.0.0.3")]
    assert [len(each) for each in held] == [14, 1]
    server.wait_for_log(DROP.format(r"127\.0\.0\.2", r"past MaxStartups \(ssh\.max_sessions\)$"))
    assert may_enter(server, "127.0.0.4")
    for transport in sum(held, []):
        assert transport.is_active()
        transport.close()


def test_an_account_leaves_room_for_others_and_its_own_devices_elsewhere_get_in(start):
    server = start(max_sessions=32, max_sessions_per_address=16)
    held = [fill(server, host) for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4")]
    assert [len(each) for each in held] == [16, 12, 1]
    server.wait_for_log(rf"Disconnecting 127\.0\.0\.4 port \d+: user {USER} has so many sessions that the rest is for "
                        r"others: ssh\.max_sessions$")
    assert may_enter(server, "127.0.0.5")
    for transport in sum(held, []):
        transport.close()
    assert not [line for line in server.whole_log() if "penalty" in line]


def test_sixteen_good_logins_at_once_always_work(start):
    server = start()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: may_enter(server, "127.0.0.2"), range(16)))

    assert not [line for line in server.whole_log() if "drop connection" in line or "penalty" in line]


# ---- penalties

def test_an_address_that_fails_again_and_again_is_barred_and_no_other(start):
    server = start()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: fail_from(server, "127.0.0.2"), range(6)))
    server.wait_for_log(PENALTY.format(r"127\.0\.0\.2", r"\d+", "failed authentication"))
    with contextlib.closing(dial(server, "127.0.0.2")) as barred:
        assert greeting(barred) == b"Not allowed at this time\r\n"
    server.wait_for_log(DROP.format(r"127\.0\.0\.2", "penalty: failed authentication$"))

    assert may_enter(server, "127.0.0.3")


def test_the_trusted_are_not_barred(start):
    server = start(trusted=["127.0.0.2"])
    for _ in range(4):
        fail_from(server, "127.0.0.2")

    assert may_enter(server, "127.0.0.2")


def test_whoever_has_logged_in_may_fail(start):
    server = start()
    assert may_enter(server, "127.0.0.2")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fail_from(server, "127.0.0.2"), range(4)))

    assert may_enter(server, "127.0.0.2")


def test_connections_that_never_log_in_are_barred(start):
    server = start()
    with silent(server, 20, "127.0.0.2") as connections:
        assert all(map(greeting, connections))
    server.wait_for_log(PENALTY.format(r"127\.0\.0\.2", r"\d+", "connections without attempting authentication"))

    assert may_enter(server)


# ---- where a key may be used from

def key_server(start, key, options):
    public_line = key.with_suffix(".pub").read_text().strip()
    return start(users=[{"name": "keyed", "authorized_keys": [f"{options} {public_line}"]}])


def key_opens(server, key, host):
    with contextlib.closing(connect_from(server, host)) as transport:
        try:
            transport.auth_publickey("keyed", paramiko.Ed25519Key.from_private_key_file(str(key)))
        except paramiko.AuthenticationException:
            return False
        return Sftp(transport).realpath(".") == "/"


def test_a_key_may_be_bound_to_addresses(start, key):
    server = key_server(start, key, 'restrict,from="127.0.0.0/8,!127.0.0.2"')

    assert key_opens(server, key, "127.0.0.3")
    assert not key_opens(server, key, "127.0.0.2")
    server.wait_for_log(r'refused the right key of user keyed, which is not permitted from 127\.0\.0\.2: '
                        r'from="127\.0\.0\.0/8,!127\.0\.0\.2"$')
    assert not key_opens(server, make_key(key.parent / "stranger"), "127.0.0.3")


def test_another_option_is_refused_with_its_place(tmp_path, key):
    public_line = key.with_suffix(".pub").read_text().strip()
    file = tmp_path / "apdepot.yaml"
    file.write_text(f"ssh:\n  users:\n    - name: keyed\n      authorized_keys: ['command=\"id\" {public_line}']\n")
    done = apdepot.run("config", "check", "--config", file)

    assert done.returncode == 1
    assert re.search(r"apdepot\.yaml:4: ssh\.users\[0\]\.authorized_keys: in key 1, the option command is not honoured",
                     done.stdout + done.stderr)
    assert apdepot.run("serve", "--config", file, depot=tmp_path / "depot").returncode == 78


def test_a_key_with_another_option_in_the_users_file_lets_nobody_in(start_server, empty_depot, key):
    public_line = key.with_suffix(".pub").read_text().strip()
    file = empty_depot / "state/users.yaml"
    file.write_text(f"users:\n  - name: keyed\n    authorized_keys: ['environment=\"A=b\" {public_line}']\n")
    file.chmod(0o600)
    server = start_server(empty_depot)

    assert not key_opens(server, key, "127.0.0.1")
    server.wait_for_log(r"users\.yaml:3: users\[0\]\.authorized_keys: in key 1, the option environment is not honoured")
