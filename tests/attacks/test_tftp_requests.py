"""Requests that nobody means, from somebody who is served and from somebody who is not: they cost the loop nothing to
speak of, and leave nothing behind."""
import os
import pathlib
import re
import resource

import pytest

import tftp_wire
from judges import IMAGE, Growth, judge_loop
from tftp_attacks import (ODD_REQUESTS, STRAYS, forged_addresses, half_filled_windows, hijacks, left_alone,
                          odd_requests, slow_uploads, strays, unreachable_hosts)

MOST_MB = 16  # beside the honest clients' own


@pytest.mark.parametrize("sender", ["served", "denied"])
@pytest.mark.parametrize("kind", ODD_REQUESTS)
def test_an_odd_request_costs_nothing(start, under_attack, kind, sender):
    server = start(tftp={"uploads": True, **({"deny": ["127.0.0.2"]} if sender == "denied" else {})})
    with Growth(server) as growth:
        under_attack(server, odd_requests, kind)

    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("single_port", [False, True], ids=["own ports", "single_port"])
@pytest.mark.parametrize("kind", STRAYS)
def test_packets_of_no_transfer_cost_nothing(start, under_attack, kind, single_port):
    server = start(tftp={"single_port": single_port})
    with Growth(server) as growth:
        under_attack(server, strays, 3, kind)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may forge addresses")
@pytest.mark.parametrize("name", [IMAGE, "/nothing/ap1g8"], ids=["served", "missing"])
def test_requests_from_ever_new_addresses_do_not_hold_the_loop(start, under_attack, name):
    """Longer than the ten seconds after which the log sums up, and the two after which an address may ask again."""
    server = start()
    with Growth(server) as growth:
        assert under_attack(server, forged_addresses, 12, name) > 50_000
    assert growth.megabytes <= 2 * MOST_MB
    judge_loop(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may send ICMP of its own")
def test_news_of_unreachable_hosts_does_not_hold_the_loop(start, under_attack):
    server = start(tftp={"single_port": True})
    with Growth(server) as growth:
        assert under_attack(server, unreachable_hosts, 4) > 10_000
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


@pytest.mark.parametrize("attack", [slow_uploads, half_filled_windows], ids=lambda attack: attack.__name__)
def test_uploads_that_stand_still_leave_room_for_others(start, under_attack, attack):
    server = start(tftp={"uploads": True})
    with Growth(server) as growth:
        assert under_attack(server, attack, 5)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_requests_from_the_ports_of_running_transfers_do_not_hold_the_loop(start, under_attack):
    server = start(tftp={"uploads": True})
    with Growth(server) as growth:
        assert under_attack(server, hijacks, 3)
    assert growth.megabytes <= MOST_MB
    judge_loop(server)


def test_memory_that_runs_out_does_not_stop_others(start, target, images):
    """An allocation that fails ends the request that asked, and no other."""
    server = start()
    address_space = re.search(r"VmSize:\s+(\d+) kB", pathlib.Path(f"/proc/{server.pid}/status").read_text())
    limit = (int(address_space.group(1)) << 10) + (64 << 20)
    resource.prlimit(server.pid, resource.RLIMIT_AS, (limit, limit))
    odd_requests(target(server), "empty options")
    with left_alone(server.tftp, ["127.0.0.2", "127.0.0.3"], 1500):
        pass
    assert tftp_wire.fetch(server.tftp, IMAGE) == images["ap1g8"]
