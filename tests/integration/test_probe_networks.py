"""`apdepot probe` between two hosts, against the servers of other packages: what is on the way, or wrong with the server,
is told by its cause."""
import contextlib
import hashlib
import json
import os
import pathlib
import pwd
import subprocess
import tempfile

import pytest

import apdepot
import network
import tftp_servers
from apdepot import BINARY, run
from clients import make_key

SERVER, OTHER, DEVICE = "198.51.100.1", "198.51.100.2", "198.51.100.10"
pytestmark = pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))


class Lan:
    """A server's host and a device's, on one wire."""

    def __init__(self, stack):
        self.server, self.device = network.Host("probe-server"), network.Host("probe-device")
        stack.callback(self.server.remove)
        stack.callback(self.device.remove)
        network.wire(self.server, "lan", self.device, "lan")
        self.server.up("lan", f"{SERVER}/24", f"{OTHER}/24")
        self.device.up("lan", f"{DEVICE}/24")

    def rules(self, host, *commands):
        """Of nft, in a table of the test's own."""
        with host.inside():
            for command in ("add table inet probe", *commands):
                done = subprocess.run(["nft", command], capture_output=True, text=True, check=False)
                if done.returncode != 0 and command.startswith("add table"):
                    pytest.skip(f"needs a kernel with nftables: {done.stderr}")
                if done.returncode != 0 and "nat" in command:
                    pytest.skip(f"needs a kernel that translates addresses: {done.stderr}")
                assert done.returncode == 0, f"{command}: {done.stderr}"

    def mtu(self, size):
        for host in (self.server, self.device):
            host.ip("link", "set", "lan", "mtu", size)

    def probe(self, cwd, *options, host=SERVER, name="ap1g8"):
        with self.device.inside():
            done = run("probe", f"tftp://{host}/{name}", "--json", "--wait", "4", *options, cwd=cwd, timeout=300)
        found = json.loads(done.stdout)
        assert done.returncode == (0 if found["ok"] else 1) and done.stderr == ""
        assert found["ok"] or (found["what"] and found["likely"] and found["check"])
        return found


@pytest.fixture
def lan():
    with contextlib.ExitStack() as stack:
        yield Lan(stack)


@pytest.fixture
def image(images):
    return images["ap1g8"]


@pytest.fixture
def served(image, tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "ap1g8").write_bytes(image)
    (folder / "ap1g8").chmod(0o644)
    return folder


def tftpd_hpa(served):
    return ["in.tftpd", "--foreground", "--listen", "--address", "0.0.0.0:69", "--user", "nobody", "--secure", served]


def dnsmasq(served):
    return ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--log-facility=-", "--port=0",
            "--user=root", "--enable-tftp", f"--tftp-root={served}"]


@pytest.fixture(params=[tftpd_hpa, dnsmasq], ids=["tftpd-hpa", "dnsmasq"])
def running(request, lan, served):
    """One of the two, on the server's host."""
    program, *arguments = request.param(served)
    found = tftp_servers.find(program) or pytest.skip(f"there is no {program}: ./dev test unpacks one")
    with lan.server.inside(), tftp_servers.running([found, *arguments], ("127.0.0.1", 69)) as process:
        yield process


INPUT = "add chain inet probe input { type filter hook input priority 0; }"
OUTPUT = "add chain inet probe output { type filter hook output priority 0; }"


# ---- TFTP

def test_nothing_is_in_the_way(lan, running, image, tmp_path):
    found = lan.probe(tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()
    assert found["from"].startswith(f"{SERVER}:") and found["given"]["blksize"] == "1428"


def test_a_firewall_that_drops_requests(lan, running, tmp_path):
    lan.rules(lan.server, INPUT, "add rule inet probe input udp dport 69 drop")
    found = lan.probe(tmp_path)

    assert found["cause"] == "TIMED_OUT" and found["prints"] == "Timed out"


def test_a_firewall_that_refuses_requests(lan, running, tmp_path):
    lan.rules(lan.server, INPUT, "add rule inet probe input udp dport 69 reject with icmp type port-unreachable")

    assert lan.probe(tmp_path)["cause"] == "REFUSED"


def test_a_firewall_that_drops_what_comes_to_the_reply_port(lan, running, tmp_path):
    lan.rules(lan.server, INPUT, f"add rule inet probe input ip saddr {DEVICE} udp dport 1024-65535 drop")
    found = lan.probe(tmp_path)

    assert found["cause"] == "HALF_WAY" and "tftp.single_port: true" in found["check"]
    assert f"from {SERVER}:" in found["what"]


def test_a_firewall_that_drops_what_comes_from_the_reply_port(lan, running, tmp_path):
    lan.rules(lan.server, OUTPUT, f"add rule inet probe output ip daddr {DEVICE} udp sport 1024-65535 drop")

    assert lan.probe(tmp_path)["cause"] == "TIMED_OUT"


def test_a_small_mtu_that_fragments_get_across(lan, running, image, tmp_path):
    lan.mtu(1280)
    found = lan.probe(tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()


# Before fragments are put together again.
NO_FRAGMENTS = ("add chain inet probe raw { type filter hook prerouting priority -450; }",
                "add rule inet probe raw ip frag-off & 0x3fff != 0 drop")


@pytest.mark.parametrize("running", [tftpd_hpa], indirect=True, ids=["tftpd-hpa"])
def test_a_small_mtu_and_a_firewall_that_drops_fragments(lan, running, tmp_path):
    lan.mtu(1280)
    lan.rules(lan.device, *NO_FRAGMENTS)
    found = lan.probe(tmp_path)

    assert found["cause"] == "FRAGMENTS", found
    assert found["what"] == "blocks of 1428 bytes do not arrive, and blocks of 512 do"


@pytest.mark.parametrize("running", [dnsmasq], indirect=True, ids=["dnsmasq"])
def test_a_server_that_keeps_below_its_mtu_sends_no_fragments(lan, running, image, tmp_path):
    lan.mtu(1280)
    lan.rules(lan.device, *NO_FRAGMENTS)
    found = lan.probe(tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()
    assert int(found["given"]["blksize"]) <= 1280 - 32


def test_an_answer_from_the_servers_other_address(lan, running, tmp_path):
    lan.rules(lan.server, "add chain inet probe nat { type nat hook postrouting priority 100; }",
              f"add rule inet probe nat ip daddr {DEVICE} udp sport 1024-65535 snat ip to {OTHER}")
    found = lan.probe(tmp_path)

    assert found["cause"] == "WRONG_SOURCE", found
    assert f"{SERVER} was asked, and {OTHER} answered" in found["what"]


def test_a_name_that_is_not_there(lan, running, tmp_path):
    assert lan.probe(tmp_path, name="ap1g9")["cause"] == "NOT_FOUND"


def test_a_host_that_is_not_there(lan, tmp_path):
    found = lan.probe(tmp_path, host="198.51.100.99")

    assert found["cause"] in ("TIMED_OUT", "NO_ROUTE")


# ---- OpenSSH

class OpenSsh:
    """sshd of another package, run by `nobody`, who alone may log in: that takes no account of this host."""

    def __init__(self, folder, lan, stack):
        self.folder, self.lan, self.stack = folder, lan, stack
        self.program = tftp_servers.find("sshd") or pytest.skip("there is no sshd: ./dev test unpacks one")

    def start(self, *lines):
        owner = pwd.getpwnam("nobody")
        key = make_key(self.folder / f"host_key_{len(list(self.folder.iterdir()))}")
        os.chown(key, owner.pw_uid, owner.pw_gid)
        settings = self.folder / "sshd_config"
        settings.write_text("\n".join([f"HostKey {key}", "UsePAM no", "StrictModes no", "PidFile none", "Port 2022",
                                       "AuthorizedKeysFile none", *lines, ""]))
        settings.chmod(0o644)
        env = dict(os.environ, LD_LIBRARY_PATH=":".join(tftp_servers.LIBRARIES))
        command = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", str(self.program),
                   "-D", "-e", "-f", str(settings)]
        with self.lan.server.inside():
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, env=env)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        said = []
        for line in process.stderr:
            said.append(line)
            if "Server listening on 0.0.0.0 port 2022" in line:
                return process
        raise AssertionError(f"sshd ended with status {process.wait()}: {said}")

    def probe(self, *options, password="s3cret horse"):
        secret = self.folder / "password"
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        with self.lan.device.inside():
            done = subprocess.run([BINARY, "probe", f"sftp://nobody@{SERVER}:2022/ap1g8", "--json", "--wait", "30",
                                   "--password-file", secret, *options], capture_output=True, text=True, timeout=120,
                                  cwd=self.folder, env=apdepot.environment(HOME=str(home)), stdin=subprocess.DEVNULL,
                                  check=False)
        found = json.loads(done.stdout)
        assert done.returncode == 1 and not found["ok"] and done.stderr == ""
        assert found["what"] and found["likely"] and found["check"]
        return found


@pytest.fixture
def openssh(lan):
    """Its folder is one that `nobody` can reach, which pytest's own are not."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        yield OpenSsh(folder, lan, stack)


def test_openssh_with_algorithms_of_yesterday(openssh):
    openssh.start("KexAlgorithms diffie-hellman-group1-sha1", "Ciphers 3des-cbc")
    found = openssh.probe()

    assert found["cause"] == "ALGORITHMS" and "diffie-hellman-group1-sha1" in found["what"]


def test_openssh_that_takes_keys_only(openssh):
    openssh.start("PasswordAuthentication no", "KbdInteractiveAuthentication no", "PubkeyAuthentication yes")
    found = openssh.probe()

    assert found["cause"] == "LOGIN" and "publickey" in found["what"]


def test_openssh_that_refuses_the_password(openssh):
    openssh.start("PasswordAuthentication yes")

    assert openssh.probe()["cause"] == "LOGIN"


def test_openssh_with_another_host_key(openssh):
    openssh.start()
    found = openssh.probe("--host-key", "SHA256:" + "A" * 43)

    assert found["cause"] == "HOST_KEY" and "SHA256:" in found["what"]


def test_no_openssh(lan, openssh):
    assert openssh.probe()["cause"] == "REFUSED"


def test_a_firewall_that_drops_ssh(lan, openssh):
    lan.rules(lan.server, INPUT, "add rule inet probe input tcp dport 2022 drop")

    assert openssh.probe("--wait", "5")["cause"] == "TIMED_OUT"
