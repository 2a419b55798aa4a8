"""What the bench prints: a block for each work, a line for each server, then the targets."""
NAMES = {"cpu": "CPU per GB", "rate": "rate"}
BEFORE = "before"  # the binary that must not have been better
WORSE = 1.03


class Verdicts:
    """Says of each target whether it is met, and remembers those that are not."""

    def __init__(self):
        self.missed = []

    def give(self, work, target, figure, met):
        print(f"    target {target}: {figure} {'met' if met else 'MISSED'}")
        if not met:
            self.missed.append(f"{work}: {target}: {figure}")


class Target:
    """At most (or at least) so many times what the best of these peers needs (or reaches)."""

    def __init__(self, figure, relation, factor, *peers):
        self.figure, self.relation, self.factor, self.peers = figure, relation, factor, peers

    def judge(self, work, figures, verdicts):
        against = {peer: figures[peer][self.figure] for peer in comparable(figures, self.peers)}
        if "apdepot" not in figures or not against:
            return  # what did not run is told at the end
        best = (min if self.relation == "<=" else max)(against, key=against.get)
        ours = figures["apdepot"]
        ratio = ours[self.figure] / against[best]
        reached = ratio <= self.factor if self.relation == "<=" else ratio >= self.factor
        met = reached and ours["served"] == ours["asked"]
        of = best if len(self.peers) == 1 else f"the best, {best}"
        verdicts.give(work, f"{NAMES[self.figure]} {self.relation} {self.factor} x {of}", f"{ratio:.2f}", met)


def comparable(figures, peers):
    """Those that served what was asked. Where none knows windows, lockstep is what they make of the request; but
    smaller blocks are another work."""
    ran = [peer for peer in peers if peer in figures]
    exact = [peer for peer in ran if figures[peer]["served"] == figures[peer]["asked"]]
    return exact or [peer for peer in ran if figures[peer]["served"][:1] == figures[peer]["asked"][:1]]


def summary(runs):
    """The best of one server's runs of one work: whatever else the machine does can only make a run worse."""
    return {
        "cpu": min(run["cpu_seconds"] / run["bytes"] * 1e9 for run in runs),
        "rate": max(run["bytes"] / run["seconds"] / 1e6 for run in runs),
        "asked": runs[-1].get("asked", []),
        "served": served(runs[-1]),
    }


def served(run):
    return [run["blksize"], run["windowsize"]] if "asked" in run else []


def print_work(title, placement, runs, targets, verdicts):
    """`runs` has a list of runs for each server's name."""
    figures = {name: summary(done) for name, done in runs.items() if done}
    print(f"\n{title}  ({placement})")
    print(f"    {'':10} {'CPU s/GB':>9} {'MB/s':>8} {'spread':>7}   {'apdepot / peer':16}")
    for name, figure in figures.items():
        line = f"    {name:10} {figure['cpu']:9.2f} {figure['rate']:8.1f} {spread(runs[name]):6.0f}%"
        if name != "apdepot" and "apdepot" in figures:
            ours = figures["apdepot"]
            line += f"   CPU {ours['cpu'] / figure['cpu']:5.2f}  rate {ours['rate'] / figure['rate']:6.2f}"
        print((line + notes(runs[name])).rstrip())
    for target in [*targets, Target("cpu", "<=", WORSE, BEFORE)]:
        target.judge(title, figures, verdicts)


def spread(runs):
    """How far the CPU figures of the repeats lie apart, in percent of the least."""
    cpu = [run["cpu_seconds"] / run["bytes"] for run in runs]
    return (max(cpu) / min(cpu) - 1) * 100


def notes(runs):
    """What a reader must know of these runs: another shape than asked, resends, a slow tail."""
    last, said = runs[-1], []
    if served(last) != last.get("asked", []):
        said.append(f"served {last['blksize']} x {last['windowsize']}")
    if resends := sum(run.get("resends", 0) for run in runs):
        said.append(f"{resends} client resends")
    if last.get("transfers", 1) > 1:
        said.append(f"slowest / median {max(slowest(run) for run in runs):.2f}")
    return "   " + ", ".join(said) if said else ""


def slowest(run):
    """The slowest client of a run, in medians of them all."""
    return run["transfer_seconds"]["max"] / run["transfer_seconds"]["median"]
