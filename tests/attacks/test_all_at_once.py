"""Every attack at once, from addresses of their own, against one server that may use 256 MiB and 4096 descriptors; the
honest clients beside them must all end whole. `--minutes N` says how long."""
import concurrent.futures
import contextlib
import multiprocessing
import os
import pathlib
import time

import pytest

import apdepot
import drop_attacks
import http_attacks
import ssh_attacks
import tftp_attacks
from judges import BareLoop, descriptors, judge_loop_beside
from target import Deadline, become_attacker

MEMORY, DESCRIPTORS = 256, 4096  # MiB, and how many
ROUND = 10  # seconds of one attack, before the next of its kind


def tftp_kinds():
    yield "odd requests", [(tftp_attacks.odd_requests, kind) for kind in tftp_attacks.ODD_REQUESTS]
    yield "misses", [(tftp_attacks.misses, ROUND, kind, 500) for kind in tftp_attacks.MISSES]
    yield "window hog", [(tftp_attacks.window_hog, ROUND, 64)]
    yield "table", [(tftp_attacks.table_exhaustion, ROUND)]
    yield "log", [(tftp_attacks.log_flood, ROUND)]
    yield "uploads", [(tftp_attacks.uploads, ROUND)]
    yield "slow uploads", [(tftp_attacks.slow_uploads, ROUND), (tftp_attacks.half_filled_windows, ROUND)]
    yield "strays", [(tftp_attacks.strays, ROUND, kind) for kind in tftp_attacks.STRAYS]
    yield "forged requests", [(tftp_attacks.forged_requests, ROUND)]
    yield "hijacks", [(tftp_attacks.hijacks, ROUND)]


def ssh_kinds():
    """Each kind from an address of its own, where an attack has one."""
    yield "gssapi", [(ssh_attacks.gssapi, 5000, "127.0.2.1")]
    yield "signatures", [(ssh_attacks.wrong_signatures, ROUND, bits, exponent, 10, "127.0.2.2")
                         for bits, exponent in ((3072, 3070), (16_384, 64))]
    yield "before login", [(ssh_attacks.flood, ROUND, kind, 20, "127.0.2.3") for kind in ssh_attacks.BEFORE_LOGIN]
    yield "guesses", [(ssh_attacks.guess_on, ROUND, 50, "127.0.2.4")]
    yield "after login", [(ssh_attacks.flood_logged_in, ROUND, kind, 5, "127.0.2.5")
                          for kind in ssh_attacks.AFTER_LOGIN]
    yield "rekey", [(ssh_attacks.rekey, ROUND, 40, "127.0.2.6")]
    yield "small requests", [(ssh_attacks.small_requests, ROUND, kind, 10, "reader", "127.0.2.7")
                             for kind in ssh_attacks.SMALL_REQUESTS]
    yield "unread", [(ssh_attacks.unread_reads, ROUND, 10, "reader", "127.0.2.8")]
    yield "first words", [(ssh_attacks.first_words, ROUND, kind, 20, "127.0.2.9") for kind in ssh_attacks.FIRST_WORDS]
    yield "handles", [(ssh_attacks.handles, ROUND, user, "127.0.2.10") for user in ("reader", "sender")]
    yield "names", [(ssh_attacks.names, ROUND, "reader", "127.0.2.11")]
    yield "scp", [(ssh_attacks.scp, ROUND, kind, "sender", "127.0.2.12") for kind in ssh_attacks.SCP_COMMANDS]
    yield "folders", [(ssh_attacks.list_again, ROUND, 10, "reader", "127.0.2.13", ssh_attacks.BIG_FOLDER, read)
                      for read in (True, False)]
    yield "sftp uploads", [(ssh_attacks.hostile_uploads, ROUND, "127.0.2.14")]
    yield "logins", [(ssh_attacks.logins, ROUND, "127.0.2.15")]


def http_kinds():
    yield "requests over HTTP", [(http_attacks.flood, ROUND, kind, 20, "127.0.3.1") for kind in http_attacks.FLOODS]
    yield "connections over HTTP", [(http_attacks.hold, ROUND, kind, 1000, "127.0.3.2")
                                    for kind in ("silent", "slow header", "half-read body")]
    yield "resets over HTTP", [(http_attacks.come_and_go, ROUND, "127.0.3.3")]
    yield "TLS", [(http_attacks.handshakes, ROUND, "127.0.3.4"), (http_attacks.whole_handshakes, ROUND, "127.0.3.4"),
                  *((http_attacks.tls_bursts, ROUND, kind, "127.0.3.4") for kind in http_attacks.TLS_BURSTS)]


def drop_kinds(depot):
    yield "drop", [(drop_attacks.hostile_files, ROUND, str(depot))]


def go_on(target, seconds, given_up, attacks):
    """One after the other, until the time is over. That the server refuses one is as it should be."""
    until, rounds = Deadline(seconds), 0
    while until and not given_up.exists():
        attack, *arguments = attacks[rounds % len(attacks)]
        with contextlib.suppress(OSError, ssh_attacks.Closed, AssertionError):
            attack(target, *arguments)
        rounds += 1
        time.sleep(0.2)
    return rounds


@pytest.fixture
def enter_group():
    """Words that start a command whose memory the kernel bounds; none where this user may make no group."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(root, f"apdepot-attacks-{os.getpid()}")
        with contextlib.suppress(OSError):
            group.mkdir()
            if (group / limit).exists():
                (group / limit).write_text(str(MEMORY << 20))
                break
            group.rmdir()
    else:
        yield ""
        return
    yield f"echo $$ >{group}/cgroup.procs; "
    apdepot.wait_until(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


def make_folders(images):
    """For scp's patterns and for lists."""
    (images / "brackets").mkdir()
    for number in range(64):
        (images / "brackets" / ("[" * 250 + f"{number:04}")).write_bytes(b"x")
    (images / ssh_attacks.BIG_FOLDER).mkdir()
    for number in range(20_000):
        (images / ssh_attacks.BIG_FOLDER / f"{number:06}").touch()


def test_all_attacks_at_once(enter_group, start, depot, target, beside, tmp_path, request):
    minutes = request.config.getoption("--minutes")
    if not minutes:
        pytest.skip("needs --minutes")
    make_folders(depot / "images")
    attacks = dict([*tftp_kinds(), *ssh_kinds(), *http_kinds(), *drop_kinds(depot)])
    # Attackers have machines of their own: here they leave the server its part of this one.
    with concurrent.futures.ProcessPoolExecutor(len(attacks), multiprocessing.get_context("spawn"), become_attacker,
                                                (10,)) as pool:
        wrapper = tmp_path / "limited"
        wrapper.write_text(f'#!/bin/sh\n{enter_group}exec prlimit --nofile={DESCRIPTORS} {apdepot.BINARY} "$@"\n')
        wrapper.chmod(0o755)
        server = start(binary=wrapper, tftp={"uploads": True}, http={"listen": ["127.0.0.1:0", "https://127.0.0.1:0"]})
        there, most_memory, most_descriptors = target(server), 0, 0
        given_up = tmp_path / "given up"
        with beside(server) as honest, BareLoop() as bare:
            running = {pool.submit(go_on, there, minutes * 60, given_up, each): name for name, each in attacks.items()}
            while not all(each.done() for each in running):
                if server.process.poll() is not None or honest.trouble:
                    given_up.touch()
                    raise AssertionError(honest.trouble or "the server is gone")
                most_memory = max(most_memory, server.resident_megabytes())
                most_descriptors = max(most_descriptors, descriptors(server))
                time.sleep(0.5)
        print({name: each.result() for each, name in running.items()}, honest.downloads,
              f"{most_memory:.0f} MB, {most_descriptors} descriptors")
        assert most_memory <= MEMORY * 1.05 and most_descriptors < DESCRIPTORS
        judge_loop_beside(server, bare)
