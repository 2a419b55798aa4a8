"""A slow disk: a FUSE file system whose one file stands still, until the test lets it go. Only root may mount it.

    slow_files.py DIRECTORY NAME CONTENT

mounts it and says `mounted`; says `read` for each read that begins, and answers none before the end of its input.
"""
import errno
import importlib.util
import os
import pathlib
import queue
import stat
import subprocess
import sys
import threading

PATIENCE = 30  # seconds: the upper bound of any wait


def why_not():
    """What keeps this process from mounting one, or None."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        return "needs root and /dev/fuse, to mount a slow file system"
    return None if importlib.util.find_spec("fusepy") else "needs python3-fusepy"


class SlowFile:
    """The file NAME, in a new directory, with the bytes of the file `content`."""

    def __init__(self, directory, name, content):
        self.directory, self.said = directory, queue.Queue()
        directory.mkdir(parents=True)
        self.process = subprocess.Popen([sys.executable, __file__, directory, name, content], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._follow, daemon=True).start()
        try:
            self._wait_for("mounted")
        except BaseException:
            self.unmount()
            raise

    def _follow(self):
        for line in self.process.stdout:
            self.said.put(line.strip())

    def _wait_for(self, word):
        try:
            assert self.said.get(timeout=PATIENCE) == word
        except queue.Empty:
            raise AssertionError(f"the slow file system has not said `{word}` within {PATIENCE} s") from None

    def wait_for_read(self):
        """One more read stands at the gate."""
        self._wait_for("read")

    def open_gate(self):
        """For all reads, now and from now on."""
        self.process.stdin.close()

    def unmount(self):
        """Whatever state it is in, nobody waits for it any more."""
        self.open_gate()
        subprocess.run(["umount", "--lazy", self.directory], capture_output=True, check=False)
        self.process.kill()
        self.process.wait()


def serve(directory, name, content):
    """Until the file system is unmounted."""
    import fusepy  # only here: whoever cannot have it skips the tests

    gate = threading.Event()

    class Operations(fusepy.Operations):
        def init(self, path):
            threading.Thread(target=self.wait_for_the_end_of_input, daemon=True).start()
            self.say("mounted")

        def say(self, word):
            os.write(sys.stdout.fileno(), f"{word}\n".encode())  # in one piece, whichever thread it is

        def wait_for_the_end_of_input(self):
            sys.stdin.read()
            gate.set()

        def getattr(self, path, fh=None):
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if path != f"/{name}":
                raise fusepy.FuseOSError(errno.ENOENT)
            return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(content)}

        def readdir(self, path, fh):
            return [".", "..", name]

        def read(self, path, size, offset, fh):
            self.say("read")
            gate.wait()
            return content[offset : offset + size]

    # Without the page cache, every read comes here.
    fusepy.FUSE(Operations(), directory, foreground=True, direct_io=True, fsname="apdepot-test")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).read_bytes())
