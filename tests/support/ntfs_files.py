"""A file system that refuses what NTFS refuses, whichever process asks; it knows what each of them has open. Only root
may mount it.

    ntfs_files.py DIRECTORY BEHIND

is used as plain_files.py, and can do no more than that. Besides:

- A folder is not renamed while a file or folder below it is open.
- What a program other than apdepot has open is neither renamed, replaced nor removed: it shares it with nobody.
- Nobody may make a symbolic link.
- Names that differ by case alone are one name.
"""
import errno
import functools
import os
import pathlib
import sys
import threading

import plain_files

mounted = functools.partial(plain_files.mounted, program=__file__)


def operations(behind):
    import fusepy

    gone = f"{behind}-gone"
    os.mkdir(gone)

    class Operations(plain_files.operations(behind)):
        def __init__(self):
            self.turn = threading.Lock()
            self.open_files = {}  # by handle: the file, and whether apdepot has it

        def __call__(self, operation, path, *arguments):
            with self.turn:
                if operation in {"rename", "link"}:  # the other name too
                    arguments = (self.as_it_is_written(arguments[0]), *arguments[1:])
                return super().__call__(operation, self.as_it_is_written(path), *arguments)

        @staticmethod
        def as_it_is_written(path):
            """The name that is there already, in whatever case. What is open and removed, FUSE keeps under a name like
            .fuse_hidden0001; nobody shall see it in the folder."""
            if "/.fuse_hidden" in (path or ""):
                return f"/../{os.path.basename(gone)}/{os.path.basename(path)}"
            place = pathlib.PurePosixPath("/")
            for part in pathlib.PurePosixPath(path or "/").parts[1:]:
                folder = behind + str(place)
                if not os.path.lexists(os.path.join(folder, part)) and os.path.isdir(folder):
                    part = next((name for name in os.listdir(folder) if name.lower() == part.lower()), part)
                place /= part
            return str(place)

        def note(self, handle, path):
            process = pathlib.Path(f"/proc/{fusepy.fuse_get_context()[2]}/comm")
            self.open_files[handle] = (path, not process.exists() or process.read_text().startswith("apdepot"))
            return handle

        def open(self, path, flags):
            return self.note(os.open(behind + path, flags & ~os.O_TRUNC), path)

        def create(self, path, mode, fi=None):
            return self.note(super().create(path, mode, fi), path)

        def opendir(self, path):
            return self.note(os.open(behind + path, os.O_RDONLY | os.O_DIRECTORY), path)

        def release(self, path, file):
            self.open_files.pop(file)
            os.close(file)

        def releasedir(self, path, file):
            self.release(path, file)

        def expect_free(self, path):
            if any(where == path and not shared for where, shared in self.open_files.values()):
                raise fusepy.FuseOSError(errno.EBUSY)

        def rename(self, old, new):
            if any(where.startswith(old + "/") for where, _ in self.open_files.values()):
                raise fusepy.FuseOSError(errno.EBUSY)
            self.expect_free(old)
            self.expect_free(new)
            super().rename(old, new)
            self.open_files = {handle: (new if where == old else where, shared)
                               for handle, (where, shared) in self.open_files.items()}

        def unlink(self, path):
            self.expect_free(path)
            os.unlink(behind + path)

        def symlink(self, target, source):
            raise fusepy.FuseOSError(errno.EPERM)
    return Operations


if __name__ == "__main__":
    plain_files.serve(sys.argv[1], operations(sys.argv[2])())
