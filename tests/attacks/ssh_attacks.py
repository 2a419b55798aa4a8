"""What hostile clients do over SSH, before and after they log in. Each attack ends by itself, after so many packets or
seconds; that the server hangs up on it is what it hopes for."""
import contextlib
import os
import socket
import struct
import threading

import raw_ssh
from raw_ssh import (BANNER, CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_EXTENDED, CHANNEL_OPEN,
                     CHANNEL_OPEN_FAILURE, CHANNEL_OPENED, CHANNEL_REQUEST, CHANNEL_SUCCESS, DEBUG, DISCONNECT, EXT_INFO,
                     GLOBAL_REQUEST, GROUP16, IGNORE, KEXINIT, NEWKEYS, PATIENCE, REQUEST_SUCCESS, SERVICE_REQUEST,
                     UNIMPLEMENTED, WINDOW_ADJUST, Closed, channel_data, channel_request, login_request, mpint, take_string)
from sftp_wire import (CLOSE, EXTENDED, FLAG_CREATE, FLAG_WRITE, FSTAT, INIT, LSTAT, MKDIR, NO_ATTRIBUTES, OPEN,
                       OPENDIR, READ, READDIR, READLINK, REALPATH, REMOVE, RENAME, SETSTAT, STAT, SYMLINK, WRITE, frame,
                       string, u32, u64)
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
            if ssh.receive()[0] == DISCONNECT:
                break
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
    "large ignore": bytes([IGNORE]) + string(bytes(30_000)),
    "unimplemented": bytes([UNIMPLEMENTED]) + u32(1),
    "debug": bytes([DEBUG, 1]) + string("x" * 500) + string(""),
    "ext info": bytes([EXT_INFO]) + u32(1) + string("server-sig-algs") + string("x"),
    "window": bytes([WINDOW_ADJUST]) + u32(0) + u32(0xFFFFFFFF),
    "new keys": bytes([NEWKEYS]),
    "key exchange": bytes([KEXINIT]) + bytes(16) + string("x," * 15_000) * 2 + bytes(37),
    "hostbased": login_request("nobody", "hostbased", string("ssh-rsa"), string("k"), string("h"), string("u"), string("s")),
    "keyboard": login_request("nobody", "keyboard-interactive", string(""), string("")),
    "answers": b"\x3d" + u32(2) + string("a") + string("b"),
    "key": login_request("nobody", "publickey", b"\0", string("ssh-ed25519"),
                         string(string("ssh-ed25519") + string(bytes(32)))),
    "long name": login_request("n" * 30_000, "none"),
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
    **{kind: BEFORE_LOGIN[kind] for kind in ("ignore", "large ignore", "unimplemented", "debug", "ext info", "new keys",
                                            "none")},
    "wide window": BEFORE_LOGIN["window"],
    "terminals": channel_request(0, "pty-req", string("xterm"), u32(80), u32(24), u32(0), u32(0), string("\1" * 500)),
    "shells": channel_request(0, "shell"),
    "second subsystem": channel_request(0, "subsystem", string("sftp")),
    "signals": channel_request(0, "signal", string("KILL")),
    "forwarding": bytes([GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string("x" * 800) + u32(1),
    "direct channels": bytes([CHANNEL_OPEN]) + string("direct-tcpip") + u32(0) + u32(1 << 20) + u32(32768)
                       + string("h") + u32(1) + string("o") + u32(1),
    "channels with no window": bytes([CHANNEL_OPEN]) + string("session") + u32(0) + u32(0) + u32(1),
    "extended data": bytes([CHANNEL_EXTENDED]) + u32(0) + u32(1) + string("x" * 1000),
    "ends of data": bytes([CHANNEL_EOF]) + u32(0),
    "closings": bytes([CHANNEL_CLOSE]) + u32(0),
    "stray answers": bytes([CHANNEL_SUCCESS]) + u32(0),
    "stray openings": bytes([CHANNEL_OPENED]) + u32(0) + u32(0) + u32(1 << 20) + u32(32768),
    "stray failures": bytes([CHANNEL_OPEN_FAILURE]) + u32(0) + u32(1) + string("x") + string(""),
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


# Small ones: an answer has some 40 bytes, and the kernel may hold 4 MB of them.
NO_ANSWERS_READ = {
    "requests of a channel": channel_request(0, "env", string("x" * 20), string("y" * 20)),
    "global requests": bytes([GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string("x" * 40) + u32(1),
    "packets of data": channel_data(0, b"x" * 800),
    "requests of SFTP": channel_data(0, frame(REALPATH, u32(1), string("/" + "x" * 400)) * 4),
}


def send_until_it_stands(target, kind, most, source="127.0.0.2"):
    """Reads nothing. Returns how many bytes the server took until nothing had moved for two seconds, or it hung up."""
    sent = 0
    with target.log_in(source=source, receive_buffer=4096) as ssh:
        if kind.endswith("SFTP"):
            ssh.open_sftp()
        else:
            ssh.open_channel()
        ssh.socket.settimeout(2)
        with contextlib.suppress(OSError):
            while sent < most:
                block = memoryview(b"".join(ssh.pack(NO_ANSWERS_READ[kind]) for _ in range(200)))
                while block:
                    count = ssh.socket.send(block)
                    sent, block = sent + count, block[count:]
    return sent


def send_until_admitted(target, kind, most):
    """The same by one of many at once, of which some are dropped before they may log in: those come again."""
    while True:
        try:
            return send_until_it_stands(target, kind, most)
        except raw_ssh.Closed as closed:
            if not any(sign in str(closed) for sign in ("MaxStartups", "reset")):  # the line may be lost with a reset
                raise


# ---- before the keys are exchanged

def kexinit(*lists):
    """With these lists instead of the first ones of ten."""
    names = [raw_ssh.CURVE, "ssh-ed25519", raw_ssh.CIPHER, raw_ssh.CIPHER, "hmac-sha2-256", "hmac-sha2-256", "none",
             "none", "", ""]
    names[:len(lists)] = lists
    return bytes([KEXINIT]) + os.urandom(16) + b"".join(map(string, names)) + bytes(5)


def plain_packet(payload):
    padding = 8 - (5 + len(payload)) % 8 + 8
    return u32(1 + len(payload) + padding) + bytes([padding]) + payload + bytes(padding)


MANY_NAMES = ",".join(f"kex-{number}@x" for number in range(1800))
GROUP_EXCHANGE = "diffie-hellman-group-exchange-sha256"
FIRST_WORDS = {
    "nothing": b"",
    "no end of line": b"SSH-2.0-" + b"x" * 100_000,
    "many lines": b"no banner\r\n" * 10_000,
    "huge packet": BANNER + b"\r\n" + b"\xff" * 4 + bytes(100_000),
    "largest packet": BANNER + b"\r\n" + u32(262_144) + bytes(100_000),
    "empty packets": BANNER + b"\r\n" + u32(12) * 1 + b"\x0b" + bytes(11),
    "ignored": BANNER + b"\r\n" + plain_packet(bytes([IGNORE]) + string("x" * 1000)) * 200,
    "many names": BANNER + b"\r\n" + plain_packet(kexinit(MANY_NAMES, MANY_NAMES)) * 4,
    "compression": BANNER + b"\r\n" + plain_packet(kexinit(raw_ssh.CURVE, "ssh-ed25519", raw_ssh.CIPHER,
        raw_ssh.CIPHER, "hmac-sha2-256", "hmac-sha2-256", "zlib,zlib@openssh.com", "zlib,zlib@openssh.com")),
    "share of nothing": BANNER + b"\r\n" + plain_packet(kexinit(GROUP16)) + plain_packet(b"\x1e" + mpint(0)),
    "long share": BANNER + b"\r\n" + plain_packet(kexinit(GROUP16)) + plain_packet(b"\x1e" + string(b"\x7f" * 30_000)),
    "short point": BANNER + b"\r\n" + plain_packet(kexinit()) + plain_packet(b"\x1e" + string(b"x")),
    "groups": BANNER + b"\r\n" + plain_packet(kexinit(GROUP_EXCHANGE))
              + plain_packet(b"\x22" + u32(2048) + u32(8192) + u32(8192)) * 20,
    "key exchanges": BANNER + b"\r\n" + plain_packet(kexinit()) * 50,
}


def first_words(target, seconds, kind, connections=20, source="127.0.0.2"):
    """Connections that say so much, read nothing and stay for a while."""
    until = Deadline(seconds)
    while until:
        with contextlib.ExitStack() as stack:
            for _ in range(connections):
                sock = stack.enter_context(socket.socket())
                sock.bind((source, 0))
                sock.settimeout(0.2)
                with contextlib.suppress(OSError):
                    sock.connect(target.ssh)
                    sock.sendall(FIRST_WORDS[kind])
            threading.Event().wait(min(max(until.rest, 0), 0.5))


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


def hang_up(ssh):
    with contextlib.suppress(OSError):
        ssh.socket.shutdown(socket.SHUT_RDWR)


def drain(ssh):
    """Reads and forgets."""
    with contextlib.suppress(OSError, ValueError):
        while ssh.socket.recv(1 << 16):
            pass


@contextlib.contextmanager
def read_and_forgotten(ssh, until):
    """What the server sends meanwhile; then, or when the time is over, the connection ends."""
    ssh.socket.settimeout(None)
    reader = threading.Thread(target=drain, args=(ssh,), daemon=True)
    timer = threading.Timer(max(until.rest, 0), hang_up, (ssh,))
    reader.start()
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        hang_up(ssh)
        reader.join()


def small_requests(target, seconds, kind, channels=10, user="reader", source="127.0.0.2", most=400):
    """As many SFTP requests as go into a packet, on all channels; the answers are read at once. `most` bounds the
    packets of each channel. What is not answered in time is left: a machine that is busy takes minutes for it."""
    until = Deadline(seconds)
    request = SMALL_REQUESTS[kind]
    requests = request * (30_000 // len(request))
    with contextlib.suppress(Closed, OSError), target.log_in(user, source=source) as ssh:
        open_channels = [ssh.open_sftp(number) for number in range(channels)]
        with read_and_forgotten(ssh, until), contextlib.suppress(Closed, OSError):
            for _ in range(most):
                if not until:
                    break
                ssh.send(*(channel_data(channel, requests) for channel in open_channels))


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


def reads_without_new_keys(target, most, source="127.0.0.2"):
    """Reads what comes, but agrees to no new keys when the server asks for some. Returns how many bytes were asked for
    until the server took nothing more for two seconds, or hung up."""
    asked = 0
    with target.log_in(source=source) as ssh:
        channel = ssh.open_sftp()
        ssh.send(channel_data(channel, frame(OPEN, u32(1), string("/big"), u32(1), NO_ATTRIBUTES)))
        reply = ssh.expect(CHANNEL_DATA)[9:]
        handle = reply[13:13 + struct.unpack_from("!I", reply, 9)[0]]
        volley = channel_data(channel, frame(READ, u32(1), string(handle), u64(0), u32(256 << 10)) * 16)
        ssh.socket.settimeout(2)

        def drain():
            with contextlib.suppress(OSError):
                while ssh.socket.recv(1 << 20):
                    pass

        drained = threading.Thread(target=drain)
        drained.start()
        with contextlib.suppress(Closed, OSError):
            while asked < most:
                ssh.send(volley)
                asked += 16 * (256 << 10)
        drained.join()
    return asked


def read_much(ssh):
    """A request that is too long, and 64 KiB of a file."""
    channel = ssh.open_sftp()
    ssh.send(channel_data(channel, frame(STAT, u32(1), string("/" + "n" * 40_000))))
    ssh.expect(CHANNEL_DATA)
    ssh.send(channel_data(channel, frame(OPEN, u32(1), string("/big"), u32(1), NO_ATTRIBUTES)))
    handle = take_string(ssh.expect(CHANNEL_DATA), 18)[0]
    ssh.send(channel_data(channel, b"".join(frame(READ, u32(1), string(handle), u64(at), u32(32 << 10))
                                            for at in (0, 32 << 10))))
    received = 0
    while received < 64 << 10:
        received += len(ssh.expect(CHANNEL_DATA)) - 9


def talk_aside(ssh):
    """What a program would say to its terminal as an error, on ten channels: the server has no use for it."""
    for number in range(10):
        channel = ssh.open_channel(number)
        ssh.send(bytes([CHANNEL_EXTENDED]) + u32(channel) + u32(1) + string(bytes(40_000)))
    ssh.send(bytes([GLOBAL_REQUEST]) + string("keepalive@openssh.com") + b"\1")
    ssh.expect(REQUEST_SUCCESS)


BUSY_ONCE = {"reads": read_much, "aside": talk_aside}


def busy_once(target, kind, count, user="reader", source="127.0.0.2"):
    """Sessions that send and read much once, one after the other, and are idle then."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            with contextlib.suppress(Closed, OSError):
                BUSY_ONCE[kind](stack.enter_context(target.log_in(user, source=source)))


# ---- big folders, uploads, scp

BIG_FOLDER = "crowd"


def list_again(target, seconds, channels=10, user="reader", source="127.0.0.2", folder=BIG_FOLDER, read=True):
    """Opens the folder on all channels and reads all its names; or asks for them and reads no answer."""
    until = Deadline(seconds)
    while until:
        with contextlib.suppress(Closed, OSError), target.log_in(user, source=source,
                                                                receive_buffer=None if read else 4096) as ssh:
            asked = []
            for number in range(channels):
                channel = ssh.open_sftp(number)
                ssh.send(channel_data(channel, frame(OPENDIR, u32(1), string(f"/{folder}"))))
                handle = take_string(ssh.expect(CHANNEL_DATA), 18)[0]
                asked.append(channel_data(channel, frame(READDIR, u32(1), string(handle)) * 100))
            ssh.socket.settimeout(max(until.rest, 0.1))
            with (read_and_forgotten(ssh, until) if read else contextlib.nullcontext(),
                  contextlib.suppress(Closed, OSError)):
                for _ in range(200):
                    if not until:
                        break
                    ssh.send(*asked)


def hostile_uploads(target, seconds, source="127.0.0.2", files=150):
    """Small files of ever new names that are begun, written far behind their end, and never closed."""
    until, number = Deadline(seconds), 0
    while until:
        with contextlib.suppress(Closed, OSError, struct.error), target.log_in("sender", source=source,
                                                                               patience=max(until.rest, 1)) as ssh:
            channel = ssh.open_sftp()
            for _ in range(files):
                if not until:
                    break
                number += 1
                ssh.send(channel_data(channel, frame(OPEN, u32(1), string(f"/uploads/hostile {number}"),
                                                     u32(FLAG_WRITE | FLAG_CREATE), NO_ATTRIBUTES)))
                reply = ssh.expect(CHANNEL_DATA)[9:]
                if reply[4] != 102:
                    continue
                handle = take_string(reply, 9)[0]
                ssh.send(*(channel_data(channel, frame(WRITE, u32(1), string(handle), u64(at), string(bytes(20_000))))
                           for at in (0, 1 << 40, 2**64 - 1)))
                for _ in range(3):
                    ssh.expect(CHANNEL_DATA)
    return number


SCP_COMMANDS = {
    "brackets": "scp -f brackets/*" + "[" * 127 + "y" + "[" * 850,
    "stars": "scp -f " + "*" * 200 + "y",
    "crowd": f"scp -f {BIG_FOLDER}/*",
    "crowd and none": f"scp -f {BIG_FOLDER}/*?*?*?*?*?*y",
    "everything": "scp -r -f /",
    "parents": "scp -f " + "../" * 300 + "etc/passwd",
    "receive": "scp -t /uploads",
    "long": "scp -f " + "x" * 200_000,
}


def scp(target, seconds, kind, user="sender", source="127.0.0.2"):
    """Asks again and again; what is to be received is a record that does not end."""
    until = Deadline(seconds)
    while until:
        # The data of one command may come before the answer to the next: then it begins again.
        with contextlib.suppress(Closed, OSError, AssertionError), target.log_in(user, source=source, patience=max(until.rest, 1)) as ssh:
            for number in range(8):
                if not until:
                    break
                channel = ssh.open_channel(number)
                if not ssh.ask(channel, "exec", string(SCP_COMMANDS[kind])):
                    continue
                ssh.send(*[channel_data(channel, b"C0644 " + b"9" * 500 if kind == "receive" else b"\0" * 50)] * 20)
                ssh.expect(CHANNEL_DATA, CHANNEL_CLOSE)


def handles(target, seconds, user="reader", source="127.0.0.2", connections=5):
    """As many open files and folders as there may be, held for a while."""
    until = Deadline(seconds)
    opens = frame(OPEN, u32(1), string("/big"), u32(1), NO_ATTRIBUTES) + frame(OPENDIR, u32(1), string("/"))

    def attack():
        with contextlib.suppress(Closed, OSError), target.log_in(user, source=source,
                                                                patience=max(until.rest, 1)) as ssh:
            channels = [ssh.open_sftp(number) for number in range(10)]
            with read_and_forgotten(ssh, until):
                ssh.send(*(channel_data(channel, opens * 150) for channel in channels))
                threading.Event().wait(min(max(until.rest, 0), 3))

    while until:
        all_at_once([attack] * connections)


def names(target, seconds, user="reader", source="127.0.0.2"):
    """Ever new ones, as long as a name may be."""
    until, number = Deadline(seconds), 0
    while until:
        with contextlib.suppress(Closed, OSError), target.log_in(user, source=source,
                                                                patience=max(until.rest, 1)) as ssh:
            channels = [ssh.open_sftp(number) for number in range(4)]
            with read_and_forgotten(ssh, until):
                for _ in range(500):
                    number += 1
                    name = string(f"/{number}" + "/nnn" * 1000)
                    ssh.send(*(channel_data(channel, frame(STAT, u32(1), name) + frame(OPEN, u32(1), name, u32(1),
                                                                                       NO_ATTRIBUTES))
                               for channel in channels))
    return number


def logins(target, seconds, source="127.0.0.2", connections=5):
    """Good ones, and nothing after them. Returns how many there were."""
    until, done = Deadline(seconds), [0]

    def attack():
        with contextlib.suppress(Closed, OSError, AssertionError):
            target.log_in(source=source, patience=max(until.rest, 1)).close()
            done[0] += 1

    while until:
        all_at_once([attack] * connections)
    return done[0]
