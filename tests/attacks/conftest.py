"""Each attack has a server of its own, the release binary as it is shipped: nobody is trusted, the limits are the
defaults unless a test is about one. Honest clients come from 127.0.0.1, the attackers from other addresses of it."""
import concurrent.futures
import contextlib
import multiprocessing
import os
import resource
import shutil
import zipfile

import pytest
from _pytest.runner import runtestprotocol
from cryptography.hazmat.primitives import serialization

import apdepot
import raw_ssh
from clients import make_key
from judges import RUNS, Honest, LongTurn
from make_bundle import make_bundle
from network import have_own_loopback
from target import Target, become_attacker

BIG = 16 << 20


def pytest_addoption(parser):
    parser.addoption("--latency", action="store_true",
                     help="also judge how fast others are answered: only on a machine that does nothing else")
    parser.addoption("--minutes", type=float, default=0, help="how long all attacks run at once; 0: not")


def pytest_configure():
    have_own_loopback()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call):
    outcome = yield
    if call.excinfo is not None and call.excinfo.errisinstance(LongTurn):
        outcome.get_result().long_turn = str(call.excinfo.value)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Runs a test again whose only fault is a long turn of the loop; judges.py tells why."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    too_long = []
    for _ in range(RUNS):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = [report for report in reports if report.failed]
        if [report.when for report in failed] != ["call"] or not hasattr(failed[0], "long_turn"):
            break
        too_long.append(failed[0].long_turn)
        item._initrequest()  # pytest's own name for new fixtures; there is no public one
    for report in reports:
        if too_long and report.when == "call":
            report.sections.append(("long turns, run by run", "\n".join(too_long)))
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session", autouse=True)
def many_sockets():
    """Attacks hold thousands at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="session")
def attackers():
    """Another process for the attacks, so that they do not hold up the honest clients."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), become_attacker,
                                                (0,)) as pool:
        yield pool


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Name and bytes of each of the small bundle's members."""
    with zipfile.ZipFile(make_bundle(tmp_path_factory.mktemp("bundle"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def big(tmp_path_factory):
    """A file that takes a while."""
    path = tmp_path_factory.mktemp("big") / "big"
    path.write_bytes(os.urandom(1 << 20) * (BIG >> 20))
    return path


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    """A state/ with host keys and a user with a password, made once."""
    return apdepot.make_state(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """Opens every account of the configuration."""
    return make_key(tmp_path_factory.mktemp("key") / "id_ed25519")


@pytest.fixture
def depot(tmp_path, state, images, big):
    """Serves a release and a big file."""
    depot = tmp_path / "depot"
    release = depot / "images" / apdepot.RELEASE[1:]
    release.mkdir(parents=True)
    shutil.copytree(state, depot / "state")
    for name, content in images.items():
        (release / name).write_bytes(content)
    shutil.copyfile(big, depot / "images/big")
    yield depot
    shutil.rmtree(depot, ignore_errors=True)


def accounts(key):
    line = key.with_suffix(".pub").read_text().strip()
    return [{"name": name, "authorized_keys": [line], "uploads": name == "sender"}
            for name in ("honest", "reader", "sender")]


@pytest.fixture
def start(tmp_path, depot, key):
    """Starts servers; `listen` says where for TFTP and SSH, `page` where for that, or None where the configuration
    does; `settings` are a part of the configuration each."""
    with apdepot.ended(lambda lines: [line[:300] for line in [*lines[:50], *lines[-50:]]]) as servers:
        def start(binary=apdepot.BINARY, listen=("127.0.0.1:0", "127.0.0.1:0"), page="none", **settings):
            ssh = {"trusted": [], "users": accounts(key), **settings.pop("ssh", {})}
            file = apdepot.write_config(tmp_path / "apdepot.yaml", {"drain": 0, **settings, "ssh": ssh})
            tftp, sshd = listen
            servers.append(apdepot.Server(depot, file, ("--tftp", tftp, "--ssh", sshd), binary=binary, web=page))
            return servers[-1]

        yield start


@pytest.fixture
def target(key):
    """A function: where a server's attackers go, and with which key."""
    private = serialization.load_ssh_private_key(key.read_bytes(), password=None)
    seed = private.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                 serialization.NoEncryption())
    return lambda server: Target(server.tftp, server.ssh, seed, server.http, server.https)


@pytest.fixture
def beside(key, images, request):
    """Honest clients beside an attack, as a context."""
    return lambda server: Honest(server, key, images["ap1g8"], request.config.getoption("--latency"))


@pytest.fixture
def under_attack(attackers, target, beside):
    """Runs one attack in the other process to its end, honest clients beside it; returns what the attack returns."""
    def run(server, attack, *arguments):
        with beside(server):
            return attackers.submit(attack, target(server), *arguments).result()
    return run


@pytest.fixture
def logged_in(target):
    """A function: an attacker's connection that has logged in."""
    with contextlib.ExitStack() as stack:
        def log_in(server, user="reader", **options):
            there = target(server)
            ssh = stack.enter_context(raw_ssh.RawSsh(there.ssh, **{"source": "127.0.0.2", **options}))
            return ssh.log_in(user, there.key)
        yield log_in
