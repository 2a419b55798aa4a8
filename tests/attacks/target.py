"""What an attack needs to know of its server; it goes to another process."""
import ctypes
import dataclasses
import os
import signal
import time

from cryptography.hazmat.primitives.asymmetric import ed25519

import raw_ssh


PR_SET_PDEATHSIG = 1


def become_attacker(nice):
    """Of this process, as its first act: it ends with the tests, whatever ends those."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(nice)


@dataclasses.dataclass
class Target:
    tftp: tuple
    ssh: tuple
    seed: bytes  # of the key that opens the accounts `reader` and `sender`
    http: tuple = None
    https: tuple = None

    @property
    def key(self):
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)

    def connect(self, source="127.0.0.2", **options):
        return raw_ssh.RawSsh(self.ssh, source=source, **options)

    def log_in(self, user="reader", **options):
        return self.connect(**options).log_in(user, self.key)


class Deadline:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    @property
    def rest(self):
        return self.end - time.monotonic()

    def wait(self, seconds):
        """Not beyond the end."""
        time.sleep(max(0, min(seconds, self.rest)))

    def __bool__(self):
        return self.rest > 0
