"""Devices that speak HTTP: whole downloads, slow ones, and those that break and go on where they stopped."""
import contextlib
import http.client
import random
import time

import clients
from apdepot import PATIENCE


def curl_http(client, directory, names, target):
    host, port = client.server.http
    clients.curl(client, f"http://{host}:{port}{directory}", names, target, "--fail", "--max-time", "60")


class HttpDevice:
    """The works of one device; see TftpDevice."""

    def __init__(self, site, home, seed):
        self.site, self.rng = site, random.Random(seed)
        self.client = clients.Client(site.door, home, site.key)
        self.works = [(self.curl_http, 6), (self.pause, 2), (self.go_on, 4), (self.ask_for_what_is_not_there, 1)]

    def pick(self):
        return self.site.source.pick(self.rng, big=0.1)

    @contextlib.contextmanager
    def answer(self, path, **headers):
        """Of a connection that ends with it. What was not read by then makes that a reset."""
        with contextlib.closing(http.client.HTTPConnection(*self.site.door.http, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                yield answer

    def curl_http(self, wanted):
        return self.site.fetch(self.client, curl_http, wanted)

    def pause(self, wanted):
        """Takes nothing for a while, and then the rest."""
        with self.answer(f"{wanted.directory}/{wanted.name}") as answer:
            assert answer.status == http.client.OK, answer.status
            begun = answer.read(1000)
            time.sleep(self.rng.uniform(0.5, 3))
            return self.site.source.check(wanted, begun + answer.read())

    def go_on(self, wanted):
        """Where it has got another release than before, or may have, it gets the whole file."""
        path = f"{wanted.directory}/{wanted.name}"
        with self.answer(path) as answer:
            assert answer.status == http.client.OK, answer.status
            begun, tag = answer.read(self.rng.randrange(int(answer.headers["Content-Length"]))), answer.headers["ETag"]
        condition = {"If-Range": tag} if path.startswith("/EWC/current/") else {}
        with self.answer(path, Range=f"bytes={len(begun)}-", **condition) as answer:
            whole = answer.status == http.client.OK and (condition or not begun)
            assert whole or answer.status == http.client.PARTIAL_CONTENT, answer.status
            return self.site.source.check(wanted, (b"" if whole else begun) + answer.read())

    def ask_for_what_is_not_there(self, wanted):
        with self.answer(f"{wanted.directory}/ap9z{self.rng.randrange(100)}") as answer:
            assert answer.status == http.client.NOT_FOUND, answer.status
        return 0
