"""Sockets for a server, handed over as systemd does it."""
import sys

from apdepot import BINARY

# Becomes the server, with the descriptors that LISTEN names in the places where systemd puts them.
WRAPPER = """#!{python}
import fcntl, os, sys
given = [int(fd) for fd in os.environ.pop("LISTEN").split()]
held = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in given]
for fd in given:
    os.close(fd)
for number, fd in enumerate(held, 3):
    os.dup2(fd, number)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv({binary!r}, [{binary!r}, *sys.argv[1:]])
"""


def hand_over(directory, sockets):
    """The options with which apdepot.Server gets `sockets`, pairs of a name and a descriptor."""
    wrapper = directory / "hand-over"
    wrapper.write_text(WRAPPER.format(python=sys.executable, binary=str(BINARY)))
    wrapper.chmod(0o755)
    fds = [fd for _, fd in sockets]
    env = {"LISTEN": " ".join(map(str, fds)), "LISTEN_FDS": str(len(fds)),
           "LISTEN_FDNAMES": ":".join(name for name, _ in sockets)}
    return {"env": env, "binary": wrapper, "pass_fds": fds}
