"""A program that uses the page as a browser does: its cookie, its Origin, its X-CSRF; and its stream of events."""
import http.client
import json
import pathlib
import ssl
import urllib.parse

import apdepot

ADMIN, ADMIN_PASSWORD = "maria", "correct horse battery"
VIEWER, VIEWER_PASSWORD = "viktor", "another long password"


def add_page_user(depot, name, password, role, directory):
    file = pathlib.Path(directory, f"{name}.password")
    file.write_text(password + "\n")
    file.chmod(0o600)
    return apdepot.succeed("user", "add", name, "--web", role, "--no-sftp", "--password-file", file, depot=depot)


class Page:
    """One browser. `url` is as the ready line has it."""

    def __init__(self, url):
        self.url = urllib.parse.urlsplit(url)
        self.origin = url
        self.cookie = self.csrf = None

    def connect(self):
        host, port = self.url.hostname, self.url.port
        if self.url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=apdepot.PATIENCE)
        trusting = ssl._create_unverified_context()
        return http.client.HTTPSConnection(host, port, timeout=apdepot.PATIENCE, context=trusting)

    def headers(self, method, more):
        own = {"Cookie": self.cookie, "X-CSRF": self.csrf if method not in ("GET", "HEAD") else None,
               "Origin": self.origin if method not in ("GET", "HEAD") else None}
        return {name: value for name, value in {**own, **more}.items() if value is not None}

    def ask(self, path, method="GET", body=None, **more):
        """`more` are headers, with _ for -; None leaves one of the browser's own out. Returns the response, with its
        text in `text`."""
        more = {name.replace("_", "-"): value for name, value in more.items()}
        if body is not None and not isinstance(body, (str, bytes)):
            body, more = json.dumps(body), {"Content-Type": "application/json", **more}
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=self.headers(method, more))
            response = connection.getresponse()
            response.text = response.read().decode()
            return response
        finally:
            connection.close()

    def json(self, path, **more):
        response = self.ask(path, **more)
        assert response.status == 200, response.text
        return json.loads(response.text)

    def log_in(self, name, password):
        response = self.ask("/api/v1/session", "POST", {"name": name, "password": password})
        if response.status == 200:
            self.cookie = response.headers["Set-Cookie"].split(";")[0]
            self.csrf = json.loads(response.text)["csrf"]
        return response

    def stream(self, query=""):
        connection = self.connect()
        connection.request("GET", f"/api/v1/stream{query}", headers=self.headers("GET", {}))
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        return Stream(connection, response)


class Stream:
    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def next(self):
        """The next event's kind and data; None at the end."""
        kind = data = None
        for raw in self.response:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and kind:
                return kind, data
        return None

    def wait_for(self, wanted, good=lambda data: True):
        while (event := self.next()) is not None:
            kind, data = event
            if kind == wanted and good(data):
                return data
        raise AssertionError(f"the stream ended without {wanted}")

    def close(self):
        self.response.close()
        self.connection.close()
