"""Finds words that CONTRIBUTING.md ("Prose") bans, in comments, string literals and documents: prose.py [FILE...]."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BANNED = {  # what must not be found: what to write
    r"(?<!`)\bmend(s|ed|ing)?\b(?!`)": "fix",
    r"\banew\b": "again",
    r"\bto be had\b": "available",
    r"\bWhoever\b": "name the actor",
    r"\bis no (?!longer\b|more\b)[a-z]+ of\b": "negate the verb: is not",
    r"\bbehind (it|them)\b": "after",
}
FOLDERS = ("server", "storage", "protocols", "conf", "docs")
# A line comment, or a string literal; raw strings and includes are left out.
PIECE = re.compile(r'//(?P<comment>[^\n]*)|"(?P<text>(?:[^"\\\n]|\\.)*)"')


def pieces(path):
    """Each line of prose in a file, with its number."""
    is_code = path.suffix in {".cpp", ".hpp"}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not is_code:
            yield number, line.strip().removeprefix("# ")
            continue
        if line.lstrip().startswith("#include"):
            continue
        for found in PIECE.finditer(line):
            yield number, (found["comment"] if found["comment"] is not None else found["text"]).strip()


def findings(path):
    for number, text in pieces(path):
        if re.fullmatch(r"\w+", text):
            continue  # the name of a member of JSON
        for pattern, instead in BANNED.items():
            if re.search(pattern, text):
                yield f"{path.relative_to(ROOT)}:{number}: {text!r}: {instead}"


def all_files():
    listed = subprocess.run(["git", "ls-files", *FOLDERS, "README.md"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.split()
    return [ROOT / name for name in listed if name.endswith((".cpp", ".hpp", ".md", ".yaml"))]


if __name__ == "__main__":
    found = [each for path in [pathlib.Path(name).resolve() for name in sys.argv[1:]] or all_files()
             for each in findings(path)]
    print("\n".join(found) or "no banned words")
    sys.exit(bool(found))
