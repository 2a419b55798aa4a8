"""SFTP by the packet, over paramiko's SSH: what a client library would hide."""
import dataclasses
import socket
import struct

import paramiko

(INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR,
 REALPATH, STAT, RENAME, READLINK, SYMLINK) = range(1, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED, EXTENDED_REPLY = 200, 201

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, _, _, OP_UNSUPPORTED = range(9)
FLAG_READ, FLAG_WRITE, FLAG_APPEND, FLAG_CREATE, FLAG_TRUNCATE, FLAG_EXCLUSIVE = (1 << n for n in range(6))
NO_ATTRIBUTES = struct.pack("!I", 0)
PATIENCE = 50  # seconds: the upper bound of any wait; see apdepot.PATIENCE


def u32(value):
    return struct.pack("!I", value)


def u64(value):
    return struct.pack("!Q", value)


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return u32(len(value)) + value


def frame(kind, *parts):
    body = bytes([kind]) + b"".join(parts)
    return u32(len(body)) + body


@dataclasses.dataclass
class Attributes:
    size: int
    mode: int


class Cursor:
    """Takes fields off a packet's front."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        assert len(self.data) >= size
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def u32(self):
        return int.from_bytes(self.take(4), "big")

    def u64(self):
        return int.from_bytes(self.take(8), "big")

    def string(self):
        return self.take(self.u32())

    def attributes(self):
        flags = self.u32()
        size = self.u64() if flags & 1 else None
        if flags & 2:
            self.take(8)  # uid, gid
        mode = self.u32() if flags & 4 else None
        if flags & 8:
            self.take(8)  # atime, mtime
        return Attributes(size, mode)


@dataclasses.dataclass
class Reply:
    kind: int
    id: int
    body: bytes

    def _cursor(self, kind):
        assert self.kind == kind, f"reply {self.kind} {self.body[:80]} instead of {kind}"
        return Cursor(self.body)

    @property
    def status(self):
        return self._cursor(STATUS).u32()

    @property
    def handle(self):
        return self._cursor(HANDLE).string()

    @property
    def data(self):
        return self._cursor(DATA).string()

    @property
    def attributes(self):
        return self._cursor(ATTRS).attributes()

    @property
    def names(self):
        """(filename, longname, attributes) of each entry."""
        cursor = self._cursor(NAME)
        return [(cursor.string().decode(), cursor.string().decode(), cursor.attributes()) for _ in range(cursor.u32())]


def connect(server):
    """An SSH connection after the key exchange, before any authentication."""
    host, port = server.ssh
    transport = paramiko.Transport(socket.create_connection((host, port), timeout=PATIENCE))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = PATIENCE
    transport.start_client(timeout=PATIENCE)
    return transport


def login(server, user, password):
    transport = connect(server)
    transport.auth_password(user, password, fallback=False)
    return transport


def channel_request(channel, kind, *fields):
    """A channel request that wants no answer, so that what follows need not wait for one."""
    message = paramiko.Message()
    message.add_byte(bytes([98]))  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(False)
    message.add_bytes(b"".join(fields))
    channel.transport._send_user_message(message)


def ask_for_sftp(channel):
    channel_request(channel, "subsystem", string("sftp"))


class Sftp:
    """One SFTP session, of which a test sees every packet."""

    def __init__(self, transport, initialise=True):
        self.transport = transport
        self.channel = transport.open_session(timeout=PATIENCE)
        self.channel.settimeout(PATIENCE)
        self.next_id, self.extensions = 1, {}
        if initialise:
            self.channel.invoke_subsystem("sftp")
            self.send_raw(frame(INIT, u32(3)))
            self.receive_version()

    def send_raw(self, data):
        self.channel.sendall(data)

    def _receive_exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.channel.recv(size - len(data))
            assert more, "the server closed the channel"
            data += more
        return data

    def receive_packet(self):
        size = int.from_bytes(self._receive_exactly(4), "big")
        packet = self._receive_exactly(size)
        return packet[0], packet[1:]

    def receive_version(self):
        kind, body = self.receive_packet()
        cursor = Cursor(body)
        assert (kind, cursor.u32()) == (VERSION, 3)
        while cursor.data:
            name = cursor.string().decode()
            self.extensions[name] = cursor.string()

    def receive(self):
        kind, body = self.receive_packet()
        return Reply(kind, int.from_bytes(body[:4], "big"), body[4:])

    def request(self, kind, *parts):
        """Builds a request with the next id."""
        self.next_id += 1
        return frame(kind, u32(self.next_id), *parts)

    def ask(self, kind, *parts):
        """One request, and its reply before anything else is sent."""
        self.send_raw(self.request(kind, *parts))
        reply = self.receive()
        assert reply.id == self.next_id
        return reply

    def realpath(self, path):
        (name, _, _), = self.ask(REALPATH, string(path)).names
        return name

    def open(self, path, flags=FLAG_READ):
        return self.ask(OPEN, string(path), u32(flags), NO_ATTRIBUTES)

    def read(self, handle, offset, size):
        return self.ask(READ, string(handle), u64(offset), u32(size))

    def close(self, handle):
        return self.ask(CLOSE, string(handle)).status

    def read_to_end(self, handle, chunk=32 << 10):
        """Sequential reads, one at a time, as a controller does it."""
        content = b""
        while (reply := self.read(handle, len(content), chunk)).kind == DATA:
            content += reply.data
        assert reply.status == EOF
        return content

    def fetch(self, path):
        handle = self.open(path).handle
        content = self.read_to_end(handle)
        assert self.close(handle) == OK
        return content

    def list(self, path):
        handle = self.ask(OPENDIR, string(path)).handle
        entries = []
        while (reply := self.ask(READDIR, string(handle))).kind == NAME:
            entries += reply.names
        assert reply.status == EOF
        assert self.close(handle) == OK
        return entries

    def expect_closed(self):
        """The server ends this channel, with or without the connection, and says nothing more."""
        assert self.channel.recv(1) == b""
