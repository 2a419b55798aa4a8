"""The two systems: what stands behind a header for one of them is there for the other."""
import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("storage", "protocols", "conf", "server")

# Of a header that Windows' sources do not use.
LINUX_ALONE = {"server/os/log_socket"}


def stems(system):
    return {str(path.relative_to(ROOT)).removesuffix(f"_{system}.cpp")
            for top in TOPS for path in (ROOT / top).rglob(f"*_{system}.cpp")}


def test_each_linux_source_has_its_twin_for_windows():
    assert stems("linux") - stems("windows") == LINUX_ALONE


def test_each_source_of_one_system_is_built():
    build = (ROOT / "meson.build").read_text()
    missing = [f"{stem}_{system}.cpp" for system in ("linux", "windows") for stem in stems(system)
               if f"'{stem}_@0@.cpp'" not in build and f"'{stem}_{system}.cpp'" not in build]

    assert not missing


def test_what_the_example_exchanges_on_windows_stands_in_it():
    """Else Windows would show what is true of Linux alone."""
    example = (ROOT / "conf/apdepot.yaml").read_text()
    source = (ROOT / "conf/host_example_windows.cpp").read_text()
    literal = r'"(?:[^"\\]|\\.)*"'
    exchanges = re.findall(rf"Exchange\{{((?:\s*{literal})+)", source)
    texts = ["".join(ast.literal_eval(part) for part in re.findall(literal, each)) for each in exchanges]

    assert len(texts) > 5 and not [text for text in texts if example.count(text) != 1]


def test_a_path_becomes_text_by_path_text_alone():
    """On Windows string() has backslashes, and loses what is not of the host's code page."""
    found = [str(path.relative_to(ROOT)) for top in TOPS for path in (ROOT / top).rglob("*.[ch]pp")
             if not path.stem.endswith("_linux") and re.search(r"(?<!reader)\.string\(\)", path.read_text())]

    assert not found
