"""A bare SSH client, which does what it is told and nothing by itself: for what no honest client sends."""
import contextlib
import hashlib
import os
import socket
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sftp_wire import PATIENCE

DISCONNECT, IGNORE, UNIMPLEMENTED, SERVICE_REQUEST, SERVICE_ACCEPT, KEXINIT, NEWKEYS = 1, 2, 3, 5, 6, 20, 21
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_PK_OK, GLOBAL_REQUEST = 50, 51, 52, 60, 80
CHANNEL_OPEN, CHANNEL_OPENED, CHANNEL_REQUEST, CHANNEL_SUCCESS = 90, 91, 98, 99
UNKNOWN = 250
# RFC 3526's group 16, whose exchange costs the server 10 ms and more. The client's secret is 1.
GROUP16 = int("".join("""
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B
302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6
49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D
670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718
3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D
B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C
BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A92108011A723C12A787E6D788719A10BDBA5B26
99C327186AF4E23C1A946834B6150BDA2583E9CA2AD44CE8DBBBC2DB04DE8EF92E8EFC141FBECAA6287C59474E6BC05D99B2964FA090C3A2
233BA186515BE7ED1F612970CEE2D7AFB81BDD762170481CD0069127D5B05AA993B4EA988D8FDDC186FFB7DC90A6C08F4DF435C934063199
FFFFFFFFFFFFFFFF""".split()), 16)


def u32(number):
    return struct.pack(">I", number)


def text(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data


def number(value):
    return text(value.to_bytes((value.bit_length() + 8) // 8, "big"))


def request(user, method, *more):
    """The payload of a request to log in."""
    return bytes([USERAUTH_REQUEST]) + text(user) + text("ssh-connection") + text(method) + b"".join(more)


def forged_signature(user, bits=2048):
    """An RSA key and a signature of it that is wrong, which costs nothing to make."""
    modulus = 1 << (bits - 1) | 1
    blob = text("ssh-rsa") + number(65537) + number(modulus)
    signature = text("rsa-sha2-256") + text((modulus >> 2).to_bytes(bits // 8, "big"))
    return request(user, "publickey", b"\1", text("rsa-sha2-256"), text(blob), text(signature))


class Closed(Exception):
    """By the server."""


class Keys:
    """Of one direction: aes128-gcm@openssh.com."""

    def __init__(self, key, iv):
        self.cipher, self.iv = AESGCM(key[:16]), bytearray(iv[:12])

    def next_iv(self):
        iv = bytes(self.iv)
        self.iv[4:] = (int.from_bytes(self.iv[4:], "big") + 1).to_bytes(8, "big")
        return iv


class RawSsh:
    """Connected, with keys exchanged. `small` is a receive buffer of a few KiB."""

    def __init__(self, address, host="127.0.0.1", small=False, kex="curve25519-sha256"):
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((host, 0))
        self.socket.connect(address)
        self.buffer, self.outwards, self.inwards, self.session, self.kex = b"", None, None, None, kex
        self.banner = b"SSH-2.0-raw"
        self.socket.sendall(self.banner + b"\r\n")
        self.their_banner = self.line()
        self.exchange()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def take(self, size):
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def pack(self, payload):
        block, counted = (16, 1) if self.outwards else (8, 5)
        padding = block - (counted + len(payload)) % block
        padding += block if padding < 4 else 0
        plain = bytes([padding]) + payload + bytes(padding)
        head = u32(len(plain))
        return head + (self.outwards.cipher.encrypt(self.outwards.next_iv(), plain, head) if self.outwards else plain)

    def send(self, *payloads):
        try:
            self.socket.sendall(b"".join(map(self.pack, payloads)))
        except ConnectionError as error:
            raise Closed from error

    def flood(self, payload, size):
        """Sends it again and again and reads nothing, `size` bytes in all; how many the server took until nothing
        moved for a second, or it hung up."""
        sent, self.socket_timeout = 0, self.socket.gettimeout()
        self.socket.settimeout(1)
        with contextlib.suppress(OSError):
            while sent < size:
                block = b"".join(self.pack(payload) for _ in range(200))
                view = memoryview(block)
                while view:
                    count = self.socket.send(view)
                    sent, view = sent + count, view[count:]
        self.socket.settimeout(self.socket_timeout)
        return sent

    def receive(self):
        head = self.take(4)
        size = struct.unpack(">I", head)[0]
        if self.inwards:
            body = self.inwards.cipher.decrypt(self.inwards.next_iv(), self.take(size + 16), head)
        else:
            body = self.take(size)
        payload = body[1:len(body) - body[0]]
        if payload[0] == DISCONNECT:
            raise Closed(payload)
        return payload

    def expect(self, *kinds):
        """The next packet of these kinds; others are passed over."""
        while True:
            payload = self.receive()
            if payload[0] in kinds:
                return payload

    def is_shown_the_door(self):
        with contextlib.suppress(Closed):
            while True:
                self.receive()
        return True

    def kexinit(self):
        names = [self.kex, "rsa-sha2-512", *["aes128-gcm@openssh.com"] * 2, *["hmac-sha2-256"] * 2, "none", "none", "", ""]
        return bytes([KEXINIT]) + os.urandom(16) + b"".join(map(text, names)) + b"\0" + u32(0)

    def own_part(self):
        if "group16" in self.kex:
            return number(2), lambda theirs: int.from_bytes(theirs, "big"), hashlib.sha512
        secret = x25519.X25519PrivateKey.generate()
        public = secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return text(public), lambda theirs: int.from_bytes(
            secret.exchange(x25519.X25519PublicKey.from_public_bytes(theirs)), "big"), hashlib.sha256

    def exchange(self):
        """Exchanges keys; all that the client has to send first goes out at once."""
        ours = self.kexinit()
        public, secret_of, digest = self.own_part()
        self.send(ours, b"\x1e" + public)
        theirs = self.expect(KEXINIT)
        reply = self.expect(31)
        parts, at = [], 1
        while len(parts) < 2:
            size = struct.unpack_from(">I", reply, at)[0]
            parts.append(reply[at + 4:at + 4 + size])
            at += 4 + size
        secret = number(secret_of(parts[1]))
        told = [text(each) for each in (self.banner, self.their_banner, ours, theirs, parts[0])]
        digested = digest(b"".join(told) + public + text(parts[1]) + secret).digest()
        self.session = self.session or digested

        def key(letter):
            return digest(secret + digested + letter + self.session).digest()

        self.send(bytes([NEWKEYS]))
        self.expect(NEWKEYS)
        self.outwards, self.inwards = Keys(key(b"C"), key(b"A")), Keys(key(b"D"), key(b"B"))

    def ask_for_login(self):
        self.send(bytes([SERVICE_REQUEST]) + text("ssh-userauth"))
        self.expect(SERVICE_ACCEPT)
        return self

    def log_in(self, user, password):
        self.ask_for_login()
        self.send(request(user, "password", b"\0", text(password)))
        assert self.expect(USERAUTH_SUCCESS, USERAUTH_FAILURE)[0] == USERAUTH_SUCCESS
        return self
