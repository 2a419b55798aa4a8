"""CPU seconds of a server with all its children, those that have ended included.

A cgroup of the server's own counts in nanoseconds (v1 cpuacct) or microseconds (v2). Where none can be made, the server
runs below a small reaper that keeps its orphans in the tree, and /proc is sampled.
"""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36


class Cgroup:
    def __init__(self, root, name, file, read):
        self.folder = pathlib.Path(root, f"apdepot-bench-{os.getpid()}-{name}")
        self.folder.mkdir()
        self.usage = self.folder / file
        self.read = read
        try:
            self.seconds()
            if not os.access(self.folder / "cgroup.procs", os.W_OK):
                raise PermissionError(self.folder)
        except (OSError, ValueError, IndexError):
            self.folder.rmdir()
            raise

    def start(self, command, **options):
        return subprocess.Popen(command, preexec_fn=self._enter, **options)

    def _enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self):
        return self.read(self.usage.read_text())

    def pids(self):
        return [int(pid) for pid in (self.folder / "cgroup.procs").read_text().split()]

    def close(self):
        end(self.pids)
        self.folder.rmdir()


class Tree:
    """Samples each process's own time, because in.tftpd ignores SIGCHLD and its children's time then goes nowhere."""
    how = "/proc over the process tree, sampled (10 ms ticks; what a child does in its last 50 ms is missed)"

    def start(self, command, **options):
        self.root = subprocess.Popen([sys.executable, __file__, *command], **options)
        self.seen = {}  # own ticks of each process, ended ones included
        threading.Thread(target=self._watch, daemon=True).start()
        return self.root

    def _watch(self):
        while self.root.poll() is None:
            self.seconds()
            time.sleep(0.05)

    def seconds(self):
        for pid in self._tree(self.root.pid):
            try:
                stat = _stat(pid)
                self.seen[pid, stat[19]] = int(stat[11]) + int(stat[12])  # its start; utime, stime
            except OSError:
                pass  # it ended meanwhile
        return sum(list(self.seen.values())) / os.sysconf("SC_CLK_TCK")

    def pids(self):
        return self._tree(self.root.pid)[1:]

    def _tree(self, root):
        children = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                children.setdefault(int(_stat(entry.name)[1]), []).append(int(entry.name))
            except OSError:
                pass  # it ended meanwhile
        tree = [root]
        for pid in tree:
            tree += children.get(pid, [])
        return tree

    def close(self):
        end(self.pids)


def meter(name):
    """The best meter that this host allows."""
    kinds = [("/sys/fs/cgroup/cpuacct", "cpuacct.usage", lambda text: int(text) / 1e9,
              "a cgroup for each server, cpuacct.usage (ns)")]
    for root in "/sys/fs/cgroup", "/sys/fs/cgroup/unified":
        kinds.append((root, "cpu.stat", lambda text: int(text.split()[1]) / 1e6,
                      "a cgroup for each server, cpu.stat usage_usec (µs)"))
    for root, file, read, how in kinds:
        try:
            made = Cgroup(root, name, file, read)
            made.how = how
            return made
        except (OSError, ValueError, IndexError):
            continue
    return Tree()


def end(pids):
    """Ends whatever of these processes, all started by us, still runs."""
    for _ in range(100):
        left = pids()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    raise RuntimeError(f"processes {left} do not end")


def _stat(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _reap(command):
    """Runs the command and adopts its orphans."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    server = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    _reap(sys.argv[1:])
