"""New keys for a session that has some (RFC 4253 9): whatever is under way goes on with them, and an exchange that is
never ended is its own client's trouble."""
import concurrent.futures
import contextlib
import os
import threading

import paramiko
import pytest
from paramiko.common import MSG_KEXINIT

import slow_files
import tftp_wire
from apdepot import PASSWORD, RELEASE, USER
from clients import Client, key_user
from sftp_wire import (DATA, FLAG_CREATE, FLAG_WRITE, NO_SUCH_FILE, OK, PATIENCE, READ, STAT, WRITE, Sftp, connect,
                       login, string, u32, u64)

LARGE = f"{RELEASE}/C9800-AP-iosxe-wlc.bin"
DEAREST = "diffie-hellman-group16-sha512"
CONTENT = os.urandom(1 << 20)


@pytest.fixture
def server(start_server, depot, key):
    """With `keyed`, who may upload."""
    config = key_user(key)
    config["ssh"]["users"][0]["uploads"] = True
    return start_server(depot, {**config, "drain": 1})


@pytest.fixture
def client(server, tmp_path, key):
    return Client(server, tmp_path / "home", key)


@pytest.fixture
def eight_megabytes(tmp_path, server):
    """A file to send, which is an image too."""
    content = os.urandom(8 << 20)
    (tmp_path / "local").write_bytes(content)
    (server.depot / "images/eight").write_bytes(content)
    return content


@pytest.mark.parametrize("kex", ["curve25519-sha256", "ecdh-sha2-nistp256", DEAREST])
def test_openssh_makes_new_keys_every_megabyte(client, eight_megabytes, tmp_path, kex):
    host, port = client.server.ssh
    batch = client.file("batch", f"get /eight {tmp_path}/got\nput {tmp_path}/local /uploads/sent\n")
    said = client.run("sftp", *client.key_options(), "-vv", "-o", "RekeyLimit=1M", "-o", f"KexAlgorithms={kex}", "-b",
                      batch, "-P", port, f"{client.keyed}@{host}").stderr

    assert said.count("SSH2_MSG_NEWKEYS received") > 10
    assert (tmp_path / "got").read_bytes() == eight_megabytes
    assert (client.server.depot / "images/uploads/sent").read_bytes() == eight_megabytes
    assert len([line for line in client.server.whole_log() if f": kex {kex}, " in line]) == 1


def test_new_keys_are_made_while_the_server_sends(transport, images):
    """And owes a hundred answers."""
    sftp = Sftp(transport)
    handle = sftp.open(LARGE).handle
    for _ in range(5):
        sftp.send_raw(b"".join(sftp.request(READ, string(handle), u64(0), u32(100_000)) for _ in range(100)))
        transport.renegotiate_keys()
        assert all(sftp.receive().data == images["C9800-AP-iosxe-wlc.bin"][:100_000] for _ in range(100))


def test_new_keys_are_made_while_all_sorts_of_things_are_under_way(server, key, images):
    """On three channels of one connection, each of them in every state that a request can be in."""
    steps = threading.Semaphore(0)

    def put_miss_and_get(sftp, number):
        handle = sftp.open(f"/uploads/{number}", FLAG_WRITE | FLAG_CREATE).handle
        for offset in range(0, len(CONTENT), 32_768):
            part = CONTENT[offset:offset + 32_768]
            assert sftp.ask(WRITE, string(handle), u64(offset), string(part)).status == OK
            assert sftp.ask(STAT, string(f"{RELEASE}/ap{number}g{offset}")).status == NO_SUCH_FILE
            steps.release()
        assert sftp.close(handle) == OK
        assert sftp.fetch(LARGE) == images["C9800-AP-iosxe-wlc.bin"]

    with contextlib.closing(connect(server)) as transport, concurrent.futures.ThreadPoolExecutor(3) as pool:
        transport.auth_publickey("keyed", paramiko.Ed25519Key.from_private_key_file(str(key)))
        work = [pool.submit(put_miss_and_get, Sftp(transport), number) for number in range(3)]
        for _ in range(3 * len(CONTENT) // 32_768 // 4):
            assert all(steps.acquire(timeout=PATIENCE) for _ in range(4))
            transport.renegotiate_keys()
        for each in work:
            each.result()

    uploads = server.depot / "images/uploads"
    assert all((uploads / str(number)).read_bytes() == CONTENT for number in range(3))


# ---- an exchange that a client begins and does not end

class Halted:
    """A transport of paramiko's that has begun a key exchange, and does not answer the server's part of it before
    go_on()."""

    def __init__(self, transport):
        self.transport, self.reached, self.gate = transport, threading.Event(), threading.Event()
        answer = transport._handler_table[MSG_KEXINIT]

        def halt(*arguments):  # paramiko 3.5 gives the message alone
            self.reached.set()
            self.gate.wait(PATIENCE)
            answer(*arguments)

        transport._handler_table = {**transport._handler_table, MSG_KEXINIT: halt}
        transport._send_kex_init()
        assert self.reached.wait(PATIENCE)

    def go_on(self):
        self.gate.set()


def test_others_are_served_while_a_client_does_not_end_its_exchange(server, transport, images):
    sftp = Sftp(transport)
    handle = sftp.open(LARGE).handle
    halted = Halted(transport)
    with contextlib.closing(login(server, USER, PASSWORD)) as another:
        assert Sftp(another).fetch(LARGE) == images["C9800-AP-iosxe-wlc.bin"]
    assert tftp_wire.fetch(server.tftp, LARGE) == images["C9800-AP-iosxe-wlc.bin"]
    halted.go_on()

    assert sftp.ask(READ, string(handle), u64(0), u32(1000)).data == images["C9800-AP-iosxe-wlc.bin"][:1000]
    assert sftp.ask(STAT, string("/no/such")).status == NO_SUCH_FILE


def test_a_client_may_leave_in_the_middle_of_an_exchange(server, transport):
    Sftp(transport)
    halted = Halted(transport)
    transport.sock.close()
    halted.go_on()

    server.wait_for_log(rf"Connection (closed|reset) by user {USER} ")


def test_the_server_may_end_in_the_middle_of_an_exchange(server, transport):
    Sftp(transport)
    halted = Halted(transport)
    server.stop()
    halted.go_on()

    assert any("the server is shutting down" in line for line in server.log_lines())


@pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))
def test_what_a_worker_brings_in_the_middle_of_an_exchange_is_sent_behind_it(start_server, depot, images, tmp_path):
    content = tmp_path / "slow-content"
    content.write_bytes(images["ap1g4"])
    with contextlib.ExitStack() as stack:
        slow = slow_files.SlowFile(depot / "images/slow", "ap1g4", content)
        stack.callback(slow.unmount)
        server = start_server(depot, {"drain": 1})
        transport = stack.enter_context(contextlib.closing(login(server, USER, PASSWORD)))
        sftp = Sftp(transport)
        handle = sftp.open("/slow/ap1g4").handle
        sftp.send_raw(sftp.request(READ, string(handle), u64(0), u32(1000)) + sftp.request(STAT, string("/no/such")))
        slow.wait_for_read()
        halted = Halted(transport)
        slow.open_gate()
        assert tftp_wire.fetch(server.tftp, "/slow/ap1g4") == images["ap1g4"]
        halted.go_on()

        reply = sftp.receive()
        assert (reply.kind, reply.data) == (DATA, images["ap1g4"][:1000])
        assert sftp.receive().status == NO_SUCH_FILE
