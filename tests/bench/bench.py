#!/usr/bin/python3
"""apdepot beside the servers that people use, in one run: CPU seconds per 10^9 bytes, and MB/s.

Only ratios within a run mean anything. Everything runs in a network, mount and process namespace of its own, so that
ports, /etc/passwd and /run are the bench's, and every process ends with it. Exit 1 if something did not run or a target
is missed; the last lines say what.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import images
import lookup
import peers
from http_images import Http
from ssh import Ssh
from table import Verdicts, print_work
from tftp import Tftp
from watched import Watched

HERE = pathlib.Path(__file__).resolve()
TREE = HERE.parents[2]
PEERS = TREE / "build/peers"
RUN = pathlib.Path("/run/bench")  # in our own mount namespace
READY_MS, RESIDENT_MB = 200, 30


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.failed, self.verdicts = [], Verdicts()
        self.raw = {"works": []}

    def run(self):
        load = os.getloadavg()[0]
        if load > 1:
            print(f"The machine is busy (load {load:.1f}): OpenSSH's processes then wake each other less, and need up\n"
                  "to a third less CPU per GB. Measure again on an idle machine.\n", flush=True)
        self.raw["load"] = load
        self.binary = pathlib.Path(self.options.apdepot)
        if self.options.what in ("lookup", "both"):
            self.attempt("lookup", self.lookup)
        if self.options.what == "lookup":
            return self.finish()
        images.make(self.scratch / "images")
        peers.make_key(self.scratch / "key")
        if self.options.what == "watched":
            Watched(self).run()
            return self.finish()
        if self.binary.exists():
            self.attempt("start", self.start_times)
        else:
            self.failed.append(f"apdepot: {self.binary} is missing, so only the peers ran")
        with contextlib.ExitStack() as running:
            key = f"{self.scratch}/key.pub"
            ours = self.begin(running, peers.Apdepot, self.binary, key=key)
            before = self.options.before and self.begin(running, peers.Before, self.options.before, key=key)
            if self.options.what in ("tftp", "both"):
                others = [before] if self.options.before else self.tftp_peers(running)
                Tftp(self, [s for s in [ours, *others] if s]).run()
            if self.options.what in ("ssh", "both"):
                others = [before] if self.options.before else [
                    self.begin(running, peers.Sshd, folder=PEERS, key=self.scratch / "key")]
                Ssh(self, [s for s in [ours, *others] if s]).run()
            if ours:
                self.attempt("memory", lambda: self.memory(ours))
        if self.options.what in ("http", "both") and not self.options.before:
            with contextlib.ExitStack() as running:
                ours = self.begin(running, peers.Apdepot, self.binary,
                                  settings='http: {listen: ["127.0.0.1:0"]}')
                yardstick = self.begin(running, peers.BareSendfile, program=self.options.bare_sendfile)
                Http(self, [s for s in [ours, yardstick] if s]).run()
        return self.finish()

    def tftp_peers(self, running):
        peer_servers = [self.begin(running, kind, folder=PEERS) for kind in (peers.TftpdHpa, peers.Dnsmasq)]
        return [*peer_servers, self.begin(running, peers.BareLoop, program=self.options.bare_loop)]

    def begin(self, running, kind, *arguments, **how):
        if issubclass(kind, peers.Apdepot) and not self.binary.exists():
            return None

        def start():
            server = kind(self.scratch, *arguments).run(**how)
            running.callback(server.stop)
            self.raw.setdefault("cpu_measured_by", server.meter.how)
            return server
        return self.attempt(kind.name, start)

    def attempt(self, what, do):
        """Something that fails is reported, and the rest still runs."""
        try:
            return do()
        except (OSError, RuntimeError, subprocess.SubprocessError, KeyError, ValueError) as error:
            self.failed.append(f"{what}: {error}")
            return None

    @contextlib.contextmanager
    def measured(self, server, place):
        """Fills in the server's CPU seconds; `where` puts the client on its CPU."""
        cpus = sorted(os.sched_getaffinity(0))
        server_on = cpus if place == "free" else cpus[-1:]
        client_on = {"free": cpus, "same": cpus[-1:], "apart": cpus[:1]}[place]
        for pid in server.meter.pids():
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), server_on)
        before = at_rest(server.meter)
        run = {}
        yield run, lambda: os.sched_setaffinity(0, client_on)
        time.sleep(0.05)  # for the children's last work
        run["cpu_seconds"] = server.meter.seconds() - before
        if run["cpu_seconds"] <= 0:
            raise RuntimeError("no CPU time was counted")

    def work(self, title, place, servers, targets, run):
        runs = {server.name: [] for server in servers}
        for _ in range(self.options.repeats):
            for server in servers:
                done = self.attempt(f"{server.name} {title}", lambda: run(server))
                if done:
                    runs[server.name].append(done)
        print_work(title, PLACES[place], runs, targets, self.verdicts)
        self.keep(title, runs, place)
        return runs

    def keep(self, title, runs, place="free"):
        sys.stdout.flush()
        self.raw["works"].append({"work": title, "cpus": place, "runs": runs})

    def lookup(self):
        loop = self.raw["miss_us"] = lookup.run(self.binary, self.scratch)
        self.verdicts.give("a miss among 1,000 releases", f"<= {lookup.MOST_US} us of the loop", f"{loop:.0f} us",
                           loop <= lookup.MOST_US)

    def start_times(self):
        """The first start makes the host keys."""
        first, second = [], []
        for index in range(5):
            depot = self.scratch / f"start-{index}"
            depot.mkdir()
            first.append(peers.seconds_to_ready(self.binary, depot) * 1000)
            second.append(peers.seconds_to_ready(self.binary, depot) * 1000)
        self.raw["ready_ms"] = {"first": first, "second": second}
        for name, times in self.raw["ready_ms"].items():
            middle = statistics.median(times)
            print(f"ready after the {name} start: median {middle:.0f} ms, {min(times):.0f} to {max(times):.0f}")
            self.verdicts.give(f"{name} start", f"<= {READY_MS} ms", f"{middle:.0f} ms", middle <= READY_MS)

    def memory(self, server):
        now, most = server.memory()
        self.raw["resident"] = {"now": now, "most": most}
        print(f"\nresident after serving: {now / 1e6:.1f} MB, at most {most / 1e6:.1f} MB")
        self.verdicts.give("resident after serving", f"< {RESIDENT_MB} MB", f"{now / 1e6:.1f} MB",
                           now < RESIDENT_MB * 1e6)

    def finish(self):
        print(f"\nCPU by {self.raw.get('cpu_measured_by', 'nothing')}; the best of the repeats, servers in "
              "turn; spread is between the CPU figures of the repeats")
        for failure in dict.fromkeys(self.failed):
            print(f"DID NOT RUN  {failure}")
        for missed in self.verdicts.missed:
            print(f"MISSED  {missed}")
        if self.options.json:
            self.raw["failed"], self.raw["missed"] = self.failed, self.verdicts.missed
            pathlib.Path(self.options.json).write_text(json.dumps(self.raw, indent=1) + "\n")
        return 1 if self.failed or self.verdicts.missed else 0


def at_rest(meter):
    """The CPU seconds so far, once the server does nothing more for itself: at its start apdepot hashes a password."""
    before = meter.seconds()
    for _ in range(60):
        time.sleep(0.05)
        now = meter.seconds()
        if now - before < 0.001:
            break
        before = now
    return now


PLACES = {"same": "server and client on one CPU", "apart": "server and client on two CPUs", "free": "on any CPU"}


def prepare_namespace(scratch):
    """What the peers want to find: a user, directories in /run, and an address that is not 127.0.0.1."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    RUN.mkdir()
    subprocess.run(["mount", "--bind", scratch, RUN], check=True)  # each user may walk through /run
    users = RUN / "passwd"
    known = pathlib.Path("/etc/passwd").read_text()
    added = "" if "\nsshd:" in known else "sshd:*:65533:65534::/run/sshd:/usr/sbin/nologin\n"
    users.write_text(f"{known}{added}bench:*:65532:65534::/:/bin/sh\n")
    subprocess.run(["mount", "--bind", users, "/etc/passwd"], check=True)
    # in.tftpd resolves its own address with AI_ADDRCONFIG, which does not count 127.0.0.1.
    for command in "ip link set lo up", "ip address add 192.0.2.1/32 dev lo":
        subprocess.run(command.split(), check=True)


def enter_namespace(options):
    if not options.before:
        peers.fetch(PEERS)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*sudo, *apart, "true"]).returncode != 0:
        raise SystemExit("bench: needs root and namespaces (unshare --net --mount --pid), in a container --privileged")
    arguments = [f"--apdepot={options.apdepot}", f"--load={options.load}", *sys.argv[1:]]
    os.execvp((sudo + apart)[0], [*sudo, *apart, sys.executable, "-B", str(HERE), "--inside", *arguments])


def parse():
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", nargs="?", choices=["tftp", "ssh", "http", "watched", "lookup", "both"], default="both")
    parser.add_argument("--all", action="store_true", help="what takes minutes, too")
    parser.add_argument("--repeats", type=int, default=3, help="of each work")
    parser.add_argument("--cpus", choices=sorted(PLACES), help="where server and client run, for every row")
    parser.add_argument("--json", metavar="FILE", help="the raw figures")
    parser.add_argument("--apdepot", default=os.environ.get("APDEPOT", TREE / "build/release/apdepot"))
    parser.add_argument("--before", metavar="BINARY", help="an older apdepot in place of the peers, by turns")
    parser.add_argument("--load", default=os.environ.get("TFTP_LOAD", TREE / "build/release/tests/tftp_load"))
    parser.add_argument("--bare-loop", default=TREE / "build/release/tests/bare_loop", help=argparse.SUPPRESS)
    parser.add_argument("--bare-sendfile", default=TREE / "build/release/tests/bare_sendfile", help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    alone = options.what == "lookup"  # neither peers nor ports that anybody else has
    if not options.inside and not alone:
        enter_namespace(options)
    work = TREE / "build/bench"
    work.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(dir=work)
    os.chmod(scratch, 0o755)
    try:
        if alone:
            return Bench(options, pathlib.Path(scratch)).run()
        prepare_namespace(scratch)
        return Bench(options, RUN).run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
