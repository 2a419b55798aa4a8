"""Prints the rooms and who includes whom in Graphviz's language: `./dev picture` makes build/rooms.svg of it."""
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOPS = ("server", "conf", "protocols", "storage")


def room_of(path):
    """The folder of a source: "server/tftp/read.cpp" lies in the room server/tftp."""
    return str(pathlib.PurePath(path).parent)


def edges():
    """The files of one room that include something of another, by the two rooms."""
    found = collections.defaultdict(set)
    for top in TOPS:
        for path in (ROOT / top).rglob("*.[ch]pp"):
            here = path.relative_to(ROOT)
            for include in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.MULTILINE):
                if "/" in include and room_of(include) != room_of(here):
                    found[room_of(here), room_of(include)].add(here)
    return found


def print_graph(found):
    """One box a top folder, one node a room."""
    print('digraph rooms {\nrankdir=TB; node [shape=box, fontname="sans-serif"];')
    rooms = {room for pair in found for room in pair}
    for top in TOPS:
        print(f'subgraph "cluster_{top}" {{ label="{top}/"; color=grey;')
        for room in sorted(room for room in rooms if room.split("/")[0] == top):
            print(f'"{room}" [label="{room.removeprefix(top + "/")}"];')
        print("}")
    for (here, there), files in sorted(found.items()):
        print(f'"{here}" -> "{there}" [tooltip="{len(files)} files"];')
    print("}")


if __name__ == "__main__":
    print_graph(edges())
