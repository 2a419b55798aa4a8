"""Bodies that are costly to read, by an administrator of the host: those of the page pass the same endpoints."""
import contextlib

import pytest

from control import Control
from judges import judge_loop

LONGEST = 64 << 10  # of a body
BODIES = {
    "deep": "[" * (LONGEST - 1),
    "wide": "{" + ",".join(f'"{number}":0' for number in range(6000)) + "}",
    "list": '{"name":[' + ",".join("0" * 30_000) + "]}",
    "long": '{"name":"' + "x" * (LONGEST - 100) + '"}',
    "aliases": "{" + ",".join(f'"{number}": &a{number} [{f"*a{number - 1}," * 9 if number else 0}]'
                              for number in range(900)) + "}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_holds_the_loop(start, body):
    assert len(body) < LONGEST
    server = start()
    with contextlib.closing(Control(server.depot)) as control:
        rows = [row for row in control.json("/api/v1/endpoints")["items"] if row["method"] in ("POST", "PATCH", "PUT")]
        for row in rows:
            status, _ = control.submit(row["method"], row["path"].replace("{}", "a").replace("{path...}", "a"), body)
            assert status >= 400 or "run" in row["path"], row
    assert len(rows) > 5
    judge_loop(server)
