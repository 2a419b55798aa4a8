"""Questions about a server that has much to tell hold up nobody."""
import concurrent.futures
import contextlib

from control import Control
from judges import judge_loop
from tftp_attacks import bound_to, left_alone
from tftp_wire import request

ESCAPE = "\x1b"
ENDPOINTS = "/api/v1/status", "/api/v1/transfers", "/api/v1/transfers?after=100", "/api/v1/recent", "/metrics", "/healthz"


def ask(depot, rounds):
    with contextlib.closing(Control(depot)) as control:
        for number in range(rounds):
            assert control.ask(ENDPOINTS[number % len(ENDPOINTS)])[0] == 200


def test_questions_about_thousands_of_transfers(start, depot, beside):
    server = start()
    for number in range(150):
        with contextlib.closing(bound_to(f"127.0.0.{5 + number % 3}")) as sock:
            sock.sendto(request(f"/{ESCAPE * 40}{'ewc' * 60}/{number}/ap1g9"), server.tftp)
    sources = [f"127.0.0.{number}" for number in range(20, 28)]
    with left_alone(server.tftp, sources, 250), beside(server), concurrent.futures.ThreadPoolExecutor(8) as askers:
        for each in [askers.submit(ask, depot, 300) for _ in range(8)]:
            each.result()
    judge_loop(server)
