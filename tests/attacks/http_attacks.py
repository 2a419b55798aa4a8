"""What hostile clients do over HTTP. Each attack ends by itself, after so many seconds, and returns how often it did what
it is about: how many connections were open at the same time, or how many answers came."""
import contextlib
import selectors
import socket
import time

import raw_tls
from target import Deadline

HEAD = b"GET /big HTTP/1.1\r\nHost: x\r\n"
MISSES = [b"GET /" + b"a/" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /tftpboot/EWC/17_9_4/ap1g9 HTTP/1.1\r\nHost: x\r\n\r\n"]
# What is sent again and again on each connection, and read.
FLOODS = {
    "pipelined files": HEAD + b"\r\n",
    "pipelined heads": b"HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n",
    "single bytes": HEAD + b"Range: bytes=5-5\r\n\r\n",
    "many ranges": HEAD + b"Range: bytes=" + b"0-," * 2400 + b"0-\r\n\r\n",
    "misses": b"".join(MISSES),
    "lists": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "many headers": b"GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n" + b"a:\r\n" * 1800 + b"\r\n",
    "huge header": HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "no HTTP": bytes(range(256)) * 64,
    "bodies": b"GET /big HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 100_000,
    "names that are none": b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
}
# What is made for a connection, and sent at once.
TLS_BURSTS = {
    "new keys": lambda tls: tls.new_keys(20_000),
    "new keys, and the server's too": lambda tls: tls.new_keys(20_000, raw_tls.ASKED_BACK),
    "a header, a byte a record": lambda tls: tls.data(HEAD + b"X: " + b"a" * 7000, 1),
    "requests, a byte a record": lambda tls: tls.data((HEAD + b"Range: bytes=5-5\r\n\r\n") * 100, 1),
}


def connect(address, source):
    sock = socket.socket()
    sock.bind((source, 0))
    sock.settimeout(5)
    sock.connect(address)
    return sock


def is_open(sock):
    """The server has not ended it."""
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def hold(target, seconds, kind, count=1000, source="127.0.0.2"):
    """`count` connections from one address, each with what `kind` says, and then it reads nothing. Returns how many of
    them the server has not ended when the last one has been made."""
    first = {"silent": b"", "slow header": HEAD, "half-read body": HEAD + b"\r\n",
             "pipelined, and nothing read": (HEAD + b"\r\n") * 200}[kind]
    until = Deadline(seconds)
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                sock = stack.enter_context(contextlib.closing(connect(target.http, source)))
                held.append(sock)
                sock.sendall(first)
                if kind == "half-read body":
                    sock.recv(1000)
        still = sum(is_open(sock) for sock in held)
        while until:
            if kind == "slow header":
                for sock in held:
                    with contextlib.suppress(OSError):
                        sock.send(b"X")
            until.wait(0.5)
    return still


def flood(target, seconds, kind, connections=20, source="127.0.0.2"):
    """Sends `kind`, one of FLOODS or the bytes themselves, as fast as the server takes it, reads whatever comes, and
    connects again where the server ends a connection. Returns how many bytes came."""
    text, until, received = FLOODS.get(kind, kind), Deadline(seconds), 0
    pending = {}
    with selectors.DefaultSelector() as selector:
        def begin():
            with contextlib.suppress(OSError):
                sock = connect(target.http, source)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
                pending[sock] = memoryview(text)

        def end(sock):
            selector.unregister(sock)
            sock.close()
            del pending[sock]

        while until:
            while len(pending) < connections and until:
                begin()
            for key, events in selector.select(0.2):
                sock = key.fileobj
                try:
                    if events & selectors.EVENT_READ:
                        some = sock.recv(1 << 16)
                        received += len(some)
                        if not some:
                            end(sock)
                            continue
                    if events & selectors.EVENT_WRITE:
                        pending[sock] = pending[sock][sock.send(pending[sock]):] or memoryview(text)
                except BlockingIOError:
                    pass
                except OSError:
                    end(sock)
        for sock in list(pending):
            end(sock)
    return received


def come_and_go(target, seconds, source="127.0.0.2"):
    """Connections that ask for a large file and are reset at once."""
    until, count = Deadline(seconds), 0
    while until:
        with contextlib.suppress(OSError), contextlib.closing(connect(target.http, source)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(HEAD + b"\r\n")
            count += 1
    return count


def handshakes(target, seconds, source="127.0.0.2", connections=64):
    """TLS that begins and says no more than half a word; returns how many connections there were."""
    until, count = Deadline(seconds), 0
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 32
    while until:
        with contextlib.ExitStack() as stack:
            for _ in range(connections):
                with contextlib.suppress(OSError):
                    sock = stack.enter_context(contextlib.closing(connect(target.https, source)))
                    sock.sendall(hello)
                    count += 1
            time.sleep(0.1)
    return count


def whole_handshakes(target, seconds, source="127.0.0.2"):
    """One after the other; returns how many there were."""
    until, count = Deadline(seconds), 0
    while until:
        with contextlib.suppress(OSError), contextlib.closing(connect(target.https, source)) as sock:
            sock.settimeout(None)
            with contextlib.closing(raw_tls.RawTls(sock)):
                count += 1
    return count


def tls_bursts(target, seconds, kind, source="127.0.0.2"):
    """Sends one on each connection, and waits until the server has answered or ended it. Returns how many there were."""
    until, count = Deadline(seconds), 0
    while until:
        with contextlib.suppress(OSError), contextlib.closing(connect(target.https, source)) as sock:
            sock.settimeout(None)  # libssl waits by itself
            with contextlib.closing(raw_tls.RawTls(sock)) as tls:
                burst = TLS_BURSTS[kind](tls)
            sock.settimeout(1)
            count += 1
            sock.sendall(burst)
            while sock.recv(1 << 16) and until:
                pass
    return count
