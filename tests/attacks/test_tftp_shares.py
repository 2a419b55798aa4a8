"""What one client takes, others do not miss: transfers, ports, the loop and the lookup."""
import contextlib
import socket
import time

import pytest

import tftp_wire
from judges import IMAGE, descriptors, judge_loop
from network import Host, why_not
from tftp_attacks import MISSES, bound_to, left_alone, misses, window_hog

FULL = {"max_transfers": 300, "max_transfers_per_address": 150}


def addresses(count):
    return [f"127.0.0.{number + 2}" for number in range(count)]


MANY = addresses(32)  # who together have the whole table: each leaves some of it to others


def expect_served_soon(server, images, seconds):
    """The device asks again each second until it is answered."""
    began = time.monotonic()
    assert tftp_wire.fetch(server.tftp, IMAGE) == images["ap1g8"]
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize(("sources", "acknowledge"), [(3, False), (1, True), (3, True)],
                         ids=["nobody answers", "one address answers once", "three addresses answer once"])
def test_a_full_table_gives_way_to_the_newcomer(start, images, sources, acknowledge):
    server = start(tftp=FULL)
    with left_alone(server.tftp, addresses(sources), 150, acknowledge):
        expect_served_soon(server, images, 5)
    judge_loop(server)


def test_a_table_full_of_transfers_that_hang_gives_way_to_the_newcomer(start, images):
    """Each was acknowledged once and lasts two minutes. A device asks for half a minute, and often for less."""
    server = start(tftp=FULL)
    with left_alone(server.tftp, MANY, 150, acknowledge=True) as taken:
        assert taken >= 300
        expect_served_soon(server, images, 15)
    judge_loop(server)


def test_a_download_that_goes_on_is_not_put_out_by_a_table_full_of_others(start, images):
    server = start(tftp=FULL)
    with tftp_wire.Client(server.tftp) as client, tftp_wire.Client(server.tftp, "127.0.0.200") as newcomer:
        got = client.ask(IMAGE).data
        client.acknowledge(1)
        got += client.expect_next_data(2)
        with left_alone(server.tftp, MANY, 150, acknowledge=True):
            block = 2
            newcomer.socket.settimeout(1)
            answer = None
            while answer is None:
                client.acknowledge(block)
                block += 1
                got += client.expect_next_data(block)
                with contextlib.suppress(TimeoutError):
                    answer = newcomer.ask(IMAGE)
            assert answer.opcode == tftp_wire.DATA
            assert got + client.finish(block) == images["ap1g8"]


def test_a_running_download_is_not_put_out_by_a_full_table(start, images):
    server = start(tftp=FULL)
    with tftp_wire.Client(server.tftp) as client:
        got = client.ask(IMAGE).data
        client.acknowledge(1)
        got += client.expect_next_data(2)
        with left_alone(server.tftp, ["127.0.0.2", "127.0.0.3", "127.0.0.4"], 200):
            assert got + client.finish(2) == images["ap1g8"]


@pytest.mark.parametrize(("sources", "acknowledge"), [(1, False), (1, True), (6, True)],
                         ids=["one is silent", "one answers once", "some answer once"])
def test_a_few_addresses_do_not_take_every_port_of_a_range(start, images, sources, acknowledge):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        first = min(sock.getsockname()[1], 65_000)
    server = start(tftp={"port_range": f"{first}-{first + 49}"})
    with left_alone(server.tftp, addresses(sources), 60, acknowledge):
        expect_served_soon(server, images, 15)


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_network_of_64_bits_counts_as_one_address(start):
    host = Host("prefix")
    try:
        host.ip("-6", "route", "add", "local", "2001:db8::/32", "dev", "lo")
        host.ip("-6", "address", "add", "2001:db8:ffff::1/128", "dev", "lo")
        with host.inside(), contextlib.ExitStack() as stack:
            server = start(listen=("[::]:0", "[::1]:0"), tftp={"max_transfers": 40, "max_transfers_per_address": 10})
            there = ("2001:db8:ffff::1", server.tftp[1])
            idle = descriptors(server)
            for number in range(60):
                sock = stack.enter_context(contextlib.closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)))
                sock.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
                sock.bind((f"2001:db8:1:1::{number + 1:x}", 0))
                sock.sendto(tftp_wire.request("/big"), there)
            with tftp_wire.Client(there, "2001:db8:ffff::1") as honest:
                honest.ask("/big")  # by now the others' are begun, or have given way
            assert descriptors(server) <= idle + 3 * 11
    finally:
        host.remove()


@pytest.mark.parametrize("kind", MISSES)
def test_a_flood_of_misses_makes_nobody_else_a_miss(start, attackers, target, kind):
    """Silence is right, for a device asks again; an ERROR would be final, and the file is there."""
    server = start()
    flood = attackers.submit(misses, target(server), 5, kind)
    served = 0
    while not flood.done():
        with contextlib.closing(bound_to("127.0.0.1", 3)) as sock:
            sock.sendto(tftp_wire.request("/tftpboot/EWC/17_9_4a/version.info"), server.tftp)
            with contextlib.suppress(TimeoutError):
                packet = tftp_wire.Packet(*sock.recvfrom(1024))
                assert packet.opcode == tftp_wire.DATA, packet.text
                served += 1
                sock.sendto(tftp_wire.ack(1), packet.source)
        time.sleep(0.02)
    assert flood.result() > 0
    assert tftp_wire.fetch(server.tftp, "/tftpboot/EWC/17_9_4a/version.info") and served
    judge_loop(server)


@pytest.mark.parametrize(("transfers", "single_port", "window", "block_size"), [
    (64, False, 64, 65_464), (8, True, 64, 65_464), (64, True, 64, 512), (64, False, 64, 512)])
def test_wide_windows_do_not_hold_the_loop(start, under_attack, transfers, single_port, window, block_size):
    server = start(tftp={"single_port": single_port})
    under_attack(server, window_hog, 4, transfers, "127.0.0.6", window, block_size)
    judge_loop(server)

