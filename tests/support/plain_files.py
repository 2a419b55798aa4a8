"""A file system that can do little, as NFS and some of FUSE: renaming knows no flags, there are no hard links. Only
root may mount it.

    plain_files.py DIRECTORY BEHIND

mounts it at DIRECTORY, says `mounted`, and shows what BEHIND holds until it is unmounted.
"""
import contextlib
import errno
import os
import subprocess
import sys


@contextlib.contextmanager
def mounted(directory, behind, program=__file__):
    """See slow_files.why_not() for what that takes."""
    directory.mkdir()
    behind.mkdir()
    process = subprocess.Popen([sys.executable, program, directory, behind], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "mounted\n"
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)
        process.wait(30)


def operations(behind):
    import fusepy  # only here: whoever cannot have it skips the tests

    class Operations(fusepy.Operations):
        chmod = staticmethod(lambda path, mode: os.chmod(behind + path, mode))
        chown = staticmethod(lambda path, uid, gid: os.chown(behind + path, uid, gid))
        mkdir = staticmethod(lambda path, mode: os.mkdir(behind + path, mode))
        rmdir = staticmethod(lambda path: os.rmdir(behind + path))
        unlink = staticmethod(lambda path: os.unlink(behind + path))
        readlink = staticmethod(lambda path: os.readlink(behind + path))
        open = staticmethod(lambda path, flags: os.open(behind + path, flags))
        read = staticmethod(lambda path, size, offset, file: os.pread(file, size, offset))
        write = staticmethod(lambda path, data, offset, file: os.pwrite(file, data, offset))
        fsync = staticmethod(lambda path, only_data, file: os.fsync(file))
        release = staticmethod(lambda path, file: os.close(file))
        readdir = staticmethod(lambda path, file: [".", "..", *os.listdir(behind + path)])

        def init(self, path):
            print("mounted", flush=True)

        def create(self, path, mode, fi=None):
            return os.open(behind + path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

        def rename(self, old, new):
            os.rename(behind + old, behind + new)

        def link(self, target, source):
            raise fusepy.FuseOSError(errno.EPERM)

        def symlink(self, target, source):
            os.symlink(source, behind + target)

        def truncate(self, path, length, file=None):
            os.truncate(behind + path, length)

        def utimens(self, path, times=None):
            os.utime(behind + path, times)

        def statfs(self, path):
            status = os.statvfs(behind + path)
            return {name: getattr(status, name) for name in ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail",
                                                             "f_files", "f_ffree", "f_namemax")}

        def getattr(self, path, file=None):
            status = os.lstat(behind + path)
            return {name: getattr(status, name) for name in ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size",
                                                             "st_atime", "st_mtime", "st_ctime")}

    return Operations


def serve(directory, operations):
    """Until it is unmounted."""
    import fusepy

    fusepy.FUSE(operations, directory, foreground=True, fsname="apdepot-test")


if __name__ == "__main__":
    serve(sys.argv[1], operations(sys.argv[2])())
