"""Requests that nobody means, from somebody who is served and from somebody who is not: they cost the loop nothing to
speak of, and leave nothing behind."""
import pytest

from judges import Growth, judge_loop
from tftp_attacks import ODD_REQUESTS, odd_requests

MOST_MB = 16  # beside the honest clients' own


@pytest.mark.parametrize("sender", ["served", "denied"])
@pytest.mark.parametrize("kind", ODD_REQUESTS)
def test_an_odd_request_costs_nothing(start, under_attack, kind, sender):
    server = start(tftp={"uploads": True, **({"deny": ["127.0.0.2"]} if sender == "denied" else {})})
    with Growth(server) as growth:
        under_attack(server, odd_requests, kind)

    assert growth.megabytes <= MOST_MB
    judge_loop(server)
