"""What a miss costs among 1,000 releases: the loop's own CPU, and that of the worker that looks and explains.

The kernel counts each thread's time on a CPU in nanoseconds (/proc/PID/task/TID/schedstat). Every request comes from
an address of its own, so that the server tells of each as it would of a first.
"""
import os
import pathlib
import re
import socket
import struct
import subprocess

RELEASES, FILES = 1000, ["ap1g4", "ap1g5", "ap1g6", "ap1g6a", "ap1g7", "ap1g8", "ap3g3", "C9800-AP-iosxe-wlc.bin",
                         "readme.txt"]
ASKED = ["/Wrong-Path/ap1g6", "/EWC/17_99_1/ap1g8", "/EWC/17_9_4a/aplg6", "/EWC/17_9_4a/ap1g9", "/nonsense.txt",
         "/home/calo/Documents/sftp_files/EWC_18_1_1/ap3g3"]
ROUNDS, AT_ONCE, MOST_US = 10, 50, 100


def make(depot):
    for number in range(RELEASES):
        train, minor = divmod(number, 20)
        release = depot / "images/EWC" / f"17_{train}_{minor}{'a' if (train, minor) == (9, 4) else ''}"
        release.mkdir(parents=True)
        for name in FILES:
            (release / name).touch()
        (release / "version.info").write_text(f"17.{train}.{minor}.27\n")
        (release / "controller_version.info").write_text(f"17.{train:02}.{minor:02}.0.6")


def run_seconds(task):
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def ask(server, number, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.bind((f"127.{1 + number // 60000}.{number // 250 % 240}.{1 + number % 250}", 0))
        client.sendto(b"\0\1" + name.encode() + b"\0octet\0", server)
        opcode, code = struct.unpack("!HH", client.recv(2000)[:4])
        if (opcode, code) != (5, 1):
            raise RuntimeError(f"{name} was answered with {opcode}, {code}")


def measure(process, server):
    """Microseconds of the loop and of all other threads a miss. Of the best round: the others were disturbed."""
    tasks = pathlib.Path(f"/proc/{process.pid}/task")
    loop, others = [], []
    for each in range(-1, ROUNDS):
        before = {task.name: run_seconds(task) for task in tasks.iterdir()}
        for number in range(AT_ONCE):
            ask(server, (each + 1) * AT_ONCE + number, ASKED[number % len(ASKED)])
        used = {task.name: run_seconds(task) - before.get(task.name, 0) for task in tasks.iterdir()}
        if each < 0:
            continue  # the catalogue is made, and the processor warms up
        loop.append(used.pop(str(process.pid)) / AT_ONCE * 1e6)
        others.append(sum(used.values()) / AT_ONCE * 1e6)
    return min(loop), min(others)


def run(binary, scratch):
    depot = pathlib.Path(scratch, "lookup")
    make(depot)
    command = [binary, "serve", "--depot", depot, "--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0",
               *(["--user", "root"] if os.geteuid() == 0 else [])]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    log = scratch / "lookup.log"
    try:
        for line in process.stderr:
            if ready := re.search(rb"ready: tftp ([\d.]+):(\d+)", line):
                break
        with open(log, "wb") as kept:
            reader = subprocess.Popen(["cat"], stdin=process.stderr, stdout=kept)  # so that its log is read
            loop, others = measure(process, (ready[1].decode(), int(ready[2])))
    finally:
        process.terminate()
        process.wait()
        reader.wait()
    print(f"a miss among {RELEASES} releases: the loop {loop:.0f} us, the workers {others:.0f} us")
    return loop
