#!/usr/bin/python3
"""onlookers.py CONTROL-SOCKET METRICS SYSLOG: five viewers of the stream, a scrape of the metrics and a
controller's line each second. Says "looking" once the viewers see something, and goes on until it is ended."""
import os
import select
import socket
import sys
import time
import urllib.request

VIEWERS = 5
LINE = (b"<187>1234: Nov 29 10:15:42.123: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: install_engine: Failed to "
        b"download file tftp://172.16.5.199/EWC/17_9_4a/ap1g6: Timed out")


def view(path):
    client = socket.socket(socket.AF_UNIX)
    folder = os.open(os.path.dirname(path), os.O_PATH)  # a path may be longer than a socket's address
    client.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    os.close(folder)
    client.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def read(viewers, until):
    while (left := until - time.monotonic()) > 0:
        for client in select.select(viewers, [], [], left)[0]:
            if not client.recv(1 << 20):
                raise SystemExit("onlookers: a stream ended")


def main():
    control, metrics, syslog = sys.argv[1:]
    host, port = syslog.split(":")
    controller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    viewers = [view(control) for _ in range(VIEWERS)]
    for client in viewers:
        seen = b""
        while b"event: hello" not in seen:
            seen += client.recv(1 << 16) or sys.exit("onlookers: there is no stream")
    print("looking", flush=True)
    while True:
        controller.sendto(LINE, (host, int(port)))
        read(viewers, time.monotonic() + 1)
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=30) as answer:
            answer.read()


if __name__ == "__main__":
    main()
