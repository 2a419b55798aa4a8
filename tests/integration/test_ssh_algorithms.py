"""What both sides agree on: every algorithm that is offered works, what is old is offered on demand only, and the log
tells what was agreed on, or why nothing was."""
import contextlib
import itertools
import os
import re
import socket

import paramiko
import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER
from clients import Client, key_user
from sftp_wire import PATIENCE, Sftp, connect, login, string, u32

KINDS = {"KexAlgorithms": "kex", "HostKeyAlgorithms": "host key", "Ciphers": "cipher", "MACs": "MAC"}
MODERN = {
    "KexAlgorithms": ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
                      "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256"],
    "HostKeyAlgorithms": ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"],
    "Ciphers": ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr",
                "aes192-ctr", "aes128-ctr"],
    "MACs": ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"]}
OLD = {
    "KexAlgorithms": ["diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha256",
                      "diffie-hellman-group-exchange-sha1"],
    "HostKeyAlgorithms": ["ssh-rsa"],
    "Ciphers": ["aes256-cbc", "aes192-cbc", "aes128-cbc"],
    "MACs": ["hmac-sha1-etm@openssh.com", "hmac-sha1"]}
PROFILES = {"modern": MODERN, "legacy": {kind: MODERN[kind] + OLD[kind] for kind in MODERN}}
AEAD = re.compile("gcm|chacha20")


def combinations(profile):
    """Few connections in which each algorithm is met, and each MAC with each cipher that has use for one."""
    with_mac = [cipher for cipher in profile["Ciphers"] if not AEAD.search(cipher)]
    pairs = list(itertools.product(with_mac, profile["MACs"]))
    pairs += [(cipher, profile["MACs"][0]) for cipher in profile["Ciphers"] if AEAD.search(cipher)]
    kex, host_keys = itertools.cycle(profile["KexAlgorithms"]), itertools.cycle(profile["HostKeyAlgorithms"])
    for (cipher, mac), exchange, host_key in zip(pairs, kex, host_keys):
        yield {"KexAlgorithms": exchange, "HostKeyAlgorithms": host_key, "Ciphers": cipher, "MACs": mac}


def options(chosen):
    return [word for kind, name in chosen.items() for word in ("-o", f"{kind}={name}")]


@pytest.fixture
def start(start_server, depot, key, tmp_path):
    """Starts a server with settings of SSH's; returns OpenSSH's client of it."""
    def start(**settings):
        config = key_user(key)
        config["ssh"].update(settings)
        return Client(start_server(depot, config), tmp_path / "home", key)

    return start


def sftp(client, batch, *words, check=True):
    host, port = client.server.ssh
    file = client.file("batch", batch)
    return client.run("sftp", *words, *client.key_options(), "-b", file, "-P", port, f"{client.keyed}@{host}", check=check)


@pytest.mark.parametrize("compatibility", PROFILES)
def test_every_algorithm_that_is_offered_moves_a_file(start, images, compatibility):
    client = start(compatibility=compatibility)
    copy = client.home / "copy"
    for chosen in combinations(PROFILES[compatibility]):
        copy.unlink(missing_ok=True)
        (client.home / "known_hosts").unlink(missing_ok=True)  # each has the type of one host key
        sftp(client, f'get "{RELEASE}/ap1g8" "{copy}"\n', *options(chosen))

        assert copy.read_bytes() == images["ap1g8"], chosen
        kex, host_key, cipher, mac = chosen.values()
        agreed = f"{cipher} {'<implicit>' if AEAD.search(cipher) else mac}"
        client.server.wait_for_log(
            rf"^sshd\[\d+\]: 127\.0\.0\.1 port \d+ is SSH-2\.0-OpenSSH\S*( \S+)*: kex {re.escape(kex)}, host key "
            rf"{host_key}, client->server {re.escape(agreed)}, server->client {re.escape(agreed)}$")


def offered_by(server):
    """The ten lists of the server's KEXINIT (RFC 4253 7.1)."""
    with socket.create_connection(server.ssh, timeout=PATIENCE) as connection, connection.makefile("rwb") as stream:
        stream.write(b"SSH-2.0-probe\r\n")
        stream.flush()
        assert stream.readline().startswith(b"SSH-2.0-apdepot_")
        size = int.from_bytes(stream.read(4), "big")
        offer = paramiko.Message(stream.read(size)[18:])
    return [offer.get_list() for _ in range(10)]


@pytest.mark.parametrize("compatibility", PROFILES)
def test_nothing_else_is_offered(start, compatibility):
    kex, host_keys, cipher_in, cipher_out, mac_in, mac_out, *compression = offered_by(start(compatibility=compatibility).server)
    profile = PROFILES[compatibility]

    assert [name for name in kex if not name.startswith(("kex-strict-", "ext-info-"))] == profile["KexAlgorithms"]
    assert sorted(host_keys) == sorted(profile["HostKeyAlgorithms"])
    assert cipher_in == cipher_out == profile["Ciphers"]
    assert mac_in == mac_out == profile["MACs"]
    assert compression[:2] == [["none"], ["none"]]


def test_lists_of_ones_own_replace_the_profiles(start):
    client = start(kex=["ecdh-sha2-nistp384"], host_key_algorithms=["rsa-sha2-256"], ciphers=["aes128-ctr"],
                   macs=["hmac-sha2-512"])
    kex, host_keys, ciphers, _, macs, *_ = offered_by(client.server)

    assert kex[0] == "ecdh-sha2-nistp384" and "curve25519-sha256" not in kex
    assert (host_keys, ciphers, macs) == (["rsa-sha2-256"], ["aes128-ctr"], ["hmac-sha2-512"])
    sftp(client, "pwd\n")


def test_strict_key_exchange_is_agreed_on_against_terrapin(start):
    client = start()
    kex = offered_by(client.server)[0]
    said = sftp(client, "pwd\n", "-vvv").stderr

    assert "kex-strict-s-v00@openssh.com" in kex
    assert "will use strict KEX ordering" in said
    assert "resetting send seqnr" in said and "resetting read seqnr" in said


def packet(kind, *parts):
    """As it is sent before there are keys (RFC 4253 6)."""
    payload = bytes([kind]) + b"".join(parts)
    padding = 8 - (5 + len(payload)) % 8 + 8
    return u32(1 + len(payload) + padding) + bytes([padding]) + payload + bytes(padding)


def key_exchange(kex, value):
    """All that a client sends for the first keys, in one piece."""
    lists = [kex, "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""]
    return (packet(20, bytes(16), *map(string, lists), bytes(5))  # SSH_MSG_KEXINIT
            + packet(30, string(value))  # SSH_MSG_KEX_ECDH_INIT, SSH_MSG_KEXDH_INIT
            + packet(21))  # SSH_MSG_NEWKEYS


@pytest.mark.parametrize("strict", [False, True])
def test_what_terrapin_slips_in_ends_a_strict_key_exchange(server, strict):
    """An IGNORE before all else; without strict key exchange it must be taken (RFC 4253 11.2)."""
    kex = "curve25519-sha256" + ",kex-strict-c-v00@openssh.com" * strict
    with socket.create_connection(server.ssh, timeout=PATIENCE) as connection, connection.makefile("rwb") as stream:
        stream.write(b"SSH-2.0-probe\r\n")
        stream.write(packet(2, string("")))  # SSH_MSG_IGNORE
        stream.write(key_exchange(kex, b"\x09" + bytes(31)))
        stream.flush()
        end = r"Disconnecting 127\.0\.0\.1 port \d+: Received unexpected packets in strict KEX mode\." if strict else \
            r"is SSH-2\.0-probe: kex curve25519-sha256, "
        server.wait_for_log(end)


def test_a_flood_of_key_exchanges_hinders_neither_tftp_nor_the_end(server, images):
    """group16 is the dearest that is offered. The server ends while it is at them, and ends well."""
    kex = "diffie-hellman-group16-sha512"
    with contextlib.ExitStack() as connections:
        for _ in range(40):
            connection = connections.enter_context(socket.create_connection(server.ssh, timeout=PATIENCE))
            connection.sendall(b"SSH-2.0-flood\r\n" + key_exchange(kex, b"\x01" + os.urandom(500)))
        assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8") == images["ap1g8"]
        server.wait_for_log(rf"is SSH-2\.0-flood: kex {kex}, ")
        server.stop()


# ---- what the log tells of a negotiation that fails

@pytest.mark.parametrize("chosen, word, helps", [
    ({"KexAlgorithms": "diffie-hellman-group14-sha1"}, "key exchange method", True),
    ({"KexAlgorithms": "diffie-hellman-group-exchange-sha1"}, "key exchange method", True),
    ({"KexAlgorithms": "diffie-hellman-group1-sha1"}, "key exchange method", False),
    ({"HostKeyAlgorithms": "ssh-rsa"}, "host key type", True),
    ({"Ciphers": "aes128-cbc"}, "cipher", True), ({"Ciphers": "3des-cbc"}, "cipher", False),
    ({"Ciphers": "aes128-ctr", "MACs": "hmac-sha1"}, "MAC", True),
    ({"Ciphers": "aes128-ctr", "MACs": "umac-64@openssh.com"}, "MAC", False)])
def test_a_failed_negotiation_shows_both_lists_and_the_setting_that_mends_it(start, chosen, word, helps):
    client = start()
    done = sftp(client, "pwd\n", *options(chosen), check=False)
    theirs = list(chosen.values())[-1]
    line = client.server.wait_for_log(
        rf"^sshd\[\d+\]: Unable to negotiate with 127\.0\.0\.1 port \d+: no matching {word} found\. "
        rf"Their offer: {re.escape(theirs)}\S*\. Ours: \S+\. They are SSH-2\.0-OpenSSH.*").group()

    assert done.returncode != 0
    assert line.endswith("; ssh.compatibility: legacy has what they need") == helps
    assert MODERN[list(chosen)[-1]][0] in line


@pytest.mark.parametrize("kex, word, ours", [
    ("diffie-hellman-group1-sha1", "key exchange method", "curve25519-sha256"),
    ("curve25519-sha256", "host key type", "ssh-ed25519")])
def test_a_client_that_sends_all_at_once_is_told_what_does_not_match(server, kex, word, ours):
    """The server reads the client's lists before it has sent its own: as clients on a busy machine have it."""
    offer = packet(20, bytes(16), *map(string, [kex, "ssh-dss", *["aes128-ctr"] * 2, *["hmac-sha2-256"] * 2, *["none"] * 2,
                                                "", ""]), bytes(5))
    for count in range(10):
        since = len(server.lines)
        with socket.create_connection(server.ssh, timeout=PATIENCE) as connection, connection.makefile("rwb") as stream:
            stream.write(b"SSH-2.0-hasty\r\n" + offer)
            stream.flush()
            assert stream.readline().startswith(b"SSH-2.0-apdepot_")
            rest = stream.read()
        assert f"no matching {word} found. This server offers: ".encode() in rest and ours.encode() in rest
        server.wait_for_log(rf"Unable to negotiate with 127\.0\.0\.1 port \d+: no matching {word} found\. ", since=since)


def test_a_group_exchange_that_finds_no_group_ends_at_once(start):
    server = start(compatibility="legacy").server
    with socket.create_connection(server.ssh, timeout=PATIENCE) as connection, connection.makefile("rwb") as stream:
        lists = ["diffie-hellman-group-exchange-sha256", "ssh-ed25519", *["aes128-ctr"] * 2, *["hmac-sha2-256"] * 2,
                 *["none"] * 2, "", ""]
        stream.write(b"SSH-2.0-probe\r\n" + packet(20, bytes(16), *map(string, lists), bytes(5))
                     + packet(34, u32(4096), u32(4096), u32(8192)))  # SSH_MSG_KEX_DH_GEX_REQUEST
        stream.flush()
        assert b"Couldn't find DH group for [4096:4096:8192]" in stream.read()
    server.wait_for_log(r"Disconnecting 127\.0\.0\.1 port \d+: Couldn't find DH group for \[4096:4096:8192\]")


# ---- how a connection ended

def test_a_probe_that_says_nothing_is_one_line_at_debug_only(start_server, depot):
    for level in ("verbose", "debug"):
        server = start_server(depot, {"log": {"level": level}})
        with socket.create_connection(server.ssh, timeout=PATIENCE) as probe:
            assert probe.recv(4) == b"SSH-"
        login(server, USER, PASSWORD).close()
        assert sum("connected and sent nothing" in line for line in server.whole_log()) == (level == "debug")


def test_each_session_says_how_it_ended(start):
    client = start()
    sftp(client, "pwd\n")
    client.server.wait_for_log(
        r"^sshd\[\d+\]: Disconnected from user keyed 127\.0\.0\.1 port \d+: 11:disconnected by user$")
    with contextlib.closing(connect(client.server)):
        pass
    client.server.wait_for_log(r"^sshd\[\d+\]: Connection (closed|reset) by 127\.0\.0\.1 port \d+$")


def test_what_a_client_says_of_itself_is_escaped(server):
    transport = paramiko.Transport(socket.create_connection(server.ssh, timeout=PATIENCE))
    transport.local_version = "SSH-2.0-evil\x1b[31m\\"
    with contextlib.suppress(paramiko.SSHException, EOFError):
        transport.start_client(timeout=PATIENCE)
    transport.close()

    assert server.wait_for_log(r"port \d+ is SSH-2\.0-evil\\x1b\[31m\\\\: kex ")
    assert "\x1b" not in "".join(server.whole_log())


def test_an_unknown_algorithm_is_an_error_of_the_configuration(tmp_path):
    file = apdepot.write_config(tmp_path / "apdepot.yaml", {"ssh": {"kex": ["curve25519-sha265"], "ciphers": ["3des-cbc"]}})
    done = apdepot.run("config", "check", "--config", file)

    assert done.returncode == 1
    assert "did you mean curve25519-sha256?" in done.stdout + done.stderr
    assert "that one is never offered: it is too weak" in done.stdout + done.stderr


def test_the_password_works_too(start):
    transport = login(start(compatibility="legacy").server, USER, PASSWORD)

    assert Sftp(transport).realpath(".") == "/"
    transport.close()
