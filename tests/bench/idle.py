"""Downloads that negotiate, take their first window and then fall silent."""
import contextlib
import resource
import socket
import struct

ACK, ERROR = 4, 5
TIMEOUT = "255"  # with this option the server says nothing more while we measure


class Idle:
    def __init__(self, server, file, blksize, windowsize):
        self.server = server
        fields = [file, "octet", "blksize", blksize, "windowsize", windowsize, "timeout", TIMEOUT]
        self.request = b"\0\1" + b"".join(f"{field}\0".encode() for field in fields)
        self.window = windowsize
        self.sockets = []

    def begin(self, count):
        for _ in range(count):
            self._begin()

    def _begin(self):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sockets.append(client)
        client.settimeout(5)
        host, port = self.server.split(":")
        client.sendto(self.request, (host, int(port)))
        options, transfer = client.recvfrom(1000)
        if f"timeout\0{TIMEOUT}\0".encode() not in options:
            raise RuntimeError(f"the timeout was not negotiated: {options}")
        client.connect(transfer)
        client.send(struct.pack("!HH", ACK, 0))
        for _ in range(self.window):
            client.recv(4)

    def end(self):
        for client in self.sockets:
            with contextlib.suppress(OSError):
                client.send(struct.pack("!HH", ERROR, 0) + b"done\0")
            client.close()


@contextlib.contextmanager
def many_files():
    """For a socket a transfer; what starts afterwards finds the old limit again."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
