"""apdepot_failing, whose allocations fail at a test's word; tests/support/failing_memory.cpp is its other side."""
import mmap
import re
import struct
import subprocess

from apdepot import BINARY

FAILING = BINARY.parent / "tests/apdepot_failing"
NEVER = 1 << 62
FRAMES = 48
FIELDS = ("nth", "in_a_row", "malloc_too", "number", "counted", "failed", "depth")
WORD = struct.calcsize("Q")
OURS = re.compile(r"(\w+ )*(server|storage|conf|tftp|sftp|scp|files)::")


class FailingMemory:
    """The order to one process, in a `file` that it maps."""

    def __init__(self, file, malloc_too=False):
        size = WORD * (len(FIELDS) + FRAMES)
        file.write_bytes(bytes(size))
        self.file, self.number = file, 0
        with file.open("r+b") as opened:
            self.words = memoryview(mmap.mmap(opened.fileno(), size)).cast("Q")
        self._set("malloc_too", int(malloc_too))

    def environment(self):
        return {"APDEPOT_FAILING_MEMORY": str(self.file)}

    def _set(self, field, value):
        self.words[FIELDS.index(field)] = value

    def _get(self, field):
        return self.words[FIELDS.index(field)]

    def fail(self, nth, in_a_row=1):
        """From here on the `nth` allocation fails, and those after it of the same thread, `in_a_row` in all."""
        self.number += 1
        for field, value in ("counted", 0), ("failed", 0), ("in_a_row", in_a_row), ("number", self.number):
            self._set(field, value)
        self._set("nth", nth)

    def count(self):
        """From here on they are only counted."""
        self.fail(NEVER)

    def stop(self):
        """Returns how many there were."""
        self._set("nth", 0)
        return self._get("counted")

    @property
    def failed(self):
        return self._get("failed") > 0

    def place(self):
        """Our own functions on the way to the first one that failed, the innermost first."""
        frames = self.words[len(FIELDS):len(FIELDS) + self._get("depth")]
        inside = [hex(frame - 1) for frame in frames if frame < FAILING.stat().st_size]
        lines = subprocess.run(["addr2line", "-Cf", "-e", FAILING, *inside], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        return [name[:100] for name in lines[::2] if OURS.match(name)][:12]
