"""The page on an address that is not loopback: TLS always, and what it takes to have it. In network namespaces."""
import hashlib
import os
import re
import ssl
import stat
import subprocess

import pytest

import apdepot
from apdepot import run, succeed
from page import ADMIN, ADMIN_PASSWORD, add_page_user

# The namespace has this address beside loopback.
ADDRESS = "192.0.2.7"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace")


@pytest.fixture
def namespace():
    name = f"apdepot-web-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (["link", "set", "lo", "up"], ["link", "add", "eth9", "type", "veth", "peer", "name", "eth8"],
                        ["addr", "add", f"{ADDRESS}/24", "dev", "eth9"], ["link", "set", "eth8", "up"], ["link", "set", "eth9", "up"]):
            subprocess.run(["ip", "-n", name, *command], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


class Server(apdepot.Server):
    """In the namespace."""

    def __init__(self, namespace, depot, config):
        script = depot.parent / "in-namespace"
        script.write_text(f"#!/bin/sh\nexec ip netns exec {namespace} {apdepot.BINARY} \"$@\"\n")
        script.chmod(0o755)
        super().__init__(depot, config, binary=script, web=None)


def curl(namespace, *arguments, check=True):
    return subprocess.run(["ip", "netns", "exec", namespace, "curl", "--silent", "--show-error", *arguments],
                          capture_output=True, text=True, timeout=apdepot.PATIENCE, check=check)


@pytest.fixture
def start(namespace, depot, tmp_path):
    add_page_user(depot, ADMIN, ADMIN_PASSWORD, "admin", tmp_path)
    with apdepot.ended(lambda lines: lines) as servers:
        def begin(**web):
            config = apdepot.write_config(tmp_path / "apdepot.yaml", {"web": {"listen": [f"{ADDRESS}:8443"], **web}})
            servers.append(Server(namespace, depot, config))
            return servers[-1]
        yield begin


def test_the_server_makes_its_certificate_and_keeps_it(start, namespace, depot):
    server = start(names=["images.corp.example"])
    assert server.pages == [f"https://{ADDRESS}:8443"]
    shown = server.wait_for_log(r"the certificate for HTTPS ends (\S+); a browser shows SHA-256 ([0-9A-F:]+)")
    certificate = depot / "state/web.crt"
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert shown.group(2).replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    assert stat.S_IMODE((depot / "state/web.key").stat().st_mode) == 0o600
    assert succeed("web", "fingerprint", depot=depot).strip() == shown.group(2)

    # A client that trusts it finds the names and addresses in it.
    trusting = ["--cacert", str(certificate)]
    assert '"api":"v1"' in curl(namespace, *trusting, f"https://{ADDRESS}:8443/api/v1").stdout
    assert '"api":"v1"' in curl(namespace, *trusting, "--resolve", f"images.corp.example:8443:{ADDRESS}",
                                "https://images.corp.example:8443/api/v1").stdout
    assert curl(namespace, *trusting, "--tls-max", "1.1", f"https://{ADDRESS}:8443/", check=False).returncode != 0
    for new in ("1.2", "1.3"):
        assert curl(namespace, *trusting, "--tls-max", new, f"https://{ADDRESS}:8443/").stdout
    server.stop()
    again = start(names=["images.corp.example"])
    assert again.wait_for_log(r"SHA-256 ([0-9A-F:]+)").group(1) == shown.group(2)


def test_plain_http_on_the_port_is_sent_to_https(start, namespace):
    server = start()
    server.wait_for_log("the certificate for HTTPS ends")
    answer = curl(namespace, "--include", f"http://{ADDRESS}:8443/a?b=c").stdout

    assert answer.startswith("HTTP/1.1 308 ")
    assert f"location: https://{ADDRESS}:8443/a?b=c" in answer.lower()


def test_a_login_over_tls_has_a_cookie_that_stays_there(start, namespace):
    start().wait_for_log("the certificate for HTTPS ends")
    url = f"https://{ADDRESS}:8443"
    answer = curl(namespace, "--insecure", "--include", "--header", f"Origin: {url}", "--json",
                  f'{{"name":"{ADMIN}","password":"{ADMIN_PASSWORD}"}}', f"{url}/api/v1/session").stdout

    assert re.search(r"(?i)set-cookie: __Host-apdepot=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure", answer)
    assert "Strict-Transport-Security" not in answer


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def test_a_given_certificate_is_served_and_a_reload_takes_another(start, namespace, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    def make(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "99", "-subj",
                f"/CN={name}", "-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", own / "key.pem", "-out",
                own / "cert.pem")
    make("first")
    server = start(certificate=str(own / "cert.pem"), key=str(own / "key.pem"), hsts=True)
    first = server.wait_for_log(r"SHA-256 ([0-9A-F:]+)").group(1)
    answer = curl(namespace, "--cacert", str(own / "cert.pem"), "--include", f"https://{ADDRESS}:8443/").stdout
    assert "strict-transport-security: max-age=" in answer.lower()

    (own / "key.pem").write_text("nonsense")
    seen = len(server.lines)
    server.signal(1)
    server.wait_for_log("HTTPS has its old certificate: .*is not a private key", since=seen)
    assert curl(namespace, "--insecure", f"https://{ADDRESS}:8443/").stdout
    make("second")
    seen = len(server.lines)
    server.signal(1)
    assert server.wait_for_log(r"SHA-256 ([0-9A-F:]+)", since=seen).group(1) != first
    assert curl(namespace, "--cacert", str(own / "cert.pem"), f"https://{ADDRESS}:8443/").stdout


def test_where_there_is_no_certificate_a_connection_ends_and_the_server_goes_on(start, namespace, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout",
            own / "key.pem", "-out", own / "cert.pem")
    right = (own / "key.pem").read_text()
    (own / "key.pem").write_text("nonsense")
    server = start(certificate=str(own / "cert.pem"), key=str(own / "key.pem"))
    server.wait_for_log("HTTPS is not served: ")
    for scheme in ("https", "http"):
        assert curl(namespace, "--insecure", f"{scheme}://{ADDRESS}:8443/", check=False).returncode != 0
    (own / "key.pem").write_text(right)
    server.signal(1)
    server.wait_for_log("the certificate for HTTPS ends")
    assert curl(namespace, "--insecure", f"https://{ADDRESS}:8443/").stdout


def test_a_certificate_without_its_key_is_a_mistake_of_the_configuration(depot, tmp_path):
    file = apdepot.write_config(tmp_path / "c.yaml", {"web": {"certificate": "/a/b.pem"}})
    done = run("config", "check", "--config", file, depot=depot)

    assert done.returncode == 1 and "web.key" in done.stdout + done.stderr
