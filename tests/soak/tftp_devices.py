"""Devices that speak TFTP: on a link that loses and doubles datagrams, or that stop in the middle."""
import random
import time

import clients
import source
import tftp_wire
from apdepot import PATIENCE

SHAPES = [(), ("blksize", 512), ("blksize", 1428), ("blksize", 1428, "windowsize", 16), ("blksize", 8192, "tsize", 0),
          ("blksize", 8192, "windowsize", 4), ("blksize", 1024, "windowsize", 64)]
UPLOAD_SHAPES = [shape for shape in SHAPES if "tsize" not in shape]  # it would be the file's own size
BIG_SHAPE = ("blksize", 8192, "windowsize", 16)  # a window that fits into a socket's buffer
QUICK = ("timeout", 1)  # the server waits a second for an answer, so that it is soon done with who stops for good
ANSWER = 0.5  # seconds, after which a device says again how far it is
LOSSES = 5  # of one transfer, about: each costs half a second and more


class Link:
    """Loses and doubles datagrams, each way."""

    def __init__(self, rng, lost=0.0, doubled=0.0):
        self.rng, self.lost, self.doubled = rng, lost, doubled

    @classmethod
    def some(cls, rng, size, shape):
        """For a file of `size` bytes."""
        packets = 2 * size / dict(zip(shape[::2], shape[1::2])).get("blksize", 512) + 2
        return cls(rng, min(rng.choice((0, 0, 0.01, 0.1)), LOSSES / packets), rng.choice((0, 0, 0.02)))

    def copies(self, datagram):
        if self.rng.random() < self.lost:
            return []
        return [datagram] * (2 if self.rng.random() < self.doubled else 1)


class Upload:
    """A well-behaved client's side of one write, as tftp_wire.Download is of a read."""

    def __init__(self, name, content, *options):
        self.last_sent, self.peer, self.over = [tftp_wire.request(name, *options, opcode=tftp_wire.WRQ)], None, False
        self.content, self.block_size, self.window, self.done = content, 512, 1, -1

    def answer(self, packet):
        """The datagrams that `packet` calls for."""
        if self.peer not in (None, packet.source):
            return []
        if packet.opcode == tftp_wire.ERROR:
            raise AssertionError(f"ERROR {packet.number}: {packet.text}")
        first, self.peer = self.peer is None, packet.source
        if packet.opcode == tftp_wire.OACK:
            if not first:
                return []
            options = {name.lower(): int(value) for name, value in packet.options.items()}
            self.block_size, self.window = options.get("blksize", 512), options.get("windowsize", 1)
            return self.go_on(0)
        if first:
            return self.go_on(0)
        ahead = (packet.number - self.done) & 0xFFFF
        return self.go_on(self.done + ahead) if 0 < ahead <= self.window else []

    @property
    def blocks(self):
        return len(self.content) // self.block_size + 1

    def go_on(self, done):
        self.done, self.over = done, done == self.blocks
        numbers = range(done, min(done + self.window, self.blocks))
        self.last_sent = [tftp_wire.data(number + 1, self.content[number * self.block_size:(number + 1) * self.block_size])
                          for number in numbers]
        return self.last_sent


def drive(address, transfer, link, answer, again, stop=None, is_over=lambda: False):
    """Sends what `answer` gives for each packet, until the transfer is over; `again` gives what it begins with and says
    after a silence, when `is_over` is asked, too. `stop` is called for each packet before it is answered, and may wait, or
    end the device by an exception."""
    with tftp_wire.Client(address) as client:
        client.socket.settimeout(ANSWER)

        def say(datagrams):
            for datagram in datagrams:
                for copy in link.copies(datagram):
                    client.send(copy, transfer.peer or address)  # also when an answer was lost here

        say(again())
        heard = time.monotonic()
        while not transfer.over:
            try:
                packet = client.receive()
            except TimeoutError:
                if is_over():
                    return
                assert time.monotonic() - heard < PATIENCE, f"nothing has come for {PATIENCE} s"
                say(again())
                continue
            heard = time.monotonic()
            if stop:
                stop(client)
            for copy in link.copies(packet):
                say(answer(copy))


def download(address, wanted, link, shape, stop=None):
    transfer = tftp_wire.Download(f"{wanted.directory}/{wanted.name}", *shape)

    def answer(packet):
        reply = transfer.answer(packet)
        return [reply] if reply else []

    def again():
        if transfer.block:  # of a broken window, too
            return [tftp_wire.ack(transfer.number(transfer.block))]
        return [transfer.request if transfer.peer is None else tftp_wire.ack(0)]

    drive(address, transfer, link, answer, again, stop)
    return transfer.content


def upload(address, name, content, link, shape, is_over):
    """`is_over` says whether the file is there: the last acknowledgement may be lost, and nobody repeats it."""
    transfer = Upload(name, content, *shape)
    drive(address, transfer, link, transfer.answer, lambda: transfer.last_sent, is_over=is_over)


class Stopped(Exception):
    """The device itself has ended, as it was to."""


def stop_at(rng, packets, how):
    """For drive(): does `how` to the client at one of the first `packets`."""
    at, seen = rng.randrange(1, packets), 0

    def stop(client):
        nonlocal seen
        seen += 1
        if seen == at:
            how(client)

    return stop


def curl_tftp(client, directory, names, target):
    """It would wait an hour for a server that was killed."""
    host, port = client.server.tftp
    clients.curl(client, f"tftp://{host}:{port}/{directory}", names, target, "--tftp-blksize", "1428", "--max-time", "30")


class TftpDevice:
    """The works of one device. Each returns how many bytes were checked; a failure is an exception."""

    def __init__(self, site, home, seed):
        self.site, self.rng = site, random.Random(seed)
        self.client = clients.Client(site.door, home, site.key)
        self.works = [(self.read, 12), (self.read_big, 1), (self.pause, 2), (self.abort, 2), (self.fall_silent, 1),
                      (self.write, 5), (self.ask_for_what_is_not_there, 1),
                      *((self.real(each), 2) for each in (clients.tftp_hpa, clients.atftp, curl_tftp))]

    def pick(self, big=0.0):
        return self.site.source.pick(self.rng, big)

    def read(self, wanted):
        shape = self.rng.choice(SHAPES)
        link = Link.some(self.rng, source.SIZES.get(wanted.name, 0), shape)
        return self.site.source.check(wanted, download(self.site.door.tftp, wanted, link, shape))

    def read_big(self, _):
        wanted = self.pick(big=1)
        link = Link(self.rng, self.rng.choice((0, 0.0003)))
        return self.site.source.check(wanted, download(self.site.door.tftp, wanted, link, BIG_SHAPE))

    def pause(self, wanted):
        """Stops for a while, and the server repeats what it sent."""
        stop = stop_at(self.rng, 20, lambda _: time.sleep(self.rng.uniform(0.5, 3)))
        return self.site.source.check(wanted, download(self.site.door.tftp, wanted, Link(self.rng), ("blksize", 1428),
                                                       stop))

    def abort(self, wanted):
        def abort(client):
            client.send(tftp_wire.error(0, "no more"))
            client.peer = client.server  # which was said once, and is enough
            raise Stopped

        return self.ends_early(wanted, abort)

    def fall_silent(self, wanted):
        """Its transfer's port stays open, or the server would hear that it is gone."""
        def fall_silent(client):
            time.sleep(2)
            client.peer = client.server  # nothing is said at the end
            raise Stopped

        return self.ends_early(wanted, fall_silent)

    def ends_early(self, wanted, how):
        try:
            got = download(self.site.door.tftp, wanted, Link(self.rng), ("blksize", 512, *QUICK), stop_at(self.rng, 20, how))
        except Stopped:
            return 0
        return self.site.source.check(wanted, got)  # a short file

    def write(self, _):
        content = self.rng.randbytes(self.rng.choice((0, 511, 512, 5120, 70_000, 200_000)))
        name = self.site.new_upload(content)
        file = self.site.uploads / name

        def is_there():
            return file.exists() and file.read_bytes() == content

        shape = self.rng.choice(UPLOAD_SHAPES)
        link = Link.some(self.rng, len(content), shape)
        upload(self.site.door.tftp, f"/uploads/{name}", content, link, shape, is_there)
        self.site.check_upload(name)
        file.unlink()
        self.site.upload_is_removed(name)
        return len(content)

    def ask_for_what_is_not_there(self, wanted):
        with tftp_wire.Client(self.site.door.tftp) as client:
            client.socket.settimeout(PATIENCE)
            packet = client.ask(f"{wanted.directory}/ap9z{self.rng.randrange(100)}")
        assert (packet.opcode, packet.number) == (tftp_wire.ERROR, 1), packet.raw[:60]
        return 0

    def real(self, fetch):
        def work(wanted):
            return self.site.fetch(self.client, fetch, wanted)

        work.__name__ = fetch.__name__
        return work
