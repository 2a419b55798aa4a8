"""Algorithms in pairs, by asyncssh, which has all of them, and what only old devices still do, by paramiko;
test_ssh_algorithms.py has OpenSSH's client."""
import asyncio
import contextlib
import itertools
import socket

import paramiko
import pytest

from apdepot import PASSWORD, RELEASE, USER
from clients import Client, key_user
from sftp_wire import PATIENCE, Sftp, connect
from ssh_clients import asyncssh_connect
from test_ssh_algorithms import AEAD, PROFILES

IMAGE = f"{RELEASE}/ap1g8"
WITHOUT_MAC = "implicit"  # of a cipher that has its own
LEGACY = {**PROFILES["legacy"], "MACs": [*PROFILES["legacy"]["MACs"], WITHOUT_MAC]}


def pairs_of(choice):
    return set(itertools.combinations(enumerate(choice), 2))


def covering(*kinds, possible=lambda choice: True):
    """Few choices of one of each kind, in which every pair that is possible stands together once. Greedy."""
    choices = {choice: pairs_of(choice) for choice in itertools.product(*kinds) if possible(choice)}
    missing = set().union(*choices.values())
    while missing:
        best = max(choices, key=lambda choice: len(choices[choice] & missing))
        missing -= choices[best]
        yield best


def has_a_use_for_its_mac(choice):
    cipher, mac = choice[2:]
    return bool(AEAD.search(cipher)) == (mac == WITHOUT_MAC)


@pytest.fixture
def client(start_server, depot, key, tmp_path):
    config = key_user(key)
    config["ssh"]["compatibility"] = "legacy"
    return Client(start_server(depot, config), tmp_path / "home", key)


def test_every_pair_of_algorithms_moves_a_file(client, images):
    async def get(kex, host_key, cipher, mac):
        macs = ["hmac-sha2-256" if mac == WITHOUT_MAC else mac]
        async with asyncssh_connect(client, kex_algs=[kex], server_host_key_algs=[host_key], encryption_algs=[cipher],
                                    mac_algs=macs) as connection, connection.start_sftp_client() as sftp:
            async with sftp.open(IMAGE, "rb") as file:
                return await file.read()

    for choice in covering(*LEGACY.values(), possible=has_a_use_for_its_mac):
        assert asyncio.run(get(*choice)) == images["ap1g8"], choice


# ---- what only old devices do, by paramiko, which still can

def old_transport(server, **algorithms):
    """A connection after a key exchange to which the client brought these `algorithms` alone."""
    transport = paramiko.Transport(socket.create_connection(server.ssh, timeout=PATIENCE))
    options = transport.get_security_options()
    options.kex, options.key_types = algorithms["kex"], algorithms["keys"]
    options.ciphers, options.digests = algorithms["ciphers"], algorithms["macs"]
    transport.start_client(timeout=PATIENCE)
    transport.auth_timeout = PATIENCE
    return transport


OLD = {"kex": ["diffie-hellman-group14-sha1"], "keys": ["ssh-rsa"], "ciphers": ["aes128-cbc"], "macs": ["hmac-sha1"]}


def test_a_device_that_has_only_what_is_old_gets_an_image(client, images):
    transport = old_transport(client.server, **OLD)
    transport.auth_password(USER, PASSWORD, fallback=False)

    assert Sftp(transport).fetch(IMAGE) == images["ap1g8"]
    transport.close()


@pytest.mark.parametrize("hash, least, wanted, given", [("sha1", 1024, 1024, 2048), ("sha256", 1024, 2048, 2048),
                                                        ("sha1", 2048, 3072, 3072), ("sha256", 1024, 8192, 3072)])
def test_a_group_exchange_gives_the_group_that_fits_best(client, images, hash, least, wanted, given, monkeypatch):
    kex = f"diffie-hellman-group-exchange-{hash}"
    exchange = paramiko.Transport._kex_info[kex]
    sizes = []
    monkeypatch.setattr(exchange, "min_bits", least)
    monkeypatch.setattr(exchange, "preferred_bits", wanted)
    monkeypatch.setattr(exchange, "_generate_x", lambda self, made=exchange._generate_x: (
        sizes.append(self.p.bit_length()), made(self)))
    transport = old_transport(client.server, **{**OLD, "kex": [kex]})
    transport.auth_password(USER, PASSWORD, fallback=False)

    assert sizes == [given]
    assert Sftp(transport).fetch(IMAGE) == images["ap1g8"]
    transport.close()


@pytest.mark.parametrize("compatibility", ["legacy", "modern"])
def test_an_rsa_key_that_signs_by_sha1_is_for_old_devices_only(start_server, depot, compatibility, monkeypatch):
    private = paramiko.RSAKey.generate(2048)
    users = [{"name": "keyed", "authorized_keys": [f"ssh-rsa {private.get_base64()}"]}]
    server = start_server(depot, {"ssh": {"compatibility": compatibility, "users": users}})
    for algorithm in ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"):
        monkeypatch.setattr(paramiko.auth_handler.AuthHandler, "_finalize_pubkey_algorithm", lambda *_: algorithm)
        transport = connect(server)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            transport.auth_publickey("keyed", private)
        assert transport.is_authenticated() == (algorithm != "ssh-rsa" or compatibility == "legacy")
        transport.close()
    if compatibility == "modern":
        server.wait_for_log("no matching user key type found.*ssh.compatibility: legacy")
