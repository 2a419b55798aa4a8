#!/usr/bin/python3
"""Stands in for the Linux binary in the tests: APDEPOT=tests/support/apdepot_wine.py runs $APDEPOT_EXE under wine.

SIGTERM and SIGINT become Ctrl-C: wine gives a SIGINT to the console's handler, and ends the process at its SIGTERM.
The prefix is $APDEPOT_WINEPREFIX."""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("APDEPOT_EXE", str(ROOT / "build/windows/apdepot.exe"))
PREFIX = os.environ.get("APDEPOT_WINEPREFIX", str(ROOT / "build/wine"))


def die_with_us():
    """Whoever kills this script means the server."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


environment = {**os.environ, "WINEPREFIX": PREFIX, "WINEDEBUG": "-all"}
environment.pop("DISPLAY", None)
child = subprocess.Popen(["wine", PROGRAM, *sys.argv[1:]], env=environment, preexec_fn=die_with_us)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: child.send_signal(signal.SIGINT))
status = child.wait()
sys.exit(status if status >= 0 else 128 - status)
