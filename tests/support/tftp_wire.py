"""TFTP by the datagram: packets, a scripted client, and a plain client that runs hundreds of downloads at once."""
import contextlib
import dataclasses
import selectors
import socket
import struct

RRQ, WRQ, DATA, ACK, ERROR, OACK = range(1, 7)
PATIENCE = 30  # seconds: the upper bound of any wait


@dataclasses.dataclass
class Packet:
    raw: bytes
    source: tuple = ()

    @property
    def opcode(self):
        return int.from_bytes(self.raw[:2], "big")

    @property
    def number(self):
        """A DATA's or ACK's block, an ERROR's code."""
        return int.from_bytes(self.raw[2:4], "big")

    @property
    def data(self):
        return self.raw[4:]

    @property
    def text(self):
        """An ERROR's text, which must end with its NUL and hold only what every boot loader can print."""
        assert self.raw.endswith(b"\0") and self.raw.count(b"\0", 4) == 1
        text = self.raw[4:-1].decode("ascii")
        assert text.isprintable() and len(text) < 200
        return text

    @property
    def options(self):
        assert self.opcode == OACK and self.raw.endswith(b"\0")
        texts = self.raw[2:-1].decode().split("\0")
        return dict(zip(texts[::2], texts[1::2], strict=True))


def request(name, *options, mode="octet", opcode=RRQ):
    """`options` are alternating names and values."""
    texts = (name, mode, *options)
    return struct.pack("!H", opcode) + b"".join(str(text).encode("utf-8", "surrogateescape") + b"\0" for text in texts)


def data(block, content):
    return struct.pack("!HH", DATA, block & 0xFFFF) + content


def ack(block):
    return struct.pack("!HH", ACK, block & 0xFFFF)


def error(code, text):
    return struct.pack("!HH", ERROR, code) + text.encode() + b"\0"


class Client:
    """One UDP port that says exactly what a test tells it to."""

    def __init__(self, server_address, host="127.0.0.1"):
        self.server = self.peer = server_address
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends what still runs, so that no server has to wait for it."""
        if self.peer != self.server:
            with contextlib.suppress(OSError):
                self.send(error(0, "the test is over"))
        self.socket.close()

    def request(self, name, *options, **how):
        self.socket.sendto(request(name, *options, **how), self.server)

    def send(self, packet, to=None):
        """To the transfer's port, once an answer has told it."""
        self.socket.sendto(packet, to or self.peer)

    def receive(self):
        raw, self.peer = self.socket.recvfrom(65536)
        return Packet(raw, self.peer)

    def ask(self, name, *options, **how):
        self.request(name, *options, **how)
        return self.receive()

    def expect_data(self, block):
        packet = self.receive()
        assert (packet.opcode, packet.number) == (DATA, block & 0xFFFF), packet.raw[:60]
        return packet.data

    def expect_next_data(self, block):
        """The same, behind copies of what came before it: a client that was slow for a moment gets some."""
        before = b"\0\6" if block == 1 else struct.pack("!HH", DATA, (block - 1) & 0xFFFF)
        while (packet := self.receive()).raw.startswith(before):
            pass
        assert (packet.opcode, packet.number) == (DATA, block & 0xFFFF), packet.raw[:60]
        return packet.data

    def acknowledge(self, block):
        self.send(ack(block))

    def drain(self):
        """The packets that have come already."""
        packets = []
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                packets.append(self.receive())
        self.socket.settimeout(PATIENCE)
        return packets

    def expect_port_to_close(self):
        """The transfer's port goes away, and says nothing before that."""
        self.socket.connect(self.peer)
        self.socket.settimeout(0.1)
        for _ in range(10 * PATIENCE):
            try:
                self.socket.send(ack(1))
                packet = self.socket.recv(65536)
            except ConnectionRefusedError:
                return
            except TimeoutError:
                continue
            raise AssertionError(f"still answered: {packet[:60]}")
        raise AssertionError("the port is still open")

    def finish(self, block, block_size=512):
        """Goes on in lockstep after the received DATA `block`; returns the bytes that follow it."""
        rest = b""
        while True:
            self.acknowledge(block)
            block += 1
            data = self.expect_next_data(block)
            rest += data
            if len(data) < block_size:
                self.acknowledge(block)
                return rest


class Download:
    """A well-behaved client's side of one read: acknowledges each window, and what is in order of a broken one."""

    def __init__(self, name, *options, mode="octet"):
        self.request = request(name, *options, mode=mode)
        self.window, self.block_size, self.rollover = 1, 512, 0
        self.block, self.chunks, self.last_sent, self.over = 0, [], self.request, False
        self.peer = None

    @property
    def content(self):
        return b"".join(self.chunks)

    def answer(self, packet):
        """The datagram that `packet` calls for, or None; what another than the peer sends calls for nothing. The peer is
        a port of the server: where others send to one that the server has given up, it may be ours by now."""
        if self.peer not in (None, packet.source) or packet.opcode not in (DATA, OACK, ERROR):
            return None
        if packet.opcode == ERROR:
            raise AssertionError(f"ERROR {packet.number}: {packet.text}")
        self.peer = packet.source
        if packet.opcode == OACK:
            options = {name.lower(): value for name, value in packet.options.items()}
            self.block_size = int(options.get("blksize", 512))
            self.window = int(options.get("windowsize", 1))
            self.rollover = int(options.get("rollover", 0))
            return ack(0)
        if packet.number != self.number(self.block + 1):
            return None
        self.block += 1
        self.chunks.append(packet.data)
        self.over = len(packet.data) < self.block_size
        return ack(self.number(self.block)) if self.over or self.block % self.window == 0 else None

    def number(self, block):
        """On the wire."""
        return block if block < 65536 else (block - 65536) % (65536 - self.rollover) + self.rollover


def fetch_all(server_address, downloads, host="127.0.0.1"):
    """Runs all `downloads` at the same time, each from a port of its own; returns their contents."""
    with selectors.DefaultSelector() as selector:
        running = {}
        for download in downloads:
            client = Client(server_address, host)
            running[download] = client
            selector.register(client.socket, selectors.EVENT_READ, download)
            client.send(download.request)
        stalls = 0
        while running:
            events = selector.select(timeout=1)
            stalls = 0 if events else stalls + 1
            assert stalls < PATIENCE, f"{len(running)} downloads stand still"
            if not events:  # a full receive buffer may have lost something: say it again
                for download, client in running.items():
                    client.send(download.last_sent, download.peer or server_address)
            for key, _ in events:
                download, client = key.data, running[key.data]
                packet = client.receive()
                if packet.source[0] != server_address[0]:
                    continue
                if reply := download.answer(packet):
                    client.send(reply)
                    download.last_sent = reply
                if download.over:
                    selector.unregister(client.socket)
                    running.pop(download).socket.close()
    return [download.content for download in downloads]


def fetch(server_address, name, *options, host="127.0.0.1", **how):
    return fetch_all(server_address, [Download(name, *options, **how)], host)[0]


@contextlib.contextmanager
def begun(server_address, name, host="127.0.0.1"):
    """A transfer in the middle: the client has acknowledged the first block, and has the second one."""
    with Client(server_address, host) as client:
        client.request(name)
        client.expect_data(1)
        client.acknowledge(1)
        client.expect_next_data(2)
        yield client
