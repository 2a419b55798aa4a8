"""A running server's API, over its control socket."""
import contextlib
import http.client
import json
import os
import socket

import apdepot


class Control(http.client.HTTPConnection):
    """HTTP over the control socket of a depot."""

    def __init__(self, depot):
        super().__init__("localhost", timeout=apdepot.PATIENCE)
        self.path = depot / "state/control.sock"

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(apdepot.PATIENCE)
        # A path may be longer than a socket's address.
        with contextlib.ExitStack() as stack:
            folder = os.open(self.path.parent, os.O_PATH)
            stack.callback(os.close, folder)
            self.sock.connect(f"/proc/self/fd/{folder}/{self.path.name}")

    def ask(self, path, method="GET", **headers):
        self.request(method, path, headers=headers)
        reply = self.getresponse()
        return reply.status, reply.read().decode()

    def submit(self, method, path, body="", kind="application/json"):
        """A request with a body; its answer as it is where it is not JSON."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        self.request(method, path, body=body.encode(), headers={"Content-Type": kind})
        reply = self.getresponse()
        text = reply.read().decode()
        return reply.status, json.loads(text) if "json" in reply.headers.get("Content-Type", "") and text else text

    def json(self, path):
        status, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)
