"""The bench's SSH works: what is asked of each server, and what apdepot must reach."""
import contextlib
import filecmp
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import typing

import images
import peers
from table import Target

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from make_bundle import make_bundle  # noqa: E402

GETS = 3  # downloads in one session, so that the login weighs little
FILE = "C9800-AP-iosxe-wlc.bin"
GCM, CHACHA, CTR = "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"
# The cipher without a MAC of its own. Left to itself the client takes umac-64-etm with OpenSSH, and with us, for libssh
# has no umac, what costs three times as much.
MAC = "hmac-sha2-256-etm@openssh.com"


class Work(typing.NamedTuple):
    clients: int
    cipher: str
    file: str
    cpu: float | None = None  # per GB at most, in those of OpenSSH
    rate: float | None = None  # at least, likewise
    options: tuple = ()
    shape: str = ""

    def title(self):
        size = images.SIZES[self.file] / 1e6
        return f"SFTP {self.clients} x {self.cipher}{self.shape}, {GETS} x {size:.1f} MB each"

    def targets(self):
        cpu = [Target("cpu", "<=", self.cpu, "OpenSSH")] if self.cpu else []
        return cpu + ([Target("rate", ">=", self.rate, "OpenSSH")] if self.rate else [])


WORKS = [
    Work(1, GCM, FILE, cpu=0.40, rate=1.6),
    Work(1, CHACHA, FILE, cpu=0.45),
    Work(1, CTR, FILE, cpu=0.70, options=(f"-oMACs={MAC}",), shape=f", {MAC}"),
    Work(8, GCM, "ap1g8", rate=1.4),
    Work(1, GCM, "ap1g8", rate=1.0, options=("-B", "32768", "-R", "1"), shape=", stop-and-wait"),
]

SESSIONS, WARM_UP, IDLE_KIB = 100, 20, 64
BUSY, BUSY_KIB, BUSY_KBIT = 16, 512, 10_000

LOGINS, LOGIN_MS, LONGEST_LOGIN_MS = 20, 10, 20
USUAL_KEX = "curve25519-sha256"
KEX = [USUAL_KEX, "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512",
       "diffie-hellman-group14-sha256"]
OLD_KEX = ["diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha256"]

DOWNLOADS, LOGINS_AT_ONCE, TURN_MS = 8, 16, 5
DEAR_KEYS = "-oKexAlgorithms=diffie-hellman-group16-sha512", "-oRekeyLimit=64M"


class Ssh:
    def __init__(self, bench, servers):
        self.bench, self.servers = bench, servers
        self.ours = [server for server in servers if server.name == "apdepot"]

    def run(self):
        for server in self.ours:  # first of all: later, memory that was freed before would hide what is needed
            self.bench.attempt("idle sessions", lambda: self.idle(server))
            self.bench.attempt("busy sessions", lambda: self.busy(server))
        for server in self.servers:
            self.bench.attempt(f"{server.name} SFTP bytes", lambda: self.verify(server))
        for work in WORKS:
            self.work(work)
        for server in self.ours:
            self.bench.attempt("logins", lambda: self.logins(server))
        if self.ours:
            self.bench.attempt("fairness", self.fairness)

    def work(self, work):
        place = self.bench.options.cpus or "free"
        self.bench.work(work.title(), place, self.servers, work.targets(),
                        lambda server: self.download(server, work, place))

    def download(self, server, work, place):
        batch = f"get {server.prefix}/{work.file} /dev/null\n" * GETS
        with self.bench.measured(server, place) as (run, where):
            began = time.monotonic()
            clients = [self.sftp(server, work.cipher, *work.options, batch=batch, where=where)
                       for _ in range(work.clients)]
            for client in clients:
                finish(client)
            run["seconds"] = time.monotonic() - began
        return {**run, "bytes": work.clients * GETS * images.SIZES[work.file]}

    def verify(self, server):
        got = self.bench.scratch.parent / "got"  # on the tmpfs
        finish(self.sftp(server, GCM, batch=f"get {server.prefix}/{FILE} {got}\n"))
        same = filecmp.cmp(got, self.bench.scratch / "images" / FILE, shallow=False)
        got.unlink()
        if not same:
            raise RuntimeError(f"{FILE} came differently")

    def sftp(self, server, cipher, *options, batch, where=None):
        command = ["sftp", "-q", "-F", "/dev/null", *self.identity(), *options, "-P", port(server),
                   f"-oCiphers={cipher}", "-b", "-", "bench@127.0.0.1"]
        return start(command, batch, where)

    def ssh(self, server, *options):
        return ["ssh", "-q", "-F", "/dev/null", *self.identity(), *options, "-p", port(server), "-s", "bench@127.0.0.1",
                "sftp"]

    def identity(self):
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
                   "LogLevel=ERROR"]
        return ["-i", str(self.bench.scratch / "key"), *(f"-o{option}" for option in options)]

    def idle(self, server):
        with contextlib.ExitStack() as open_sessions:
            self.open_sessions(server, WARM_UP, open_sessions)
            before, _ = server.memory()
            self.open_sessions(server, SESSIONS, open_sessions)
            during, _ = server.memory()
        each = (during - before) / SESSIONS / 1024
        self.bench.raw["idle_session_kib"] = each
        title = f"{SESSIONS} idle SFTP sessions more"
        print(f"\n{title}: resident {before / 1e6:.1f} MB before, {during / 1e6:.1f} MB with them")
        self.bench.verdicts.give(title, f"<= {IDLE_KIB} KiB each", f"{each:.1f} KiB", each <= IDLE_KIB)

    def open_sessions(self, server, count, stack):
        """Logged in, SFTP begun, and silent. Four at a time, so that their logins are not held back."""
        for _ in range(count // 4):
            some = [stack.enter_context(silent_session(self.ssh(server))) for _ in range(4)]
            for session in some:
                session.stdin.write(b"\0\0\0\5\1\0\0\0\3")  # INIT, version 3
                session.stdin.flush()
            for session in some:
                if session.stdout.read(5)[4:] != b"\2":
                    raise RuntimeError("no VERSION came")

    def busy(self, server):
        """Downloads that their clients slow down, so that all run at once while we look."""
        before, _ = server.memory()
        batch = f"get {server.prefix}/{FILE} /dev/null\n"
        clients = [self.sftp(server, GCM, "-l", str(BUSY_KBIT), batch=batch) for _ in range(BUSY)]
        most = 0
        for _ in range(60):
            time.sleep(0.05)
            most = max(most, server.memory()[0])
        ended = [client for client in clients if client.poll() is not None]
        for client in clients:
            os.killpg(client.pid, signal.SIGKILL)  # sftp and its ssh
            client.communicate()
        if ended:
            raise RuntimeError(f"{len(ended)} downloads ended too early")
        each = (most - before) / BUSY / 1024
        self.bench.raw["busy_session_kib"] = each
        title = f"{BUSY} downloading SFTP sessions"
        print(f"\n{title}: resident {before / 1e6:.1f} MB before, at most {most / 1e6:.1f} MB with them")
        self.bench.verdicts.give(title, f"<= {BUSY_KIB} KiB each", f"{each:.1f} KiB", each <= BUSY_KIB)

    def logins(self, server):
        """CPU of the loop's thread, a login with an RSA host key and an ed25519 user key."""
        print(f"\nLogins, RSA 3072 host key: the loop's CPU for each of {LOGINS}")
        costs = {}
        for kex in KEX:
            costs[kex] = self.login_cost(server, kex)
            print(f"    {kex:36} {costs[kex]:6.1f} ms")
        self.bench.raw["login_ms"] = costs
        give = self.bench.verdicts.give
        give("login", f"{USUAL_KEX} <= {LOGIN_MS} ms", f"{costs[USUAL_KEX]:.1f} ms", costs[USUAL_KEX] <= LOGIN_MS)
        worst = max(costs, key=costs.get)
        give("login", f"any kex <= {LONGEST_LOGIN_MS} ms", f"{worst} {costs[worst]:.1f} ms",
             costs[worst] <= LONGEST_LOGIN_MS)

    def login_cost(self, server, kex):
        loop = server.meter.pids()[0]
        command = self.ssh(server, f"-oKexAlgorithms={kex}", "-oHostKeyAlgorithms=rsa-sha2-512")
        before = thread_seconds(loop)
        for _ in range(LOGINS):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            if done.returncode != 0:
                raise RuntimeError(f"{kex}: {done.stderr.decode(errors='replace').strip() or 'the login failed'}")
        return (thread_seconds(loop) - before) / LOGINS * 1000

    def fairness(self):
        """Everything at once, on a server of its own: what its loop says of its turns, and how long a TFTP block takes."""
        depot = self.bench.scratch / "fair"
        (depot / "images").mkdir(parents=True)
        for file in (self.bench.scratch / "images").iterdir():
            os.link(file, depot / "images" / file.name)
        bundle = make_bundle(self.bench.scratch, "full")
        server = peers.Apdepot(depot, self.bench.binary)
        server.run(key=self.bench.scratch / "key.pub")
        try:
            alone = self.turn_around(server)
            bundle.rename(depot / "drop" / bundle.name)
            batch = f"get {server.prefix}/{FILE} /dev/null\n" * GETS
            downloads = [self.sftp(server, GCM, *DEAR_KEYS, batch=batch) for _ in range(DOWNLOADS)]
            logins = [start(self.ssh(server), "") for _ in range(LOGINS_AT_ONCE)]
            beside = self.turn_around(server)
            for client in logins + downloads:
                finish(client)
            peers.wait_until(lambda: "published" in server.log.read_text(errors="replace"), 60)
        finally:
            server.stop()
        self.judge_fairness(server.log.read_text(errors="replace"), alone, beside)
        shutil.rmtree(depot)

    def turn_around(self, server):
        """Microseconds from a block to the next one, of a client in lockstep."""
        command = [self.bench.options.load, "--server", server.tftp, "--file", "ap-4MiB", "--clients", "1", "--blksize",
                   "1428", "--windowsize", "1", "--reference", self.bench.scratch / "images" / "ap-4MiB"]
        times = []
        for _ in range(5):
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.strip())
            run = json.loads(done.stdout)
            times.append(run["seconds"] / run["blocks"] * 1e6)
        return statistics.median(times)

    def judge_fairness(self, log, alone, beside):
        title = f"{DOWNLOADS} SFTP downloads with new keys by group16, {LOGINS_AT_ONCE} logins, an import, and TFTP"
        turns, longest = LOOP.search(log).groups()
        print(f"\n{title}")
        print(f"    {turns}")
        print(f"    a TFTP block's turn-around: {alone:.0f} µs alone, {beside:.0f} µs beside them, "
              f"ratio {beside / alone:.1f}")
        self.bench.raw["fairness"] = {"turn_around_us": [alone, beside], "longest_ms": float(longest)}
        self.bench.verdicts.give(title, f"no turn > {TURN_MS} ms", f"{longest} ms", float(longest) <= TURN_MS)


LOOP = re.compile(r"apdepot: (loop: \d+ turns, the longest ([\d.]+) ms.*)")


@contextlib.contextmanager
def silent_session(command):
    session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield session
    finally:
        session.stdin.close()
        session.stdout.close()
        session.wait(30)


def start(command, said, where=None):
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              preexec_fn=where, start_new_session=True)
    with contextlib.suppress(BrokenPipeError):  # it ended at once: finish() says why
        client.stdin.write(said)
        client.stdin.flush()
    return client


def finish(client):
    _, said = client.communicate(timeout=180)
    if client.returncode != 0:
        raise RuntimeError(said.strip() or f"the client ended with {client.returncode}")


def port(server):
    return server.ssh.split(":")[1]


def thread_seconds(pid):
    """Of the process's first thread, which is the loop's: run time in nanoseconds."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
