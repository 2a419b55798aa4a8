"""What somebody does who may write into drop/. Each attack ends by itself."""
import os
import pathlib
import zipfile

from target import Deadline


def empty_folders(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(5000):
            archive.writestr(f"{'d/' * 20}{number}", b"")


def zeros(path):
    """A gigabyte that is a megabyte as it lies there."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("ap1g8", "w") as member:
        for _ in range(1024):
            member.write(bytes(1 << 20))


def names_that_lead_out(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version.info", "17.99.1.27\n")
        for name in ("../../../evil", "/etc/evil", "..\\evil", "a/../../evil", "x\0y", "\u202e" * 50):
            archive.writestr(name, b"evil")


HOSTILE = {
    "nothing": lambda path: path.write_bytes(b""),
    "no archive": lambda path: path.write_bytes(b"PK\3\4" + os.urandom(100_000)),
    "folders": empty_folders,
    "zeros": zeros,
    "out": names_that_lead_out,
    "digests": lambda path: path.write_text("".join(f"{number:0128x}  file{number}.zip\n" for number in range(5000))),
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "itself": lambda path: path.symlink_to(path.name),
    "pipe": os.mkfifo,
}


def hostile_files(_target, seconds, depot):
    """One after the other, each under a name of its own. Returns how many there were."""
    depot, until, number = pathlib.Path(depot), Deadline(seconds), 0
    aside = depot / "aside"
    aside.mkdir(exist_ok=True)
    while until:
        kind = list(HOSTILE)[number % len(HOSTILE)]
        name = "SHA512SUMS" if kind == "digests" else f"hostile{number}.zip"
        HOSTILE[kind](aside / name)
        os.rename(aside / name, depot / "drop" / name)
        number += 1
        until.wait(0.5)
    for path in (depot / "drop").iterdir():
        path.unlink(missing_ok=True)
    return number
