"""A file that the disk takes its time over stops nobody else. The disk is a FUSE file system with a gate."""
import pytest

import sftp_wire
import slow_files
from apdepot import PASSWORD, RELEASE, USER
from tftp_wire import ERROR, OACK, PATIENCE, Client, error, fetch

pytestmark = pytest.mark.skipif(slow_files.why_not() is not None, reason=str(slow_files.why_not()))

IMAGE = f"{RELEASE}/ap1g8"
SLOW = "/slow/ap1g4"


@pytest.fixture
def slow_file(start_server, depot, images, tmp_path):
    """Asks for start_server, to go before it: a server whose reads wait at the gate could not even be killed."""
    content = tmp_path / "slow-content"
    content.write_bytes(images["ap1g4"])
    slow_file = slow_files.SlowFile(depot / "images/slow", "ap1g4", content)
    yield slow_file
    slow_file.unmount()


@pytest.fixture
def server(slow_file, start_server, depot):
    return start_server(depot, {"drain": 1})


def let_the_server_have_a_turn(server):
    """It has seen whatever was sent to it before: these are answered by whoever reads the packets."""
    with Client(server.tftp) as client:
        for _ in range(2):
            assert client.ask(IMAGE, mode="mail").number == 4


@pytest.fixture
def at_the_gate(server, slow_file):
    """Starts downloads of the slow file, as many as asked for. Each has had its OACK, and the server has been asked for
    its first block, and stands at the gate with one at least."""
    clients = []

    def begin(count):
        for _ in range(count):
            clients.append(Client(server.tftp))
            assert clients[-1].ask(SLOW, "blksize", "1428").opcode == OACK
        for client in clients:
            client.acknowledge(0)
        slow_file.wait_for_read()
        let_the_server_have_a_turn(server)
        return clients

    yield begin
    for client in clients:
        client.__exit__()


def has_heard_nothing(client):
    client.socket.setblocking(False)
    try:
        return not client.socket.recv(65536)
    except BlockingIOError:
        return True
    finally:
        client.socket.settimeout(PATIENCE)


def receive_whole(client):
    """What follows the OACK's acknowledgement."""
    first = client.expect_data(1)
    return first + client.finish(1, block_size=1428)


def test_others_go_on_while_a_read_waits_for_the_disk(server, slow_file, at_the_gate, images):
    waiting, = at_the_gate(1)

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert fetch(server.tftp, IMAGE, "blksize", "1428", "windowsize", "16") == images["ap1g8"]
    transport = sftp_wire.login(server, USER, PASSWORD)
    assert sftp_wire.Sftp(transport).fetch(IMAGE) == images["ap1g8"]
    transport.close()
    with Client(server.tftp) as client:
        assert client.ask("/Wrong-Path/ap1g7").opcode == ERROR
    assert has_heard_nothing(waiting)
    slow_file.open_gate()
    assert receive_whole(waiting) == images["ap1g4"]


def test_more_waiting_reads_than_workers_keep_no_other_file_from_starting(server, slow_file, at_the_gate, images):
    waiting = at_the_gate(8)

    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    transport = sftp_wire.login(server, USER, PASSWORD)
    assert sftp_wire.Sftp(transport).fetch(IMAGE) == images["ap1g8"]
    transport.close()
    assert all(has_heard_nothing(client) for client in waiting)
    slow_file.open_gate()
    assert [receive_whole(client) for client in waiting] == [images["ap1g4"]] * 8


def test_more_waiting_reads_than_workers_do_not_stop_a_transfer_under_way(server, slow_file, at_the_gate, images):
    with Client(server.tftp) as client:
        content = client.ask(IMAGE).data
        waiting = at_the_gate(8)

        assert content + client.finish(1) == images["ap1g8"]
    slow_file.open_gate()
    assert [receive_whole(client) for client in waiting] == [images["ap1g4"]] * 8


def test_one_address_does_not_stand_before_all_others_at_slow_disks(server, at_the_gate, depot, images, tmp_path):
    another = slow_files.SlowFile(depot / "images/another", "ap1g4", tmp_path / "slow-content")
    try:
        at_the_gate(8)
        with Client(server.tftp, "127.0.0.2") as client:
            assert client.ask("/another/ap1g4", "blksize", "1428").opcode == OACK
            client.acknowledge(0)
            another.wait_for_read()
            another.open_gate()
            assert receive_whole(client) == images["ap1g4"]
    finally:
        another.unmount()


def test_a_client_that_leaves_while_its_read_waits_leaves_nothing_behind(server, slow_file, at_the_gate, images):
    waiting, = at_the_gate(1)
    waiting.send(error(0, "no patience"))
    let_the_server_have_a_turn(server)
    slow_file.open_gate()

    server.wait_for_log(rf"^in\.tftpd\[\d+\]: {SLOW} aborted by 127\.0\.0\.1 \(0, no patience\): 0 bytes ")
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert fetch(server.tftp, SLOW, "blksize", "8192") == images["ap1g4"]
