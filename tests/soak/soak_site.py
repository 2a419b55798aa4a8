"""One depot and its server under load: what its devices and its administrator share. The listening sockets are the
site's own and are handed over to each server, as systemd does it: a request that comes during a restart waits in them."""
import array
import collections
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import socket
import tempfile
import threading
import time
import traceback

import apdepot
import clients
from apdepot import PATIENCE, wait_until
from flat import Sample
from hand_over import hand_over
from judges import descriptors
from known_lines import KnownLines
from source import BIG, OtherBytes, Source, big_content

DRAIN = 5  # seconds
KEPT_FAULTS = 50


def free_address(kind):
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return "{}:{}".format(*free.getsockname())


def open_files(server):
    """What its descriptors are of, without numbers: of sockets there are many."""
    files = []
    for link in pathlib.Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append(re.sub(r":\[\d+\]$", "", os.readlink(link)))
    return files


@dataclasses.dataclass
class Door:
    """Where devices knock. It stays over restarts; the fingerprints are those of the host keys."""
    tftp: tuple
    ssh: tuple
    known: list
    http: tuple = None

    def fingerprints(self):
        return self.known


class Gate:
    """Shut, it lets those end who are inside, and nobody in."""

    def __init__(self):
        self.changed, self.open, self.over, self.inside = threading.Condition(), True, False, 0

    @contextlib.contextmanager
    def pass_through(self):
        """Gives False once it is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.open or self.over)
            self.inside += 1
        try:
            yield not self.over
        finally:
            with self.changed:
                self.inside -= 1
                self.changed.notify_all()

    @contextlib.contextmanager
    def shut(self):
        """Nobody is inside meanwhile."""
        with self.changed:
            self.open = False
            empty = self.changed.wait_for(lambda: not self.inside, timeout=10 * PATIENCE)
        try:
            yield empty
        finally:
            with self.changed:
                self.open = True
                self.changed.notify_all()

    def end(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()


class Status:
    """What the server tells its service manager: how much it has to do."""

    def __init__(self, path):
        self.path, self.text = str(path), ""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        while True:
            message, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(16 * array.array("i").itemsize))
            for _, _, data in control:  # what a manager would keep, or hold for a moment
                fds = array.array("i")
                fds.frombytes(data)
                for fd in fds:
                    os.close(fd)
            if found := re.search(rb"^STATUS=(.*)$", message, re.MULTILINE):
                self.text = found.group(1).decode()

    def is_idle(self):
        return self.text.startswith("0 transfers, 0 sessions, ")


class Restart:
    """What had begun before the server stopped to take requests may break. `until` is that moment."""

    def __init__(self):
        self.since, self.until = time.monotonic(), float("inf")


class Site:
    """Made and ended by the main thread; counts, lines and faults are told by every thread."""

    def __init__(self, name, scratch, key, state):
        self.name, self.key, self.directory = name, key, pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
        self.depot = self.directory / "depot"
        self.uploads = self.depot / "images/uploads"
        (self.depot / "images").mkdir(parents=True)
        shutil.copytree(state, self.depot / "state")
        (self.depot / "images" / BIG[1:]).write_bytes(big_content())
        self.config = self.directory / "apdepot.yaml"
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.http = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.besides = free_address(socket.SOCK_STREAM)
        self.source, self.gate, self.known_lines = Source(), Gate(), KnownLines()
        self.lock = threading.Lock()
        self.done, self.kinds, self.faults = collections.Counter(), collections.Counter(), []
        self.checked, self.broken, self.excused, self.dead = 0, 0, 0, False
        self.restarts, self.samples, self.names, self.sent = [], [], 0, {}
        self.log = open(pathlib.Path(scratch, f"{name}.log"), "w")
        self.status = Status(self.directory / "notify")
        self.configure()
        self.server = self.start()
        self.door = Door(self.udp.getsockname(), self.tcp.getsockname(), self.server.fingerprints(), self.http.getsockname())

    # ---- the server

    def configure(self, **tftp):
        settings = clients.key_user(self.key)
        settings["ssh"]["users"][0]["uploads"] = True
        settings["ssh"]["listen"] = [self.besides]  # a configuration without any address is refused
        apdepot.write_config(self.config, {**settings, "tftp": {"uploads": True, "listen": [], **tftp}, "drain": DRAIN})

    def start(self):
        handed = hand_over(self.directory, [("apdepot-tftp", self.udp.fileno()), ("apdepot-ssh", self.tcp.fileno()),
                                            ("apdepot-http", self.http.fileno())])
        handed["env"] = apdepot.environment(**handed["env"], NOTIFY_SOCKET=self.status.path)
        return apdepot.Server(self.depot, self.config, listen=(), **handed)

    def restart(self, kill):
        restart, old = Restart(), self.server
        self.restarts.append(restart)
        if kill:
            old.kill()
            old.reader.join(PATIENCE)
        else:
            old.signal(apdepot.signal.SIGTERM)
            wait_until(lambda: old.ended or old.log_lines("apdepot: stopping"))
        restart.until = time.monotonic()
        if not kill and (status := old.wait()):  # a second SIGTERM would end what is drained
            self.fault(f"the server ended with status {status} after SIGTERM")
        self.server = self.start()
        self.read_log(old)

    def may_break(self, since):
        """Whether a restart excuses a failure, now, of what began at `since`."""
        return any(since < restart.until for restart in self.restarts)

    def end(self):
        """Ends the server, which must end well."""
        self.server.stop()
        self.read_log(self.server)

    def close(self):
        self.server.kill()
        self.log.close()
        for each in (self.udp, self.tcp, self.http):
            each.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- what is told

    def fault(self, text):
        with self.lock:
            if len(self.faults) < KEPT_FAULTS:
                self.faults.append(text)
                print(f"{self.name}: FAULT {text}", flush=True)

    def read_log(self, server):
        """Each line must explain itself. The server's lines are taken away, or they would fill our own memory."""
        with server.changed:
            lines, server.lines[:] = list(server.lines), []
        for line in lines:
            text = apdepot.TIMESTAMP.sub("", line)
            self.log.write(line + "\n")
            if text == server.ready_line:
                continue
            kind = self.known_lines.kind(text)
            self.kinds[kind] += 1
            if kind is None:
                self.fault(f"a line of the log that nothing explains: {text}")

    # ---- what devices ask

    def new_upload(self, content):
        """The name of a file to send. A lull removes it, where its sender was cut off: it must be whole then."""
        with self.lock:
            self.names += 1
            name = f"sent-{self.names}"
            self.sent[name] = content
        return name

    def check_upload(self, name):
        """Of a sender to whom the server has said that all went well."""
        wait_until((self.uploads / name).exists)
        if (self.uploads / name).read_bytes() != self.sent[name]:
            raise OtherBytes(f"{name}: other bytes than were sent")

    def upload_is_removed(self, name):
        with self.lock:
            del self.sent[name]

    def fetch(self, client, fetch, wanted):
        """By a real client, whose file is checked."""
        with tempfile.TemporaryDirectory(dir=self.directory) as folder:
            target = pathlib.Path(folder, "got")
            target.mkdir()
            fetch(client, wanted.directory, [wanted.name], target)
            return self.source.check(wanted, (target / wanted.name).read_bytes())

    def told_of(self, wanted):
        """The last lines of the log about this file: what the server saw of a download that went wrong."""
        with self.server.changed:
            return [line for line in self.server.lines if f"{wanted.directory}/{wanted.name}" in line][-8:]

    def work(self, device, rng):
        """Works until the gate says that it is over."""
        works, weights = zip(*device.works, strict=True)
        while True:
            with self.gate.pass_through() as go_on:
                if not go_on:
                    return
                self.attempt(rng.choices(works, weights)[0], device.pick())
            time.sleep(rng.uniform(0, 0.1))

    def attempt(self, work, wanted):
        try:
            checked = work(wanted)
        except OtherBytes as error:
            self.fault("\n    ".join([f"{work.__name__}: {error}", *self.told_of(wanted)]))
        except BaseException as error:  # whatever a client library throws
            if self.may_break(wanted.since):
                with self.lock:
                    self.broken += 1
            elif self.source.is_gone(wanted):
                with self.lock:
                    self.excused += 1
            else:
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.fault(f"{work.__name__} of {wanted.directory}/{wanted.name}: {error!r} "
                           f"({pathlib.Path(where.filename).name}:{where.lineno})"[:1500])
        else:
            with self.lock:
                self.done[work.__name__] += 1
                self.checked += checked

    # ---- in a lull

    def lull(self):
        """Everybody waits, and the server must come to rest: nothing half done, no file too many, no socket left."""
        with self.gate.shut() as empty:
            if not empty:
                self.fault("somebody has not ended in time: no lull")
                return
            if self.server.process.poll() is not None:
                self.dead = True
                self.fault(f"the server has ended by itself, with status {self.server.process.returncode}")
                return
            self.come_to_rest()
            self.read_log(self.server)
            self.samples.append(self.sample())

    def come_to_rest(self):
        self.expect("no transfer and no session is left", self.status.is_idle)
        for folder in ("state/staging", "state/taken"):
            path = self.depot / folder
            self.expect(f"{folder} is empty", lambda path=path: not path.exists() or not any(path.iterdir()))
        for file in self.uploads.glob("sent-*"):
            if file.read_bytes() != self.sent.get(file.name):
                self.fault(f"{file.name} was not sent so, or was removed")
            file.unlink()
        self.sent.clear()
        self.expect("the number of descriptors stays", self.descriptors_stay)
        if self.samples:  # a worker closes what it had open a while after it has told the end of an import
            usual = max(sample.descriptors for sample in self.samples)
            with contextlib.suppress(AssertionError):  # they are too many, which flat.py tells
                wait_until(lambda: descriptors(self.server) <= usual)

    def descriptors_stay(self):
        before = descriptors(self.server)
        time.sleep(0.5)
        return descriptors(self.server) == before

    def expect(self, what, condition):
        try:
            wait_until(condition)
        except AssertionError:
            self.fault(f"not so within {PATIENCE} s in a lull: {what}")

    def sample(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        number = {key: int(value) for key, value in re.findall(r"^(RssAnon|Threads|VmHWM):\s+(\d+)", status, re.MULTILINE)}
        self.peak = number["VmHWM"] * 1024
        files = open_files(self.server)
        return Sample(number["RssAnon"] * 1024, len(files), number["Threads"], sum(self.done.values()), files)
