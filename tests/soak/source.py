"""The truth: which releases there are, and the bytes of each file. Made again from its number whenever they are wanted."""
import dataclasses
import functools
import random
import threading
import time
import zipfile

PRODUCT = "EWC"
SIZES = {"ap1g7": 512 * 160, "ap1g8": 100_000, "ap3g3": 1_000_003}  # the first ends with a whole block of 512 bytes
BIG, BIG_SIZE = "/big.bin", 24 << 20


@functools.lru_cache(maxsize=64)
def content(release, name):
    if name == "version.info":
        return f"{version(release)}.5\n".encode()
    return random.Random(f"soak {release} {name}").randbytes(SIZES[name])


@functools.lru_cache(maxsize=1)
def big_content():
    return random.Random("soak").randbytes(1 << 20) * (BIG_SIZE >> 20)


def version(release):
    return f"17.{10 + release // 30}.{1 + release % 30}"


def folder(release):
    return version(release).replace(".", "_")


def names():
    return ["version.info", *SIZES]


def make_bundle(path, release):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names():
            archive.writestr(name, content(release, name))
    return path


class OtherBytes(Exception):
    """Than the source's: nothing excuses that."""


@dataclasses.dataclass
class Wanted:
    """One file of one release, or of `current`, or the big file, as a client asks for it."""
    directory: str
    name: str
    release: int | None  # None: current, or the big file
    since: float


class Source:
    """Of one depot. Used by all of its clients, and changed by its administrator."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next, self.live, self.gone = 0, [], set()
        self.promotions = []  # (release, from when on, until when)

    def new(self):
        with self.lock:
            self.next += 1
            return self.next - 1

    def published(self, release):
        with self.lock:
            self.live.append(release)

    def current(self):
        return self.promotions[-1][0] if self.promotions else None

    def leave(self):
        """Takes the oldest release out, but not the promoted one; it is asked for no more."""
        with self.lock:
            release = next(each for each in self.live if each != self.current())
            self.live.remove(release)
            self.gone.add(release)
        return release

    def promote(self, release):
        with self.lock:
            now = time.monotonic()
            if self.promotions:
                last, begun, _ = self.promotions[-1]
                self.promotions[-1] = last, begun, now + 60  # until the command has ended, and long after
            self.promotions = [*self.promotions[-20:], (release, now, float("inf"))]

    def pick(self, rng, big=0.0):
        """`big` is how probable the big file is."""
        with self.lock:
            now = time.monotonic()
            if rng.random() < big:
                return Wanted("", BIG[1:], None, now)
            name = rng.choice(names())
            if self.promotions and rng.random() < 0.2:
                return Wanted(f"/{PRODUCT}/current", name, None, now)
            release = rng.choice(self.live)
            return Wanted(f"/{PRODUCT}/{folder(release)}", name, release, now)

    def is_gone(self, wanted):
        with self.lock:
            return wanted.release in self.gone

    def check_part(self, wanted, got):
        """Of the big file, from its beginning."""
        if not got or not big_content().startswith(got):
            raise OtherBytes(f"{wanted}: the first {len(got)} bytes are not those of the source")

    def check(self, wanted, got):
        if wanted.name == BIG[1:]:
            right = [big_content()]
        elif wanted.release is not None:
            right = [content(wanted.release, wanted.name)]
        else:
            with self.lock:
                releases = {release for release, _, until in self.promotions if until > wanted.since}
            right = [content(release, wanted.name) for release in releases]
        if any(len(got) < len(whole) and whole.startswith(got) for whole in right):
            raise AssertionError(f"only the first {len(got)} bytes have come")  # tftp-hpa's tftp calls that a success
        if got not in right:
            raise OtherBytes(f"{wanted}: {len(got)} bytes are not those of the source")
        return len(got)
