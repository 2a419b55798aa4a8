"""What a soak judges by, without a server: the rule for what stays flat, and the lines of the log that it knows."""
import pathlib
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


def test_a_leak_of_a_hundred_bytes_a_transfer_shows():
    assert "memory grew" in " ".join(flat.judge(samples(lambda n: (8 << 20) + 100_000 * n)))


def test_noise_is_no_leak():
    assert not list(flat.judge(samples(lambda n: (8 << 20) + (n * 7919 % 13) * 50_000)))


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_one_more_descriptor_or_thread_shows(what):
    grown = {what: lambda n: 31 if n == 39 else 30}
    fault, = flat.judge(samples(lambda n: 8 << 20, **grown))

    assert fault == f"{what} grew: 30 in the lulls of the warm-up, 31 in a later one"


def test_too_few_lulls_judge_nothing():
    assert "only 5 lulls" in next(flat.judge(samples(lambda n: 8 << 20)[:5]))


@pytest.mark.parametrize("line, kind", [
    ("in.tftpd[7]: RRQ from 127.0.0.1 filename /EWC/17_9_4a/ap1g8", "tftp.requested"),
    ("in.tftpd[7]: sent /a to 127.0.0.1: 5 bytes in 0.1 s, blksize 512 windowsize 1, 0 resent, last ACK missing",
     "transfer.ended"),
    ("apdepot: TFTP 127.0.0.1:20001 is served from now on", "server.warned"),
    ("apdepot: something that nobody has foreseen", None),
    ("apdepot: 7 log lines were dropped: the disk is full", None),
    ("terminate called after throwing an instance of 'std::bad_alloc'", None)])
def test_a_line_is_known_or_not(line, kind):
    assert known_lines.KnownLines().kind(line) == kind
