"""The house, enforced from the sources: rooms, what each may include, and what each header must say."""
import graphlib
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("storage", "protocols", "conf", "server")

# room: the rooms that it may include, besides itself. A new room is a new line.
ROOMS = {
    "storage/files": [],
    "storage/depot": ["storage/images", "storage/archives", "storage/files"],
    "storage/archives": ["storage/files"],
    "storage/images": ["storage/archives", "storage/files"],
    "storage/history": ["storage/files"],
    "storage/lookup": ["storage/images", "storage/archives", "storage/depot", "storage/files"],
    "storage/releases": ["storage/lookup", "storage/images", "storage/archives", "storage/depot", "storage/files"],
    "storage/import": ["storage/releases", "storage/lookup", "storage/images", "storage/archives", "storage/depot",
                       "storage/files"],
    "protocols/files": ["storage/files"],
    "protocols/tftp": ["protocols/files"],
    "protocols/sftp": ["protocols/files", "storage/files", "storage/lookup"],
    "protocols/scp": ["protocols/files", "storage/files"],
    "protocols/syslog": [],
    "protocols/http": [],
    "conf": ["storage/*"],
    "conf/foreign": ["conf", "storage/lookup", "storage/files"],
    "server/loop": ["conf"],
    "server/os": ["server/loop", "conf", "storage/depot", "storage/files"],
    "server/events": ["server/loop", "protocols/files", "protocols/tftp", "protocols/sftp", "storage/*"],
    "server/text": ["protocols/tftp", "server/events", "storage/*"],
    "server/accounts": ["server/os", "server/loop", "conf", "storage/depot", "storage/files"],
    "server/files": ["server/events", "server/os", "server/loop", "conf", "protocols/files", "storage/*"],
    "server/log": ["server/text", "server/events", "server/os", "server/loop", "conf", "protocols/tftp", "storage/*"],
    "server/diagnosis": ["server/text", "server/events", "server/files", "server/os", "server/loop", "conf", "storage/*"],
    "server/syslog": ["server/diagnosis", "server/text", "server/events", "server/files", "server/os", "server/loop", "conf",
                      "protocols/syslog", "storage/*"],
    "server/tftp": ["server/text", "server/events", "server/files", "server/os", "server/loop", "conf",
                    "protocols/tftp", "storage/*"],
    "server/ssh": ["server/accounts", "server/text", "server/events", "server/files", "server/os", "server/loop", "conf",
                   "protocols/files", "protocols/sftp", "protocols/scp", "storage/*"],
    "server/metrics": ["server/text", "server/events", "server/loop", "storage/lookup"],
    "server/history": ["server/text", "server/events", "server/loop", "conf", "storage/history"],
    "server/http": ["server/files", "server/text", "server/events", "server/os", "server/loop", "conf",
                    "protocols/files", "protocols/http", "protocols/tftp", "storage/*"],
    "server/certificates": ["server/events", "server/os", "server/loop", "conf", "storage/depot", "storage/files"],
    "server/page": ["server/certificates", "server/http", "server/accounts", "server/text", "server/events", "server/os",
                    "server/loop", "conf", "storage/depot", "storage/files"],
    "server/api": ["server/doctor", "server/http", "server/metrics", "server/accounts", "server/files", "server/text",
                   "server/events", "server/os", "server/loop", "conf", "protocols/http", "storage/*"],
    "server/probe": ["server/http", "server/accounts", "server/text", "server/os", "server/loop", "protocols/tftp",
                     "storage/*"],
    "server/doctor": ["server/http", "server/certificates", "server/accounts", "server/text", "server/os", "server/loop", "conf", "storage/*"],
    "server/drop": ["server/files", "server/events", "server/os", "server/loop", "conf", "storage/*"],
    "server/process": ["server/api", "server/page", "server/certificates", "server/metrics", "server/history", "server/http", "server/tftp", "server/ssh", "server/syslog",
                       "server/diagnosis", "server/drop", "server/log", "server/accounts", "server/files",
                       "server/text", "server/events", "server/os", "server/loop", "conf", "storage/*"],
    "server/commands": ["server/api", "server/process", "server/doctor", "server/diagnosis", "server/probe", "server/http",
                        "server/tftp", "server/accounts", "server/files", "server/text", "server/events", "server/os",
                        "server/loop", "conf", "conf/foreign", "storage/*"],
    "server": ["server/commands", "server/process", "server/text", "server/os", "conf", "storage/archives", "storage/files"],
}
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
TWIN = re.compile(r"_(linux|windows)$")


def sources(*tops):
    """Path below the root and text of each source."""
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.[ch]pp")):
            yield path.relative_to(ROOT), path.read_text()


def code(text):
    return COMMENT.sub("", text)


def room_of(path):
    return str(pathlib.PurePath(path).parent)


def allowed(room):
    for each in ROOMS[room]:
        if each.endswith("/*"):
            yield from (other for other in ROOMS if other.startswith(each[:-1]))
        else:
            yield each


def test_each_folder_is_a_room_with_a_line_above():
    assert {room_of(path) for path, _ in sources(*TOPS)} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_includes_only_what_its_line_allows(room):
    may = {room, *allowed(room)}
    wrong = [f"{path} includes {include}" for path, text in sources(room.split("/")[0]) if room_of(path) == room
             for include in INCLUDE.findall(code(text)) if room_of(include) in ROOMS and room_of(include) not in may]

    assert not wrong


def test_the_rooms_have_no_circle():
    graphlib.TopologicalSorter({room: list(allowed(room)) for room in ROOMS}).prepare()


def test_a_room_is_at_most_two_deep_and_no_drawer():
    drawers = {"common", "utils", "util", "manager", "helper", "helpers", "misc"}

    assert all(len(path.parts) <= 3 and not drawers & set(path.parts) for path, _ in sources(*TOPS))


def test_main_stands_alone_in_server():
    assert [path.name for path, _ in sources("server") if len(path.parts) == 2] == ["main.cpp"]


def test_an_include_names_its_file_from_the_top():
    wrong = [f"{path} includes {include}" for path, text in sources(*TOPS, "tests/unit", "tests/fuzz", "tests/support")
             for include in re.findall(r'#\s*include\s*"([^"]+)"', text)
             if not (ROOT / include).exists() and not include.endswith(".inc")]

    assert not wrong


# ---- what a room may use

SYSTEM = re.compile(r"#\s*include <(unistd|fcntl|syslog|dirent|poll|pwd|grp|ifaddrs|sys/|netinet/|arpa/|net/|linux/)|"
                    r"\bposix::")


def test_the_system_is_used_in_linux_files_only():
    found = {str(path) for path, text in sources(*TOPS) if not TWIN.search(path.stem) and SYSTEM.search(code(text))}

    assert not found


FORBIDDEN = {
    "protocols": r"boost/|asio|libssh|sys/socket|netinet/|_clock::now|std::j?thread|<thread>|<fstream>|<iostream>|"
                 r"fmt::print|\bgetenv\b",
    "storage": r"boost/|asio|libssh|sys/socket|netinet/|steady_clock::now|std::j?thread|<thread>|<iostream>|fmt::print|"
               r"\bgetenv\b",
    "conf": r"boost/|asio|libssh/|sys/socket|std::j?thread|<thread>|<iostream>|fmt::print",
}


def test_one_file_alone_includes_sqlite():
    assert [str(path) for path, text in sources(*TOPS) if "sqlite3.h" in code(text)] == ["storage/history/database.cpp"]


@pytest.mark.parametrize("top", FORBIDDEN)
def test_a_room_does_only_its_own_work(top):
    """No sockets, clocks, threads or printing where they do not belong."""
    wrong = [f"{path}: {found}" for path, text in sources(top) for found in re.findall(FORBIDDEN[top], code(text))]

    assert not wrong


# ---- a vendor has its own file

VENDORS = pathlib.Path("storage/images/vendors.cpp")


def vendors():
    """The names in the list: a vendor's files are called so, or begin so."""
    return re.findall(r"\w+", re.search(r"extern const Vendor ([\w, ]+);", (ROOT / VENDORS).read_text())[1])


def is_of(vendor, path):
    return path.parent == VENDORS.parent and re.fullmatch(rf"{vendor}(_\w+)?", path.stem)


def test_only_a_vendors_own_files_and_the_list_name_it():
    """So that another vendor is a file and an entry of the list, and touches nothing else."""
    files = {path: code(text) for path, text in sources("storage")}
    own = {path for path in files if any(is_of(vendor, path) for vendor in vendors())}
    products = re.findall(r'\.name = "([^"]{3,})"', "".join(files[path] for path in own))
    words = re.compile(rf"(?<![a-z])({'|'.join([*vendors(), *products])})", re.IGNORECASE)

    assert len(products) > len(vendors())
    assert not [f"{path} names {found}" for path, text in files.items() if path not in {VENDORS, *own}
                for found in words.findall(text)]


# ---- what a header says, and where its functions are

TYPE = re.compile(r"^(?:struct|class|enum class) (\w[\w:<>]*)[^;\n]*(?:\{|$)", re.MULTILINE)


def test_each_public_type_says_what_it_is_for():
    """A comment above it, or behind its first line."""
    wrong = []
    for path, text in sources(*TOPS):
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if path.suffix != ".hpp" or not TYPE.match(line) or line.startswith("struct std::"):
                continue
            above = number - 1
            while lines[above].startswith(("template", "requires")):
                above -= 1
            if not lines[above].startswith("//") and "//" not in line:
                wrong.append(f"{path}:{number + 1}: {line}")

    assert not wrong


FUNCTION = re.compile(r"^(?!\s|using|typedef|return|template|friend|inline|constexpr|class|struct|enum|namespace|static_assert)"
                      r"[\w:<>,&*\[\] ]+?[ &*](\w+)\([^;{}]*\)(?: noexcept| const)*;", re.MULTILINE)


def test_a_declaration_is_defined_in_the_file_of_its_name():
    wrong = []
    for path, text in sources(*TOPS):
        if path.suffix != ".hpp":
            continue
        stem = TWIN.sub("", path.stem)
        bodies = "".join(other.read_text() for other in (ROOT / path).parent.glob(f"{stem}*.cpp")
                         if TWIN.sub("", other.stem) == stem)
        wrong += [f"{path}: {name}" for name in FUNCTION.findall(code(text)) if not re.search(rf"\b{name}\(", bodies)]

    assert not wrong


def test_no_lambda_stands_within_a_co_await():
    """g++ 12 destroys twice what such a lambda holds: it wants a name first."""
    found = [str(path) for path, text in sources(*TOPS) if re.search(r"co_await\b[^;{]*\(\s*\[[^\]]+\]", code(text))]

    assert not found


def test_folders_are_read_by_our_own_reader():
    """Those of libstdc++ end the process where they find no memory for a name: storage/files/folder.hpp."""
    found = [str(path) for path, text in sources(*TOPS) if re.search(r"directory_iterator|\bremove_all\b", code(text))]

    assert not found


# An event of log.md may have many lines.
DOCUMENTS = sorted({*(ROOT / "docs").glob("*.md")} - {ROOT / "docs/log.md"})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_table_has_a_row_twice(path):
    """Such as a merge makes."""
    for section in re.split(r"^#+ ", path.read_text(), flags=re.MULTILINE):
        rows = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)

        assert len(rows) == len(set(rows)), sorted(row for row in rows if rows.count(row) > 1)
