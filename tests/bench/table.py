"""What the bench prints: a block for each work, a line for each server, then the targets."""
import statistics


class Target:
    """At most (or at least) so many times what the best of these peers needs (or reaches)."""

    def __init__(self, figure, relation, factor, *peers):
        self.figure, self.relation, self.factor, self.peers = figure, relation, factor, peers

    def line(self, figures):
        against = [figures[peer][self.figure] for peer in self.peers if peer in figures]
        if "apdepot" not in figures or not against:
            return None
        best = min(against) if self.relation == "<=" else max(against)
        ratio = figures["apdepot"][self.figure] / best
        met = ratio <= self.factor if self.relation == "<=" else ratio >= self.factor
        of = self.peers[0] if len(self.peers) == 1 else "the best"
        return verdict(f"{NAMES[self.figure]} {self.relation} {self.factor} x {of}", f"{ratio:.2f}", met)


NAMES = {"cpu": "CPU per GB", "rate": "rate"}


def verdict(target, figure, met):
    return f"    target {target}: {figure} {'met' if met else 'MISSED'}"


def medians(runs):
    """Medians over one server's runs of one work."""
    return {
        "cpu": statistics.median(run["cpu_seconds"] / run["bytes"] * 1e9 for run in runs),
        "rate": statistics.median(run["bytes"] / run["seconds"] / 1e6 for run in runs),
    }


def print_work(title, placement, runs, targets):
    """`runs` has a list of runs for each server's name."""
    figures = {name: medians(done) for name, done in runs.items() if done}
    print(f"\n{title}  ({placement})")
    print(f"    {'':10} {'CPU s/GB':>9} {'MB/s':>8} {'spread':>7}   {'apdepot / peer':16}")
    for name, figure in figures.items():
        line = f"    {name:10} {figure['cpu']:9.2f} {figure['rate']:8.1f} {spread(runs[name]):6.0f}%"
        if name != "apdepot" and "apdepot" in figures:
            ours = figures["apdepot"]
            line += f"   CPU {ours['cpu'] / figure['cpu']:5.2f}  rate {ours['rate'] / figure['rate']:6.2f}"
        print((line + notes(runs[name])).rstrip())
    for target in targets:
        line = target.line(figures)
        if line:
            print(line)


def spread(runs):
    """How far the CPU figures of the repeats lie apart, in percent of the least."""
    cpu = [run["cpu_seconds"] / run["bytes"] for run in runs]
    return (max(cpu) / min(cpu) - 1) * 100


def notes(runs):
    """What a reader must know of these runs: another shape than asked, resends, a slow tail."""
    last, said = runs[-1], []
    if "asked" in last and last["asked"] != [last["blksize"], last["windowsize"]]:
        said.append(f"served {last['blksize']} x {last['windowsize']}")
    if resends := sum(run.get("resends", 0) for run in runs):
        said.append(f"{resends} client resends")
    if last.get("transfers", 1) > 1:
        seconds = last["transfer_seconds"]
        said.append(f"slowest / median {seconds['max'] / seconds['median']:.2f}")
    return "   " + ", ".join(said) if said else ""
