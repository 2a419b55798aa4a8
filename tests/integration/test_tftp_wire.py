"""TFTP by the datagram (RFC 1350, 2347, 2348, 2349, 7440); what others have stumbled over is in test_tftp_traps.py."""
import signal
import socket

import pytest

from apdepot import RELEASE
from tftp_wire import ERROR, OACK, WRQ, Client, Download, error, fetch, fetch_all

IMAGE = f"{RELEASE}/ap1g8"


@pytest.fixture
def client(server):
    with Client(server.tftp) as client:
        yield client


def test_without_options_the_first_answer_is_data(client, images):
    packet = client.ask(IMAGE)

    assert packet.raw == b"\0\3\0\1" + images["ap1g8"][:512]


@pytest.mark.parametrize("option, asked, answered", [
    ("blksize", 8192, 1428), ("blksize", 1429, 1428), ("blksize", 1428, 1428), ("blksize", 512, 512),
    ("blksize2", 8192, 1024), ("blksize2", 512, 512), ("windowsize", 65535, 4), ("windowsize", 5, 4),
    ("windowsize", 2, 2)])
def test_the_administrators_maximum_only_lowers_a_value(start_server, depot, option, asked, answered):
    server = start_server(depot, {"tftp": {"max_block_size": 1428, "max_window": 4}})
    with Client(server.tftp) as client:
        assert client.ask(IMAGE, option, asked).options == {option: str(answered)}


def test_two_requests_for_one_file_at_the_same_time_both_work(server, images):
    downloads = [Download(IMAGE, "tsize", "0"), Download(IMAGE)]

    assert fetch_all(server.tftp, downloads) == [images["ap1g8"]] * 2


def test_two_hundred_transfers_at_once_arrive_whole(server, images):
    names = [name for name in images if name.startswith("ap")]
    shapes = [(), ("blksize", "1428"), ("blksize", "1428", "windowsize", "16"), ("tsize", "0", "blksize", "8192")]
    asked = [(names[n % len(names)], shapes[n % len(shapes)]) for n in range(200)]

    contents = fetch_all(server.tftp, [Download(f"{RELEASE}/{name}", *shape) for name, shape in asked])

    assert all(content == images[name] for content, (name, _) in zip(contents, asked, strict=True))


def test_a_clients_error_ends_its_transfer_quietly(client, server, images):
    client.ask(IMAGE)
    client.send(error(0, "no space left"))

    client.expect_port_to_close()
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    log = server.whole_log("in.tftpd")
    assert sum("sent /" in line for line in log) == 1
    assert not any("sending NAK" in line for line in log)


@pytest.mark.parametrize("name", [IMAGE, "/new", "../../etc/passwd"])
def test_a_write_request_is_refused(client, server, name, images):
    packet = client.ask(name, opcode=WRQ)

    assert (packet.opcode, packet.number) == (ERROR, 2)
    assert packet.text.startswith("Access denied")
    assert fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert not (server.depot / "images/new").exists()


@pytest.mark.parametrize("name, subject", [(RELEASE, f"{RELEASE} is a directory"),
                                           (f"{RELEASE}/ap1g9", f"{RELEASE} has no ap1g9")])
def test_an_error_names_what_was_asked_for_when_nothing_like_it_is_near(client, name, subject):
    packet = client.ask(name)

    assert (packet.opcode, packet.number) == (ERROR, 1)
    assert subject in packet.text


def test_a_client_that_went_away_does_not_hold_up_the_end(start_server, depot):
    server = start_server(depot, {"drain": 600})
    with Client(server.tftp) as client:
        assert client.ask(IMAGE, "timeout", "1").opcode == OACK
        client.acknowledge(0)
        client.expect_next_data(1)
        client.socket.close()
    server.signal(signal.SIGTERM)

    assert server.wait() == 0


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_a_transfer_over_ipv6_works(start_server, depot, images):
    server = start_server(depot, listen=["--tftp", "[::1]:0", "--ssh", "127.0.0.1:0"])
    with Client(server.tftp, host="::1") as client:
        content = client.ask(IMAGE).data

        assert content + client.finish(1) == images["ap1g8"]
    server.wait_for_log(r"^in\.tftpd\[\d+\]: RRQ from ::1 filename /EWC/17_9_4a/ap1g8$")
