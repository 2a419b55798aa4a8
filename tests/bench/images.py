"""The files that the servers serve: made again for each run, the same bytes every time."""
import os
import random

MIB = 1 << 20
SIZES = {"ap1g8": 70512640, "ap-256KiB": MIB // 4, "ap-1MiB": MIB, "ap-4MiB": 4 * MIB,
         "C9800-AP-iosxe-wlc.bin": 301257756}


def make(folder):
    folder.mkdir()
    for name, size in SIZES.items():
        source = random.Random(name)
        with open(folder / name, "wb") as file:
            for at in range(0, size, MIB):
                file.write(source.randbytes(min(MIB, size - at)))
            os.fsync(file.fileno())  # writeback must not disturb the figures
