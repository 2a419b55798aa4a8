"""What an attack is judged by: the loop's own meter, the memory and descriptors of the process, and honest clients
beside the attack.

The meter reads the CPU time of the loop's thread. On a virtual machine whose host does not tell the kernel how much
time it takes away, that time is charged to the thread that ran: a bare loop that multiplies, without a page fault or a
system call between its readings, shows turns of 6 to 19 ms there too. So a test whose only fault is a long turn
is run again, the whole attack against a new server, three times at most: the smallest of the longest turns counts. A
turn that the server itself makes long is long in each run. What goes on for an hour has such a bare loop beside it:
long turns must be as rare as there."""
import contextlib
import gc
import http.client
import multiprocessing
import os
import pathlib
import re
import socket
import threading
import time

import paramiko

import sftp_wire
import tftp_wire
from apdepot import RELEASE
from sftp_wire import connect

BUSY_TURN_MS = 1.5  # of a loop that has much to do: as much time as one turn gives to SSH
TURN_MS, KEY_EXCHANGE_MS = 5, 20  # the longest turn of the loop, in CPU time of its thread
RUNS = 3  # of an attack, until one of them has no turn that is too long
LATENCY_MS = 20  # a request's answer on a quiet machine, at the 99th percentile
IMAGE = f"{RELEASE}/ap1g8"
LOOP = re.compile(r"apdepot: loop: \d+ turns, the longest ([\d.]+) ms of CPU")
LONG_TURNS = re.compile(r"(?:<= (?:10|20) ms|more) (\d+)")
LEAST_LONG_TURNS = 3  # so few are chance
# Of the honest device, and nobody else's: what attackers send to a port that the server has given up must not reach the
# device that has this port next, which on hosts of their own it cannot.
DEVICE = "127.0.5.1"


def turns(server):
    """Ends the server, which tells then how long its loop was held; its words, and the longest time."""
    for line in server.whole_log("apdepot: loop: "):
        return line, float(LOOP.search(line).group(1))
    raise AssertionError("the server did not tell how long its turns were")


class LongTurn(AssertionError):
    """The only fault that is measured again."""


def judge_loop(server, bound=TURN_MS):
    told, longest = turns(server)
    if longest > bound:
        raise LongTurn(f"{bound} ms of CPU are promised at most, but {told}")


def cpu_seconds_in(stat):
    fields = pathlib.Path(stat).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(server):
    """Of the whole process so far."""
    return cpu_seconds_in(f"/proc/{server.pid}/stat")


def wake_up(bell):
    """Until it is closed."""
    while bell.recv(1):
        pass
    os._exit(0)


def turn_idly(over, told):
    """In turns as long as a busy loop's, until it is `over`; then tells their seconds of CPU, and how many were too long. It
    takes about as much CPU as the attacked loop, or what is rare would hardly ever be seen in it."""
    gc.disable()
    seconds, too_long = 0, 0
    bell, heard = socket.socketpair()
    if os.fork() == 0:
        bell.close()
        wake_up(heard)
    heard.close()
    with bell, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.connect(own.getsockname())
        while not over.wait(0.001):
            begin, took = time.thread_time(), 0
            while took < BUSY_TURN_MS / 1000:
                sum(number * number for number in range(1000))
                for _ in range(5):
                    own.send(bytes(1400))
                    own.recv(1400)
                bell.send(b"x")
                took = time.thread_time() - begin
            seconds, too_long = seconds + took, too_long + (took > TURN_MS / 1000)
    os.wait()
    told.send((seconds, too_long))


class BareLoop:
    """A process that multiplies, sends datagrams to itself and wakes another, as a loop does: what is long in it, the
    machine made long. A sender's thread pays for packets of others that the kernel delivers meanwhile, and one that wakes
    another on a virtual machine for what its host does then."""

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self.over, (self.heard, told) = context.Event(), context.Pipe(False)
        self.process = context.Process(target=turn_idly, args=(self.over, told), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.seconds, self.too_long = self.heard.recv()
        self.process.join()


def judge_loop_beside(server, bare):
    """Long turns of the loop must be as rare, by its CPU time, as those of the bare loop that ran beside it."""
    seconds = cpu_seconds_in(f"/proc/{server.pid}/task/{server.pid}/stat")
    told, _ = turns(server)
    too_long = sum(map(int, LONG_TURNS.findall(told)))
    most = LEAST_LONG_TURNS * (1 + bare.too_long * seconds / bare.seconds)
    print(f"{too_long} turns above {TURN_MS} ms in {seconds:.0f} s, {bare.too_long} in {bare.seconds:.0f} s of a bare loop")
    assert too_long <= most, f"{most:.0f} turns above {TURN_MS} ms are chance, but {told}"


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


class Growth:
    """How many megabytes the process needs more than at the beginning, at the worst moment."""

    def __init__(self, server):
        self.server, self.over = server, threading.Event()
        self.before = self.most = server.resident_megabytes()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, self.server.resident_megabytes())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    @property
    def megabytes(self):
        return self.most - self.before


class Honest:
    """A device and a controller, and where HTTP is served a client of that, which download beside an attack, again and
    again, and must get every byte. With `latency` the answers to the device's requests are judged too, which wants a
    quiet machine."""

    def __init__(self, server, key, content, latency=False):
        self.server, self.key, self.content, self.latency = server, key, content, latency
        kinds = {"tftp": self._tftp, "sftp": self._sftp, **({"http": self._http} if server.http else {})}
        self.downloads, self.times, self.trouble, self.over = dict.fromkeys(kinds, 0), [], [], threading.Event()
        self.threads = [threading.Thread(target=self._repeat, args=each, daemon=True) for each in kinds.items()]

    def _repeat(self, protocol, download):
        try:
            while not (self.over.is_set() and self.downloads[protocol]):
                assert download() == self.content, f"{protocol}: other bytes than the image's"
                self.downloads[protocol] += 1
        except BaseException as error:  # told by the thread that asks
            self.trouble.append(f"{time.strftime('%T')} {protocol}, after {self.downloads[protocol]} downloads: {error!r}")

    def _tftp(self):
        if self.latency:
            with tftp_wire.Client(self.server.tftp, DEVICE) as client:
                began = time.monotonic()
                client.ask(IMAGE)
                self.times.append((time.monotonic() - began) * 1000)
                client.send(tftp_wire.error(0, "measured"))  # or who gets this port next asks in its name
        return tftp_wire.fetch(self.server.tftp, IMAGE, "blksize", 1428, host=DEVICE)

    def _sftp(self):
        transport = connect(self.server)
        try:
            transport.auth_publickey("honest", paramiko.Ed25519Key.from_private_key_file(str(self.key)))
            return sftp_wire.Sftp(transport).fetch(IMAGE)
        finally:
            transport.close()

    def _http(self):
        with contextlib.closing(http.client.HTTPConnection(*self.server.http, timeout=sftp_wire.PATIENCE)) as client:
            client.request("GET", IMAGE)
            answer = client.getresponse()
            content = answer.read()
        if answer.status != http.HTTPStatus.TOO_MANY_REQUESTS:  # a quick machine asks more than a thousand times a second
            return content
        self.over.wait(1)
        return self._http()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        """Each download that has begun ends, and one of each kind at least."""
        self.over.set()
        for thread in self.threads:
            thread.join(3 * sftp_wire.PATIENCE)
        if kind is None:
            assert not any(thread.is_alive() for thread in self.threads), "an honest download stands still"
            assert not self.trouble, self.trouble
            if self.latency and self.times:
                worst = sorted(self.times)[int(len(self.times) * 0.99)]
                print(f"p99 of {len(self.times)} requests: {worst:.1f} ms, the longest {max(self.times):.1f} ms")
                assert worst <= LATENCY_MS, f"p99 of {len(self.times)} requests is {worst:.1f} ms"
