"""docs/api.md and the server are the same: each endpoint, each member of what GET answers, and how it refuses."""
import contextlib
import json
import re

import pytest

import tftp_wire
from apdepot import RELEASE, ROOT, wait_until
from control import Control

TEXT = (ROOT / "docs/api.md").read_text()
LISTED = re.findall(r"^\| `([A-Z]+) (/\S*)` \|", TEXT, re.MULTILINE)
ROWS = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in LISTED}
SECTIONS = dict(re.findall(r"^### `GET (/\S+)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
QUERIES = {"/api/v1/explain": "?path=ap1g8", "/api/v1/controller-lines": "?release=17.9.4a&mode=sftp&address=192.0.2.2"}
# The page's, and a stream: test_web.py and test_web_stream.py ask for them.
OTHERS = {"/api/v1/session", "/api/v1/stream", "/api/v1/web/code", "/api/v1/web/fingerprint"}
# What stands in an answer only where there is something to say.
TFTP_ONLY = {"block_size", "window", "resent"}


@pytest.fixture
def control(server):
    with contextlib.closing(Control(server.depot)) as asked:
        yield asked


def documented(section, kind):
    """The members that a section's paragraph "Members: ..." or "Items: ..." names, without what stands in brackets."""
    found = re.search(rf"^{kind}: (.*?)(?:\.$|\.\n|\n\n|(?=^Items:))", section, re.MULTILINE | re.DOTALL)
    if not found:
        return set()
    text = found[1]
    while "(" in text:
        text = re.sub(r"\([^()]*\)", "", text)
    return set(re.findall(r"`(\w+)`", re.sub(r"`[a-z]+ --json`", "", text)))


def used(server):
    """The server has served, missed, let in, and done what it was told."""
    tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8")
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask("/Wrong-Path/ap1g8").opcode == tftp_wire.ERROR


def test_the_table_of_the_document_is_the_servers(control):
    told = {(each["method"], re.sub(r"\{[^}]*\}", "{}", each["path"]))
            for each in control.json("/api/v1/endpoints")["items"]}

    assert told == ROWS
    assert len(LISTED) == len(set(LISTED)), "the document has one twice"


def test_what_changes_something_is_for_administrators(control):
    rows = control.json("/api/v1/endpoints")["items"]

    assert all(row["writes"] == (row["method"] != "GET") for row in rows if "session" not in row["path"])
    # Before there is an administrator, or to log in, nobody has a role yet.
    assert {row["path"] for row in rows if row["writes"] and row["needs"] != "admin"} <= {"/api/v1/session",
                                                                                           "/api/v1/setup"}


def test_each_get_answers_what_the_document_says(server, control):
    used(server)
    (device,) = wait_until(lambda: control.json("/api/v1/devices")["items"])
    wait_until(lambda: control.json("/api/v1/history/misses")["items"])
    assert control.submit("PATCH", f"/api/v1/devices/{device['address']}", {"site": "dock"})[0] == 200
    wait_until(lambda: control.json("/api/v1/history/acts")["items"])
    wait_until(lambda: control.json("/api/v1/health")["items"])
    upload = control.submit("POST", "/api/v1/uploads", {"name": "a.zip", "size": 7})[1]["id"]
    undescribed = []
    for method, path in sorted(ROWS):
        if method != "GET" or path in OTHERS:
            continue
        asked = path.replace("devices/{}", f"devices/{device['address']}").replace("uploads/{}", f"uploads/{upload}")
        asked = asked.replace("{}", "transfers")
        status, body = control.ask(asked + QUERIES.get(path, ""))
        assert status == 200, (asked, body)
        if not body.startswith("{"):
            continue
        answer = json.loads(body)
        section = SECTIONS.get(path.replace("devices/{}", "devices/{address}").replace("uploads/{}", "uploads/{id}")
                               .replace("{}", "transfers"))
        if section is None:
            undescribed.append(path)
            continue
        assert set(answer) == documented(section, "Members") or "Members:" not in section, path
        if answer.get("items"):
            items = documented(section, "Items")
            assert set(answer["items"][0]) | TFTP_ONLY == items | TFTP_ONLY, path
    assert not undescribed


@pytest.mark.parametrize("name", ["holders", "misses", "logins", "imports", "acts"])
def test_each_list_of_the_history_answers_what_the_document_says(server, control, transport, name):
    used(server)
    assert control.submit("PATCH", "/api/v1/devices/192.0.2.9", {"site": "dock"})[0] == 200
    if name == "imports":
        (server.depot / "drop/nonsense.zip").write_bytes(b"x")
    (row, *_) = wait_until(lambda: control.json(f"/api/v1/history/{name}")["items"])
    section = SECTIONS[f"/api/v1/history/{name}"]

    assert set(row) == documented(section, "Items") and documented(section, "Members") == {"items", "next"}


@pytest.mark.parametrize("path", ["/api/v1/history/transfers?x=1", "/api/v1/history/transfers?limit=0",
                                  "/api/v1/history/transfers?after=7", "/api/v1/devices?kind=printer",
                                  "/api/v1/rollout?limit=many", "/api/v1/explain", "/api/v1/explain?path=a&protocol=ftp",
                                  "/api/v1/explain?path=a&client=b", "/api/v1/misses?since=tomorrow",
                                  "/api/v1/controller-lines?release=a&address=b", "/api/v1/controller-lines"])
def test_a_query_with_a_mistake_says_which(control, path):
    status, body = control.ask(path)

    assert status == 400 and json.loads(body)["detail"]


@pytest.mark.parametrize("path", ["/api/v1/history/nonsense", "/api/v1/devices/192.0.2.99", "/api/v1/devices/nonsense",
                                  "/api/v1/rollout?release=/EWC/1_2_3", "/api/v1/controller-lines?release=1.2.3"])
def test_what_is_not_here_is_told_with_what_to_do(control, path):
    status, body = control.ask(path)

    problem = json.loads(body)
    assert status == 404 and problem["detail"] and problem["fix"]


def test_a_release_is_not_here_before_one_is_imported(start_server, empty_depot):
    with contextlib.closing(Control(start_server(empty_depot).depot)) as control:
        assert control.ask("/api/v1/rollout")[0] == 404
        assert control.json("/api/v1/releases")["items"] == []
        assert control.json("/api/v1/devices")["items"] == []
        status = wait_until(lambda: (told := control.json("/api/v1/status"))["disk"] and told)
        assert status["rollout"] is None and status["disk"]["free"] > 0


def test_without_a_history_lists_are_empty_and_nothing_can_be_said_of_a_device(start_server, depot):
    with contextlib.closing(Control(start_server(depot, {"history": {"days": 0}}).depot)) as control:
        assert control.json("/api/v1/history/transfers") == {"items": [], "next": None}
        assert control.json("/api/v1/misses")["items"] == []
        status, problem = control.submit("PATCH", "/api/v1/devices/192.0.2.7", {"name": "floor-1"})
        assert status == 503 and "history.days" in problem["detail"]
        assert control.json("/api/v1/status")["today"] is None
