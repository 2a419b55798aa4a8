"""A Debian of its own with a real systemd: debootstrap's root, booted by systemd-nspawn in a network of its own."""
import contextlib
import ctypes
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import tempfile
import time

import apdepot

CACHE = apdepot.ROOT / "build/host"
PATIENCE = 120  # seconds: the upper bound of any wait
CLONE_NEWNET = 0x40000000
BEFORE = "0.0.1"  # a version


class Unable(AssertionError):
    """This machine cannot boot a Debian, whatever the package is."""


def run(*command, check=True, timeout=1200, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=timeout, **options)
    assert not check or done.returncode == 0, f"{command} exited {done.returncode}: {done.stdout}{done.stderr}"
    return done


def debian():
    """The codename of this machine's Debian, which the package is for."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def reason_to_skip():
    """Why nothing can be booted here, or None. It takes no time."""
    if os.geteuid() != 0:
        return "the host tests boot a Debian of their own, which takes root"
    missing = [tool for tool in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not found: apt install debootstrap systemd-container util-linux"
    done = run("unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--cgroup",
               "mount", "-t", "tmpfs", "none", "/mnt", check=False)
    return f"root may not make namespaces and mounts here ({done.stderr.strip()})" if done.returncode else None


@contextlib.contextmanager
def machine(what):
    """What fails within is the machine's fault."""
    try:
        yield
    except (AssertionError, subprocess.TimeoutExpired) as error:
        raise Unable(f"{what}: {str(error)[-600:]}") from error


def bare_root(release, name=None, include=()):
    """debootstrap's smallest; made once, and kept below build/."""
    root = CACHE / (name or release)
    made = CACHE / f"{name or release}.made"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        run("rm", "-rf", root)
        with machine("debootstrap cannot make a root"):
            run("debootstrap", "--variant=minbase", *([f"--include={','.join(include)}"] if include else []), release, root,
                timeout=600)
        made.touch()
    return root


def inside(root, *command):
    """Runs a command in a root that is not booted, with the network of this host."""
    return run("systemd-nspawn", "-q", "-D", root, "--as-pid2", "--register=no", "--keep-unit", "--console=pipe", *command)


def base_root(release, package):
    """A root with all that the package depends on, likewise."""
    root = bare_root(release, include=("systemd", "systemd-sysv", "dbus"))
    needs = run("dpkg-deb", "-f", package, "Depends", "Pre-Depends").stdout
    needs = ", ".join(line.split(":", 1)[1].strip() for line in needs.splitlines())
    stamp = CACHE / f"{release}.has"
    if stamp.exists() and stamp.read_text() == needs:
        return root
    for command in (["update", "-qq"], ["satisfy", "-qq", "-y", "--no-install-recommends", needs]):
        inside(root, "apt-get", *command)
    stamp.write_text(needs)
    return root


def version_before(package, target, scratch):
    """The same package under an older version's number, for an upgrade."""
    tree = scratch / "before"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text("".join(f"Version: {BEFORE}\n" if line.startswith("Version:") else line
                               for line in control.read_text().splitlines(keepends=True)))
    run("dpkg-deb", "--root-owner-group", "-b", "-Zgzip", tree, target)


class Container:
    """A copy of a root, in which systemd or one program runs, thrown away at the end. `root` is its / as this host sees
    it. It has a network of its own."""

    def __init__(self, base):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
        self.root = self.directory / "root"
        for name in ("root", "upper", "work"):
            (self.directory / name).mkdir()
        with machine("no overlay can be mounted"):
            run("mount", "-t", "overlay", "apdepot-test", "-o",
                f"lowerdir={base},upperdir={self.directory}/upper,workdir={self.directory}/work", self.root)
        self.log = open(self.directory / "console", "wb")
        self.nspawn = self.init = None
        self.end = signal.SIGRTMIN + 4  # systemd's poweroff

    def boot(self):
        with machine("systemd does not boot in a container"):
            self.start("systemd", "--boot")
            self.wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip()
                            in ("running", "degraded"))

    def start(self, program, *command):
        """Returns once the program runs, whose process `init` is then."""
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--private-network", "--register=no", "--keep-unit",
             "--console=pipe", "--link-journal=no", *command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.init = self._wait_for(program)

    def console(self):
        return (self.directory / "console").read_text(errors="replace")

    def _wait_for(self, program):
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")

        def running():
            assert self.nspawn.poll() is None, self.console()
            for pid in children.read_text().split():
                with contextlib.suppress(OSError):
                    if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == program:
                        return int(pid)

        return self.wait_until(running)

    def close(self):
        if self.nspawn and self.nspawn.poll() is None:
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(self.init, self.end)
            try:
                self.nspawn.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        self.log.close()
        run("umount", self.root)
        run("rm", "-rf", self.directory)

    @staticmethod
    def wait_until(condition, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            assert time.monotonic() < deadline, f"still not so after {timeout} s"
            time.sleep(0.05)
        return result

    def run(self, *command, check=True):
        """Runs a command in the container."""
        return run("nsenter", "-t", self.init, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "/usr/bin/env", "-i",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *command,
                   check=check)

    def output(self, *command):
        return self.run(*command).stdout

    def property(self, unit, name):
        return self.output("systemctl", "show", "-P", name, unit).strip()

    def journal(self, *options):
        return self.output("journalctl", "--no-pager", "-o", "cat", "-u", "apdepot.service", *options)

    def cursor(self):
        """What the journal holds so far, for journal_since()."""
        return self.output("journalctl", "--no-pager", "-n", "0", "--show-cursor").split("cursor: ")[1].strip()

    def journal_since(self, cursor):
        return self.journal("--after-cursor", cursor)

    def is_bound(self, protocol, port):
        """Over IPv4; `protocol` is udp or tcp."""
        table = pathlib.Path(f"/proc/{self.init}/net/{protocol}").read_text().splitlines()[1:]
        return any(line.split()[1].endswith(f":{port:04X}") for line in table)

    @contextlib.contextmanager
    def network(self):
        """Sockets that are made in here are the container's."""
        setns = ctypes.CDLL(None, use_errno=True).setns
        with open("/proc/self/ns/net") as ours, open(f"/proc/{self.init}/ns/net") as theirs:
            assert setns(theirs.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert setns(ours.fileno(), CLONE_NEWNET) == 0
