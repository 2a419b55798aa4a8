"""What no honest client sends over SSH: it ends its own connection, costs no one else time, and takes no memory."""
import base64
import concurrent.futures
import contextlib
import hashlib
import re
import resource
import socket
import time

import pytest

import tftp_wire
from apdepot import PASSWORD, RELEASE, USER, wait_until
from bare_ssh import (CHANNEL_OPEN, CHANNEL_OPENED, CHANNEL_REQUEST, CHANNEL_SUCCESS, GLOBAL_REQUEST, IGNORE, KEXINIT,
                     SERVICE_ACCEPT, SERVICE_REQUEST, UNIMPLEMENTED, UNKNOWN, USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_SUCCESS,
                     Closed, RawSsh, forged_signature, request, text, u32)
from sftp_wire import PATIENCE, Sftp, login

METHODS = b"publickey,keyboard-interactive,password"
KERBEROS = bytes.fromhex("06092a864886f712010202")
SMALL = f"{RELEASE}/ap1g8"


@pytest.fixture
def start(start_server, depot):
    """Starts a server that measures its loop, with settings of SSH's."""
    return lambda **settings: start_server(depot, {"ssh": settings, "log": {"level": "debug"}})


@pytest.fixture
def server(start):
    return start()


def gssapi(user):
    return request(user, "gssapi-with-mic", u32(1), text(KERBEROS))


def password(user, word):
    return request(user, "password", b"\0", text(word))


def longest_turn(server):
    """Milliseconds of CPU."""
    line = next(line for line in server.whole_log() if "loop: " in line)
    return float(re.search(r"the longest ([0-9.]+) ms", line).group(1))


# ---- what libssh answers by itself

def test_gssapi_is_refused_at_once_with_the_methods_there_are_and_a_password_is_judged_after_it(server):
    with RawSsh(server.ssh) as ssh:
        ssh.ask_for_login()
        ssh.send(gssapi(USER))
        assert ssh.expect(USERAUTH_FAILURE)[1:] == text(METHODS) + b"\0"
        ssh.send(password(USER, "wrong"))
        assert ssh.expect(USERAUTH_FAILURE)[1:] == text(METHODS) + b"\0"
        ssh.send(password(USER, PASSWORD))
        ssh.expect(USERAUTH_SUCCESS)


def test_gssapi_counts_like_any_other_request_to_log_in(server):
    with RawSsh(server.ssh) as ssh:
        ssh.ask_for_login()
        for _ in range(50):
            ssh.send(gssapi(USER))
            ssh.expect(USERAUTH_FAILURE)
        ssh.send(gssapi(USER))
        assert ssh.is_shown_the_door()
    server.wait_for_log(r"Disconnecting .*127\.0\.0\.1 port \d+: 51 requests to log in$")


def test_gssapi_of_another_user_is_a_change_of_name(server):
    with RawSsh(server.ssh) as ssh:
        ssh.ask_for_login()
        ssh.send(gssapi("one"), gssapi("other"))
        assert ssh.is_shown_the_door()
    server.wait_for_log("the client changed its user name")


@pytest.mark.parametrize("payload", [bytes([UNKNOWN]), bytes([IGNORE]) + text("x"), bytes([4, 0]) + text("x") + text(""),
                                     bytes([UNIMPLEMENTED]) + u32(1), bytes([SERVICE_REQUEST]) + text("ssh-userauth"),
                                     bytes([7]) + u32(0), request(USER, "password")],
                         ids=["unknown", "ignore", "debug", "unimplemented", "service", "ext_info", "cut off"])
def test_packets_that_are_no_login_end_the_connection(server, payload):
    with RawSsh(server.ssh) as ssh:
        ssh.ask_for_login()
        with contextlib.suppress(Closed):
            for _ in range(60):
                ssh.send(payload)
        assert ssh.is_shown_the_door()
    server.wait_for_log(r"Disconnecting .*127\.0\.0\.1 port \d+: too many packets that are no login$")


def test_a_few_packets_that_say_nothing_are_borne(server):
    with RawSsh(server.ssh) as ssh:
        ssh.ask_for_login()
        for _ in range(6):
            ssh.send(bytes([IGNORE]) + text("padding"), password(USER, PASSWORD))
            if ssh.expect(USERAUTH_SUCCESS, USERAUTH_FAILURE)[0] == USERAUTH_SUCCESS:
                break
        open_channel(ssh)


def test_six_wrong_signatures_end_the_connection_and_are_failed_logins(start):
    server = start(trusted=[])
    ended = 0
    for _ in range(5):  # 5 seconds each; from 15 on they count, and no other connection is taken
        with contextlib.suppress(Closed, OSError), RawSsh(server.ssh, host="127.0.0.2") as ssh:
            ssh.ask_for_login()
            for _ in range(6):
                ssh.send(forged_signature("ewc"))
            assert ssh.is_shown_the_door()
            ended += 1
    server.wait_for_log(r"127\.0\.0\.2/32: activating ipv4 penalty of \d+ seconds for penalty: failed authentication")

    assert len([line for line in server.whole_log() if "Failed publickey for ewc from 127.0.0.2" in line]) == 6 * ended
    assert ended >= 3


def test_a_wrong_signature_of_a_key_that_may_open_is_logged_with_that_key(keyed_server, key):
    kind, blob = key.with_suffix(".pub").read_text().split()[:2]
    blob = base64.b64decode(blob)
    fingerprint = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    shown = text(kind.encode()) + text(blob)
    with RawSsh(keyed_server.ssh) as ssh:
        ssh.ask_for_login()
        ssh.send(request("keyed", "publickey", b"\0", shown))
        ssh.expect(USERAUTH_PK_OK)
        ssh.send(request("keyed", "publickey", b"\1", shown, text(text(kind.encode()) + text(bytes(64)))))
    keyed_server.wait_for_log(rf"^sshd\[\d+\]: Failed publickey for keyed from 127\.0\.0\.1 port \d+ ssh2: ED25519 "
                              rf"SHA256:{re.escape(fingerprint)}")


def open_channel(ssh, channel=0):
    ssh.send(bytes([CHANNEL_OPEN]) + text("session") + u32(channel) + u32(1 << 30) + u32(32768))
    return int.from_bytes(ssh.expect(CHANNEL_OPENED)[5:9], "big")


def channel_request(channel, kind, more=b"", reply=True):
    return bytes([CHANNEL_REQUEST]) + u32(channel) + text(kind) + bytes([reply]) + more


def test_after_a_login_a_flood_of_packets_that_ask_for_nothing_ends_the_connection(server):
    with RawSsh(server.ssh) as ssh:
        ssh.log_in(USER, PASSWORD)
        with contextlib.suppress(Closed):
            for _ in range(200):
                ssh.send(*[bytes([IGNORE]) + text("x")] * 200)
        assert ssh.is_shown_the_door()
    server.wait_for_log("too many packets that ask for nothing")


def test_keep_alives_of_either_kind_are_borne(server):
    with RawSsh(server.ssh) as ssh:
        ssh.log_in(USER, PASSWORD)
        channel = open_channel(ssh)
        for _ in range(300):
            ssh.send(bytes([GLOBAL_REQUEST]) + text("keepalive@openssh.com") + b"\1",
                     channel_request(channel, "keepalive@openssh.com"))
        ssh.send(channel_request(channel, "subsystem", text("sftp")))
        ssh.expect(CHANNEL_SUCCESS)


def test_packets_that_are_no_part_of_a_key_exchange_end_it(server):
    with RawSsh(server.ssh) as ssh:
        ssh.log_in(USER, PASSWORD)
        ssh.send(ssh.kexinit())
        ssh.expect(KEXINIT)  # what came before that may have been honest
        ssh.send(*[bytes([UNKNOWN])] * 60)
        assert ssh.is_shown_the_door()
    server.wait_for_log("too many packets in a key exchange that are not of it")


# ---- the loop's time

def test_huge_keys_of_strangers_cost_the_loop_nothing(server):
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(RawSsh(server.ssh)) for _ in range(3)]
        for ssh in connections:
            ssh.ask_for_login()
            ssh.send(*[forged_signature("nobody", 16384)] * 6)
        while not all(map(RawSsh.is_shown_the_door, connections)):
            assert tftp_wire.fetch(server.tftp, SMALL)

    assert longest_turn(server) < 40


def test_many_clients_that_exchange_keys_at_once_cost_the_loop_one_long_turn(server):
    kex = "diffie-hellman-group16-sha512"
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(RawSsh(server.ssh, kex=kex)) for _ in range(12)]
        for ssh in connections:
            ssh.log_in(USER, PASSWORD)
        with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
            for _ in range(3):
                list(pool.map(RawSsh.exchange, connections))
        for ssh in connections:
            open_channel(ssh)

    line = next(line for line in server.whole_log() if "loop: " in line)
    print(line)
    # Each exchange takes 10 ms or more; 36 went by.
    assert float(re.search(r"the longest ([0-9.]+) ms", line).group(1)) < 100


# ---- one client and the others

def test_guesses_of_one_address_do_not_keep_another_waiting(server):
    server_side = r"^sshd\[\d+\]: Failed password for {} from"
    with contextlib.ExitStack() as stack:
        storm = [stack.enter_context(RawSsh(server.ssh, host="127.0.0.2")) for _ in range(30)]
        for ssh in storm:
            ssh.ask_for_login()
        honest = stack.enter_context(RawSsh(server.ssh, host="127.0.0.3")).ask_for_login()
        for ssh in storm:
            ssh.send(password(USER, "wrong"))
        server.wait_for_log(server_side.format(USER))
        honest.send(password(USER, PASSWORD))
        honest.expect(USERAUTH_SUCCESS)
        failed = [line for line in server.log_lines() if re.search(server_side.format(USER), line)]
        assert len(failed) < 20


def test_an_account_vouches_for_itself_alone(start):
    server = start(trusted=[])
    with RawSsh(server.ssh, host="127.0.0.2") as ssh:
        ssh.log_in(USER, PASSWORD)

    def is_punished():
        """Four guesses are enough where they come fast: what they cost is forgiven by the second."""
        with contextlib.suppress(Closed, OSError), RawSsh(server.ssh, host="127.0.0.2") as ssh:
            ssh.ask_for_login()
            ssh.send(password("admin", "guess"))
            ssh.expect(USERAUTH_FAILURE)
        return any("127.0.0.2/32: activating ipv4 penalty" in line for line in server.log_lines())
    wait_until(is_punished)
    with RawSsh(server.ssh, host="127.0.0.2") as ssh:
        ssh.ask_for_login()
        ssh.send(password("admin", "guess"))
        ssh.expect(USERAUTH_FAILURE)
    server.wait_for_log("logins of accounts that have not logged in from their address within the hour are refused there")
    with RawSsh(server.ssh, host="127.0.0.2") as ssh:
        ssh.log_in(USER, PASSWORD)


def test_connections_leave_tftp_its_descriptors(server):
    server.fingerprints()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (80, 80))
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(contextlib.closing(socket.create_connection(server.ssh, timeout=PATIENCE)))
        server.wait_for_log("SSH connections are not accepted")
        for _ in range(5):
            assert tftp_wire.fetch(server.tftp, SMALL)
    transport = login(server, USER, PASSWORD)
    assert Sftp(transport).realpath(".") == "/"
    transport.close()
