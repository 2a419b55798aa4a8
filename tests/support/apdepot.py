"""The binary under test: its commands, and a running server whose log is followed."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from make_bundle import BUNDLE

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("APDEPOT", ROOT / "build/test/apdepot")).resolve()
UNDER_WINE = BINARY.name == "apdepot_wine.py"
RELEASE = "/EWC/17_9_4a"
# Commands that change nothing.
READING = (("releases",), ("explain", f"{RELEASE}/ap1g8"), ("verify",), ("wlc-config", RELEASE), ("user", "list"))
USER, PASSWORD = "ewc", "s3cret horse"
# Seconds: the upper bound of any wait. A machine that others use too may stand still for half a minute; after 60 the
# server looks at drop/ by itself, and ends whoever has not logged in, which would hide what ought to happen before.
PATIENCE = 50

TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d) ")
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|: runtime error: ")


def optimised_binary():
    """One whose memory and speed mean something: the binary under test, unless a sanitizer is in it."""
    if b"__asan_init" not in BINARY.read_bytes():
        return BINARY
    release = ROOT / "build/release/apdepot"
    return release if release.exists() else None


def environment(**more):
    """No one's own settings: neither a journal to log to, nor an agent, nor a service manager."""
    return {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", **more,
    }


def run(*arguments, depot=None, timeout=60, **options):
    """Runs one command to its end; `depot` goes in as the flag."""
    flags = ["--depot", depot] if depot else []
    done = subprocess.run([BINARY, *map(str, arguments), *flags], capture_output=True, text=True, timeout=timeout,
                          env=environment(), stdin=subprocess.DEVNULL, **options)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


def succeed(*arguments, **options):
    """Runs a command that must end with status 0, and returns what it printed."""
    done = run(*arguments, **options)
    assert done.returncode == 0, f"{arguments} exited {done.returncode}: {done.stderr}"
    return done.stdout


def add_user(depot, name, password, directory, command="add"):
    """`directory` takes the password file, which no flag may hold."""
    file = pathlib.Path(directory, f"{name}.password")
    file.write_text(password + "\n")
    file.chmod(0o600)
    return succeed("user", command, name, "--password-file", file, depot=depot)


def snapshot(directory):
    """What would tell a change: each path with its inode, size and time."""
    found = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def files_below(folder):
    """Whatever is removed meanwhile."""
    return [pathlib.Path(place, name) for place, _, names in os.walk(folder) for name in names]


def wait_until(condition, timeout=PATIENCE):
    """For what announces itself to no one, such as a file: looks until `condition` holds."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        time.sleep(0.01)
    return result


def wait_for_release(server, timeout=PATIENCE):
    """The dropped bundle is published and gone from the drop folder; returns the release's folder."""
    release = server.depot / "images" / RELEASE[1:]
    wait_until(lambda: release.is_dir() and not (server.depot / "drop" / BUNDLE).exists(), timeout)
    return release


def stay_root(depot):
    """The flags without which a server that root starts in a depot of root ends at once."""
    depot = pathlib.Path(depot)
    if os.geteuid() != 0 or (depot.exists() and depot.stat().st_uid != 0):
        return []
    return ["--user", "root"]


class Server:
    """`apdepot serve`, ready. `addresses` has (host, port) pairs for "tftp", "ssh", "http", "https" and "syslog"."""

    def __init__(self, depot, config_file=None, listen=("--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0"), env=None,
                 binary=BINARY, user=None, pass_fds=(), web="none"):
        """`web` is where the page is served; None leaves it to the configuration."""
        self.depot = pathlib.Path(depot)
        command = [binary, "serve", "--depot", depot, *listen, *(["--web", web] if web else []),
                   *(stay_root(depot) if user is None else ["--user", user])]
        if config_file:
            command += ["--config", config_file]
        self.lines, self.ended, self.changed = [], False, threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env or environment(), pass_fds=pass_fds)
        self.reader = threading.Thread(target=self._follow, daemon=True)
        self.reader.start()
        try:
            self.ready_line = self.wait_for_log(r"^apdepot ready: .*").group()
        except BaseException:
            self.kill()
            raise
        self.addresses = {"tftp": [], "ssh": [], "http": [], "https": [], "syslog": []}
        for protocol, host, port in re.findall(r"\b(tftp|ssh|https?|syslog) ([^\s/]+):(\d+)", self.ready_line):
            self.addresses[protocol].append((host.strip("[]"), int(port)))
        self.pages = re.findall(r"\bpage (https?://[^\s,]+)", self.ready_line)
        # the first of each
        self.tftp, self.ssh, self.http, self.https, self.syslog = (next(iter(each), None) for each in self.addresses.values())

    @property
    def pid(self):
        return self.process.pid

    def _follow(self):
        for raw in self.process.stderr:
            with self.changed:
                self.lines.append(raw.decode(errors="backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def log_lines(self, tag=""):
        """The log so far, without the times; with a tag such as "in.tftpd" only its lines. Once the server has ended it
        tells what is not there, too."""
        with self.changed:
            return [text for text in (TIMESTAMP.sub("", line) for line in self.lines) if text.startswith(tag)]

    def whole_log(self, tag=""):
        """Ends the server, for a line may come behind the answer that it tells of; then what log_lines() says."""
        self.stop()
        return self.log_lines(tag)

    def wait_for_log(self, pattern, timeout=PATIENCE, since=0):
        """The first line, without its time, in which `pattern` is found; now or as soon as it comes. `since` leaves
        out as many lines at the beginning."""
        deadline, seen = time.monotonic() + timeout, since
        with self.changed:
            while True:
                for line in self.lines[seen:]:
                    if match := re.search(pattern, TIMESTAMP.sub("", line)):
                        return match
                seen = len(self.lines)
                log = "\n".join(self.lines)
                assert not self.ended, f"the server ended without a line like {pattern}; its log:\n{log}"
                rest = deadline - time.monotonic()
                assert rest > 0, f"no line like {pattern} within {timeout} s; the log:\n{log}"
                self.changed.wait(rest)

    def fingerprints(self):
        """The SHA-256 fingerprints of both host keys, once they are logged."""
        fingerprint = r"(SHA256:[A-Za-z0-9+/]{43})"
        return [self.wait_for_log(rf"\bssh-{kind} {fingerprint}").group(1) for kind in ("rsa", "ed25519")]

    def refuses_connections(self):
        """Over SSH; once the end has begun, for instance."""
        try:
            socket.create_connection(self.ssh, timeout=5).close()
            return False
        except ConnectionError:
            return True

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """Waits for the end; returns the exit status."""
        status = self.process.wait(timeout)
        self.reader.join(10)
        return status

    def stop(self):
        """Ends the server as a service manager does; it must end well."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        status, log = self.wait(), "\n".join(self.lines)
        assert not SANITIZER.search(log), log
        assert status == 0, f"exit status {status}; the log:\n{log}"

    def kill(self):
        """Whatever happened, nothing is left running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def resident_megabytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1000


def write_config(file, settings):
    """JSON is YAML. Unless a test says otherwise drops settle fast, and what one test does to the server from here is
    not held against its others."""
    merged = {**settings, "import": {"settle": 0, **settings.get("import", {})},
              "ssh": {"trusted": ["127.0.0.0/8", "::1"], **settings.get("ssh", {})}}
    pathlib.Path(file).write_text(json.dumps(merged, indent=1) + "\n")
    return file


def make_state(directory, config=None):
    """A state/ in `directory` with host keys and the user: making them takes longer than most tests."""
    depot = directory / "depot"
    add_user(depot, USER, PASSWORD, directory)
    server = Server(depot, config)
    try:
        server.fingerprints()
        server.stop()
    finally:
        server.kill()
    for path in (depot / "state").glob("history.db*"):  # each test begins its own
        path.unlink()
    return depot / "state"


@contextlib.contextmanager
def ended(shown):
    """A list for servers, which end well or fail the test; `shown` gives what is printed of the lines of one."""
    servers = []
    yield servers
    try:
        for server in servers:
            if server.process.returncode is None:
                server.stop()
    finally:
        for server in servers:
            server.kill()
            print("\n".join(shown(server.lines)))
