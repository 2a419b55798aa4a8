"""The servers of the bench: ours, and those of Debian's packages, unpacked and never installed."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import cpu

# Each program's package, then the shared libraries that it may lack here.
PACKAGES = {
    "usr/sbin/in.tftpd": ["tftpd-hpa", "libwrap0", "libnsl2", "libtirpc3"],
    "usr/sbin/dnsmasq": ["dnsmasq-base", "libnetfilter-conntrack3", "libnfnetlink0", "libmnl0", "libnftables1",
                         "libnftnl11", "libjansson4", "libxtables12", "libidn2-0", "libdbus-1-3"],
    "usr/sbin/sshd": ["openssh-server", "openssh-sftp-server", "libwrap0", "libnsl2", "libtirpc3"],
}
LIBRARIES = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu"]


def fetch(folder):
    """Downloads and unpacks what is missing; nothing is installed and nothing starts."""
    folder.mkdir(parents=True, exist_ok=True)
    for program, (package, *libraries) in PACKAGES.items():
        if not (folder / program).exists():
            _unpack(folder, [package])
        linked = subprocess.run(["ldd", folder / program], env=environment(folder), capture_output=True, text=True)
        if "not found" in linked.stdout:
            _unpack(folder, libraries)


def _named(package):
    """Debian 13 gave some libraries another name, since their times have 64 bits."""
    known = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True, check=False).stdout
    return package if known else f"{package}t64"


def _unpack(folder, packages):
    packages = [_named(each) for each in packages]
    names = ", ".join(packages)
    print(f"bench: fetching {names}", flush=True)
    got = subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages], cwd=folder)
    if got.returncode != 0:
        raise SystemExit(f"bench: cannot download {names}; `apt-get update` may help")
    for archive in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, folder], check=True)
        archive.unlink()


def environment(folder):
    return dict(os.environ, LD_LIBRARY_PATH=":".join(str(folder / path) for path in LIBRARIES))


class Server:
    """A running server with a meter of its own. `prefix` is where its clients see the images."""
    prefix = ""

    def __init__(self, scratch):
        self.scratch = scratch
        self.images = scratch / "images"
        self.log = scratch / f"{self.name}.log"
        self.meter = cpu.meter(self.name)

    def start(self, command, env=None):
        with open(self.log, "wb") as log:
            self.process = self.meter.start([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=env, start_new_session=True)
        wait_for(self.ready, self)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            pass  # the meter ends the rest
        self.meter.close()
        self.process.wait()


class Apdepot(Server):
    name = "apdepot"

    def __init__(self, scratch, binary):
        super().__init__(scratch)
        self.binary, self.depot = binary, scratch

    def run(self, key=None, settings=None):
        """`settings` is the text of its configuration."""
        if key:
            subprocess.run([self.binary, "user", "add", "bench", "--key", key, "--depot", self.depot], check=True,
                           stdout=subprocess.DEVNULL)
        command = serve(self.binary, self.depot)
        if settings:
            file = self.scratch / f"{self.name}.yaml"
            file.write_text(settings)
            command += ["--config", file]
        return self.start(command)

    def ready(self):
        line = READY.search(self.log.read_text(errors="replace"))
        if line:
            self.tftp, self.ssh, self.http = line["tftp"], line["ssh"], line["http"]
        return line

    def memory(self):
        """Resident now and at most, in bytes."""
        pid = self.meter.pids()[0]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return [int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) * 1024 for key in ("VmRSS", "VmHWM")]


class BareSendfile(Server):
    """The yardstick for HTTP: see bare_sendfile.cpp."""
    name = "bare sendfile"
    http = "127.0.0.1:8071"

    def run(self, program):
        return self.start([program, self.http.split(":")[1], self.images])

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", 8071), 1).close()
            return True
        except OSError:
            return False


class Before(Apdepot):
    """An older apdepot, with a depot of its own beside the other's and the same images."""
    name = "before"

    def __init__(self, scratch, binary):
        super().__init__(scratch, binary)
        self.depot = scratch / "before"
        (self.depot / "images").mkdir(parents=True)
        for file in self.images.iterdir():
            os.link(file, self.depot / "images" / file.name)


READY = re.compile(r"apdepot ready: tftp (?P<tftp>127\.0\.0\.1:\d+), ssh (?P<ssh>127\.0\.0\.1:\d+)"
                   r"(?:, http (?P<http>127\.0\.0\.1:\d+))?")


def serve(binary, depot):
    options = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    as_root = ["--user", "root"] if os.geteuid() == 0 and "--user" in options else []  # an older one keeps root
    return [binary, "serve", "--depot", depot, "--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0", *as_root]


def seconds_to_ready(binary, depot):
    began = time.monotonic()
    server = subprocess.Popen(serve(binary, depot), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if READY.search(line):
                return time.monotonic() - began
        raise RuntimeError("apdepot ended before it was ready")
    finally:
        server.terminate()
        server.communicate(timeout=10)


class TftpdHpa(Server):
    name = "tftpd-hpa"
    tftp = "127.0.0.1:6970"

    def run(self, folder):
        return self.start([folder / "usr/sbin/in.tftpd", "-L", "-a", self.tftp, "--user", "nobody", "-s", self.images],
                          environment(folder))

    def ready(self):
        return answers_tftp(self.tftp)


class Dnsmasq(Server):
    name = "dnsmasq"
    tftp = "127.0.0.1:69"  # not to be changed, but this network namespace is ours

    def run(self, folder):
        return self.start([folder / "usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file",
                           "--log-facility=-", "--port=0", "--listen-address=127.0.0.1", "--bind-interfaces",
                           "--user=nobody", "--enable-tftp", f"--tftp-root={self.images}", "--tftp-max=2000"],
                          environment(folder))

    def ready(self):
        return answers_tftp(self.tftp)


class BareLoop(Server):
    """The yardstick: see bare_loop.cpp."""
    name = "bare loop"
    tftp = "127.0.0.1:6971"

    def run(self, program):
        return self.start([program, self.tftp.split(":")[1], self.images])

    def ready(self):
        return answers_tftp(self.tftp)


class Sshd(Server):
    name = "OpenSSH"
    ssh = "127.0.0.1:2200"

    def run(self, folder, key):
        host_key = self.scratch / "ssh_host_ed25519_key"
        make_key(host_key)
        settings = self.scratch / "sshd_config"
        settings.write_text(f"HostKey {host_key}\nAuthorizedKeysFile {key}.pub\nListenAddress 127.0.0.1\nUsePAM no\n"
                            "StrictModes no\nPidFile none\nSubsystem sftp internal-sftp\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.prefix = str(self.images)
        return self.start([folder / "usr/sbin/sshd", "-D", "-e", "-f", settings, "-p", self.ssh.split(":")[1]],
                          environment(folder))

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", 2200), 1).close()
            return True
        except OSError:
            return False


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def answers_tftp(address):
    host, port = address.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.sendto(b"\0\1no-such-file\0octet\0", (host, int(port)))
        try:
            return client.recv(1000)
        except OSError:
            return None


def wait_until(happened, seconds):
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise RuntimeError(f"it did not happen in {seconds} s")
        time.sleep(0.02)


def wait_for(ready, server):
    for _ in range(500):
        if ready():
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.02)
    log = server.log.read_text(errors="replace")[-2000:]
    server.stop()
    raise RuntimeError(f"{server.name} does not start:\n{log}")
