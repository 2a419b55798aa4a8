"""What other programs parse is as docs/formats.md and docs/log.schema.json say."""
import json
import re

import jsonschema
import pytest

import tftp_wire
from apdepot import PASSWORD, RELEASE, ROOT, USER
from sftp_wire import Sftp, login

SCHEMA = json.loads((ROOT / "docs/log.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
WRITERS_OWN = {"log.dropped", "log.stuck"}  # by server/log, where no event is


def source(name):
    return next(path for folder in ("server", "tests/unit/server") for path in (ROOT / folder).rglob(name)).read_text()


def once(pairs):
    """An object whose members have a name each. JSON parsers keep the last of two, and say nothing."""
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


# One of each kind: json_log_test.cpp proves that the code prints exactly these.
LINES = [json.loads(text, object_pairs_hook=once)
         for text in re.findall(r'R"json\((.*?)\)json"', source("json_log_test.cpp"))]


def faults(line):
    """The reasons why the schema refuses `line`, with what stands in each line."""
    whole = once([("time", "2026-11-28T12:00:00.000Z"), *line.items(), ("text", "")])
    return [error.message for error in VALIDATOR.iter_errors(whole)]


def kinds_in_schema():
    return [each["properties"]["event"]["const"] for each in SCHEMA["oneOf"]]


def words(schema):
    """Each closed list of words in a schema, by the names of its members."""
    for kind in schema["oneOf"]:
        for name, member in kind["properties"].items():
            if "$ref" in member:
                member = schema["$defs"][member["$ref"].rsplit("/", 1)[1]]
            if "enum" in member:
                yield kind["properties"]["event"]["const"], name, set(member["enum"])


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["event"])
def test_a_line_of_each_kind_fits_the_schema(line):
    assert not faults(line)


def test_the_schema_refuses_what_no_event_has():
    line = next(line for line in LINES if line["event"] == "tftp.requested")

    assert faults({**line, "more": 1})
    assert faults({**line, "number": "7"})
    assert faults({**line, "event": "tftp.unheard"})
    assert faults({name: value for name, value in line.items() if name != "client"})


def test_schema_and_code_have_the_same_kinds():
    kinds = kinds_in_schema()

    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {line["event"] for line in LINES} | WRITERS_OWN


def test_each_kind_that_the_code_names_has_a_line_in_the_unit_test():
    code = re.sub(r"//[^\n]*|#include[^\n]*", "", source("json_log.cpp"))
    named = set(re.findall(r'"((?:[a-z]+\.[a-z_-]+)|miss)"', code))

    assert named == {line["event"] for line in LINES}


def test_each_word_of_the_schema_is_one_that_the_code_says():
    for kind, name, expected in words(SCHEMA):
        if (kind, name) in {("tftp.requested", "rule"), ("http.requested", "rule"), ("sftp.remapped", "rule")}:
            continue  # storage::rule_name, which the lookup's own tests hold
        if (kind, name) == ("server.warned", "kind"):
            names = (ROOT / "server/events/warning.cpp").read_text()
            assert expected == set(re.findall(r'"(\w+)"', names.split("names{")[1]))
            continue
        said = {line[name] for line in LINES if line["event"] == kind and name in line}
        assert said == expected, f"{name} of {kind}"


def test_each_kind_and_member_stands_in_the_document():
    text = (ROOT / "docs/formats.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z]+(?:\.[a-z_-]+)?)` \| (.*?) \|", text, re.MULTILINE))
    missing = [(kind, name) for each in SCHEMA["oneOf"] for kind in [each["properties"]["event"]["const"]]
               for name in each["properties"] if name != "event" and f"`{name}`" not in rows.get(kind, "")]

    assert set(kinds_in_schema()) <= set(rows)
    assert not missing


def test_each_json_line_of_a_server_fits_the_schema(start_server, depot):
    server = start_server(depot, {"log": {"format": "json"}})
    tftp_wire.fetch(server.tftp, f"{RELEASE}/ap3g3")
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask("/Wrong-Path/ap1g6").opcode == tftp_wire.ERROR
    transport = login(server, USER, PASSWORD)
    Sftp(transport).fetch(f"{RELEASE}/ap3g3")
    transport.close()
    for sign in (r"\bsent\b", r"WRONG_DIRECTORY", r"\bsession closed\b"):
        server.wait_for_log(sign)
    with server.changed:
        events = [json.loads(line, object_pairs_hook=once) for line in server.lines if line != server.ready_line]

    assert not [(event, error.message) for event in events for error in VALIDATOR.iter_errors(event)]
    assert all("time" in event for event in events)
    assert any(event.get("name") == f"{RELEASE}/ap3g3" for event in events)
