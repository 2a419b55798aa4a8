"""What somebody may do over SSH on whom nobody has logged in."""
import contextlib
import shlex
import socket
import subprocess

import pytest

import apdepot
from judges import Growth, judge_loop
from raw_ssh import Closed
from ssh_attacks import BEFORE_LOGIN, FIRST_WORDS, WRONG, first_words, flood, gssapi, rsa_login, wrong_signatures

MOST_MB = 16  # for one connection; the honest clients beside it need some of it
ANSWERED = 50  # requests of one connection that are answered before the server hangs up


def test_gssapi_asks_no_name_server(start, target, tmp_path):
    """The name servers do not answer, and no hosts file knows this host: each question would take seconds."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root, to change the server's name servers")
    resolver = "127.53.53.53"
    files = {"/etc/resolv.conf": f"nameserver {resolver}\n", "/etc/hosts": "127.0.0.1 localhost\n"}
    mounts = []
    for number, (path, text) in enumerate(files.items()):
        (tmp_path / str(number)).write_text(text)
        mounts.append(f"mount --bind {shlex.quote(str(tmp_path / str(number)))} {path}")
    script = " && ".join([*mounts, f'exec {shlex.quote(str(apdepot.BINARY))} "$@"'])
    wrapper = tmp_path / "without-names"
    wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c {shlex.quote(script)} apdepot \"$@\"\n")
    wrapper.chmod(0o755)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind((resolver, 53))
        silent.setblocking(False)
        server = start(binary=wrapper)
        gssapi(target(server), 3)
        with pytest.raises(BlockingIOError):
            question = silent.recv(512)
            pytest.fail(f"the server asked {question!r}")


def test_gssapi_is_counted(start, under_attack):
    server = start()
    assert under_attack(server, gssapi, 2000) <= ANSWERED + 1  # the last one ends the connection
    judge_loop(server)


@pytest.mark.parametrize(("bits", "exponent_bits"), [(3072, 3070), (16_384, 64), (4096, 17)])
@pytest.mark.parametrize("connections", [1, 10])
def test_wrong_signatures_are_not_verified_on_the_loop(start, under_attack, bits, exponent_bits, connections):
    server = start()
    under_attack(server, wrong_signatures, 3, bits, exponent_bits, connections)
    judge_loop(server)


def test_wrong_signatures_are_counted(start, target):
    server = start()
    with target(server).connect() as ssh:
        ssh.begin_login()
        with contextlib.suppress(Closed):
            ssh.send(*[rsa_login(2048, 17)] * WRONG)
        assert len(ssh.wait_for_end()) <= ANSWERED + 1  # the last one ends the connection


@pytest.mark.parametrize("connections", [1, 10, 50])
@pytest.mark.parametrize("kind", BEFORE_LOGIN)
def test_packets_whose_answers_nobody_reads(start, under_attack, kind, connections):
    server = start()
    with Growth(server) as growth:
        under_attack(server, flood, 2, kind, connections)

    assert growth.megabytes <= MOST_MB + connections
    judge_loop(server)


@pytest.mark.parametrize("kind", FIRST_WORDS)
def test_first_words_that_lead_to_no_keys(start, under_attack, kind):
    server = start()
    with Growth(server) as growth:
        under_attack(server, first_words, 3, kind, 40)
    assert growth.megabytes <= MOST_MB + 40
    judge_loop(server)


def test_whoever_sends_what_nobody_knows_is_hung_up_on(start, target):
    server = start()
    with target(server).connect() as ssh, pytest.raises(Closed):
        ssh.begin_login()
        for _ in range(1000):
            ssh.send(b"\xfa")
            ssh.receive()
