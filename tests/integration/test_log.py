"""The log, letter for letter: administrators grep for these lines."""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest

import apdepot
import tftp_wire
from apdepot import PASSWORD, RELEASE, TIMESTAMP, USER, wait_until
from clients import key_user
from make_bundle import BUNDLE
from sftp_wire import NO_SUCH_FILE, OK, STAT, Sftp, connect, login, string

IMAGE = f"{RELEASE}/ap3g3"
SECONDS = r"\d+\.\d s"


def lines_of(server, number):
    """The texts of one request's or session's lines."""
    ours = re.compile(rf"(in\.tftpd|sshd|sftp-server)\[{number}\]: ")
    return [line.split(": ", 1)[1] for line in server.log_lines() if ours.match(line)]


def wait_for_number(server, pattern):
    """The number N of the first line `TAG[N]: TEXT` whose text `pattern` fits."""
    return int(server.wait_for_log(rf"^(?:in\.tftpd|sshd|sftp-server)\[(\d+)\]: {pattern}$").group(1))


def ask_and_get_error(server, name, **how):
    with tftp_wire.Client(server.tftp) as client:
        packet = client.ask(name, **how)
    assert packet.opcode == tftp_wire.ERROR and packet.text
    return packet


# ---- TFTP

@pytest.mark.parametrize("options, shape", [
    ((), "blksize 512 windowsize 1"),
    (("blksize", "1428"), "blksize 1428 windowsize 1"),
    (("blksize", "8192", "windowsize", "4"), "blksize 8192 windowsize 4")])
def test_a_tftp_read_is_two_lines(server, images, options, shape):
    tftp_wire.fetch(server.tftp, IMAGE, *options)
    number = wait_for_number(server, rf"sent {IMAGE} to .*")

    request, sent = lines_of(server, number)

    assert request == "RRQ from 127.0.0.1 filename /EWC/17_9_4a/ap3g3"
    assert re.fullmatch(rf"sent /EWC/17_9_4a/ap3g3 to 127\.0\.0\.1: {len(images['ap3g3'])} bytes in {SECONDS}, "
                        f"{shape}, 0 resent", sent)


def test_the_controllers_two_requests_in_one_second_are_two_numbers(server):
    downloads = [tftp_wire.Download(IMAGE, "tsize", "0"), tftp_wire.Download(IMAGE, "blksize", "1428")]
    tftp_wire.fetch_all(server.tftp, downloads)
    wait_until(lambda: sum(": sent " in line for line in server.log_lines("in.tftpd")) == 2)

    requests = [line for line in server.log_lines("in.tftpd") if ": RRQ " in line]

    assert len(set(requests)) == 2
    assert all(line.endswith("]: RRQ from 127.0.0.1 filename /EWC/17_9_4a/ap3g3") for line in requests)


def test_resent_blocks_are_counted(server):
    with tftp_wire.Client(server.tftp) as client:
        client.ask(IMAGE, "timeout", "1")
        client.acknowledge(0)
        client.expect_data(1)
        client.expect_data(1)
        client.finish(1)

    server.wait_for_log(r"^in\.tftpd\[\d+\]: sent /EWC/17_9_4a/ap3g3 to 127\.0\.0\.1: .*, 1 resent$")


MISSES = [
    ("/Wrong-Path/ap1g6",
     "WRONG_DIRECTORY: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a: {}-image-path /EWC/17_9_4a"),
    ("/EWC/ap1g6", r"WRONG_DIRECTORY: .*; ap1g6 is in /EWC/17_9_4a: {}-image-path /EWC/17_9_4a"),
    ("/EWC/17_9_4a/ap1g6 ", r'NOT_FOUND: "ap1g6 " ends with a blank; ask for /EWC/17_9_4a/ap1g6: {}-image-path .*'),
    ("/EWC/17_9_5/ap1g8", "NO_SUCH_RELEASE: .+"),
    ("/EWC/17_9_4a/ap1g9", "FAMILY_MISSING: .+"),
    ("/EWC/17_9_4a/nonsense.txt", "NOT_FOUND: .+"),
]


def shown(name):
    """As the log has it: nobody would see a blank at the end."""
    return re.sub(" $", r"\\x20", name)


@pytest.mark.parametrize("name, explanation", MISSES, ids=[name for name, _ in MISSES])
def test_a_tftp_miss_is_three_lines(server, name, explanation):
    packet = ask_and_get_error(server, name)
    number = wait_for_number(server, "miss .*")

    request, refusal, miss = lines_of(server, number)

    assert packet.number == 1 and packet.text.startswith("File not found")
    assert request == f"RRQ from 127.0.0.1 filename {shown(name)}"
    assert refusal == "sending NAK (1, File not found) to 127.0.0.1"
    assert re.fullmatch("miss " + explanation.format("tftp"), miss)


def test_the_client_is_told_where_the_image_is(server):
    packet = ask_and_get_error(server, "/Wrong-Path/ap1g6")

    assert packet.text == "File not found: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a"


@pytest.mark.parametrize("name, text", [
    (f"{RELEASE}/ap1g6 ", f'"ap1g6 " ends with a blank; ask for {RELEASE}/ap1g6'),
    (f"{RELEASE}/ap1g6\udcff", f'"ap1g6?" ends with the byte 0xff; ask for {RELEASE}/ap1g6')])
def test_the_client_is_told_what_it_cannot_see_first(server, name, text):
    assert ask_and_get_error(server, name).text == f"File not found: {text}"


def test_the_hint_survives_a_long_name(server):
    text = ask_and_get_error(server, f"/{'long' * 60}/ap1g6").text

    assert text.startswith("File not found: /longlong") and text.endswith(f"...; ap1g6 is in {RELEASE}")
    assert len(text) == 199


@pytest.mark.parametrize("name, cause", [
    ("/EWC/17_9_4a", "IS_DIRECTORY"), ("/EWC/17_9_4a/", "IS_DIRECTORY"), ("/", "IS_DIRECTORY"),
    ("../../etc/passwd", "ESCAPES_ROOT"), ("/../etc/passwd", "ESCAPES_ROOT"),
    ("/EWC/17_9_4a/../../../ap1g8", "ESCAPES_ROOT"), ("", "EMPTY_NAME")])
def test_a_tftp_name_that_no_file_can_have_has_its_own_cause(server, name, cause):
    packet = ask_and_get_error(server, name)

    assert packet.number in (1, 2)
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: sending NAK \({packet.number}, [A-Z][a-z ]+\) to 127\.0\.0\.1$")
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: miss {cause}: .+")


def test_a_refused_write_is_logged(server):
    packet = ask_and_get_error(server, "/backup.cfg", opcode=tftp_wire.WRQ)
    number = wait_for_number(server, "miss .*")

    request, refusal, miss = lines_of(server, number)

    assert packet.number == 2
    assert request == "WRQ from 127.0.0.1 filename /backup.cfg"
    assert refusal == "sending NAK (2, Access denied) to 127.0.0.1"
    assert miss.startswith("miss WRITE_REFUSED: ")


# ---- SFTP

def test_the_controllers_walk_over_sftp_reads_as_with_openssh(server, images):
    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    assert sftp.realpath(".") == "/"
    assert sftp.ask(STAT, string(IMAGE)).attributes.size == len(images["ap3g3"])
    handle = sftp.open(IMAGE).handle
    assert sftp.read_to_end(handle) == images["ap3g3"]
    assert sftp.close(handle) == OK
    transport.close()
    closed = server.wait_for_log(r"^sshd\[(\d+)\]: Connection closed by user ewc 127\.0\.0\.1 port \d+$")

    texts = lines_of(server, closed.group(1))

    authentication = [text for text in texts if text.startswith("Accepted ")]
    agreed, ended = texts[0], texts[-1]
    assert " is SSH-2.0-paramiko" in agreed and ended.startswith("Connection closed by user ewc ")
    assert [text for text in texts[1:-1] if text not in authentication] == [
        "session opened for local user ewc from [127.0.0.1]",
        "received client version 3",
        'realpath "."',
        'stat name "/EWC/17_9_4a/ap3g3"',
        'open "/EWC/17_9_4a/ap3g3" flags READ mode 0666',
        'close "/EWC/17_9_4a/ap3g3" bytes read 81920 written 0',
        "session closed for local user ewc from [127.0.0.1]",
    ]
    assert all(re.fullmatch(r"Accepted password for ewc from 127\.0\.0\.1 port \d+ ssh2", text)
               for text in authentication)


def test_a_listing_reads_as_with_openssh(server, sftp):
    sftp.list(RELEASE)

    server.wait_for_log(r'^sftp-server\[\d+\]: opendir "/EWC/17_9_4a"$')
    server.wait_for_log(r'^sftp-server\[\d+\]: closedir "/EWC/17_9_4a"$')


def test_a_file_left_open_is_closed_in_the_log(server, sftp):
    sftp.read(sftp.open(IMAGE).handle, 0, 1000)
    sftp.transport.close()

    server.wait_for_log(r'^sftp-server\[\d+\]: forced close "/EWC/17_9_4a/ap3g3" bytes read 1000 written 0$')
    server.wait_for_log(r"^sftp-server\[\d+\]: session closed for local user ewc from \[127\.0\.0\.1\]$")


@pytest.mark.parametrize("who", ["client", "server"])
def test_many_files_left_open_are_told_before_the_end(server, sftp, who):
    """The server tells of a few in one turn."""
    for _ in range(100):
        assert sftp.open(IMAGE).handle
    number = server.wait_for_log(r"^sftp-server\[(\d+)\]: open .*").group(1)
    if who == "client":
        sftp.transport.close()
        server.wait_for_log(rf"^sshd\[{number}\]: Connection closed by user ewc ")
    else:
        server.stop()

    texts = lines_of(server, number)

    assert texts.count('forced close "/EWC/17_9_4a/ap3g3" bytes read 0 written 0') == 100
    assert texts[-2] == "session closed for local user ewc from [127.0.0.1]"
    assert " user ewc 127.0.0.1 port " in texts[-1]


@pytest.mark.parametrize("name, explanation", MISSES, ids=[name for name, _ in MISSES])
def test_an_sftp_miss_is_told_once_a_session(server, sftp, name, explanation):
    assert sftp.ask(STAT, string(name)).status == NO_SUCH_FILE
    assert sftp.open(name).status == NO_SUCH_FILE
    sftp.transport.close()
    number = server.wait_for_log(r"^sftp-server\[(\d+)\]: session closed .*").group(1)

    texts = lines_of(server, number)

    assert f'stat name "{shown(name)}"' in texts
    assert f'open "{shown(name)}" flags READ mode 0666' in texts
    assert texts.count("sent status No such file") == 2
    miss, = [text for text in texts if text.startswith("miss ")]
    assert re.fullmatch("miss " + explanation.format("sftp"), miss)


def test_each_missing_name_of_a_directory_is_told(server, sftp):
    for name in ("ap1g6", "ap1g7", "ap1g6"):
        assert sftp.ask(STAT, string(f"/Wrong-Path/{name}")).status == NO_SUCH_FILE
    sftp.transport.close()
    number = server.wait_for_log(r"^sftp-server\[(\d+)\]: session closed .*").group(1)

    misses = [text for text in lines_of(server, number) if text.startswith("miss ")]

    assert len(misses) == 2
    assert all(f"{name} is in /EWC/17_9_4a" in miss for name, miss in zip(("ap1g6", "ap1g7"), misses, strict=True))


def test_a_refused_sftp_write_is_logged(server, sftp):
    sftp.open("/new", flags=0x1A)  # WRITE, CREATE, TRUNCATE
    number = wait_for_number(server, "sent status Permission denied")

    assert "Refusing open request in read-only mode" in lines_of(server, number)


# ---- the lines themselves

def test_every_line_has_a_utc_time(server):
    tftp_wire.fetch(server.tftp, IMAGE)
    server.wait_for_log(": sent ")
    with server.changed:
        lines = [line for line in server.lines if line != server.ready_line]

    assert all(TIMESTAMP.match(line) for line in lines), lines


@pytest.mark.parametrize("name", ["/a\nb", "/a\r\nin.tftpd[1]: forged", "/\x1b[31mred", "/a\tb", "/%s%n", '/a"b',
                                  "/caf\udcff"])
def test_what_a_client_sends_is_escaped(server, name):
    ask_and_get_error(server, name)
    server.wait_for_log("miss ")
    log = server.whole_log()
    text = "\n".join(log)

    assert sum(": RRQ from " in line for line in log) == 1
    assert not [line for line in log if line.startswith("in.tftpd[1]: forged")]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def test_a_name_of_1000_bytes_is_cut_in_the_log(server):
    ask_and_get_error(server, "/" + "a" * 1000)
    log = server.whole_log()
    request, = [line for line in log if ": RRQ from " in line]

    assert re.search(r" /a{150,}\.\.\. \(\d+ bytes more\)$", request)
    assert all(len(line) < 600 for line in log)


@pytest.mark.parametrize("shape", ["classic", "json"])
def test_a_quiet_log_still_has_the_warnings_of_an_import(start_server, empty_depot, shape):
    server = start_server(empty_depot, {"log": {"format": shape, "level": "quiet"}})
    with zipfile.ZipFile(empty_depot / "arriving", "w") as archive:
        for name, content in (("controller_version.info", "17.09.04a.0.6"), ("version.info", "17.9.3.50\n"),
                              ("ap1g8", "\1" * 10_240)):
            archive.writestr(name, content)
    (empty_depot / "arriving").rename(empty_depot / "drop" / BUNDLE)

    server.wait_for_log(r"version\.info says 17\.9\.3\.50")


def test_the_log_can_go_to_a_file(start_server, depot, tmp_path):
    file = tmp_path / "apdepot.log"
    server = start_server(depot, {"log": {"target": f"file:{file}"}})
    tftp_wire.fetch(server.tftp, IMAGE)

    line = wait_until(lambda: [line for line in file.read_text().splitlines() if ": RRQ from " in line])[0]

    assert TIMESTAMP.match(line)
    assert re.fullmatch(r"in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1 filename /EWC/17_9_4a/ap3g3", TIMESTAMP.sub("", line))
    assert not server.whole_log("in.tftpd")


def test_a_log_file_that_is_moved_away_is_made_anew(start_server, depot, tmp_path):
    """As logrotate does it, whether or not it sends a signal."""
    file, old = tmp_path / "apdepot.log", tmp_path / "apdepot.log.1"
    server = start_server(depot, {"log": {"target": f"file:{file}"}})
    wait_until(lambda: "host key ssh-ed25519" in file.read_text())
    file.rename(old)
    tftp_wire.fetch(server.tftp, IMAGE)

    wait_until(lambda: file.exists() and " sent " in file.read_text())
    assert ": RRQ from " in file.read_text() and "in.tftpd" not in old.read_text()


needs_fail2ban = pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="the package fail2ban is not installed")
LOCKED_OUT = (USER, "nobody", "EWC", "keyed", "x from 192.0.2.1 port 5 ssh2")


def fail_to_log_in(server):
    for name in LOCKED_OUT:
        transport = connect(server)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            transport.auth_password(name, "wrong", fallback=False)
        transport.close()


def addresses_to_ban(file, filter="sshd"):
    """What fail2ban would count: the address of each failure."""
    done = subprocess.run(["fail2ban-regex", "--out", "row", file, filter], capture_output=True, text=True, check=True)
    rows = [row for row in done.stdout.splitlines() if "'nofail': True" not in row]
    return [found.group(1) for row in rows if (found := re.search(r"'ip4': '([\d.]+)'", row))]


@needs_fail2ban
def test_fail2ban_s_own_filter_knows_who_failed_to_log_in(start_server, depot, key, tmp_path):
    """Nobody is let off by what we add to sshd's words, and no client can have another banned."""
    server = start_server(depot, key_user(key))
    fail_to_log_in(server)
    server.stop()
    failed = [line for line in server.lines if ": Failed " in line]
    assert len(failed) == len(LOCKED_OUT)
    for line in failed:  # each by itself: a filter puts lines of one connection together
        (tmp_path / "log").write_text(f"{line}\n")

        assert addresses_to_ban(tmp_path / "log") == ["127.0.0.1"], line


@contextlib.contextmanager
def daemon_in_place(target, directory):
    """A socket in the place of the journal's or of /dev/log, and a binary that finds it there."""
    run_folder, dev_folder = directory / "run", directory / "dev"
    stand_in = run_folder / "systemd/journal/socket" if target == "journal" else dev_folder / "log"
    stand_in.parent.mkdir(parents=True)
    wrapper = directory / "apdepot"
    mounts = (f"mount --bind {run_folder} /run" if target == "journal" else
              f"mount --rbind /dev /mnt && mount -t tmpfs tmpfs /dev && ln -s /mnt/null /dev/null && ln -s {stand_in} /dev/log")
    wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{mounts} && exec \"$0\" \"$@\"' {apdepot.BINARY} \"$@\"\n")
    wrapper.chmod(0o755)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as daemon:
        daemon.settimeout(apdepot.PATIENCE)
        daemon.bind(str(stand_in))
        yield daemon, wrapper


def received(daemon, last):
    """The records until the first that has `last` in it."""
    records = []
    while not records or last not in records[-1]:
        records.append(daemon.recv(65536).decode())
    return records


def journal_fields(record):
    return dict(line.split("=", 1) for line in record.splitlines())


needs_namespaces = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for the daemon's socket in a mount namespace")


@needs_namespaces
@pytest.mark.parametrize("target", ["journal", "syslog"])
def test_a_daemon_gets_each_line_under_the_tag_of_the_program_that_is_replaced(depot, tmp_path, target):
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"log": {"target": target}})
    with daemon_in_place(target, tmp_path) as (daemon, binary), apdepot.ended(lambda lines: lines) as servers:
        servers.append(apdepot.Server(depot, config, binary=binary))
        tftp_wire.fetch(servers[0].tftp, IMAGE)
        records = received(daemon, "sent ")
    sent, asked = records[-1], next(record for record in records if "RRQ from" in record)
    if target == "journal":
        fields = journal_fields(sent)
        number = fields["REQUEST"]
        assert (fields["SYSLOG_IDENTIFIER"], fields["SYSLOG_PID"], fields["PROTOCOL"]) == ("in.tftpd", number, "tftp")
        assert (fields["FILE"], fields["RELEASE"], fields["CAUSE"]) == (IMAGE, IMAGE.rsplit("/", 1)[0], "complete")
        assert fields["CLIENT"] == "127.0.0.1" and fields["MESSAGE"].startswith(f"sent {IMAGE} to ")
        assert int(fields["BYTES"]) == (depot / f"images{IMAGE}").stat().st_size and "\nREQUEST=" + number in asked
    else:
        assert re.match(r"<29>\w{3} [ \d]\d \d\d:\d\d:\d\d in\.tftpd\[\d+\]: RRQ from 127\.0\.0\.1 filename ", asked)
        assert re.match(r"<29>.* in\.tftpd\[\d+\]: sent ", sent)


def as_fail2ban_reads_it(target, record):
    """syslog: as rsyslog writes it to auth.log. journal: as fail2ban puts an entry together."""
    if target == "syslog":
        return re.sub(r"^<\d+>(\w{3} [ \d]\d [\d:]{8}) ", r"\1 host ", record.rstrip("\n"))
    fields = journal_fields(record)
    pid = f"[{fields['SYSLOG_PID']}]" if "SYSLOG_PID" in fields else ""
    return f"2026-11-28T12:44:11 host {fields['SYSLOG_IDENTIFIER']}{pid}: {fields['MESSAGE']}"


@needs_fail2ban
@pytest.mark.parametrize("target", ["stderr", "file", pytest.param("syslog", marks=needs_namespaces),
                                    pytest.param("journal", marks=needs_namespaces)])
def test_fail2ban_counts_the_failed_logins_in_what_each_target_gets(depot, key, tmp_path, target):
    file = tmp_path / "log"
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {
        **key_user(key), "log": {"target": f"file:{file}" if target == "file" else target}})
    with contextlib.ExitStack() as stack:
        daemon, binary = (stack.enter_context(daemon_in_place(target, tmp_path)) if target in ("syslog", "journal")
                          else (None, apdepot.BINARY))
        servers = stack.enter_context(apdepot.ended(lambda lines: lines))
        servers.append(apdepot.Server(depot, config, binary=binary))
        # At once: the kernel keeps ten datagrams, and the server does not wait at its end.
        records = daemon and stack.enter_context(ThreadPoolExecutor(1)).submit(received, daemon, "stopped")
        tftp_wire.fetch(servers[0].tftp, IMAGE)
        fail_to_log_in(servers[0])
        servers[0].stop()
        if records:
            file.write_text("".join(as_fail2ban_reads_it(target, record) + "\n" for record in records.result()))
    if target == "stderr":
        file.write_text("\n".join(servers[0].lines) + "\n")

    assert ": RRQ from " in file.read_text()
    assert addresses_to_ban(file, "sshd[logtype=journal]" if target == "journal" else "sshd") == ["127.0.0.1"] * len(LOCKED_OUT)
