"""Requests that nobody means, from somebody who is served and from somebody who is not: they cost the loop nothing to
speak of, and leave nothing behind."""
import pathlib
import re
import resource

import pytest

import tftp_wire
from judges import IMAGE, Growth, judge_loop
from tftp_attacks import ODD_REQUESTS, left_alone, odd_requests

MOST_MB = 16  # beside the honest clients' own


@pytest.mark.parametrize("sender", ["served", "denied"])
@pytest.mark.parametrize("kind", ODD_REQUESTS)
def test_an_odd_request_costs_nothing(start, under_attack, kind, sender):
    server = start(tftp={"uploads": True, **({"deny": ["127.0.0.2"]} if sender == "denied" else {})})
    with Growth(server) as growth:
        under_attack(server, odd_requests, kind)

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
