"""What the page's files must hold to: nothing from elsewhere, nothing that makes markup of a text, and a bound."""
import gzip
import pathlib
import re

import pytest

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
FILES = sorted(path for path in WEB.iterdir() if path.suffix in {".html", ".css", ".js", ".svg"})
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
ELSEWHERE = re.compile(r"(?:https?:)?//[\w.-]+\.\w+")
NAMESPACES = {"http://www.w3.org"}
# What makes markup, a style or code of a text, and what the page's policy would refuse.
SINKS = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|srcdoc|eval|"
                   r"setHTML\w*|cssText|new Function)\b|document\.write|javascript:|\bimport\(")
INLINE = re.compile(r"<[^>]*\s(on\w+|style)\s*=|<style|<script(?![^>]*\bsrc=)")
IMPORT = re.compile(r"^\s*(?:import|export)\b[^;]*?from '([^']+)';", re.MULTILINE)
LARGEST = 100_000  # bytes of all that a browser loads, compressed as the server sends it
WIDEST = 120


def test_the_page_has_nothing_from_elsewhere():
    found = [(path.name, each) for path in FILES for each in ELSEWHERE.findall(path.read_text())
             if path.suffix != ".js" or not each.startswith("//")]

    assert not [each for each in found if each[1] not in NAMESPACES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_text_can_become_markup_or_code(path):
    text = path.read_text()

    assert not SINKS.search(text)
    assert not INLINE.search(text)


def test_the_modules_import_one_another_by_relative_names():
    wrong = [f"{path.name}: {name}" for path in SCRIPTS for name in IMPORT.findall(path.read_text())
             if not name.startswith("./") or not (WEB / name).exists()]

    assert not wrong


def test_each_module_is_used():
    used = {name[2:] for path in SCRIPTS for name in IMPORT.findall(path.read_text())}
    loaded = set(re.findall(r'(?:src|href)="([^"]+)"', (WEB / "index.html").read_text()))

    assert {path.name for path in FILES} == used | loaded | {"index.html"}


def test_the_page_is_small():
    assert sum(len(gzip.compress(path.read_bytes())) for path in FILES) < LARGEST


def test_the_page_can_be_embedded():
    assert not [path.name for path in FILES if ')apdepot"' in path.read_text()]


def test_no_line_is_too_long():
    assert not [(path.name, line) for path in FILES if path.suffix != ".svg"
                for line in path.read_text().splitlines() if len(line) > WIDEST]
