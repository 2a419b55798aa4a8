"""What hostile clients can write into the log: little, and nothing that shows otherwise than it is."""
import contextlib
import re
import threading
import time
import unicodedata

import pytest

import tftp_wire
from judges import judge_loop
from raw_ssh import CHANNEL_DATA, Closed, channel_data, login_request
from sftp_wire import STAT, frame, string, u32
from ssh_attacks import small_requests
from tftp_attacks import log_flood

LONGEST = 200  # characters of a hostile text
LONGEST_LINE = 2048  # bytes
PERIOD = 10  # seconds, in which an address or user, and all together, may fill so many lines:
LINES, ALL_LINES = 3500, 14_000
HIDDEN = {
    "right to left": "\u202e", "line separator": "\u2028", "paragraph separator": "\u2029", "isolate": "\u2066",
    "zero width": "\u200b", "byte order mark": "\ufeff", "tag": "\U000e0041", "soft hyphen": "\u00ad",
    "escape": "\x1b[2J", "newline": "\n", "C1": "\u009b", "left-to-right mark": "\u200e", "variation selector": "\ufe0f", "filler": "\u3164",
}


class Lines:
    """How many lines may come until now: a test may reach into another period at either end."""

    def __init__(self):
        self.began = time.monotonic()

    def __call__(self, each):
        return each * (int((time.monotonic() - self.began) / PERIOD) + 2)


def judge_lines(lines):
    assert max(len(line.encode()) for line in lines) <= LONGEST_LINE
    assert not [line for line in lines if re.search(rf"([^0-9])\1{{{2 * LONGEST}}}", line)]


def shown(line):
    """The characters of a line that show nothing, or turn text round."""
    return [character for character in line if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
            or character in "\u3164\ufe0f\u115f\u1160\uffa0"]


@pytest.mark.parametrize("format", ["classic", "json"])
@pytest.mark.parametrize("kind", HIDDEN)
def test_what_does_not_show_is_escaped(start, target, logged_in, kind, format):
    server = start(log={"format": format})
    name = f"/a{HIDDEN[kind]}b"
    with contextlib.suppress(Closed), target(server).connect(banner=b"SSH-2.0-" + name.encode()):
        pass
    with tftp_wire.Client(server.tftp) as client:
        assert client.ask(name).opcode == tftp_wire.ERROR
    ssh = logged_in(server)
    channel = ssh.open_sftp()
    ssh.send(channel_data(channel, frame(STAT, u32(1), string(name))))
    ssh.expect(CHANNEL_DATA)
    with contextlib.suppress(Closed):
        ssh.ask(ssh.open_channel(1), "exec", string(f"ls {name}"))
    ssh.close()

    log = server.whole_log()
    assert [line for line in log if re.search(r"/a.*b", line)]
    assert {line: shown(line) for line in log if shown(line)} == {}


def test_served_requests_do_not_fill_the_log(start, under_attack):
    server = start()
    bound = Lines()
    asked = under_attack(server, log_flood, 4)
    most, lines = bound(LINES), server.whole_log("in.tftpd")
    assert asked > 100
    assert len(lines) <= most
    judge_lines(lines)


@pytest.mark.parametrize("kind", ["stat long", "open", "open to write", "mkdir", "realpath", "unknown"])
def test_a_user_s_requests_do_not_fill_the_log(start, under_attack, kind):
    server = start()
    bound = Lines()
    under_attack(server, small_requests, 3, kind)
    most, lines = bound(LINES), server.whole_log("sftp-server")
    assert len(lines) <= most
    judge_lines(lines)


def test_a_hostile_login_name_is_cut(start, target):
    server = start()
    with target(server).connect() as ssh, contextlib.suppress(Closed):
        ssh.begin_login()
        for _ in range(3):
            ssh.send(login_request("u" * 20_000, "password", b"\0", string("x")))
            ssh.receive()
    judge_lines(server.whole_log())


def test_many_forged_addresses_do_not_fill_the_log(start):
    """A bound by address is worth nothing where the addresses are forged."""
    server, bound = start(), Lines()

    def ask(third):
        for fourth in range(1, 250):
            with contextlib.closing(tftp_wire.Client(server.tftp, f"127.1.{third}.{fourth}").socket) as sock:
                for number in range(20):
                    sock.sendto(tftp_wire.request(f"/no/such/{number}"), server.tftp)

    threads = [threading.Thread(target=ask, args=(third,)) for third in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tftp_wire.fetch(server.tftp, "/EWC/17_9_4a/version.info")
    most = bound(ALL_LINES)
    judge_loop(server)
    assert len(server.log_lines("in.tftpd")) <= most


def test_a_log_file_has_a_bound(start, under_attack, tmp_path):
    file = tmp_path / "log" / "apdepot.log"
    file.parent.mkdir()
    server = start(log={"target": f"file:{file}", "max_size": "1MiB"})
    under_attack(server, log_flood, 4)
    under_attack(server, small_requests, 3, "stat long")
    server.stop()
    assert sum(path.stat().st_size for path in file.parent.iterdir()) <= (2 << 20) + (64 << 10)
