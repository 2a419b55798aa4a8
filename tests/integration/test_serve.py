"""The server's life: start, reload, drain and end."""
import contextlib
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

import apdepot
import tftp_wire
from apdepot import BINARY, PASSWORD, PATIENCE, RELEASE, USER, wait_until, write_config
from sftp_wire import DATA, OK, Sftp, login
from tftp_wire import fetch

IMAGE = f"{RELEASE}/ap1g8"
ANYWHERE = ("--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0")


# ---- start

def test_the_ready_line_names_every_address_and_the_depot(start_server, depot):
    server = start_server(depot, listen=["--tftp", "127.0.0.1:0", "--tftp", "127.0.0.2:0", "--ssh", "127.0.0.1:0",
                                         "--ssh", "127.0.0.2:0"])

    assert [host for host, _ in server.addresses["tftp"]] == ["127.0.0.1", "127.0.0.2"]
    assert [host for host, _ in server.addresses["ssh"]] == ["127.0.0.1", "127.0.0.2"]
    assert server.ready_line.endswith(f", depot {depot}")
    assert all(port for pairs in server.addresses.values() for _, port in pairs)


def test_each_address_answers_from_itself(start_server, depot, images):
    server = start_server(depot, listen=["--tftp", "127.0.0.1:0", "--tftp", "127.0.0.2:0", "--ssh", "127.0.0.1:0"])
    for address in server.addresses["tftp"]:
        with tftp_wire.Client(address) as client:
            content = client.ask(IMAGE).data

            assert client.peer[0] == address[0]
            assert content + client.finish(1) == images["ap1g8"]


def test_the_depots_folders_are_made(start_server, new_depot):
    start_server(new_depot)

    assert {"images", "drop", "rejected", "state"} <= {path.name for path in new_depot.iterdir()}


@pytest.mark.full
def test_the_server_is_ready_within_200_ms(start_server, depot, optimised):
    def start_up():
        started = time.monotonic()
        server = start_server(depot, binary=optimised)
        took = time.monotonic() - started
        server.stop()
        return took

    assert min(start_up() for _ in range(5)) < 0.2


@pytest.mark.full
def test_logins_leave_no_memory_behind(start_server, depot, optimised):
    server = start_server(depot, binary=optimised)
    for _ in range(10):
        login(server, USER, PASSWORD).close()

    assert server.resident_megabytes() < 30


def occupied(kind):
    taken = socket.socket(socket.AF_INET, kind)
    taken.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        taken.listen()
    return taken


@pytest.mark.parametrize("flag, other, kind", [("--tftp", "--ssh", socket.SOCK_DGRAM),
                                               ("--ssh", "--tftp", socket.SOCK_STREAM)])
def test_a_taken_port_is_told_with_the_ways_out(depot, flag, other, kind):
    with occupied(kind) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = apdepot.run("serve", flag, address, other, "127.0.0.1:0", *apdepot.stay_root(depot), depot=depot)

    message = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 78
    assert address in message
    assert re.search(r"in use|taken|another program", message)
    assert flag in message  # one way out; the other is to end the other program
    assert "apdepot ready" not in done.stderr


def may_bind_low_ports():
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 69


@pytest.mark.skipif(may_bind_low_ports(), reason="any user may bind port 69 here")
def test_a_port_that_is_not_permitted_is_told_with_the_ways_out(tmp_path):
    command = [BINARY, "serve", "--tftp", "127.0.0.1:69", "--ssh", "127.0.0.1:0", "--depot", "depot"]
    if os.geteuid() == 0:  # become nobody; the root of pytest's directories lets nobody else through
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", *command]
        tmp_path.chmod(0o777)
        for above in tmp_path.parents:
            if above.stat().st_mode & 0o1 == 0:
                above.chmod(above.stat().st_mode | 0o1)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, env=apdepot.environment())

    assert done.returncode == 78
    assert "127.0.0.1:69" in done.stderr and re.search("permi|privilege", done.stderr)


OCCUPY_AND_RUN = """
import os, pty, socket, subprocess, sys
held = []
for kind, port in ((socket.SOCK_DGRAM, 69), (socket.SOCK_STREAM, 22)):
    taken = socket.socket(socket.AF_INET6, kind)
    taken.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        taken.listen()
    held.append(taken)
terminal = sys.argv[1] == "terminal"
if terminal:
    ours, theirs = pty.openpty()
else:
    ours, theirs = os.pipe()
child = subprocess.Popen(sys.argv[2:], stderr=theirs)
os.close(theirs)
text = b""
while True:
    try:
        more = os.read(ours, 4096)
    except OSError:  # a terminal that nobody has open any more
        break
    if not more:
        break
    ready = b"apdepot ready" in text + more and b"apdepot ready" not in text
    text += more
    if ready:
        child.terminate()
print(text.decode().replace("\\r\\n", "\\n"), end="")
sys.exit(child.wait())
"""


def has_network_namespaces():
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(pathlib.Path("/etc/apdepot/apdepot.yaml").exists(), reason="there is a configuration on this host")
@pytest.mark.skipif(not has_network_namespaces(), reason="may not make a network namespace")
def test_on_a_terminal_without_a_configuration_taken_ports_give_way_to_6969_and_2222(tmp_path):
    done = subprocess.run(["unshare", "-rn", sys.executable, "-c", OCCUPY_AND_RUN, "terminal", BINARY, "serve", "--user", "root"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60, env=apdepot.environment())

    ready, = re.findall("apdepot ready: .*", done.stdout)
    assert done.returncode == 0
    assert re.search(r"tftp 0\.0\.0\.0:6969\b", ready) and re.search(r"ssh 0\.0\.0\.0:2222\b", ready)
    assert ready.endswith(f"depot {tmp_path}/depot")
    assert re.search(r"\b69\b.*6969|6969.*\b69\b", done.stdout) and re.search(r"\b22\b.*2222|2222.*\b22\b", done.stdout)


@pytest.mark.skipif(pathlib.Path("/etc/apdepot/apdepot.yaml").exists(), reason="there is a configuration on this host")
@pytest.mark.skipif(not has_network_namespaces(), reason="may not make a network namespace")
def test_without_a_terminal_a_taken_port_is_an_error_and_no_other_is_served(tmp_path):
    done = subprocess.run(["unshare", "-rn", sys.executable, "-c", OCCUPY_AND_RUN, "pipe", BINARY, "serve", "--user", "root"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=60, env=apdepot.environment())

    assert done.returncode == 78
    assert "the port is in use by python3 (PID " in done.stdout and "apdepot ready" not in done.stdout


def test_of_two_servers_on_one_depot_one_imports_and_then_the_other(start_server, empty_depot, bundle):
    first = start_server(empty_depot)
    second = start_server(empty_depot)
    second.wait_for_log("another server imports what is put into drop/")
    shutil.copyfile(bundle, empty_depot / "drop" / bundle.name)
    first.wait_for_log("published /EWC/17_9_4a")
    first.stop()
    shutil.copyfile(bundle, empty_depot / "drop" / bundle.name)
    second.wait_for_log("published already|published /EWC/17_9_4a|nothing was changed|already")
    assert "was changed while" not in "\n".join([*first.lines, *second.lines])


AS_ROOT = ["--user", "root"] if os.geteuid() == 0 else []


def test_a_folder_of_images_is_not_made_a_depot(tmp_path):
    (tmp_path / "tftp/17_9_4a").mkdir(parents=True)
    (tmp_path / "tftp/17_9_4a/ap1g7").write_bytes(b"image")
    done = apdepot.run("serve", "--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0", *AS_ROOT, depot=tmp_path / "tftp")

    assert done.returncode == 1
    assert "is a folder of images (17_9_4a/ap1g7)" in done.stderr and f"mkdir {tmp_path}/tftp/images" in done.stderr
    assert [entry.name for entry in (tmp_path / "tftp").iterdir()] == ["17_9_4a"]


def test_a_configuration_without_a_depot_gives_nobody_a_new_one(tmp_path):
    if pathlib.Path("/var/lib/apdepot/images").exists():
        pytest.skip("there is a depot of this host")
    (tmp_path / "site.yaml").write_text("drain: 1\n")
    done = apdepot.run("serve", "--config", tmp_path / "site.yaml", "--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0", cwd=tmp_path)

    assert done.returncode == 1
    assert "names no depot" in done.stderr and "--depot DIR" in done.stderr
    assert not pathlib.Path("/var/lib/apdepot").exists()


@pytest.mark.parametrize("flags, words", [
    (["--tftp", "127.0.0.1:6969", "--tftp", "127.0.0.1:6969"], "given twice"),
    (["--tftp", "0.0.0.0:6969", "--tftp", "127.0.0.1:6969"], "127.0.0.1:6969 is part of 0.0.0.0:6969"),
    (["--tftp", "[fe80::1]:6969"], r"\[fe80::1%eth0\]:6969"),
    (["--ssh", "[::ffff:127.0.0.1]:2222"], "write 127.0.0.1:2222"),
    (["--ssh", "[fe80::1%nosuch0]:2222"], "no interface nosuch0: `ip link`")])
def test_an_address_that_cannot_be_had_says_why_and_what_to_write(new_depot, flags, words):
    done = apdepot.run("serve", *flags, *AS_ROOT, depot=new_depot)

    assert done.returncode in (1, 2) and re.search(words, done.stderr), done.stderr
    assert "another program" not in done.stderr and "Invalid argument" not in done.stderr


def test_out_of_descriptors_it_says_what_to_do_and_goes_on_when_there_are_some(start_server, depot, images, optimised):
    """A sanitizer wants a pipe of its own to look at memory."""
    server = start_server(depot, listen=["--tftp", "[::1]:0", "--ssh", "[::1]:0"], binary=optimised)
    server.fingerprints()  # all that it opens by itself is open
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (0, hard))
    with tftp_wire.Client(server.tftp, host="::1") as client, socket.create_connection(server.ssh) as connection:
        client.request(IMAGE)
        for what in ("TFTP requests are not answered", "SSH connections are not accepted"):
            server.wait_for_log(rf"^apdepot: {what}: Too many open files; .* LimitNOFILE= ")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))

        assert connection.recv(8) == b"SSH-2.0-"
        assert client.ask(IMAGE).data + client.finish(1) == images["ap1g8"]


# ---- reload

def options_granted(server, *asked):
    with tftp_wire.Client(server.tftp) as client:
        packet = client.ask(IMAGE, *asked)
        client.send(tftp_wire.error(0, "only looking"))
        return packet.options


def test_a_reload_takes_the_new_settings_and_keeps_what_runs(start_server, depot, tmp_path, images):
    server = start_server(depot, {"tftp": {"max_block_size": 1024}})
    with tftp_wire.Client(server.tftp) as client:
        client.ask(IMAGE, "blksize", "8192")
        client.acknowledge(0)
        content = client.expect_data(1)
        write_config(tmp_path / "apdepot.yaml", {"tftp": {"max_block_size": 2048}})
        server.signal(signal.SIGHUP)
        wait_until(lambda: options_granted(server, "blksize", "8192") == {"blksize": "2048"})

        assert content + client.finish(1, block_size=1024) == images["ap1g8"]


def test_a_reload_of_a_mistaken_configuration_changes_nothing_and_says_why(start_server, depot, tmp_path, images):
    server = start_server(depot, {"tftp": {"max_block_size": 1024}})
    (tmp_path / "apdepot.yaml").write_text("tftp:\n  max_block_size: huge\ndrain: soon\n")
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"the old one stays in effect: \S+apdepot\.yaml:2: tftp\.max_block_size.*huge")
    server.wait_for_log(r"the old one stays in effect: \S+apdepot\.yaml:3: drain.*soon")

    assert options_granted(server, "blksize", "8192") == {"blksize": "1024"}
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]


def open_fifo(path):
    """Once somebody waits to read it."""
    with contextlib.suppress(OSError):
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)


def test_a_reload_that_is_slow_does_not_undo_a_later_one(start_server, depot, tmp_path):
    server, config = start_server(depot, {"tftp": {"max_block_size": 1024}}), tmp_path / "apdepot.yaml"
    old = config.read_bytes()
    config.unlink()
    os.mkfifo(config)
    server.signal(signal.SIGHUP)
    slow = wait_until(lambda: open_fifo(config))
    config.unlink()
    write_config(config, {"tftp": {"max_block_size": 2048}})
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"^apdepot: configuration .* is in effect$")
    os.write(slow, old)
    os.close(slow)
    config.write_text("drain: soon\n")
    server.signal(signal.SIGHUP)
    server.wait_for_log(r"the old one stays in effect: \S+apdepot\.yaml:1: drain.*soon")

    assert options_granted(server, "blksize", "8192") == {"blksize": "2048"}


def test_a_reload_says_what_it_leaves_for_the_next_start(start_server, depot, tmp_path):
    server = start_server(depot)
    write_config(tmp_path / "apdepot.yaml", {"ssh": {"compatibility": "legacy"}})
    server.signal(signal.SIGHUP)

    server.wait_for_log(r"\bssh\.compatibility\b.*\bat the next start only$")


def test_a_reload_without_a_configuration_file_is_harmless(depot, images):
    server = apdepot.Server(depot)
    try:
        server.signal(signal.SIGHUP)
        assert fetch(server.tftp, IMAGE) == images["ap1g8"]
        server.stop()
    finally:
        server.kill()


# ---- drain and end

LONG = {"drain": 600}  # what ends within a test's patience did not end by it


@pytest.fixture
def server(start_server, depot):
    return start_server(depot, LONG)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(server, number):
    server.signal(number)

    assert server.wait() == 0


def test_a_running_tftp_transfer_is_drained(server, images):
    with tftp_wire.Client(server.tftp) as client:
        content = client.ask(IMAGE).data
        server.signal(signal.SIGTERM)
        wait_until(server.refuses_connections)
        assert server.process.poll() is None

        assert content + client.finish(1) == images["ap1g8"]
    assert server.wait() == 0


def test_a_running_sftp_transfer_is_drained(server, sftp, images):
    handle = sftp.open(IMAGE).handle
    content = sftp.read(handle, 0, 1000).data
    server.signal(signal.SIGTERM)
    wait_until(server.refuses_connections)
    assert server.process.poll() is None

    while (reply := sftp.read(handle, len(content), 1000)).kind == DATA:
        content += reply.data
    assert content == images["ap1g8"]
    assert sftp.close(handle) == OK
    assert server.wait() == 0  # the client stays connected


def test_an_idle_session_does_not_hold_up_the_end(server, sftp):
    sftp.realpath(".")
    server.signal(signal.SIGTERM)

    assert server.wait() == 0


def test_the_drain_is_limited(start_server, depot):
    server = start_server(depot, {"drain": 1})
    with tftp_wire.Client(server.tftp) as client:
        client.ask(IMAGE, "timeout", "255")
        started = time.monotonic()
        server.signal(signal.SIGTERM)

        assert server.wait() == 0
        assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(server, number):
    with tftp_wire.Client(server.tftp) as client:
        client.ask(IMAGE, "timeout", "255")
        server.signal(number)
        wait_until(server.refuses_connections)
        assert server.process.poll() is None
        server.signal(number)

        assert server.wait() == 0


def test_a_killed_server_starts_again_and_serves(start_server, depot, images):
    start_server(depot).kill()

    assert fetch(start_server(depot).tftp, IMAGE) == images["ap1g8"]


def test_a_root_that_goes_away_is_a_miss_not_the_end(server, depot, images):
    shutil.move(depot / "images/EWC", depot / "EWC")
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask(IMAGE).opcode == tftp_wire.ERROR
    shutil.move(depot / "EWC", depot / "images/EWC")

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]


def test_images_that_are_replaced_are_served_from_the_new_folder(server, sftp, depot, images):
    assert sftp.fetch(IMAGE) == fetch(server.tftp, IMAGE) == images["ap1g8"]
    shutil.move(depot / "images", depot / "old")
    shutil.copytree(depot / "old", depot / "images")
    (depot / "images" / IMAGE[1:]).write_bytes(b"the new one")

    assert fetch(server.tftp, IMAGE) == b"the new one"
    transport = login(server, USER, PASSWORD)
    assert Sftp(transport).fetch(IMAGE) == b"the new one"
    transport.close()


def test_a_log_that_nobody_reads_holds_up_neither_the_clients_nor_the_end(depot, images):
    reader, writer = os.pipe()
    command = [BINARY, "serve", "--depot", depot, *ANYWHERE, *apdepot.stay_root(depot)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=writer, env=apdepot.environment())
    try:
        log = b""
        while not (ready := re.search(rb"apdepot ready: .*\btftp (\S+):(\d+).*\n", log)):
            assert select.select([reader], [], [], PATIENCE)[0], log
            log += os.read(reader, 4096)
        address = ready[1].decode(), int(ready[2])
        with tftp_wire.Client(address) as client:
            for n in range(200):  # some 600 bytes of log each, and a pipe takes 64 KiB
                assert client.ask(IMAGE).opcode == tftp_wire.DATA
                client.send(tftp_wire.error(0, "x" * 500))
        wait_until(lambda: not select.select([], [writer], [], 0)[1])

        assert fetch(address, IMAGE) == images["ap1g8"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)
