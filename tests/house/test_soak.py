"""What a soak judges by, without a server: the rule for what stays flat, and the lines of the log that it knows."""
import dataclasses
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/soak"), str(ROOT / "tests/support")]

import flat  # noqa: E402
import known_lines  # noqa: E402


def samples(memory, descriptors=lambda n: 30, threads=lambda n: 12):
    return [flat.Sample(memory(n), descriptors(n), threads(n), 1000 * n) for n in range(40)]


def test_what_grows_in_the_warm_up_only_is_flat():
    assert not list(flat.judge(samples(lambda n: 8 << 20 if n < 9 else 12 << 20, lambda n: min(n, 8))))
    assert not list(flat.judge(samples(lambda n: (8 << 20) + 200_000 * min(n, 19))))


def test_a_leak_of_a_hundred_bytes_a_transfer_shows():
    assert "memory grew" in " ".join(flat.judge(samples(lambda n: (8 << 20) + 100_000 * n)))


def test_noise_is_no_leak():
    assert not list(flat.judge(samples(lambda n: (8 << 20) + (n * 7919 % 13) * 50_000)))


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_one_more_descriptor_or_thread_shows(what):
    grown = {what: lambda n: 31 if n == 39 else 30}
    fault, = flat.judge(samples(lambda n: 8 << 20, **grown))

    assert fault == f"{what} grew: 30 in the lulls of the warm-up, 31 in a later one"


def test_the_fault_says_what_the_new_descriptors_are_of():
    files = ["socket"] * 29 + ["/depot"]
    grown = [flat.Sample(8 << 20, 30, 12, 1000 * n, files) for n in range(40)]
    grown[-1] = dataclasses.replace(grown[-1], descriptors=32, files=[*files, "socket", "pipe"])

    assert next(flat.judge(grown)).endswith("32 in a later one; more of pipe, socket")


def test_too_few_lulls_judge_nothing():
    assert "only 5 lulls" in next(flat.judge(samples(lambda n: 8 << 20)[:5]))


@pytest.mark.parametrize("line, kind", [
    ("in.tftpd[7]: RRQ from 127.0.0.1 filename /EWC/17_9_4a/ap1g8", "tftp.requested"),
    ("in.tftpd[7]: sent /a to 127.0.0.1: 5 bytes in 0.1 s, blksize 512 windowsize 1, 0 resent, last ACK missing",
     "transfer.ended"),
    ("apdepot: TFTP 127.0.0.1:20001 is served from now on", "server.warned"),
    ("http[7]: GET from 127.0.0.1 path /EWC/17_9_4a/ap1g8", "http.requested"),
    ("http[7]: sent /a to 127.0.0.1: 5 bytes in 0.1 s, 206 from offset 4", "transfer.ended"),
    ("http[7]: /a aborted by 127.0.0.1 (disconnected): 5 of 9 bytes in 0.1 s, 200; its own log says why", "transfer.ended"),
    ("http[7]: /a to 127.0.0.1 broken off, the server is shutting down: 5 of 9 bytes in 0.1 s, 200", "transfer.ended"),
    ("http[7]: miss NOT_FOUND: /EWC/17_9_4a/ap9z1; ap1g8 is there", "miss"),
    ("http[7]: /a to 127.0.0.1 broken off by the server: 5 of 9 bytes in 0.1 s, 200", None),
    ("apdepot: something that nobody has foreseen", None),
    ("apdepot: something: that nobody: has foreseen", None),
    ("apdepot: a request broke off, the server goes on: std::bad_alloc: no memory", None),
    ("apdepot: maria: retired /EWC/17_9_4a: done", None),
    ('apdepot: rejected damaged-7.zip: ap1g8: its CRC is wrong (it is kept as rejected/damaged-7.zip)', "import.rejected"),
    ('apdepot: rejected bundle-7.zip: ap1g8: its CRC is wrong (it is kept as rejected/bundle-7.zip)', None),
    ("apdepot: the configuration is wrong, the old one stays in effect: a.yaml:1: tftp.max_window: no number",
     "server.reload_failed"),
    ("apdepot: the configuration is wrong, the old one stays in effect: a.yaml:1: tftp.listen: no address", None),
    ("in.tftpd[7]: 3 more requests from 127.0.0.1 were refused within 60 s: 3 times /a", "tftp.noise"),
    ("in.tftpd[7]: 3 more requests from 127.0.0.1 were dropped within 60 s: 3 times /a", None),
    ("in.tftpd[7]: /a to 127.0.0.1 broken off, the server is shutting down: 5 bytes in 0.1 s", "transfer.ended"),
    ("in.tftpd[7]: /a to 127.0.0.1 broken off by the server (0, Internal error): 5 bytes in 0.1 s", None),
    ('sftp-server[7]: "/a" from 127.0.0.1 broken off by the server (No space left on device): 5 bytes in 0.1 s', None),
    ("terminate called after throwing an instance of 'std::bad_alloc'", None)])
def test_a_line_is_known_or_not(line, kind):
    assert known_lines.KnownLines().kind(line) == kind


def example(line):
    """Of a line of docs/log.md."""
    return re.sub(r"\b[A-Z]{3,}\b", lambda found: found[0] if found[0] in known_lines.LITERAL else found[0].lower(),
                  line.replace("[N]", "[7]"))


DOCUMENTED = re.findall(r"^\| `(\S+)` \| `(.+?)` \| ", (ROOT / "docs/log.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("kind", sorted(known_lines.FAULTS))
def test_each_line_of_a_fault_is_told(kind):
    lines = [example(line) for each, line in DOCUMENTED if each == kind]

    assert lines
    assert not [line for line in lines if known_lines.KnownLines().kind(line)]


FAULTY = re.compile("broken off by the server|broken off, an administrator|were dropped|: rejected |the old one stays in effect")


def test_no_other_documented_line_is_told():
    lines = [line for kind, line in DOCUMENTED if kind not in known_lines.FAULTS and not FAULTY.search(line)]

    assert not [line for line in lines if not known_lines.KnownLines().kind(example(line))]
