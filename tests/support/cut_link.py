"""A connection by way of us that breaks at a moment of the test's choice."""
import contextlib
import select
import socket
import struct
import threading

NO_LINGERING = struct.pack("ii", 1, 0)  # SO_LINGER: close sends a reset
UP, DOWN = "to the server", "to the client"


def reset(connection):
    """Ends a connection as a crashed host does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
    connection.close()


class CutLink:
    """Takes one connection to `address` and relays it, in a thread of its own. Once `limit` bytes have gone in
    `direction`, both ends get a reset; without a limit it only counts."""

    def __init__(self, server_address, direction=UP, limit=None):
        self.server_address, self.direction, self.limit = server_address, direction, limit
        self.passed = {UP: 0, DOWN: 0}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self._relay, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        """The connection has ended, by either end or by the limit."""
        self.thread.join()
        self.listener.close()

    def _relay(self):
        client, server = self.listener.accept()[0], socket.create_connection(self.server_address)
        with contextlib.suppress(ConnectionError):
            while not self._cut() and self._pass_on(client, server):
                pass
        for connection in (client, server):
            reset(connection)

    def _cut(self):
        return self.limit is not None and self.passed[self.direction] >= self.limit

    def _pass_on(self, client, server):
        for source in select.select([client, server], [], [])[0]:
            direction, target = (UP, server) if source is client else (DOWN, client)
            most = 65536
            if self.limit is not None and direction == self.direction:
                most = min(most, self.limit - self.passed[direction])
            if most == 0:
                return False
            data = source.recv(most)
            if not data:
                return False
            self.passed[direction] += len(data)
            target.sendall(data)
        return True
