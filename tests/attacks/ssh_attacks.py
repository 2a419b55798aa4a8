"""What hostile clients do over SSH, before and after they log in. Each attack ends by itself, after so many packets or
seconds; that the server hangs up on it is what it hopes for."""
import contextlib
import os
import socket
import struct
import threading

from raw_ssh import (CHANNEL_DATA, CHANNEL_OPEN, CHANNEL_REQUEST, GLOBAL_REQUEST, GROUP16, IGNORE, PATIENCE,
                     SERVICE_REQUEST, Closed, channel_data, channel_request, login_request, mpint)
from sftp_wire import (CLOSE, EXTENDED, FSTAT, INIT, LSTAT, MKDIR, NO_ATTRIBUTES, OPEN, OPENDIR, READ, READLINK,
                       REALPATH, REMOVE, RENAME, SETSTAT, STAT, SYMLINK, frame, string, u32, u64)
from target import Deadline

VOLLEY = 4000  # packets that are made before the first is sent, so that they come together
VOLLEY_BYTES = 1 << 20


def all_at_once(workers):
    """Runs each in a thread of its own."""
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_until(ssh, until, payload, most=400_000):
    """The same packet again and again, and nothing is read. Returns how many were sent."""
    sent, volley = 0, min(VOLLEY, most, VOLLEY_BYTES // len(payload) + 1)
    with contextlib.suppress(Closed, TimeoutError):
        while until and sent < most:
            packed = b"".join(ssh.pack(payload) for _ in range(volley))
            ssh.socket.settimeout(max(until.rest, 0.1))
            ssh.send_packed(packed)
            sent += volley
    return sent


# ---- before the login

KERBEROS = bytes.fromhex("06092a864886f712010202")
GSSAPI = login_request("nobody", "gssapi-with-mic", u32(1), string(KERBEROS))


def gssapi(target, count, source="127.0.0.2"):
    """Returns how many requests were answered before the server hung up."""
    answered = 0
    with contextlib.suppress(Closed), target.connect(source) as ssh:
        ssh.begin_login()
        for _ in range(count):
            ssh.send(GSSAPI)
            ssh.receive()
            answered += 1
    return answered


WRONG = 400  # signatures of one connection


def rsa_login(bits, exponent_bits):
    """A login with a public key that is as dear as it may be, and a signature that is wrong."""
    modulus = int.from_bytes(os.urandom(bits // 8), "big") | 1 | 1 << (bits - 1)
    blob = string("ssh-rsa") + mpint((1 << exponent_bits) - 1) + mpint(modulus)
    signature = string("rsa-sha2-256") + string((modulus >> 2).to_bytes(bits // 8, "big"))
    return login_request("nobody", "publickey", b"\1", string("rsa-sha2-256"), string(blob), string(signature))


def wrong_signatures(target, seconds, bits=3072, exponent_bits=3070, connections=1, source="127.0.0.2"):
    """Returns how many were sent before the server hung up."""
    until, sent = Deadline(seconds), [0]

    def attack():
        request = rsa_login(bits, exponent_bits)
        with contextlib.suppress(Closed, TimeoutError), target.connect(source) as ssh:
            ssh.begin_login()
            sent[0] += send_until(ssh, until, request, most=WRONG)

    all_at_once([attack] * connections)
    return sent[0]


BEFORE_LOGIN = {
    "service": bytes([SERVICE_REQUEST]) + string("ssh-userauth"),
    "large service": bytes([SERVICE_REQUEST]) + string("x" * 30_000),
    "unknown": b"\xfa",
    "ignore": bytes([IGNORE]) + string(b""),
    "keepalive": bytes([GLOBAL_REQUEST]) + string("keepalive@openssh.com") + b"\1",
    "channel": bytes([CHANNEL_OPEN]) + string("session") + u32(0) + u32(1 << 20) + u32(32768),
    "none": login_request("nobody", "none"),
    "gssapi": GSSAPI,
}


def flood(target, seconds, kind, connections=1, source="127.0.0.2"):
    """Nobody logs in, and nobody reads."""
    until = Deadline(seconds)

    def attack():
        with contextlib.suppress(Closed, OSError), target.connect(source, receive_buffer=4096) as ssh:
            ssh.begin_login()
            send_until(ssh, until, BEFORE_LOGIN[kind])

    while until:
        all_at_once([attack] * connections)


AFTER_LOGIN = {
    "channel requests": channel_request(0, "env", string("A" * 500), string("b" * 500)),
    "channels": BEFORE_LOGIN["channel"],
    "keepalive": BEFORE_LOGIN["keepalive"],
    "unknown": BEFORE_LOGIN["unknown"],
    "service": BEFORE_LOGIN["service"],
    "window": bytes([93]) + u32(0) + u32(0),
    "empty data": bytes([CHANNEL_DATA]) + u32(0) + string(b""),
    "stray channel": bytes([CHANNEL_REQUEST]) + u32(77) + string("exec") + b"\1" + string("x"),
}


def flood_logged_in(target, seconds, kind, connections=1, source="127.0.0.2", begin_exchange=False):
    """The same of somebody who may read. With `begin_exchange` he has begun a key exchange, and leaves it."""
    until = Deadline(seconds)

    def attack():
        with contextlib.suppress(Closed, OSError), target.log_in(source=source, receive_buffer=4096) as ssh:
            ssh.open_sftp()
            if begin_exchange:
                ssh.send(ssh.first_packets()[0])
            send_until(ssh, until, AFTER_LOGIN[kind])

    while until:
        all_at_once([attack] * connections)


# ---- guesses

def guess(target, user, source, patience=PATIENCE):
    """What became of a password: "wrong", "refused" where the server does not listen, "unanswered" after so long."""
    try:
        with target.connect(source, patience=patience) as ssh:
            return "right" if ssh.begin_login().try_password(user, "wrong") else "wrong"
    except TimeoutError:
        return "unanswered"
    except (Closed, ConnectionError):
        return "refused"


def guesses(target, connections, user="ewc", source="127.0.0.2", patience=PATIENCE):
    """All at once; returns what became of each."""
    answers = []
    all_at_once([lambda: answers.append(guess(target, user, source, patience))] * connections)
    return answers


def guess_on(target, seconds, connections=50, source="127.0.0.2"):
    until = Deadline(seconds)
    while until:
        guesses(target, connections, source=source, patience=max(until.rest, 1))


# ---- after the login

def rekey(target, seconds, clients, source="127.0.0.2", most=50):
    """The dearest key exchange, again and again, its packets in one segment."""
    until, done = Deadline(seconds), [0]
    together = threading.Barrier(clients)

    def attack():
        try:
            with target.log_in(source=source, kex=GROUP16, host_key="rsa-sha2-512") as ssh:
                together.wait(seconds + 60)
                for _ in range(most):
                    ssh.exchange_keys()
                    done[0] += 1
                    if not until:
                        break
        except (Closed, OSError, threading.BrokenBarrierError):
            together.abort()

    all_at_once([attack] * clients)
    return done[0]


LONG = "/" + "n" * 1000
SMALL_REQUESTS = {
    "unknown": frame(99, u32(1)),
    "realpath": frame(REALPATH, u32(1), string(".")),
    "deep realpath": frame(REALPATH, u32(1), string("/a/.." * 500)),
    "extension": frame(EXTENDED, u32(1), string("limits@openssh.com")),
    "unknown extension": frame(EXTENDED, u32(1), string("x")),
    "stat": frame(STAT, u32(1), string("/no/such")),
    "stat long": frame(STAT, u32(1), string(LONG)),
    "lstat": frame(LSTAT, u32(1), string("/EWC")),
    "fstat": frame(FSTAT, u32(1), string(b"\0\0\0\1")),
    "close": frame(CLOSE, u32(1), string(b"\0\0\0\1")),
    "read": frame(READ, u32(1), string(b"\0\0\0\1"), u64(0), u32(1)),
    "open": frame(OPEN, u32(1), string("/EWC/17_9_4a/version.info"), u32(1), NO_ATTRIBUTES),
    "open to write": frame(OPEN, u32(1), string("/x"), u32(10), NO_ATTRIBUTES),
    "opendir": frame(OPENDIR, u32(1), string("/")),
    "mkdir": frame(MKDIR, u32(1), string("/x"), NO_ATTRIBUTES),
    "remove": frame(REMOVE, u32(1), string("/x")),
    "rename": frame(RENAME, u32(1), string("/x"), string("/y")),
    "setstat": frame(SETSTAT, u32(1), string("/x"), NO_ATTRIBUTES),
    "readlink": frame(READLINK, u32(1), string("/x")),
    "symlink": frame(SYMLINK, u32(1), string("/x"), string("/y")),
    "init": frame(INIT, u32(3)),
}


def drain(ssh, over):
    """Reads and forgets."""
    ssh.socket.settimeout(None)
    with contextlib.suppress(OSError, ValueError):
        while not over.is_set() and ssh.socket.recv(1 << 16):
            pass


def small_requests(target, seconds, kind, channels=10, user="reader", source="127.0.0.2", most=400):
    """As many SFTP requests as go into a packet, on all channels; the answers are read at once. `most` bounds the
    packets of each channel."""
    until, over = Deadline(seconds), threading.Event()
    request = SMALL_REQUESTS[kind]
    requests = request * (30_000 // len(request))
    with contextlib.suppress(Closed, OSError), target.log_in(user, source=source) as ssh:
        open_channels = [ssh.open_sftp(number) for number in range(channels)]
        reader = threading.Thread(target=drain, args=(ssh, over), daemon=True)
        reader.start()
        with contextlib.suppress(Closed, OSError):
            for _ in range(most):
                if not until:
                    break
                ssh.send(*(channel_data(channel, requests) for channel in open_channels))
        over.set()
        with contextlib.suppress(OSError):
            ssh.socket.shutdown(socket.SHUT_RDWR)
        reader.join()


def unread_reads(target, seconds, channels=10, user="reader", source="127.0.0.2"):
    """READs of a big file on all channels, whose answers stay at the server."""
    until = Deadline(seconds)
    with contextlib.suppress(Closed, OSError), target.log_in(user, source=source, receive_buffer=4096) as ssh:
        handles = []
        for number in range(channels):
            channel = ssh.open_sftp(number)
            ssh.send(channel_data(channel, frame(OPEN, u32(1), string("/big"), u32(1), NO_ATTRIBUTES)))
            reply = ssh.expect(CHANNEL_DATA)[9:]
            size = struct.unpack_from("!I", reply, 9)[0]
            handles.append((channel, reply[13:13 + size]))
        asked = {channel: frame(READ, u32(1), string(handle), u64(0), u32(256 << 10)) * 500
                 for channel, handle in handles}
        ssh.socket.settimeout(max(until.rest, 0.1))
        with contextlib.suppress(Closed, TimeoutError):
            while until:
                ssh.send(*(channel_data(channel, requests) for channel, requests in asked.items()))
        threading.Event().wait(max(until.rest, 0))
