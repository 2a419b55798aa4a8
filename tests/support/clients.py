"""The real clients. Each downloads the named files of one release into a directory, with no settings of its user."""
import dataclasses
import pathlib
import subprocess

from apdepot import PASSWORD, USER, environment

TIMEOUT = 900  # seconds; only the full scale comes near it
CONTENT, THEN = bytes(range(256)) * 3000, 1_600_000_000  # of a file to send, and when it was changed


@dataclasses.dataclass
class Client:
    """`home` takes what a client keeps: known hosts, password files. Only `key` opens the account `keyed`."""

    server: object
    home: pathlib.Path
    key: pathlib.Path
    keyed: str = "keyed"

    def __post_init__(self):
        self.home.mkdir(parents=True, exist_ok=True)

    def run(self, *command, check=True, stdin=None):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=TIMEOUT, input=stdin,
                              env=environment(HOME=str(self.home)), cwd=self.home)
        assert not check or done.returncode == 0, f"{command} exited {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def file(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def ssh_options(self):
        """For OpenSSH: nothing but what a test says, and the host key is checked from the second time on."""
        return ["-F", "/dev/null", "-o", f"UserKnownHostsFile={self.home}/known_hosts", "-o", "IdentityAgent=none",
                "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=accept-new"]

    def key_options(self):
        return [*self.ssh_options(), "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey",
                "-i", self.key]

    def password_options(self):
        return [*self.ssh_options(), "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1",
                "-o", "BatchMode=no"]

    def with_password(self, password=PASSWORD):
        return ["sshpass", "-f", self.file("sshpass", password + "\n")]


def make_key(path):
    """An Ed25519 private key, with the public line beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


def key_user(key, name="keyed"):
    """The configuration of a user whom only this key opens the door."""
    public_line = key.with_suffix(".pub").read_text().strip()
    return {"ssh": {"users": [{"name": name, "authorized_keys": [public_line]}]}}


def get_lines(directory, names, target):
    return "".join(f'get "{directory}/{name}" "{target}/{name}"\n' for name in names)


def tftp_hpa(client, directory, names, target):
    host, port = client.server.tftp
    for name in names:
        client.run("tftp", "-m", "binary", host, port, "-c", "get", f"{directory}/{name}", target / name)


def atftp(client, directory, names, target):
    host, port = client.server.tftp
    for name in names:
        client.run("atftp", "--option", "blksize 8192", "--get", "-r", f"{directory}/{name}", "-l", target / name, host,
                   port)


def curl(client, url, names, target, *options):
    downloads = [word for name in names for word in ("-o", target / name, f"{url}/{name}")]
    client.run("curl", "--disable", "--silent", "--show-error", "--fail-early", *options, *downloads)


def curl_tftp(client, directory, names, target):
    host, port = client.server.tftp
    curl(client, f"tftp://{host}:{port}/{directory}", names, target, "--tftp-blksize", "1428")


def curl_sftp(client, directory, names, target):
    host, port = client.server.ssh
    config = client.file("curlrc", f'user = "{USER}:{PASSWORD}"\n')
    curl(client, f"sftp://{host}:{port}{directory}", names, target, "--config", config, "--insecure")


def sftp_with_key(client, directory, names, target):
    host, port = client.server.ssh
    batch = client.file(f"{target.name}.batch", get_lines(directory, names, target))
    client.run("sftp", *client.key_options(), "-b", batch, "-P", port, f"{client.keyed}@{host}")


def sftp_with_password(client, directory, names, target):
    host, port = client.server.ssh
    batch = client.file(f"{target.name}.batch", get_lines(directory, names, target))
    client.run(*client.with_password(), "sftp", *client.password_options(), "-b", batch, "-P", port, f"{USER}@{host}")


def psftp(client, directory, names, target):
    host, port = client.server.ssh
    batch = client.file(f"{target.name}.batch", get_lines(directory, names, target))
    known = [word for fingerprint in client.server.fingerprints() for word in ("-hostkey", fingerprint)]
    client.run("psftp", "-batch", "-P", port, *known, "-pwfile", client.file("psftp.password", PASSWORD + "\n"), "-b",
               batch, f"{USER}@{host}")


def lftp(client, directory, names, target):
    host, port = client.server.ssh
    connect = " ".join(map(str, ["ssh", "-a", "-x", *client.key_options()]))
    commands = f'set cmd:fail-exit true; set net:max-retries 1; set sftp:connect-program "{connect}"; '
    commands += f"open sftp://{client.keyed}:@{host}:{port}; "
    commands += "; ".join(get_lines(directory, names, target).replace('" "', '" -o "').splitlines())
    client.run("lftp", "--norc", "-c", commands)


def openssh(client, lines, *options, check=True):
    host, port = client.server.ssh
    return client.run("sftp", *client.key_options(), *options, "-b", client.file("batch", lines), "-P", port,
                      f"{client.keyed}@{host}", check=check)


def put_openssh(client, local, remote):
    openssh(client, f"put {local} {remote}\n")


def put_scp(client, local, remote):
    host, port = client.server.ssh
    client.run("scp", *client.key_options(), "-p", "-P", port, local, f"{client.keyed}@{host}:{remote}")


def scp(client, directory, names, target):
    """The legacy protocol, which Aruba's controllers speak."""
    host, port = client.server.ssh
    for name in names:
        client.run("scp", "-O", *client.key_options(), "-P", port, f"{client.keyed}@{host}:{directory}/{name}", target)


def put_scp_legacy(client, local, remote):
    host, port = client.server.ssh
    client.run("scp", "-O", *client.key_options(), "-P", port, local, f"{client.keyed}@{host}:{remote}")


TFTP_CLIENTS = [tftp_hpa, atftp, curl_tftp]
SFTP_CLIENTS = [sftp_with_key, sftp_with_password, curl_sftp, psftp, lftp]
