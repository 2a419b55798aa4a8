"""A bare SSH client that does what a test tells it to and nothing by itself: no thread, no answer, no window that it
keeps. It speaks curve25519 and the groups of Diffie and Hellman, and AES-128-GCM; it does not check the host key."""
import base64
import hashlib
import os
import socket
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from paramiko.kex_group16 import KexGroup16SHA512

from sftp_wire import INIT, frame, string, u32

(DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO) = range(1, 8)
KEXINIT, NEWKEYS, KEX_FIRST, KEX_REPLY = 20, 21, 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER = range(50, 54)
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = range(80, 83)
(CHANNEL_OPEN, CHANNEL_OPENED, CHANNEL_OPEN_FAILURE, WINDOW_ADJUST, CHANNEL_DATA, CHANNEL_EXTENDED, CHANNEL_EOF,
 CHANNEL_CLOSE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE) = range(90, 101)
# What a server may say at any time.
ASIDE = (IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO, USERAUTH_BANNER, GLOBAL_REQUEST, WINDOW_ADJUST, CHANNEL_EOF,
         CHANNEL_CLOSE, CHANNEL_REQUEST)
BANNER = b"SSH-2.0-raw_1"
CURVE, GROUP16 = "curve25519-sha256", "diffie-hellman-group16-sha512"
CIPHER = "aes128-gcm@openssh.com"
PATIENCE = 50


class Closed(Exception):
    """The server hung up, or said that it will."""


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big")) if number else string(b"")


def take_string(data, at=0):
    """The string there, and where the next field begins."""
    end = at + 4 + struct.unpack_from("!I", data, at)[0]
    return data[at + 4:end], end


def new_key():
    return ed25519.Ed25519PrivateKey.generate()


def public_blob(key):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return string("ssh-ed25519") + string(raw)


def public_line(key):
    """As it stands in authorized_keys."""
    return f"ssh-ed25519 {base64.b64encode(public_blob(key)).decode()} raw"


class Direction:
    """Key and counter of what goes one way."""

    def __init__(self, key, iv):
        self.cipher, self.fixed, self.counter = AESGCM(key), iv[:4], int.from_bytes(iv[4:], "big")

    def nonce(self):
        nonce = self.fixed + self.counter.to_bytes(8, "big")
        self.counter = (self.counter + 1) % 2**64
        return nonce


class CurveShare:
    """Our part of a key exchange."""
    digest = hashlib.sha256

    def __init__(self):
        self.private = x25519.X25519PrivateKey.generate()
        public = self.private.public_key()
        self.public = string(public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))

    def secret(self, theirs):
        return int.from_bytes(self.private.exchange(x25519.X25519PublicKey.from_public_bytes(theirs)), "big")


class LazyGroupShare:
    """The exponent is 1: the secret is what the server sends, so an exchange costs this side nothing."""
    digest = hashlib.sha512
    public = mpint(KexGroup16SHA512.G)

    @staticmethod
    def secret(theirs):
        return int.from_bytes(theirs, "big") % KexGroup16SHA512.P


class RawSsh:
    """One connection, its keys exchanged. `source` is the address that it comes from; a small `receive_buffer` makes
    the server's answers pile up at the server."""

    def __init__(self, address, source=None, kex=CURVE, host_key="ssh-ed25519", receive_buffer=None,
                 patience=PATIENCE, banner=BANNER):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        try:
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if source:
                self.socket.bind((source, 0))
            self.socket.settimeout(patience)
            self.socket.connect(address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.buffer, self.session_id, self.incoming, self.outgoing = b"", None, None, None
            self.names, self.banner = (kex, host_key), banner
            self.socket.sendall(banner + b"\r\n")
            self.server_banner = self._line()
            self.exchange_keys()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # ---- packets

    def _fill(self):
        try:
            more = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not more:
            raise Closed("the server closed the connection")
        self.buffer += more

    def _take(self, size):
        while len(self.buffer) < size:
            self._fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _line(self):
        while b"\n" not in self.buffer:
            self._fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.startswith(b"SSH-"):
            raise Closed(line.decode())
        return line.rstrip(b"\r")

    def pack(self, payload):
        """The packet's bytes on the wire, which must be sent in the order in which they were made."""
        block, head = (16, 1) if self.outgoing else (8, 5)
        padding = block - (head + len(payload)) % block
        padding += block if padding < 4 else 0
        plain = bytes([padding]) + payload + bytes(padding)
        size = u32(len(plain))
        return size + (self.outgoing.cipher.encrypt(self.outgoing.nonce(), plain, size) if self.outgoing else plain)

    def send(self, *payloads):
        self.send_packed(b"".join(map(self.pack, payloads)))

    def send_packed(self, packed):
        try:
            self.socket.sendall(packed)
        except ConnectionError as error:
            raise Closed(str(error)) from error

    def receive(self):
        """The next packet's payload, whatever it is."""
        head = self._take(4)
        size = int.from_bytes(head, "big")
        if self.incoming:
            plain = self.incoming.cipher.decrypt(self.incoming.nonce(), self._take(size + 16), head)
        else:
            plain = self._take(size)
        return plain[1:len(plain) - plain[0]]

    def expect(self, *kinds):
        """The next packet of these kinds; Closed when the server disconnects."""
        while (payload := self.receive())[0] not in kinds:
            if payload[0] == DISCONNECT:
                raise Closed(take_string(payload, 5)[0].decode())
            assert payload[0] in ASIDE, f"packet {payload[0]} instead of {kinds}"
        return payload

    def wait_for_end(self):
        """Reads until the server hangs up, and returns the numbers of the packets that came before."""
        kinds = []
        try:
            while True:
                kinds.append(self.receive()[0])
        except Closed:
            return kinds

    # ---- the exchange of keys

    def first_packets(self):
        """KEXINIT and our share; they may be sent together, and the answer left unread."""
        kex, host_key = self.names
        self.share = LazyGroupShare() if kex == GROUP16 else CurveShare()
        lists = [kex, host_key, CIPHER, CIPHER, "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""]
        self.ours = bytes([KEXINIT]) + os.urandom(16) + b"".join(map(string, lists)) + bytes(5)
        return self.ours, bytes([KEX_FIRST]) + self.share.public

    def exchange_keys(self):
        self.send(*self.first_packets())
        self.finish_exchange()

    def finish_exchange(self):
        theirs = self.expect(KEXINIT)
        reply = self.expect(KEX_REPLY)
        host_key, at = take_string(reply, 1)
        public, _ = take_string(reply, at)
        secret = mpint(self.share.secret(public))
        hashed = [self.banner, self.server_banner, self.ours, theirs, host_key]
        digest = self.share.digest
        exchange = digest(b"".join(map(string, hashed)) + self.share.public + string(public) + secret).digest()
        self.session_id = self.session_id or exchange

        def derive(letter, size):
            return digest(secret + exchange + letter + self.session_id).digest()[:size]

        self.send(bytes([NEWKEYS]))
        self.expect(NEWKEYS)
        self.outgoing = Direction(derive(b"C", 16), derive(b"A", 12))
        self.incoming = Direction(derive(b"D", 16), derive(b"B", 12))

    # ---- the login

    def begin_login(self):
        self.send(bytes([SERVICE_REQUEST]) + string("ssh-userauth"))
        self.expect(SERVICE_ACCEPT)
        return self

    def log_in(self, user, key):
        self.begin_login()
        blob = public_blob(key)
        request = login_request(user, "publickey", b"\1", string("ssh-ed25519"), string(blob))
        signature = string("ssh-ed25519") + string(key.sign(string(self.session_id) + request))
        self.send(request + string(signature))
        assert self.expect(USERAUTH_SUCCESS, USERAUTH_FAILURE)[0] == USERAUTH_SUCCESS
        return self

    def try_password(self, user, password):
        self.send(login_request(user, "password", b"\0", string(password)))
        return self.expect(USERAUTH_SUCCESS, USERAUTH_FAILURE)[0] == USERAUTH_SUCCESS

    # ---- channels

    def open_channel(self, number=0, window=1 << 30):
        """Returns the server's number for it."""
        self.send(bytes([CHANNEL_OPEN]) + string("session") + u32(number) + u32(window) + u32(32768))
        return struct.unpack_from("!II", self.expect(CHANNEL_OPENED), 1)[1]

    def ask(self, channel, kind, *parts):
        """Whether the server grants a request of a channel's."""
        self.send(channel_request(channel, kind, *parts))
        return self.expect(CHANNEL_SUCCESS, CHANNEL_FAILURE)[0] == CHANNEL_SUCCESS

    def open_sftp(self, number=0):
        """A channel on which SFTP has been begun; its answers come as CHANNEL_DATA."""
        channel = self.open_channel(number)
        assert self.ask(channel, "subsystem", string("sftp"))
        self.send(channel_data(channel, frame(INIT, u32(3))))
        self.expect(CHANNEL_DATA)
        return channel


def login_request(user, method, *parts):
    return bytes([USERAUTH_REQUEST]) + string(user) + string("ssh-connection") + string(method) + b"".join(parts)


def channel_request(channel, kind, *parts):
    return bytes([CHANNEL_REQUEST]) + u32(channel) + string(kind) + b"\1" + b"".join(parts)


def channel_data(channel, data):
    return bytes([CHANNEL_DATA]) + u32(channel) + string(data)
