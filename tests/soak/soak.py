#!/usr/bin/python3
"""Two depots under load for a while: TFTP, SFTP, SCP and HTTP devices, whose links lose, double and break, and an
administrator.

The server of the site `steady` runs through: its memory, descriptors and threads must stay flat (flat.py has the rule).
That of `restarted` ends again and again, each third time by a kill; what is asked after it stopped to take requests must
be answered by the next one. Every byte is compared with the source, and each line of the logs with docs/log.md.
"""
import argparse
import contextlib
import logging
import pathlib
import random
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
for each in ("support", "attacks"):
    sys.path.insert(0, str(ROOT / "tests" / each))

import apdepot  # noqa: E402
import clients  # noqa: E402
import flat  # noqa: E402
from administrator import Administrator  # noqa: E402
from http_devices import HttpDevice  # noqa: E402
from network import have_own_loopback  # noqa: E402
from soak_site import Site  # noqa: E402
from ssh_devices import SshDevice  # noqa: E402
from tftp_devices import TftpDevice  # noqa: E402

clients.TIMEOUT = 120  # seconds; a lull waits for everybody
DEVICES = [(TftpDevice, 4), (SshDevice, 3), (HttpDevice, 2)]  # of each site
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(description="Soaks a server.")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--scratch", type=lambda name: pathlib.Path(name).resolve(), default=ROOT / "build/soak",
                        help="where the depots stand meanwhile, and the logs stay")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of what devices do by chance")
    return parser.parse_args()


def crew(site, seed, restarts, pause):
    """The threads of one site's devices and of its administrator."""
    administrator = Administrator(site, restarts)
    administrator.begin()
    yield threading.Thread(target=administrator.work, args=(pause,), daemon=True)
    for kind, number in DEVICES:
        for one in range(number):
            name = f"{seed} {site.name} {kind.__name__} {one}"
            device = kind(site, site.directory / "homes" / f"{kind.__name__}-{one}", name)
            yield threading.Thread(target=site.work, args=(device, random.Random(name)), daemon=True)


def go_on(site, end, lap):
    """With a lull each while."""
    while not site.dead and (rest := end - time.monotonic()) > 0:
        time.sleep(min(lap, rest))
        site.lull()
        if site.samples:
            sample = site.samples[-1]
            print(f"{site.name}: {sample.transfers} works, {sample.memory / MIB:.2f} MiB, {sample.descriptors} descriptors, "
                  f"{sample.threads} threads, {len(site.faults)} faults", flush=True)


def rows(site, steady):
    done = site.done
    yield "works done", f"{sum(done.values())}: " + ", ".join(f"{name} {count}" for name, count in sorted(done.items()))
    yield "bytes checked", f"{site.checked:,}"
    yield "broken by restarts", f"{site.broken}, in {len(site.restarts)} restarts"
    yield "asked for a release that was being retired", str(site.excused)
    yield "lines of the log", f"{sum(site.kinds.values())}: " + ", ".join(
        f"{kind} {count}" for kind, count in sorted(site.kinds.items(), key=lambda each: str(each[0])))
    if not site.samples:
        return
    samples = site.samples
    for name in ("memory", "descriptors", "threads"):
        figures = [getattr(sample, name) / (MIB if name == "memory" else 1) for sample in samples]
        shown = [f"{figure:.2f} MiB" if name == "memory" else f"{figure:.0f}"
                 for figure in (figures[0], min(figures), max(figures), figures[-1])]
        yield f"{name} in {len(samples)} lulls", "first {}, least {}, most {}, last {}".format(*shown)
    yield "most memory ever resident", f"{site.peak / MIB:.1f} MiB"
    if steady and len(samples) >= flat.FEWEST:
        growth, transfers = flat.memory_growth(samples)
        yield "memory after the warm-up", (f"{growth / 1024:+.0f} KiB in {transfers:.0f} works; a leak of "
                                           f"{flat.NOISE / max(1, transfers):.0f} bytes each would have shown")


def print_table(site, steady):
    print(f"\n{site.name}")
    for name, value in rows(site, steady):
        print(f"    {name:42} {value}")


def main():
    options = arguments()
    have_own_loopback()
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it tells of each connection that is cut
    options.scratch.mkdir(parents=True, exist_ok=True)
    print(f"soak: {options.minutes:g} minutes with {apdepot.BINARY}, seed {options.seed}; logs in {options.scratch}",
          flush=True)
    with tempfile.TemporaryDirectory(dir=options.scratch) as made, contextlib.ExitStack() as stack:
        made = pathlib.Path(made)
        key, state = clients.make_key(made / "id_ed25519"), apdepot.make_state(made)
        sites = []
        for name in ("steady", "restarted"):
            sites.append(Site(name, options.scratch, key, state))
            stack.callback(sites[-1].close)
        threads = [thread for site in sites
                   for thread in crew(site, options.seed, site.name == "restarted", pause=4)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        lap = min(30, max(8, options.minutes * 4))
        laps = [threading.Thread(target=go_on, args=(site, began + options.minutes * 60, lap)) for site in sites]
        for thread in laps:
            thread.start()
        for thread in laps:
            thread.join()
        for site in sites:
            site.gate.end()
        for thread in threads:
            thread.join(10 * apdepot.PATIENCE)
        if any(thread.is_alive() for thread in threads):
            sites[0].fault("a device or an administrator has not ended in time")
        for site in sites:
            try:
                site.end()
            except AssertionError as error:
                site.fault(f"the server did not end well: {error}"[:3000])
        for fault in flat.judge(sites[0].samples):
            sites[0].fault(fault)
        for site in sites:
            print_table(site, site is sites[0])
        faults = sum(len(site.faults) for site in sites)
        print(f"\nsoak: {(time.monotonic() - began) / 60:.1f} minutes, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
