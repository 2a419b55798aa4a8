"""More of the real clients, one noun with the same verbs each: `get`, `put`, `list` where there is such a thing, all as
the user `keyed`, and `why_not`, what the client shows its user when a file is not there."""
import asyncio
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import warnings

from clients import TIMEOUT

with warnings.catch_warnings():  # of ciphers that nobody offers
    warnings.simplefilter("ignore")
    import asyncssh


class Sshfs:
    """The server as a folder. SFTP over OpenSSH's ssh."""

    def __init__(self, client):
        self.client = client

    @staticmethod
    def unavailable():
        """What keeps a file system from being mounted here, or None."""
        try:
            os.close(os.open("/dev/fuse", os.O_RDWR))
        except OSError as error:
            return f"needs /dev/fuse: {error.strerror}"
        return None

    @contextlib.contextmanager
    def mounted(self):
        host, port = self.client.server.ssh
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.client.home, prefix="mounted."))
        ssh = " ".join(map(str, ["ssh", *self.client.key_options()]))
        self.client.run("sshfs", "-o", f"ssh_command={ssh}", "-p", port, f"{self.client.keyed}@{host}:/", folder)
        try:
            yield folder
        finally:
            subprocess.run(["fusermount3", "-u", folder], check=True, timeout=TIMEOUT)

    def get(self, name, target):
        with self.mounted() as folder:
            shutil.copyfile(folder / name[1:], target)

    def put(self, local, name):
        with self.mounted() as folder:
            shutil.copyfile(local, folder / name[1:])

    def list(self, directory):
        with self.mounted() as folder:
            return [(path.name, path.stat().st_size) for path in (folder / directory[1:]).iterdir()]

    def why_not(self, name, target):
        try:
            self.get(name, target)
        except OSError as error:
            return str(error)


class Rclone:
    """Go's SSH. It looks for a shell first, as it does for its users."""

    def __init__(self, client):
        self.client = client

    def run(self, *arguments, check=True):
        host, port = self.client.server.ssh
        return self.client.run(
            "rclone", "--config", "/dev/null", "--retries", "1", "--low-level-retries", "1", "--sftp-host", host,
            "--sftp-port", port, "--sftp-user", self.client.keyed, "--sftp-key-file", self.client.key, *arguments,
            check=check)

    def get(self, name, target):
        self.run("copyto", f":sftp:{name}", target)

    def put(self, local, name):
        self.run("copyto", local, f":sftp:{name}")

    def list(self, directory):
        lines = self.run("lsf", "--format", "sp", "--separator", " ", f":sftp:{directory}").stdout.splitlines()
        return [(name, int(size)) for size, name in (line.split(" ", 1) for line in lines)]

    def why_not(self, name, target):
        done = self.run("copyto", f":sftp:{name}", target, check=False)
        return done.stderr if done.returncode else None


def asyncssh_connect(client, **options):
    """A connection, to be awaited. `options` are asyncssh's, the lists of algorithms for instance."""
    host, port = client.server.ssh
    return asyncssh.connect(host, port, username=client.keyed, client_keys=[str(client.key)], known_hosts=None,
                            config=None, agent_path=None, **options)


class AsyncsshSftp:
    def __init__(self, client):
        self.client = client

    def run(self, work):
        async def session():
            async with asyncssh_connect(self.client) as connection, connection.start_sftp_client() as sftp:
                return await work(sftp)
        return asyncio.run(session())

    def get(self, name, target):
        self.run(lambda sftp: sftp.get(name, str(target)))

    def put(self, local, name):
        self.run(lambda sftp: sftp.put(str(local), name))

    def list(self, directory):
        entries = self.run(lambda sftp: sftp.readdir(directory))
        return [(entry.filename, entry.attrs.size) for entry in entries]

    def why_not(self, name, target):
        try:
            self.get(name, target)
        except asyncssh.SFTPError as error:
            return str(error)


class AsyncsshScp:
    def __init__(self, client):
        self.client = client

    def copy(self, source, target, there):
        async def session():
            async with asyncssh_connect(self.client) as connection:
                names = [(connection, name) if name == there else str(name) for name in (source, target)]
                await asyncssh.scp(*names)
        asyncio.run(session())

    def get(self, name, target):
        self.copy(name, target, name)

    def put(self, local, name):
        self.copy(local, name, name)

    def why_not(self, name, target):
        try:
            self.get(name, target)
        except (OSError, asyncssh.SFTPError) as error:
            return str(error)


class Dbclient:
    """Dropbear's SSH, as small devices have it, beneath OpenSSH's sftp and scp."""

    def __init__(self, client):
        self.client = client
        key = client.home / "dropbear.key"
        client.run("dropbearconvert", "openssh", "dropbear", client.key, key)
        self.ssh = client.file("dbclient", f'#!/bin/sh\nexec dbclient -y -i {key} "$@"\n')
        self.ssh.chmod(0o700)

    def run(self, program, *words, check=True):
        return self.client.run(program, "-S", self.ssh, "-P", self.client.server.ssh[1], *words, check=check)

    def there(self, name=""):
        return f"{self.client.keyed}@{self.client.server.ssh[0]}{name}"


class DbclientSftp(Dbclient):
    def batch(self, *lines, check=True):
        return self.run("sftp", "-b", self.client.file("batch", "\n".join(lines) + "\n"), self.there(), check=check)

    def get(self, name, target):
        self.batch(f'get "{name}" "{target}"')

    def put(self, local, name):
        self.batch(f'put "{local}" "{name}"')

    def list(self, directory):
        lines = [line.split() for line in self.batch(f"cd {directory}", "ls -l").stdout.splitlines()]
        return [(words[-1], int(words[4])) for words in lines if words[0].startswith("-")]

    def why_not(self, name, target):
        done = self.batch(f'get "{name}" "{target}"', check=False)
        return done.stderr if done.returncode else None


class DbclientScp(Dbclient):
    def get(self, name, target):
        self.run("scp", "-O", self.there(f":{name}"), target)

    def put(self, local, name):
        self.run("scp", "-O", local, self.there(f":{name}"))

    def why_not(self, name, target):
        done = self.run("scp", "-O", self.there(f":{name}"), target, check=False)
        return done.stderr if done.returncode else None
