"""Whether a figure of a process stays flat. It is taken in lulls, when no transfer and no session is running, so that two
of them may be compared. The first quarter of the lulls, two at least, is the warm-up: threads, buffers and caches come
into being then. For the memory it is the first half: the allocator's arenas grow for some ten thousand transfers, and
then stay as they are."""
import collections
import dataclasses
import statistics

# Bytes, between the medians of many lulls: one's memory differs from the next one's by some hundred KiB, which the
# allocator keeps in its arenas.
NOISE = 512 << 10
FEWEST = 6  # lulls, before anything is said about memory


@dataclasses.dataclass
class Sample:
    """Of one process, in a lull. `transfers` have ended until then."""
    memory: int  # bytes, anonymous and resident
    descriptors: int
    threads: int
    transfers: int
    files: list = dataclasses.field(default_factory=list)  # what the descriptors are of, where that is known


def warm_up(samples):
    return max(2, len(samples) // 4)


def counts_that_grew(samples):
    """Descriptors and threads must come down in each lull to what the warm-up's lulls had, not one more."""
    first, rest = samples[:warm_up(samples)], samples[warm_up(samples):]
    for name in ("descriptors", "threads"):
        bound = max(getattr(sample, name) for sample in first)
        worst = max((getattr(sample, name) for sample in rest), default=bound)
        if worst > bound:
            yield f"{name} grew: {bound} in the lulls of the warm-up, {worst} in a later one" + (
                what_came(first, rest) if name == "descriptors" else "")


def what_came(first, rest):
    """Of which files the lull with most descriptors has more than any of the first ones had."""
    usual = collections.Counter()
    for sample in first:
        usual |= collections.Counter(sample.files)
    more = collections.Counter(max(rest, key=lambda sample: sample.descriptors).files) - usual
    return "; more of " + ", ".join(sorted(more)) if more else ""


def memory_growth(samples):
    """From the third to the fourth quarter, by the medians: bytes, and the transfers in between."""
    rest = samples[len(samples) // 2:]
    halves = rest[:len(rest) // 2], rest[len(rest) // 2:]
    memory = [statistics.median(sample.memory for sample in half) for half in halves]
    transfers = [statistics.median(sample.transfers for sample in half) for half in halves]
    return memory[1] - memory[0], transfers[1] - transfers[0]


def judge(samples):
    """What is not flat, each as a sentence."""
    if len(samples) < FEWEST:
        yield f"only {len(samples)} lulls: {FEWEST} at least are needed to judge the memory"
        return
    yield from counts_that_grew(samples)
    growth, transfers = memory_growth(samples)
    if growth > NOISE:
        yield f"memory grew by {growth:.0f} bytes in {transfers:.0f} transfers, {NOISE} are allowed"
