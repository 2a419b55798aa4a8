"""The bench's TFTP works: what is asked of each server, and what apdepot must reach."""
import json
import subprocess
import typing

import idle
import images
from table import Target, slowest

PEERS = ("tftpd-hpa", "dnsmasq")
YARDSTICK = "bare loop"


class Work(typing.NamedTuple):
    clients: int
    blksize: int
    windowsize: int
    file: str
    cpu: float | None = None  # per GB at most, in those of the best peer
    rate: float | None = None  # at least, likewise

    def title(self):
        shape = f"TFTP {self.clients} x {self.blksize} x {self.windowsize}"
        return f"{shape}, {images.SIZES[self.file] / 1e6:.1f} MB each"

    def targets(self):
        cpu = [Target("cpu", "<=", self.cpu, *PEERS)] if self.cpu else []
        return cpu + ([Target("rate", ">=", self.rate, *PEERS)] if self.rate else [])


WORKS = [
    Work(1, 1428, 16, "ap1g8", cpu=0.15, rate=4),
    Work(200, 1428, 16, "ap-4MiB", cpu=0.25, rate=3),
    Work(200, 1428, 1, "ap-4MiB", cpu=0.9, rate=1.05),  # what Cisco's devices send
    Work(200, 512, 1, "ap-1MiB", cpu=1.0, rate=1.0),
    Work(1, 8192, 1, "ap1g8", cpu=1.0, rate=1.0),
]
SLOW = [Work(1, 1428, 1, "ap1g8"), Work(1000, 1428, 1, "ap-4MiB")]

CROWD = Work(1000, 1428, 16, "ap-4MiB")
SLOWEST = 1.2  # of the median

# The clients of a lossy work stand for as many runs with one, to even out the luck: at 20 ms no server has much to do.
# Both files take 184 round trips.
ROUND_TRIP_MS, LOSS_PERCENT, LOSSY = 20, 1, 0.5
WINDOWED = Work(20, 1428, 16, "ap-4MiB")
LOCKSTEP = Work(20, 1428, 16, "ap-256KiB")

IDLE = Work(1000, 1428, 16, "ap1g8")
WARM_UP = 100  # idle transfers: the first ones touch code, and let the allocator set up
IDLE_KIB = 16


class Tftp:
    def __init__(self, bench, servers):
        self.bench, self.servers = bench, servers
        self.ours = [server for server in servers if server.name == "apdepot"]

    def run(self):
        for server in self.ours:  # first of all: later, memory that was freed before would hide what is needed
            self.bench.attempt("idle transfers", lambda: self.idle(server))
        for work in WORKS + (SLOW if self.bench.options.all else []):
            self.work(work, self.servers)
        self.crowd()
        self.loss()

    def work(self, work, servers):
        # One client's lockstep costs three times as much when server and client sit on two CPUs (each block wakes
        # an idle one), and the scheduler decides by chance. On one CPU the figures repeat within a few percent.
        place = self.bench.options.cpus or ("same" if work.clients == 1 else "free")
        return self.bench.work(work.title(), place, servers, work.targets(),
                               lambda server: self.download(server, work, place))

    def download(self, server, work, place, **faults):
        options = {"server": server.tftp, "file": work.file, "clients": work.clients, "blksize": work.blksize,
                   "windowsize": work.windowsize, "reference": self.bench.scratch / "images" / work.file,
                   "limit": 110, **faults}
        command = [self.bench.options.load]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        with self.bench.measured(server, place) as (run, where):
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=where)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"the load generator ended with {done.returncode}")
        return {**run, **json.loads(done.stdout), "asked": [work.blksize, work.windowsize]}

    def crowd(self):
        """A thousand at once, each to have its share. The peers take minutes for it."""
        servers = self.servers if self.bench.options.all else self.ours
        ours = self.work(CROWD, servers).get("apdepot") if servers else None
        if not ours:
            return
        give = self.bench.verdicts.give
        asked, whole = self.bench.options.repeats * CROWD.clients, sum(run["transfers"] for run in ours)
        give(CROWD.title(), "every file byte-identical", f"{whole} of {asked}", whole == asked)
        worst = max(slowest(run) for run in ours)
        give(CROWD.title(), f"slowest <= {SLOWEST} x median", f"{worst:.2f}", worst <= SLOWEST)

    def loss(self):
        title = (f"TFTP 1 x {WINDOWED.blksize} x {WINDOWED.windowsize}, {ROUND_TRIP_MS} ms round trip, "
                 f"{LOSS_PERCENT} % loss each way")
        print(f"\n{title}  (median of {WINDOWED.clients} clients)\n"
              f"    {'':10} {'loss-free':>9} {'lossy MB/s':>11} {'ratio':>6}")
        runs = {}
        for server in self.servers:
            if server.name == YARDSTICK:  # resends nothing
                continue
            both = self.bench.attempt(f"{server.name} {title}", lambda: self.loss_of(server))
            if both:
                runs[server.name] = both
                print_loss(server.name, both)
        self.bench.keep(title, runs)
        if "apdepot" in runs:
            ratio = rate(runs["apdepot"]["lossy"]) / rate(runs["apdepot"]["loss-free"])
            self.bench.verdicts.give(title, f"lossy rate >= {LOSSY} x its own loss-free rate", f"{ratio:.2f}",
                                     ratio >= LOSSY)

    def loss_of(self, server):
        windows = self.download(server, LOCKSTEP, "free")["windowsize"] > 1
        work = WINDOWED if windows else LOCKSTEP
        return {"loss-free": self.download(server, work, "free", ack_delay=ROUND_TRIP_MS),
                "lossy": self.download(server, work, "free", ack_delay=ROUND_TRIP_MS, drop=LOSS_PERCENT)}

    def idle(self, server):
        transfers = idle.Idle(server.tftp, IDLE.file, IDLE.blksize, IDLE.windowsize)
        with idle.many_files():
            try:
                transfers.begin(WARM_UP)
                before, _ = server.memory()
                transfers.begin(IDLE.clients)
                during, _ = server.memory()
            finally:
                transfers.end()
        each = (during - before) / IDLE.clients / 1024
        self.bench.raw["idle_kib"] = each
        title = f"{IDLE.clients} idle transfers more, {IDLE.blksize} x {IDLE.windowsize}"
        print(f"\n{title}: resident {before / 1e6:.1f} MB before, {during / 1e6:.1f} MB with them")
        self.bench.verdicts.give(title, f"<= {IDLE_KIB} KiB each", f"{each:.1f} KiB", each <= IDLE_KIB)


def rate(run):
    """The median client's own, in MB/s."""
    return run["bytes"] / run["transfers"] / run["transfer_seconds"]["median"] / 1e6


def print_loss(name, both):
    clean, lossy = rate(both["loss-free"]), rate(both["lossy"])
    shape = "" if both["lossy"]["windowsize"] > 1 else "   in lockstep"
    print(f"    {name:10} {clean:9.3f} {lossy:11.3f} {lossy / clean:6.2f}{shape}, "
          f"{both['lossy']['resends']} client resends")
