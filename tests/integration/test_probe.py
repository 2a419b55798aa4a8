"""`apdepot probe`: what a device would get from any server, and every cause of a failure provoked."""
import contextlib
import hashlib
import json
import os
import pty
import socket
import struct
import subprocess

import pytest

import apdepot
import network
import tftp_servers
import tftp_wire
from apdepot import RELEASE, run, succeed
from tftp_servers import Scripted

IMAGE = f"{RELEASE}/ap1g8"
# Seconds of silence.
QUICK = ("--wait", "4")


def probe(url, *options, cwd, **how):
    """What `probe --json` says of it."""
    done = run("probe", url, "--json", *QUICK, *options, cwd=cwd, **{"timeout": 300, **how})
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1) and done.stderr == ""
    assert found["ok"] == (found["cause"] is None)
    if not found["ok"]:
        assert found["what"] and found["likely"] and found["check"]
    return found


@pytest.fixture
def probed(tmp_path):
    """Probes a scripted server for an image."""
    def ask(serve, *options, path=IMAGE):
        with Scripted(serve) as server:
            found = probe(f"tftp://127.0.0.1:{server.port}{path}", *options, cwd=tmp_path)
        found["requests"] = server.requests
        return found

    return ask


@pytest.fixture
def image(images):
    return images["ap1g8"]


@pytest.fixture
def imported(empty_depot, bundle):
    succeed("import", bundle, depot=empty_depot)
    return empty_depot


def url_of(server, path=IMAGE):
    return f"tftp://127.0.0.1:{server.tftp[1]}{path}"


# ---- against apdepot itself

def test_a_device_gets_the_image_that_was_imported(start_server, imported, image, tmp_path):
    server = start_server(imported)
    found = probe(url_of(server), depot=imported, cwd=tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()
    assert found["recorded_as"] == IMAGE and found["content"] == "AP image (tar), complete"
    assert found["announced"] == found["bytes"] == len(image) and found["resent"] == 0
    assert found["asked"] == {"tsize": "0", "blksize": "1428", "timeout": "5", "windowsize": "1"}
    assert found["given"] == {**found["asked"], "tsize": str(len(image))}
    assert found["from"] != found["server"] == f"127.0.0.1:{server.tftp[1]}"


def test_a_success_in_words(server, images, tmp_path):
    done = run("probe", url_of(server), cwd=tmp_path)
    first, asked, given, got, digest, content, last = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert first.startswith(f"127.0.0.1:{server.tftp[1]} answered after ") and " ms, from 127.0.0.1:" in first
    assert asked == "asked    tsize 0, blksize 1428, timeout 5, windowsize 1"
    assert given == f"given    tsize {len(images['ap1g8'])}, blksize 1428, timeout 5, windowsize 1"
    assert got.startswith(f"got      {len(images['ap1g8'])} bytes, as announced in ") and got.endswith(", 0 resent")
    assert digest.startswith("sha256   ") and content == "content  AP image (tar), complete"
    assert last == "ok: a device here gets this file"


def test_a_failure_in_words(server, tmp_path):
    done = run("probe", url_of(server, "/Wrong-Path/ap1g6"), depot=server.depot, cwd=tmp_path)
    rows = dict((line[:24].strip(), line[24:]) for line in done.stdout.splitlines()[-4:])

    assert done.returncode == 1 and "failed: NOT_FOUND\n" in done.stdout
    assert rows["the device would print"] == "No such file or directory"
    assert "ERROR 1: File not found: /Wrong-Path does not exist; ap1g6 is in" in rows["what happened"]
    assert rows["most likely"].startswith("in this host's depot: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a")
    assert "apdepot explain" in rows["check"]


@pytest.mark.parametrize("options", [("--plain",), ("--blksize", "512"), ("--blksize", "8192")])
def test_other_block_sizes_get_the_same_file(server, image, options, tmp_path):
    found = probe(url_of(server), *options, cwd=tmp_path)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()
    assert found["given"].get("blksize") == (None if options == ("--plain",) else options[1])


def test_a_single_port_and_ipv6_are_no_matter(start_server, depot, tmp_path):
    server = start_server(depot, {"tftp": {"single_port": True}}, listen=("--tftp", "[::1]:0", "--ssh", "127.0.0.1:0"))
    found = probe(f"tftp://[::1]:{server.tftp[1]}{IMAGE}", cwd=tmp_path)

    assert found["ok"] and found["from"] == found["server"] == f"[::1]:{server.tftp[1]}"


def test_a_promoted_release_is_compared_too(start_server, imported, tmp_path):
    succeed("promote", RELEASE, depot=imported)
    found = probe(url_of(start_server(imported), "/EWC/current/ap1g8"), depot=imported, cwd=tmp_path)

    assert found["ok"] and found["recorded_as"].endswith("/ap1g8")


def test_a_folder_is_no_file(server, tmp_path):
    found = probe(url_of(server, RELEASE), cwd=tmp_path)

    assert found["cause"] == "IS_FOLDER" and "is a directory" in found["what"]


def test_a_file_that_differs_from_what_was_imported(start_server, imported, tmp_path):
    file = imported / "images" / IMAGE[1:]
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.unlink()
    file.write_bytes(content)
    found = probe(url_of(start_server(imported)), depot=imported, cwd=tmp_path)

    assert found["cause"] == "DIFFERENT" and found["sha256"] == hashlib.sha256(content).hexdigest()
    assert "was imported here with" in found["what"] and found["recorded_as"] is None


def test_a_depot_that_is_named_must_be_there_and_the_usual_one_need_not(server, tmp_path):
    done = run("probe", url_of(server), depot=tmp_path / "none", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "") and "none" in done.stderr
    assert not (tmp_path / "none").exists()


def test_nothing_is_stored(server, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    probe(url_of(server), cwd=folder)

    assert os.listdir(folder) == []


# ---- what is not there

def test_a_server_that_is_silent_is_timed_out(probed):
    found = probed(lambda transfer: None)

    assert found["cause"] == "TIMED_OUT" and found["prints"] == "Timed out" and found["answered_ms"] is None
    assert "no packet came within 4 s" in found["what"] and "apdepot status" in found["check"]
    assert [len(request) for request in found["requests"]].count(2) >= 1, "it was not tried without options"


def test_a_port_that_is_closed_is_refused_at_once(tmp_path):
    found = probe(f"tftp://127.0.0.1:{tftp_servers.free_port()}{IMAGE}", "--wait", "30", cwd=tmp_path)

    assert found["cause"] == "REFUSED" and "ICMP port unreachable" in found["what"]


def test_a_name_that_nobody_knows(tmp_path):
    found = probe(f"tftp://no-such-host.invalid{IMAGE}", cwd=tmp_path)

    assert found["cause"] == "NO_ADDRESS" and "no-such-host.invalid has no address" in found["what"]


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_a_network_without_a_route(tmp_path):
    host = network.Host("alone")
    try:
        with host.inside():
            found = probe(f"tftp://192.0.2.2{IMAGE}", cwd=tmp_path)
    finally:
        host.remove()

    assert found["cause"] == "NO_ROUTE" and "Network is unreachable" in found["what"]
    assert found["check"].startswith("`ip route get 192.0.2.2`")


def test_an_answer_from_another_address_is_named(probed, image):
    def serve(transfer):
        other = tftp_servers.Transfer(["x", "octet"], transfer.client, host="127.0.0.2")
        with contextlib.closing(other.socket):
            other.say(tftp_wire.data(1, image[:512]))

    found = probed(serve)

    assert found["cause"] == "WRONG_SOURCE" and "127.0.0.1 was asked, and 127.0.0.2 answered" in found["what"]
    assert found["bytes"] == 0


# ---- what stops on its way

def test_an_answer_and_then_nothing_is_a_blocked_reply_port(probed):
    def serve(transfer):  # what a client says to the port is lost
        transfer.say(transfer.oack() if transfer.options else tftp_wire.data(1, bytes(512)))

    found, plain = probed(serve), probed(serve, "--plain")

    assert found["cause"] == plain["cause"] == "HALF_WAY" and "tftp.single_port: true" in found["check"]
    assert found["from"] in found["what"] and plain["from"] in plain["what"]
    assert len(found["trials"]) == 2 and not any(trial["works"] for trial in found["trials"])


def test_it_stands_still_in_the_middle(probed, image):
    found = probed(lambda transfer: transfer.send(image, blocks=5))

    assert found["cause"] == "STALLED" and f"after 5 blocks, 7140 bytes of {len(image)}" in found["what"]


def test_a_server_that_breaks_off_with_its_own_words(probed, image):
    def serve(transfer):
        transfer.send(image, blocks=3)
        transfer.say(tftp_wire.error(0, "disk \x1b[31mfailed"))

    found = probed(serve)

    assert found["cause"] == "ERROR" and "ERROR 0: disk \\x1b[31mfailed, after 3 blocks" in found["what"]


def test_a_server_whose_process_dies(probed, image):
    def serve(transfer):
        transfer.send(image, blocks=3)
        transfer.socket.close()

    found = probed(serve)

    assert found["cause"] == "STALLED" and "closed its port" in found["what"]


@pytest.mark.parametrize("last", [32767, 65535])
def test_a_server_that_does_not_count_on(probed, last):
    content = bytes(8 * 70_000)
    found = probed(lambda transfer: transfer.send(content, blocks=last), "--blksize", "8")

    assert found["cause"] == "WRAP" and f"after {last} blocks, {8 * last} bytes" in found["what"]


def test_a_server_that_counts_on_with_1(probed):
    def serve(transfer):
        transfer.send(bytes(8 * 70_000), number=lambda block: (block - 1) % 65535 + 1)

    found = probed(serve, "--blksize", "8")

    assert found["cause"] == "WRAP" and "went on with block 1, and 0 was due" in found["what"]


def test_a_server_that_counts_on_with_0_is_followed(probed):
    content = os.urandom(8 * 70_000 + 3)
    found = probed(lambda transfer: transfer.send(content), "--blksize", "8", path="/x")

    assert found["ok"] and found["sha256"] == hashlib.sha256(content).hexdigest()


def test_repeated_blocks_are_taken_once(probed, image):
    found = probed(lambda transfer: transfer.send(image, copies=2))

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest() and found["resent"] > 0


# ---- options

def test_a_server_that_refuses_one_option_is_found_by_bisection(probed, image):
    def serve(transfer):
        if "blksize" in transfer.options:
            transfer.say(tftp_wire.error(8, "no blksize here"))
        else:
            transfer.send(image)

    found = probed(serve)

    assert found["cause"] == "OPTIONS"
    assert found["what"].endswith("; without options it works; what it does not take: blksize")
    assert "ERROR 8: no blksize here" in found["what"]
    assert [trial["works"] for trial in found["trials"]] == [True, True, False, True, True]


def test_a_server_that_is_silent_to_options(probed, image):
    found = probed(lambda transfer: None if transfer.options else transfer.send(image))

    assert found["cause"] == "OPTIONS" and "tsize, blksize, timeout, windowsize" in found["what"]
    assert probed(lambda transfer: None if transfer.options else transfer.send(image), "--plain")["ok"]


def test_an_answer_to_options_that_nobody_asked_for(probed, image):
    def serve(transfer):
        if transfer.options:
            transfer.until_acknowledged(transfer.oack(blksize=9000), 0)
        transfer.go_on(image)

    found = probed(serve)

    assert found["cause"] == "OPTIONS" and "blksize 9000 is not an answer to 1428" in found["what"]


def test_a_server_that_cannot_be_pleased_says_its_own_error(probed):
    found = probed(lambda transfer: transfer.say(tftp_wire.error(8, "go away")))

    assert found["cause"] == "ERROR" and "go away" in found["what"]
    plain = probed(lambda transfer: transfer.say(tftp_wire.error(8, "go away")), "--plain")
    assert plain["cause"] == "ERROR" and not plain["trials"]


@pytest.mark.parametrize("asked, works", [("8192", 1428), ("1428", 512)])
def test_large_blocks_that_do_not_arrive(probed, image, asked, works):
    def serve(transfer):
        transfer.answer(image)
        if transfer.block_size <= works:
            transfer.go_on(image, transfer.block_size)

    found = probed(serve, "--blksize", asked)

    assert found["cause"] == "FRAGMENTS"
    assert found["what"] == f"blocks of {asked} bytes do not arrive, and blocks of {works} do"


# ---- what the server says, and what it sends

@pytest.mark.parametrize("code, text, cause", [
    (1, "File not found", "NOT_FOUND"), (0, "No such file or directory", "NOT_FOUND"),
    (2, "Access violation", "ACCESS"), (0, "cannot open: Permission denied", "ACCESS"),
    (1, "x is a directory", "IS_FOLDER"), (3, "Disk full", "ERROR")])
def test_the_servers_own_words(probed, code, text, cause):
    found = probed(lambda transfer: transfer.say(tftp_wire.error(code, text)))

    assert found["cause"] == cause and f"ERROR {code}: {text}" in found["what"] and not found["trials"]


def test_an_empty_file(probed):
    assert probed(lambda transfer: transfer.send(b""))["cause"] == "EMPTY"


def test_a_file_that_is_shorter_than_was_announced(probed, image):
    def serve(transfer):
        transfer.answer(image)
        transfer.go_on(image[:3000], transfer.block_size)

    found = probed(serve)

    assert found["cause"] == "SHORT" and found["what"] == f"3000 bytes came, and the server had announced {len(image)}"


def test_half_a_copy_of_an_image(probed, image):
    found = probed(lambda transfer: transfer.send(image[:30_000]))

    assert found["cause"] == "SHORT" and "is cut" in found["what"]


def test_a_page_of_a_proxy_in_place_of_an_image(probed):
    page = b"<!DOCTYPE html>\n<html><body>blocked</body></html>"
    found = probed(lambda transfer: transfer.send(page))

    assert found["cause"] == "NOT_AN_IMAGE" and found["what"] == f"it is an HTML page of {len(page)} bytes"


def test_packets_of_garbage_are_left_alone(probed, image):
    def serve(transfer):
        for junk in (b"\0", b"\0\3\0", b"\xff" * 600, b"\0\1x\0octet\0", struct.pack("!HH", tftp_wire.ACK, 1)):
            transfer.say(junk)
        transfer.send(image)

    assert probed(serve)["ok"]


def test_another_port_of_the_server_gets_error_5_and_changes_nothing(probed, image):
    heard = []

    def serve(transfer):
        transfer.answer(image)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.settimeout(10)
            other.sendto(tftp_wire.data(1, b"wrong"), transfer.client)
            heard.append(other.recv(100))
        transfer.go_on(image, transfer.block_size)

    found = probed(serve)

    assert found["ok"] and found["sha256"] == hashlib.sha256(image).hexdigest()
    assert heard[0][:4] == b"\0\5\0\5"


# ---- servers of other packages

@pytest.fixture
def served(image, tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "ap1g8").write_bytes(image)
    (folder / "ap1g8").chmod(0o644)
    return folder


def check_real_server(address, image, tmp_path):
    url = f"tftp://{address[0]}:{address[1]}"
    found, plain = (probe(f"{url}/ap1g8", *options, cwd=tmp_path) for options in ((), ("--plain",)))
    missing = probe(f"{url}/ap1g9", cwd=tmp_path)

    assert found["ok"] and plain["ok"]
    assert found["sha256"] == plain["sha256"] == hashlib.sha256(image).hexdigest()
    assert found["given"]["blksize"] == "1428" and plain["given"] == {}
    assert missing["cause"] == "NOT_FOUND" and "not found" in missing["what"].lower()


@pytest.mark.skipif(os.geteuid() != 0, reason="in.tftpd takes root for its folder")
def test_against_tftpd_hpa(served, image, tmp_path):
    program = tftp_servers.find("in.tftpd") or pytest.skip("there is no in.tftpd: ./dev test unpacks one")
    address = ("127.0.0.1", tftp_servers.free_port())
    command = [program, "--foreground", "--listen", "--address", f"127.0.0.1:{address[1]}", "--user", "nobody"]
    with tftp_servers.running([*command, "--secure", served], address):
        check_real_server(address, image, tmp_path)


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_against_dnsmasq(served, image, tmp_path):
    program = tftp_servers.find("dnsmasq") or pytest.skip("there is no dnsmasq: ./dev test unpacks one")
    command = [program, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--log-facility=-", "--port=0",
               "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root", "--enable-tftp",
               f"--tftp-root={served}"]
    host = network.Host("dnsmasq")
    try:
        with host.inside(), tftp_servers.running(command, ("127.0.0.1", 69)):
            check_real_server(("127.0.0.1", 69), image, tmp_path)
    finally:
        host.remove()


# ---- the command line

@pytest.mark.parametrize("arguments, words", [
    ((), "URL is missing"), (("ftp://h/x",), "tftp://, sftp://"), (("tftp://h",), "path"), (("tftp://h/x", "y"), "unexpected"),
    (("tftp://h/x", "--blksize", "7"), "from 8 to 65464"), (("tftp://h/x", "--blksize", "x"), "from 8 to 65464"),
    (("tftp://h/x", "--wait", "0"), "from 1 to 600"), (("tftp://h/x", "--plain", "--blksize", "512"), "--plain"),
    (("sftp://ewc:geheim@h/x",), "--password-file")])
def test_wrong_usage(arguments, words, tmp_path):
    done = run("probe", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr
    assert "geheim" not in done.stderr


def test_on_a_terminal_progress_is_shown_and_wiped_out(server, tmp_path):
    leader, follower = pty.openpty()
    done = subprocess.Popen([apdepot.BINARY, "probe", url_of(server)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=follower, env=apdepot.environment(), cwd=tmp_path)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)

    assert done.communicate(timeout=60)[0].endswith(b"ok: a device here gets this file\n") and done.returncode == 0
    assert b"% tftp://127.0.0.1" in shown and shown.endswith(b"\r\x1b[K")
