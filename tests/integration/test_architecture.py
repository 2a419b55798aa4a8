"""Which room may know which: the house, enforced from the sources."""
import re

import pytest

from apdepot import ROOT

ROOMS = {  # room: the rooms that it may include
    "storage": {"storage"},
    "protocols/tftp": {"storage", "protocols/tftp"},
    "protocols/sftp": {"storage", "protocols/sftp"},
    "protocols/scp": {"storage", "protocols/scp"},
    "conf": {"storage", "conf", "protocols/tftp", "protocols/sftp", "protocols/scp"},
}
ALL_ROOMS = [*ROOMS, "server", "tests"]
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def sources(room):
    """Each source of a room without its comments."""
    for path in sorted((ROOT / room).rglob("*.[ch]pp")):
        yield path.relative_to(ROOT), COMMENT.sub("", path.read_text())


def includes(text):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE)


def room_of(include):
    return next((room for room in ALL_ROOMS if include.startswith(f"{room}/")), None)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_includes_only_the_rooms_below_it(room):
    wrong = [(str(path), include) for path, text in sources(room) for include in includes(text)
             if room_of(include) not in {None, *ROOMS[room]}]

    assert not wrong


def test_the_rooms_are_there():
    assert all(list(sources(room)) for room in ("storage", "protocols/tftp", "protocols/sftp", "conf", "server"))


def test_an_include_names_its_file_from_the_top():
    """So that the rooms can be told from the text."""
    wrong = [(str(path), include) for room in [*ROOMS, "server"] for path, text in sources(room)
             for include in re.findall(r'#\s*include\s*"([^"]+)"', text)
             if not (ROOT / include).exists() and not include.endswith(".inc")]

    assert not wrong


FORBIDDEN = {
    "protocols": r"boost/|asio|libssh|sys/socket|netinet/|_clock::now|std::j?thread|<thread>|<fstream>|<iostream>|"
                 r"fmt::print|\bgetenv\b",
    "storage": r"boost/|asio|libssh|sys/socket|netinet/|steady_clock::now|std::j?thread|<thread>|<iostream>|fmt::print|"
               r"\bgetenv\b",
    "conf": r"boost/|asio|libssh/|sys/socket|std::j?thread|<thread>|<iostream>|fmt::print",
}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_does_only_its_own_work(room):
    """No sockets, clocks, threads or printing where they do not belong."""
    wrong = [(str(path), found) for path, text in sources(room) for found in re.findall(FORBIDDEN[room], text)]

    assert not wrong


def test_no_room_is_a_drawer():
    drawers = {"common", "utils", "util", "manager", "helper", "helpers", "misc"}
    names = {part.split(".")[0] for room in [*ROOMS, "server"] for path, _ in sources(room) for part in path.parts}

    assert not drawers & names


def test_folders_are_at_most_two_deep():
    deep = [str(path) for room in ("storage", "protocols", "conf", "server") for path, _ in sources(room)
            if len(path.parts) > 3]

    assert not deep
