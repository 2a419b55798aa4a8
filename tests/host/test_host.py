"""The package on a Debian with a real systemd: installed, used, restarted, removed. One story: each test goes on where
the one before it ended. Those that are marked as short are a story by themselves."""
import contextlib
import gzip
import http.client
import pathlib
import re
import shutil
import socket
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest

import container
import sftp_wire
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER
from make_bundle import BUNDLE

IMAGE = f"{RELEASE}/ap1g8"
DEPOT = "/var/lib/apdepot"
CONFIG = "/etc/apdepot/apdepot.yaml"
TFTP, SSH = ("127.0.0.1", 69), ("127.0.0.1", 22)
SOCKETS = ("apdepot-tftp.socket", "apdepot-ssh.socket")
BEST_EXPOSURE = 1.2
BURST = 500  # requests
ASKERS, PAUSE = 4, 0.02  # they and the burst stay below tftp.max_requests_per_second


class Server:
    tftp, ssh = TFTP, SSH


def fetch(host, name=IMAGE):
    with host.network():
        client = tftp_wire.Client(TFTP)
    with client:
        content = client.ask(name).data
        return content + client.finish(1)


@pytest.fixture(scope="module")
def images(bundle):
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def install(host, package="apdepot.deb"):
    return host.run("dpkg", "-i", f"/root/{package}")


def version(host):
    return host.output("dpkg-query", "-W", "-f", "${Version}", "apdepot")


def is_active(host, unit="apdepot"):
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip()


@pytest.mark.short
def test_the_package_installs_and_serves(host):
    """As the version before, which is upgraded below."""
    install(host, "before.deb")

    assert [is_active(host, unit) for unit in ("apdepot", *SOCKETS)] == ["active"] * 3
    assert [is_enabled(host, unit) for unit in ("apdepot", *SOCKETS)] == ["enabled"] * 3
    assert re.search(r"tftp 0\.0\.0\.0:69, tftp \[::\]:69, ssh 0\.0\.0\.0:22, ssh \[::\]:22, page http://127\.0\.0\.1:8069, "
                     r"depot /var/lib/apdepot$", host.journal(), re.MULTILINE)
    assert "does not name" not in host.journal()


def test_debians_changelog_is_not_the_one_for_users(host):
    documents = host.root / "usr/share/doc/apdepot"
    assert gzip.decompress((documents / "changelog.gz").read_bytes()).startswith(b"apdepot (")
    assert gzip.decompress((documents / "CHANGELOG.md.gz").read_bytes()).startswith(b"# Changelog")


def test_each_shell_finds_its_completion(host):
    """Debian's zsh looks for those of packages in vendor-completions alone."""
    share = host.root / "usr/share"
    for place in ("bash-completion/completions/apdepot", "zsh/vendor-completions/_apdepot",
                  "fish/vendor_completions.d/apdepot.fish"):
        assert (share / place).stat().st_size > 0


def is_enabled(host, unit):
    return host.run("systemctl", "is-enabled", unit, check=False).stdout.strip()


def test_the_service_runs_as_its_own_user_without_a_capability(host):
    status = host.output("cat", f"/proc/{host.property('apdepot', 'MainPID')}/status")

    assert re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16] * 5
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    assert host.output("stat", "-c", "%U:%G %a", DEPOT, f"{DEPOT}/drop").splitlines() == [
        "apdepot:apdepot 2755", "apdepot:apdepot 2775"]


def test_the_units_are_confined(host):
    """The number of `systemd-analyze security`: the smaller the better."""
    found = re.search(r"Overall exposure level for apdepot\.service: ([\d.]+)",
                      host.output("systemd-analyze", "security", "--no-pager", "apdepot.service"))

    assert float(found.group(1)) <= BEST_EXPOSURE
    units = sorted(path.name for path in (host.root / "lib/systemd/system").glob("apdepot*"))
    assert {"apdepot.service", "apdepot-http.socket", *SOCKETS} <= set(units)
    assert host.run("systemd-analyze", "verify", "--man=no", *units, check=False).stderr == ""


def test_the_configuration_is_all_comments_and_its_example_is_right(host):
    text = (host.root / CONFIG[1:]).read_text()
    assert all(line.startswith("#") for line in text.splitlines())
    host.run("apdepot", "config", "check", "--config", CONFIG)

    example = text.split("# For example:\n#\n")[1].split("\n#\n")[0]
    (host.root / "root/example.yaml").write_text(re.sub("^# ", "", example, flags=re.MULTILINE) + "\n")
    host.run("apdepot", "config", "check", "--config", "/root/example.yaml")


@pytest.mark.short
def test_a_bundle_that_a_member_of_the_group_drops_is_served(host, bundle, images):
    host.run("useradd", "--create-home", "--groups", "apdepot", "alice")
    shutil.copy(bundle, host.root / "home/alice" / BUNDLE)
    host.run("chown", "alice:", f"/home/alice/{BUNDLE}")
    host.run("runuser", "-u", "alice", "--", "cp", f"/home/alice/{BUNDLE}", f"{DEPOT}/drop/")
    host.wait_until(lambda: (host.root / DEPOT[1:] / "images" / RELEASE[1:]).is_dir())

    assert fetch(host) == images["ap1g8"]
    assert RELEASE in host.output("runuser", "-u", "alice", "--", "apdepot", "releases", "--config", CONFIG)
    host.wait_until(lambda: not (host.root / DEPOT[1:] / "drop" / BUNDLE).exists())


def test_a_user_logs_in_and_fetches_over_sftp(host, images):
    (host.root / "root/pw").write_text(PASSWORD + "\n")
    (host.root / "root/pw").chmod(0o600)
    host.run("apdepot", "user", "add", USER, "--password-file", "/root/pw", "--config", CONFIG)
    with host.network():
        transport = sftp_wire.login(Server, USER, PASSWORD)
    try:
        with transport.open_sftp_client().open(IMAGE) as file:
            assert file.read() == images["ap1g8"]
    finally:
        transport.close()


def test_the_status_says_what_is_served(host):
    host.wait_until(lambda: host.property("apdepot", "StatusText") == "0 transfers, 0 sessions, 1 release")


@pytest.mark.short
def test_a_reload_takes_a_good_file_and_keeps_the_old_of_a_bad_one(host, images):
    config = host.root / CONFIG[1:]
    packaged = config.read_text()
    config.write_text("tftp: {listen: ['0.0.0.0:69', '[::]:69', '127.0.0.1:6969']}\nlog: {level: debug}\n")
    cursor = host.cursor()
    host.run("systemctl", "reload", "apdepot")
    host.wait_until(lambda: "TFTP 127.0.0.1:6969 is served from now on" in host.journal_since(cursor))
    assert is_active(host) == "active"

    config.write_text("tftp: {max_window: huge}\n")
    host.run("systemctl", "reload", "apdepot")
    host.wait_until(lambda: re.search(r"the old one stays in effect: .*tftp\.max_window", host.journal_since(cursor)))
    host.wait_until(lambda: is_active(host) == "active")
    assert fetch(host) == images["ap1g8"]

    config.write_text(packaged)
    host.run("systemctl", "reload", "apdepot")
    host.wait_until(lambda: "TFTP 127.0.0.1:6969 is not served any more" in host.journal_since(cursor))


def replaced(host, pid):
    return is_active(host) == "active" and host.property("apdepot", "MainPID") not in ("0", pid)


@contextlib.contextmanager
def asking_all_the_while(host, begins):
    """Devices that ask again and again, each time from a new port: some requests are under way at any moment, and each must
    be answered with what `begins` the file."""
    over, all_ask = threading.Event(), threading.Barrier(ASKERS + 1, timeout=container.PATIENCE)

    def ask():
        with host.network(), tftp_wire.Client(TFTP) as client:
            assert client.ask(IMAGE).data == begins

    def ask_again_and_again():
        ask()
        all_ask.wait()
        while not over.wait(PAUSE):
            ask()

    with ThreadPoolExecutor(ASKERS) as pool:
        askers = [pool.submit(ask_again_and_again) for _ in range(ASKERS)]
        try:
            all_ask.wait()
            yield
        finally:
            over.set()
        for each in askers:
            each.result()


@pytest.mark.parametrize("restart", [
    pytest.param(["systemctl", "restart", "--no-block", "apdepot"], id="restart", marks=pytest.mark.short),
    pytest.param(["dpkg", "-i", "/root/apdepot.deb"], id="upgrade")])
def test_a_restart_loses_neither_a_transfer_nor_a_request(host, images, restart, burst=BURST):
    """While the transfer ends nobody listens: what is asked then waits for the next server. Others ask at the moment at
    which the server is told to end, too."""
    pid, cursor = host.property("apdepot", "MainPID"), host.cursor()
    with contextlib.ExitStack() as clients:
        with host.network():
            running, *waiting = (clients.enter_context(tftp_wire.Client(TFTP)) for _ in range(1 + burst))
        content = running.ask(IMAGE).data
        clients.enter_context(asking_all_the_while(host, images["ap1g8"][:512]))
        host.run("systemd-run", "--quiet", "--collect", "--unit=restarter", *restart)
        host.wait_until(lambda: re.search(r"stopping: \d+ transfers", host.journal_since(cursor)))
        for client in waiting:
            client.request(IMAGE)
        assert content + running.finish(1) == images["ap1g8"]
        for client in waiting:
            assert client.expect_data(1) == images["ap1g8"][:512]
    host.wait_until(lambda: replaced(host, pid))
    host.wait_until(lambda: is_active(host, "restarter") == "inactive")


def test_the_new_version_is_installed_now(host):
    assert host.output("dpkg-deb", "-f", "/root/apdepot.deb", "Version").strip() == version(host) != container.BEFORE
    assert not list((host.root / "etc/apdepot").glob("*.dpkg-*"))  # nobody was asked about the configuration


@pytest.mark.parametrize("unit, protocol, port", [("apdepot-http.socket", "tcp", 80), ("apdepot-https.socket", "tcp", 443),
                                                  ("apdepot-syslog.socket", "udp", 514)])
def test_a_socket_unit_that_is_enabled_later_opens_its_port(host, images, unit, protocol, port):
    """By the two commands that its comment and docs/tasks.md name."""
    text = (host.root / "lib/systemd/system" / unit).read_text()
    commands = re.search(r"^#   (systemctl enable .+)$", text, re.MULTILINE).group(1)
    host.run("sh", "-c", commands)
    assert (is_active(host), is_active(host, unit)) == ("active", "active")
    assert host.is_bound(protocol, port)
    if port == 80:
        with host.network():
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=container.PATIENCE)
            client.connect()
        with contextlib.closing(client):
            client.request("GET", IMAGE)
            assert client.getresponse().read() == images["ap1g8"]

    host.run("sh", "-c", commands.replace("enable", "disable --now"))
    assert not host.is_bound(protocol, port)


def answers(host, protocol, port):
    """Whether a server that runs has the socket: systemd alone says nothing."""
    if not host.is_bound("udp" if protocol == "tftp" else "tcp", port):
        return False
    with host.network():
        if protocol == "tftp":
            client = tftp_wire.Client(("127.0.0.1", port))
        else:
            client = socket.create_connection(("127.0.0.1", port), timeout=container.PATIENCE)
    with client:
        return client.ask("nothing").opcode == tftp_wire.ERROR if protocol == "tftp" else client.recv(4) == b"SSH-"


def apply_edits(host, protocol, before="true"):
    """Edits the unit's address again and again, by the command that the unit names: it must count each time, whatever
    systemd does first."""
    unit, config = f"apdepot-{protocol}.socket", host.root / CONFIG[1:]
    kind, port = ("Datagram", 69) if protocol == "tftp" else ("Stream", 22)
    packaged, others = config.read_text(), [port + 100 + turn for turn in range(5)]
    text = (host.root / "lib/systemd/system" / unit).read_text()
    command = re.search(rf"^#   (systemctl \w+ {re.escape(unit)} .*apdepot)$", text, re.MULTILINE).group(1)
    edited = host.root / f"etc/systemd/system/{unit}.d/override.conf"
    edited.parent.mkdir(exist_ok=True)

    def apply():
        host.run("systemctl", "daemon-reload")  # as `systemctl edit` does
        host.run("systemctl", "reset-failed", "apdepot.service", *SOCKETS)  # StartLimitBurst= counts each start here
        host.run("sh", "-c", f"{before}; {command}")
        assert [is_active(host, each) for each in ("apdepot", *SOCKETS)] == ["active"] * 3

    for last, other in zip([port, *others], others):
        edited.write_text(f"[Socket]\nListen{kind}=\nListen{kind}=0.0.0.0:{other}\n")
        config.write_text(f"{protocol}: {{listen: ['0.0.0.0:{other}']}}\n")
        apply()
        assert (answers(host, protocol, other), answers(host, protocol, last)) == (True, False)

    edited.unlink()
    config.write_text(packaged)
    apply()
    assert (answers(host, protocol, port), answers(host, protocol, others[-1])) == (True, False)


@pytest.mark.parametrize("before", [pytest.param("true", id="running", marks=pytest.mark.short),
                                    pytest.param("systemctl stop apdepot", id="stopped")])
@pytest.mark.parametrize("protocol", ["tftp", "ssh"])
def test_an_edited_address_counts_after_the_command_that_the_unit_names(host, protocol, before):
    apply_edits(host, protocol, before)


def test_a_running_server_leaves_port_22_to_sshd(host):
    """By README.md's commands: the server holds the port until it is restarted, whatever becomes of the socket unit."""
    config = host.root / CONFIG[1:]
    packaged = config.read_text()
    config.write_text("ssh: {listen: ['0.0.0.0:2222', '[::]:2222']}\n")
    host.run("sh", "-c", "systemctl disable --now apdepot-ssh.socket && systemctl restart apdepot")
    assert (host.is_bound("tcp", 22), answers(host, "ssh", 2222)) == (False, True)

    config.write_text(packaged)
    host.run("sh", "-c", "systemctl enable apdepot-ssh.socket && systemctl restart apdepot")
    assert (host.is_bound("tcp", 2222), answers(host, "ssh", 22)) == (False, True)


def test_an_edited_address_of_ssh_loses_no_request_of_tftp(host):
    with host.network(), tftp_wire.Client(TFTP) as client:
        answer = client.ask(IMAGE).data
    with asking_all_the_while(host, answer):
        apply_edits(host, "ssh")


def test_a_server_that_dies_is_started_again(host, images):
    pid = host.property("apdepot", "MainPID")
    host.run("systemctl", "kill", "--signal=KILL", "apdepot")
    host.wait_until(lambda: replaced(host, pid))

    assert fetch(host) == images["ap1g8"]


def test_a_server_whose_loop_hangs_is_started_again(host, images):
    """Stopped, as by a debugger."""
    drop_in = host.root / "etc/systemd/system/apdepot.service.d/watchdog.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nWatchdogSec=3\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "apdepot")
    pid = host.property("apdepot", "MainPID")
    host.run("systemctl", "kill", "--signal=STOP", "apdepot")
    host.wait_until(lambda: replaced(host, pid))

    assert fetch(host) == images["ap1g8"]
    drop_in.unlink()
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "apdepot")


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="the package fail2ban is not installed")
def test_fail2ban_counts_the_failed_logins_in_the_journal(host):
    """Its own filter, with the journalmatch that the README names."""
    host.run("journalctl", "--rotate", "--vacuum-time=1s")
    for _ in range(3):
        with host.network():
            transport = sftp_wire.connect(Server)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            transport.auth_password(USER, "wrong", fallback=False)
        transport.close()
    host.run("journalctl", "--sync")
    machine = host.output("cat", "/etc/machine-id").strip()
    root = pathlib.Path(f"/proc/{host.init}/root")
    folder = next(folder for kept in ("var", "run") if (folder := root / kept / "log/journal" / machine).exists())
    done = container.run("fail2ban-regex", "-m", "_SYSTEMD_UNIT=apdepot.service", "--out", "row",
                         f"systemd-journal[journalpath={folder}]", "sshd")

    rows = [row for row in done.stdout.splitlines() if "'ip4': '127.0.0.1'" in row and "'nofail': True" not in row]
    assert len(rows) == 3, done.stdout


@pytest.fixture
def small_depot(host):
    """The depot on a disk of 1 MiB, elsewhere, as the README says it."""
    folder, config = "/srv/images", host.root / CONFIG[1:]
    drop_in, packaged = host.root / "etc/systemd/system/apdepot.service.d/depot.conf", config.read_text()
    host.run("mkdir", "-p", folder)
    host.run("mount", "-t", "tmpfs", "-o", "size=1M", "small", folder)
    host.run("chown", "apdepot:apdepot", folder)
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(f"[Service]\nReadWritePaths={folder}\n")
    config.write_text(f"depot: {folder}\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "apdepot")
    yield folder
    drop_in.unlink()
    config.write_text(packaged)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "apdepot")
    host.run("umount", folder)


def test_a_full_disk_is_told_and_room_that_is_made_is_used(host, small_depot, bundle, images):
    cursor = host.cursor()
    shutil.copy(bundle, host.root / "root" / BUNDLE)
    host.run("cp", f"/root/{BUNDLE}", f"{small_depot}/drop/")
    told = rf"cannot import {re.escape(BUNDLE)}: .*No space left on device.* \(it stays in drop/ and is tried again\)"
    host.wait_until(lambda: re.search(told, host.journal_since(cursor)))
    assert is_active(host) == "active"

    host.run("mount", "-o", "remount,size=16M", small_depot)
    host.wait_until(lambda: f"published {RELEASE} from {BUNDLE}" in host.journal_since(cursor))
    assert fetch(host) == images["ap1g8"]


def test_the_end_stops_the_sockets_too(host):
    host.run("systemctl", "stop", "apdepot")

    assert [is_active(host, unit) for unit in ("apdepot", *SOCKETS)] == ["inactive"] * 3


@pytest.fixture
def squat(host):
    """Has a service of its own bind a port."""
    def squat(protocol, port):
        listen = "Listen => 5," if protocol == "tcp" else ""
        host.run("systemd-run", "--quiet", "--collect", "--unit=squatter", "perl", "-e",
                 f"use IO::Socket::INET; my $s = IO::Socket::INET->new({listen} Proto => '{protocol}', "
                 f"LocalPort => {port}) or die; sleep 600")
        host.wait_until(lambda: host.is_bound(protocol, port))
        return host.property("squatter", "MainPID")

    yield squat
    host.run("systemctl", "stop", "squatter", "apdepot")


@pytest.mark.parametrize("protocol, port, key", [("udp", 69, "tftp.listen"), ("tcp", 22, "ssh.listen")])
def test_a_port_that_is_taken_is_told_with_its_holder_and_tried_once(host, squat, protocol, port, key):
    holder = squat(protocol, port)
    cursor = host.cursor()
    assert host.run("systemctl", "start", "apdepot", check=False).returncode != 0

    assert is_active(host) == "failed"
    assert host.property("apdepot", "ExecMainStatus") == "78"
    assert host.property("apdepot", "NRestarts") == "0"
    assert "active" not in [is_active(host, unit) for unit in SOCKETS]  # or a packet would start it again
    line = re.search(r"cannot listen on .*", host.journal_since(cursor)).group()
    assert line.startswith(f"cannot listen on {protocol.upper()} 0.0.0.0:{port}: the port is in use by squatter.service "
                           f"(PID {holder}): `systemctl disable --now squatter.service` stops it; or choose another")
    assert key in line


def test_beside_sshd_it_serves_elsewhere(host, squat):
    """The way out of a port 22 that is taken."""
    squat("tcp", 22)
    config = host.root / CONFIG[1:]
    packaged = config.read_text()
    config.write_text("ssh: {listen: ['0.0.0.0:2222', '[::]:2222']}\n")
    host.run("systemctl", "start", "apdepot")
    config.write_text(packaged)

    assert is_active(host, "apdepot-ssh.socket") == "failed"
    assert is_active(host, "apdepot-tftp.socket") == "active"
    assert host.is_bound("tcp", 2222)


def test_ports_of_its_own_need_the_drop_in_and_nothing_else(host, images):
    drop_in = host.root / "etc/systemd/system/apdepot.service.d"
    shutil.copy(host.root / "usr/share/doc/apdepot/examples/own-ports.conf", drop_in)
    host.run("systemctl", "disable", "--now", *SOCKETS)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "apdepot")
    assert "active" not in [is_active(host, unit) for unit in SOCKETS]
    assert fetch(host) == images["ap1g8"]

    status = host.output("cat", f"/proc/{host.property('apdepot', 'MainPID')}/status")
    assert re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16] * 4
    test_a_restart_loses_neither_a_transfer_nor_a_request(host, images, ["systemctl", "restart", "--no-block", "apdepot"],
                                                          burst=1)
    (drop_in / "own-ports.conf").unlink()
    host.run("systemctl", "stop", "apdepot")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "enable", "--now", *SOCKETS)
    host.run("systemctl", "start", "apdepot")


@pytest.mark.short
def test_removing_keeps_the_depot_and_purging_keeps_images(host):
    host.run("dpkg", "--remove", "apdepot")
    assert is_active(host) == "inactive"
    assert (host.root / DEPOT[1:] / "images" / IMAGE[1:]).exists()
    assert (host.root / CONFIG[1:]).exists()

    assert "stays" in host.output("dpkg", "--purge", "apdepot")
    assert (host.root / DEPOT[1:] / "images" / IMAGE[1:]).exists()
    assert not (host.root / "etc/apdepot").exists()


@pytest.mark.short
def test_a_depot_without_images_goes_with_the_purge(host):
    install(host)
    shutil.rmtree(host.root / DEPOT[1:] / "images/EWC")
    host.run("dpkg", "--purge", "apdepot")

    assert not (host.root / DEPOT[1:]).exists()
    assert not (host.root / "lib/systemd/system/apdepot.service").exists()


def test_a_port_that_is_taken_does_not_keep_the_package_from_installing(host, squat):
    """As on most hosts, where sshd has port 22."""
    holder = squat("tcp", 22)
    cursor = host.cursor()
    install(host)
    host.wait_until(lambda: is_active(host) == "failed")

    assert host.property("apdepot", "NRestarts") == "0"
    assert f"TCP 0.0.0.0:22: the port is in use by squatter.service (PID {holder})" in host.journal_since(cursor)


def test_a_purge_ends_well_where_the_depot_is_a_mount(host):
    host.run("mkdir", "-p", DEPOT)
    host.run("mount", "-t", "tmpfs", "depot", DEPOT)
    install(host)
    assert is_active(host) == "active"

    assert "stays" in host.output("dpkg", "--purge", "apdepot")
    assert host.output("ls", "-A", DEPOT) == ""
    host.run("umount", DEPOT)
