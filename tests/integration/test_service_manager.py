"""What a service manager hears from the server, and what it hands over: systemd's protocols, spoken by the test."""
import array
import os
import re
import signal
import socket
import threading

import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, PATIENCE, RELEASE, USER, write_config
from hand_over import hand_over
from sftp_wire import login
from tftp_wire import fetch

IMAGE = f"{RELEASE}/ap1g8"
NOWHERE = {"tftp": {"listen": ["127.0.0.1:0"]}, "ssh": {"listen": ["127.0.0.1:0"]}}


class Manager:
    """Reads what the server says, and keeps the sockets that it stores."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)
        self.stored = {}

    def close(self):
        self.socket.close()
        for fds in self.stored.values():
            for fd in fds:
                os.close(fd)

    def receive(self):
        """The next message, as a dict."""
        text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
        message = dict(line.split("=", 1) for line in text.decode().splitlines())
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data)
        if "FDSTORE" in message:
            self.stored.setdefault(message["FDNAME"], []).extend(fds)
        elif "FDSTOREREMOVE" in message:
            for fd in self.stored.pop(message["FDNAME"], []):
                os.close(fd)
        else:
            for fd in fds:  # of a barrier: it ends with the last copy
                os.close(fd)
        return message

    def wait_for(self, key, **others):
        while True:
            message = self.receive()
            if key in message and all(message.get(name) == value for name, value in others.items()):
                return message


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def start(start_server, depot, manager):
    def start(config=None, listen=("--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0"), env=None, **options):
        environment = apdepot.environment(NOTIFY_SOCKET=manager.path, **(env or {}))
        return start_server(depot, config, listen=listen, env=environment, **options)

    return start


@pytest.fixture
def start_with(start, tmp_path):
    """Starts a server that is handed `sockets`: pairs of a name and a descriptor."""
    def start_with(sockets, config):
        return start(config, listen=(), **hand_over(tmp_path, sockets))

    return start_with


def reload(server, tmp_path, config):
    write_config(tmp_path / "apdepot.yaml", config)
    server.signal(signal.SIGHUP)


def listening_tcp():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener


def bound_udp(host="127.0.0.1"):
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    return bound


# ---- what the manager hears

def test_the_status_counts_what_is_served(start, manager):
    start()

    manager.wait_for("STATUS", STATUS="0 transfers, 0 sessions, 1 release")


def test_the_status_tells_of_a_transfer_that_runs(start, manager):
    server = start()
    with tftp_wire.Client(server.tftp) as client:
        client.ask(IMAGE)

        manager.wait_for("STATUS", STATUS="1 transfer, 0 sessions, 1 release")


def test_the_watchdog_is_fed_again_and_again(start, manager):
    start(env={"WATCHDOG_USEC": "200000"})

    for _ in range(5):
        manager.wait_for("WATCHDOG", WATCHDOG="1")


def test_a_loop_that_hangs_feeds_no_watchdog(start, manager):
    """Stopped, as by a debugger: after what it had said there is nothing until it goes on."""
    server = start(env={"WATCHDOG_USEC": "200000"})
    manager.wait_for("WATCHDOG")
    server.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
    manager.socket.settimeout(1)
    try:
        with pytest.raises(TimeoutError):
            for _ in range(20):
                manager.receive()
    finally:
        manager.socket.settimeout(PATIENCE)
        server.signal(signal.SIGCONT)
    manager.wait_for("WATCHDOG")


@pytest.mark.parametrize("config", ["{}", "tftp: {max_window: huge}"])
def test_a_reload_begins_and_ends_for_the_manager(start, manager, tmp_path, config):
    server = start()
    manager.wait_for("READY")
    (tmp_path / "apdepot.yaml").write_text(config + "\n")
    server.signal(signal.SIGHUP)

    assert int(manager.wait_for("RELOADING", RELOADING="1")["MONOTONIC_USEC"]) > 0
    manager.wait_for("READY", READY="1")


def test_the_end_asks_for_the_time_that_a_drain_may_take(start, manager):
    server = start({"drain": 600})
    manager.wait_for("READY")
    server.signal(signal.SIGTERM)

    assert int(manager.wait_for("STOPPING")["EXTEND_TIMEOUT_USEC"]) > 600_000_000


def test_a_manager_that_reads_nothing_holds_nobody_up(start, manager, images):
    """Its socket's buffer is full."""
    server = start(env={"WATCHDOG_USEC": "2000"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        filler.connect(manager.path)
        with pytest.raises(BlockingIOError):
            while True:
                filler.send(b"X=1")

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]


# ---- what it hands over

def test_sockets_that_are_handed_over_are_served(start_with, images):
    with bound_udp() as udp, listening_tcp() as tcp:
        server = start_with([("apdepot-tftp", udp.fileno()), ("apdepot-ssh", tcp.fileno())],
                            {"tftp": {"listen": [f"127.0.0.1:{udp.getsockname()[1]}"]},
                             "ssh": {"listen": [f"127.0.0.1:{tcp.getsockname()[1]}"]}})

        assert server.addresses == {"tftp": [udp.getsockname()], "ssh": [tcp.getsockname()], "http": [], "https": [], "syslog": []}
        assert fetch(server.tftp, IMAGE) == images["ap1g8"]
        login(server, USER, PASSWORD).close()
        assert not [line for line in server.whole_log() if "apdepot-tftp.socket" in line]


EMPTY = {"tftp": {"listen": []}, "ssh": {"listen": []}}


def test_a_configuration_without_addresses_serves_what_is_handed_over(start_with, images):
    with bound_udp() as udp:
        server = start_with([("apdepot-tftp", udp.fileno())], EMPTY)

        assert server.addresses == {"tftp": [udp.getsockname()], "ssh": [], "http": [], "https": [], "syslog": []}
        assert fetch(server.tftp, IMAGE) == images["ap1g8"]
        server.wait_for_log("tftp.listen, ssh.listen and http.listen are all empty: nothing is served but what systemd's socket units open")


def test_a_server_without_any_address_does_not_start(depot, tmp_path):
    file = write_config(tmp_path / "apdepot.yaml", EMPTY)
    done = apdepot.run("serve", "--config", file, *apdepot.stay_root(depot), depot=depot)

    assert done.returncode == 78
    assert "nothing to serve: tftp.listen, ssh.listen and http.listen are all empty, and no socket unit has opened" in done.stderr
    assert apdepot.run("config", "check", "--config", file, depot=depot).returncode == 0


def test_a_handed_over_wildcard_answers_from_the_address_asked(start_with, images):
    """It has got the options that a socket of the server's own has."""
    with bound_udp("0.0.0.0") as udp, listening_tcp() as tcp:
        server = start_with([("apdepot-tftp", udp.fileno()), ("apdepot-ssh", tcp.fileno())], NOWHERE)
        with tftp_wire.Client(("127.0.0.3", udp.getsockname()[1])) as client:
            content = client.ask(IMAGE).data

            assert client.peer[0] == "127.0.0.3"
            assert content + client.finish(1) == images["ap1g8"]
        server.wait_for_log("apdepot-tftp.socket has opened .*, which tftp.listen does not name: it is served all the same")


def test_a_socket_of_another_name_is_not_served_and_that_is_said(start_with):
    with bound_udp() as udp:
        server = start_with([("gopher", udp.fileno())], NOWHERE)

        server.wait_for_log("a socket called gopher was handed over.*not served")
        assert udp.getsockname() not in server.addresses["tftp"]


def test_a_socket_for_both_families_is_refused_with_the_way_out(start_with, manager):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.bind(("::", 0))
        with pytest.raises(AssertionError, match="BindIPv6Only=ipv6-only"):
            start_with([("apdepot-tftp", udp.fileno())], NOWHERE)


def test_a_request_between_two_servers_is_answered_by_the_second(start_with, manager, images):
    """The sockets wait with the manager while the server is restarted."""
    first = start_with([], NOWHERE)
    address = first.tftp
    config = {"tftp": {"listen": ["{}:{}".format(*first.tftp)]}, "ssh": {"listen": ["{}:{}".format(*first.ssh)]}}
    manager.wait_for("FDSTORE", FDNAME="apdepot-tftp-kept")
    manager.wait_for("FDSTORE", FDNAME="apdepot-ssh-kept")
    first.stop()
    with tftp_wire.Client(address) as client, socket.create_connection(first.ssh) as connection:
        client.request(IMAGE)
        second = start_with([(name, fd) for name, fds in manager.stored.items() for fd in fds], config)

        assert second.addresses == first.addresses
        content = client.expect_data(1)
        assert content + client.finish(1) == images["ap1g8"]
        assert connection.recv(8) == b"SSH-2.0-"


def test_a_kept_socket_that_is_not_wanted_any_more_is_closed(start_with, manager):
    first = start_with([], NOWHERE)
    manager.wait_for("FDSTORE", FDNAME="apdepot-ssh-kept")
    first.stop()
    kept = manager.stored.pop("apdepot-tftp-kept")
    reader = threading.Thread(target=manager.wait_for, args=("READY",))  # the server waits for it
    reader.start()
    second = start_with([("apdepot-tftp-kept", fd) for fd in kept],
                        {"tftp": {"listen": ["127.0.0.2:0"]}, "ssh": {"listen": ["127.0.0.1:0"]}})
    reader.join()
    for fd in kept:
        os.close(fd)

    assert [host for host, _ in second.addresses["tftp"]] == ["127.0.0.2"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(first.tftp)  # nobody has it any more


# ---- a reload of the addresses

@pytest.mark.parametrize("single_port", [False, True])
def test_a_reload_follows_the_addresses_and_keeps_what_runs(start_server, depot, tmp_path, images, single_port):
    config = {"tftp": {"listen": ["127.0.0.1:0"], "single_port": single_port}, "ssh": {"listen": ["127.0.0.1:0"]}}
    server = start_server(depot, config, listen=())
    old = server.tftp
    with tftp_wire.Client(old) as client:
        content = client.ask(IMAGE).data
        config["tftp"]["listen"] = ["127.0.0.2:0"]
        reload(server, tmp_path, config)
        new = server.wait_for_log(r"TFTP (127\.0\.0\.2):(\d+) is served from now on")
        server.wait_for_log(rf"TFTP 127\.0\.0\.1:{old[1]} is not served any more")

        assert fetch((new[1], int(new[2])), IMAGE) == images["ap1g8"]
        assert content + client.finish(1) == images["ap1g8"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        apdepot.wait_until(lambda: can_bind(other, old))


def can_bind(sock, address):
    try:
        sock.bind(address)
        return True
    except OSError:
        return False


def test_a_reload_serves_sftp_where_it_was_not(start_server, depot, tmp_path):
    config = {"tftp": {"listen": ["127.0.0.1:0"]}, "ssh": {"listen": ["127.0.0.1:0"]}}
    server = start_server(depot, {**config, "ssh": {"listen": ["127.0.0.1:0"]}}, listen=())
    session = login(server, USER, PASSWORD)
    reload(server, tmp_path, {**config, "ssh": {"listen": []}})
    server.wait_for_log("SFTP .* is not served any more")
    assert server.refuses_connections()
    assert session.is_active()
    session.close()
    reload(server, tmp_path, {**config, "ssh": {"listen": ["127.0.0.2:0"]}})
    host, port = server.wait_for_log(r"SFTP ([\d.]+):(\d+) is served from now on").groups()
    server.ssh = (host, int(port))

    login(server, USER, PASSWORD).close()


def test_a_reload_with_an_address_that_is_taken_keeps_the_old_ones_and_says_who_has_it(start_server, depot, tmp_path, images):
    server = start_server(depot, NOWHERE, listen=())
    with bound_udp() as taken:
        reload(server, tmp_path, {"tftp": {"listen": [f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.2:0"]},
                                  "ssh": {"listen": ["127.0.0.1:0"]}})
        # A server that Landlock confines cannot look into other processes: it names the command that does.
        server.wait_for_log(r"tftp\.listen is not changed, the old addresses are served: "
                            rf".*(\(PID {os.getpid()}\b|as root `ss -ulnp 'sport = :{taken.getsockname()[1]}'` names it)")

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert not [line for line in server.whole_log() if re.search("127.0.0.2.*from now on", line)]


def test_a_reload_with_an_overlapping_address_waits_for_a_restart(start_server, depot, tmp_path, images):
    server = start_server(depot, NOWHERE, listen=())
    with bound_udp() as free:
        port = free.getsockname()[1]
    config = {"tftp": {"listen": [f"127.0.0.1:{port}"]}, "ssh": {"listen": ["127.0.0.1:0"]}}
    reload(server, tmp_path, config)
    server.wait_for_log(rf"TFTP 127\.0\.0\.1:{port} is served from now on")
    reload(server, tmp_path, {**config, "tftp": {"listen": [f"0.0.0.0:{port}"]}})
    server.wait_for_log(rf"tftp\.listen is not changed.*0\.0\.0\.0:{port} overlaps with 127\.0\.0\.1:{port}.*restart")

    assert fetch(("127.0.0.1", port), IMAGE) == images["ap1g8"]
