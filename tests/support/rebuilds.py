"""Counts what touching a header rebuilds: rebuilds.py [BUILD].

Reads what ninja learned when BUILD (build/release) was last built, and prints each header of server/ and
storage/import that more than 34 objects of the binary include, unless it is named below.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST = 34
FOLDERS = ("server/", "storage/import/")
NAMED = {  # by their nature everybody's
    "server/events/event.hpp",  # the list of all events: with whoever emits or hears one
    "server/events/protocol.hpp",  # four words
    "server/loop/client_network.hpp",  # within Shares, and so wherever an address has a limit
    "server/loop/fair_queue.hpp",  # within FairWorkers
    "server/loop/net.hpp",  # Asio, and precompiled
    "server/loop/one_thread.hpp",  # within Workers, Events and what else belongs to the loop
    "server/loop/pch.hpp",
    "server/loop/reserved_memory.hpp",  # within Workers
    "server/loop/workers.hpp",  # what waits for a disk
    "server/text/escape.hpp",  # whatever shows a text of others
    "server/text/json.hpp",
    "storage/import/import_settings.hpp",  # a section of conf/settings.hpp
}


def counts(build):
    """How many objects of the binary include each header of the tree."""
    deps = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    found = collections.Counter()
    for block in deps.split("\n\n"):
        target, *files = block.splitlines() or [""]
        if re.match(r"(lib\w+\.a|apdepot)\.p/\S+\.o:", target):
            paths = {(pathlib.Path(build) / line.strip()).resolve() for line in files if line.endswith(".hpp")}
            found.update(str(path.relative_to(ROOT)) for path in paths if path.is_relative_to(ROOT))
    return found


def main():
    found = counts(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release")
    if not found:
        sys.exit("ninja knows no dependencies yet: build first")
    wide = [(count, path) for path, count in found.items() if count > MOST and path.startswith(FOLDERS)
            and path not in NAMED]
    for count, path in sorted(wide, reverse=True):
        print(count, path)
    sys.exit(1 if wide else 0)


if __name__ == "__main__":
    main()
