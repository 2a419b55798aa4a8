"""What the operator's side costs: one binary with a history, metrics, devices' logs and five viewers, and beside it the
same binary without any of them, by turns and with the same thousand transfers running."""
import contextlib
import pathlib
import subprocess
import sys

import idle
import peers
from ssh import GCM, Ssh, Work as Session
from tftp import IDLE, Tftp, Work

HERE = pathlib.Path(__file__).resolve().parent
METRICS, SYSLOG = "127.0.0.1:9169", "127.0.0.1:5514"
WATCHED = f"""\
metrics: {{listen: ["{METRICS}"]}}
syslog: {{listen: ["{SYSLOG}"], allow: [127.0.0.0/8]}}
"""
UNWATCHED = "history: {days: 0}\nweb: {listen: []}\n"

DOWNLOADS = [Work(200, 1428, 16, "ap-4MiB"), Work(200, 1428, 1, "ap-4MiB")]
CROWDS = [Work(1000, 1428, 16, "ap-4MiB"), Work(1000, 1428, 1, "ap-1MiB")]  # the thousand themselves
SESSIONS = [Session(1, GCM, "C9800-AP-iosxe-wlc.bin"), Session(8, GCM, "ap1g8")]


class Watched:
    def __init__(self, bench):
        self.bench = bench

    def run(self):
        print(f"{peers.Before.name}: the same binary, and nobody looks at it")
        bench, key = self.bench, f"{self.bench.scratch}/key.pub"
        with contextlib.ExitStack() as running:
            ours = bench.begin(running, peers.Apdepot, bench.binary, key=key, settings=WATCHED)
            plain = bench.begin(running, peers.Before, bench.binary, key=key, settings=UNWATCHED)
            if not ours or not plain:
                return bench.failed.append("watched: one of the two servers does not run")
            running.enter_context(onlookers(ours.depot))
            tftp, ssh = Tftp(bench, [ours, plain]), Ssh(bench, [ours, plain])
            for work in CROWDS:
                tftp.work(work, tftp.servers)
            running.enter_context(idle.many_files())
            for server in ours, plain:
                transfers = idle.Idle(server.tftp, IDLE.file, IDLE.blksize, IDLE.windowsize)
                running.callback(transfers.end)
                transfers.begin(IDLE.clients)
            for work in DOWNLOADS:
                tftp.work(work, tftp.servers)
            for work in SESSIONS:
                ssh.work(work)


@contextlib.contextmanager
def onlookers(depot):
    """A process of their own, so that only what the server does for them is counted."""
    looking = subprocess.Popen([sys.executable, "-B", HERE / "onlookers.py", depot / "state/control.sock", METRICS,
                                SYSLOG], stdout=subprocess.PIPE)
    try:
        if looking.stdout.readline() != b"looking\n":
            raise RuntimeError("the viewers see nothing")
        yield
        if looking.poll() is not None:
            raise RuntimeError("the viewers went away")
    finally:
        looking.kill()
        looking.wait()
        looking.stdout.close()
