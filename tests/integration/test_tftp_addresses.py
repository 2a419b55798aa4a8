"""Which address answers: always the one that was asked."""
import contextlib
import re
import socket

import pytest

import network
from apdepot import RELEASE
from tftp_wire import ACK, ERROR, WRQ, Client, error, request

IMAGE = f"{RELEASE}/ap1g8"
PORT = 69
PORTS = [False, True]  # tftp.single_port

needs_networks = pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))


@pytest.fixture
def start_on(start_server, depot):
    """Starts a server that listens on `addresses` for TFTP."""

    def start(*addresses, **settings):
        listen = [word for address in addresses for word in ("--tftp", address)]
        return start_server(depot, settings, listen=[*listen, "--ssh", "127.0.0.1:0"])

    return start


def fetch_from(client, name=IMAGE):
    """Downloads from whoever answers; returns the address and port that answered, and what came."""
    first = client.ask(name)
    assert first.opcode == 3, first.raw
    return first.source[:2], first.data + client.finish(1)


# ---- loopback

@pytest.mark.parametrize("single_port", PORTS)
def test_a_wildcard_socket_answers_from_the_address_that_was_asked(start_on, images, single_port):
    server = start_on("0.0.0.0:0", tftp={"single_port": single_port})
    port = server.tftp[1]
    for address in ("127.0.0.1", "127.0.0.2", "127.200.1.9"):
        with Client((address, port)) as client:
            (host, from_port), content = fetch_from(client)

        assert (host, content) == (address, images["ap1g8"])
        assert (from_port == port) == single_port


@pytest.mark.parametrize("single_port", PORTS)
def test_a_refusal_and_a_stranger_are_answered_from_the_address_that_was_asked_too(start_on, single_port):
    server = start_on("0.0.0.0:0", tftp={"single_port": single_port})
    asked = ("127.0.0.2", server.tftp[1])
    for what in ({"opcode": WRQ}, {"mode": "mail"}, {"name": "/nowhere"}):
        with Client(asked) as client:
            packet = client.ask(**{"name": IMAGE, **what})

        assert (packet.opcode, packet.source[0]) == (ERROR, "127.0.0.2")
    if not single_port:
        with Client(asked) as client, Client(asked) as stranger:
            client.ask(IMAGE)
            stranger.send(b"\0\4\0\1", to=client.peer)

            assert stranger.receive().source == client.peer


@pytest.mark.parametrize("single_port", PORTS)
def test_every_address_that_is_listened_on_is_served(start_on, images, single_port):
    server = start_on("127.0.0.1:0", "127.0.0.2:0", "[::1]:0", tftp={"single_port": single_port})

    assert len({port for _, port in server.addresses["tftp"]}) == 3
    for address in server.addresses["tftp"]:
        with Client(address, host="::1" if ":" in address[0] else "127.0.0.1") as client:
            (host, port), content = fetch_from(client)

        assert (host, content) == (address[0], images["ap1g8"])
        assert (port == address[1]) == single_port


def test_an_address_is_served_alone(start_on):
    server = start_on("127.0.0.2:0")
    with Client(("127.0.0.1", server.tftp[1])) as client:
        client.socket.connect(client.server)
        client.socket.send(b"\0\1" + IMAGE.encode() + b"\0octet\0")
        with pytest.raises(ConnectionRefusedError):
            client.socket.recv(100)


# ---- networks

class Site:
    """A server with two interfaces, and a client at the other end of each."""

    server_addresses = {
        "lan": ["198.51.100.1/24", "198.51.100.2/24", "192.0.2.7/32", "2001:db8:1::1/64", "2001:db8:1::2/64",
                "fe80::1/64"],
        "wlan": ["203.0.113.1/24", "2001:db8:2::1/64", "fe80::1/64"],
    }
    client_addresses = {
        "lan": ["198.51.100.10/24", "2001:db8:1::10/64", "fe80::10/64"],
        "wlan": ["203.0.113.10/24", "2001:db8:2::10/64", "fe80::10/64"],
    }

    def __init__(self, hosts):
        """`hosts` is an ExitStack that removes what it is told of."""
        self.server = self._host(hosts, "server")
        self.clients = {interface: self._host(hosts, interface) for interface in self.server_addresses}
        for interface, client in self.clients.items():
            network.wire(self.server, interface, client, "wire")
            self.server.up(interface, *self.server_addresses[interface])
            client.up("wire", *self.client_addresses[interface])
        self.clients["lan"].ip("route", "add", "192.0.2.7", "dev", "wire")

    @staticmethod
    def _host(hosts, name):
        host = network.Host(name)
        hosts.callback(host.remove)
        return host

    def sender(self, interface, asked):
        """The address of the client there, as the server sees it when it is asked at `asked`."""
        kind = "fe80" if asked.startswith("fe80") else "2001" if ":" in asked else "."
        own, = [address.split("/")[0] for address in self.client_addresses[interface] if kind in address]
        return f"{own}%{interface}" if kind == "fe80" else own

    def client(self, interface, asked, port=PORT):
        """A client on the other end of the server's `interface`, which asks the address `asked`."""
        host, v6, link_local = self.clients[interface], ":" in asked, asked.startswith("fe80")
        scope = host.scope("wire") if link_local else 0
        where = (asked, port, 0, scope) if v6 else (asked, port)
        own = "::" if link_local else self.sender(interface, asked)  # Client cannot bind to a scope
        with host.inside():
            client = Client(where, host=own)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return client


@pytest.fixture(scope="module")
def site():
    with contextlib.ExitStack() as hosts:
        yield Site(hosts)


@pytest.fixture
def start_at(site, start_on):
    """The same on the site's server, where any port is free."""

    def start(*addresses, **settings):
        with site.server.inside():
            return start_on(*addresses, **settings)

    return start


ASKED = [("lan", "198.51.100.1"), ("lan", "198.51.100.2"), ("lan", "192.0.2.7"), ("wlan", "203.0.113.1"),
         ("lan", "2001:db8:1::1"), ("lan", "2001:db8:1::2"), ("wlan", "2001:db8:2::1"), ("lan", "fe80::1"),
         ("wlan", "fe80::1")]


@needs_networks
@pytest.mark.parametrize("single_port", PORTS)
def test_of_many_addresses_the_one_that_was_asked_answers(start_at, site, images, single_port):
    start_at(f"0.0.0.0:{PORT}", f"[::]:{PORT}", tftp={"single_port": single_port})
    for interface, asked in ASKED:
        with site.client(interface, asked) as client:
            (host, port), content = fetch_from(client)

        assert (host.split("%")[0], content) == (asked, images["ap1g8"])
        assert (port == PORT) == single_port


@needs_networks
@pytest.mark.parametrize("single_port", PORTS)
def test_a_broadcast_is_answered_from_the_interfaces_own_address(start_at, site, images, single_port):
    server = start_at(f"0.0.0.0:{PORT}", tftp={"single_port": single_port})
    for interface, asked, answers in (
            ("lan", "255.255.255.255", "198.51.100.1"), ("lan", "198.51.100.255", "198.51.100.1"),
            ("wlan", "255.255.255.255", "203.0.113.1"), ("wlan", "203.0.113.255", "203.0.113.1")):
        with site.client(interface, asked) as client:
            (host, _), content = fetch_from(client)

        assert (host, content) == (answers, images["ap1g8"])
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: RRQ from 198\.51\.100\.10 filename {IMAGE}$")


@needs_networks
@pytest.mark.parametrize("single_port", PORTS)
@pytest.mark.parametrize("asked", ["255.255.255.255", "198.51.100.255"])
@pytest.mark.parametrize("packet", [request("/nothing"), request("/uploads/new", opcode=WRQ), request(IMAGE, mode="mail")],
                         ids=["miss", "refused", "fault"])
def test_a_broadcast_that_cannot_be_served_gets_no_answer_for_another_server_may_have_the_file(
        start_at, site, images, single_port, asked, packet):
    server = start_at(f"0.0.0.0:{PORT}", tftp={"single_port": single_port})
    with site.client("lan", asked) as client:
        client.send(packet)
        server.wait_for_log(r"^in\.tftpd\[\d+\]: no answer \(\d, .*\) to 198\.51\.100\.10: it asked by broadcast")
        with site.client("lan", "198.51.100.1") as other:
            fetch_from(other)  # by now an answer would have come
        assert not client.drain()
    assert not [line for line in server.log_lines("in.tftpd") if "sending NAK" in line]


@needs_networks
def test_who_asks_for_the_size_by_broadcast_has_taken_no_other_servers_answer(start_at, site):
    server = start_at(f"0.0.0.0:{PORT}")
    with site.client("lan", "255.255.255.255") as client:
        client.ask(IMAGE, "tsize", 0)
        client.send(error(8, "User aborted"))
        server.wait_for_log(rf"^in\.tftpd\[\d+\]: {IMAGE} not sent: 198\.51\.100\.10 asked for its size only ")


@needs_networks
def test_who_took_another_servers_answer_to_its_broadcast_is_no_failure(start_at, site):
    server = start_at(f"0.0.0.0:{PORT}")
    with site.client("lan", "255.255.255.255") as client:
        client.ask(IMAGE)
        client.send(error(5, "Unknown transfer ID"))
        server.wait_for_log(rf"^in\.tftpd\[\d+\]: {IMAGE} not sent: 198\.51\.100\.10 asked by broadcast and took what "
                            "another server sent$")


@needs_networks
@pytest.mark.parametrize("single_port", PORTS)
def test_a_link_local_address_with_its_scope_is_served(start_at, site, images, single_port):
    server = start_at(f"[fe80::1%wlan]:{PORT}", tftp={"single_port": single_port})

    assert server.tftp == ("fe80::1%wlan", PORT)
    with site.client("wlan", "fe80::1") as client:
        assert fetch_from(client)[1] == images["ap1g8"]
    server.wait_for_log(rf"^in\.tftpd\[\d+\]: RRQ from fe80::10%wlan filename {IMAGE}$")


@needs_networks
@pytest.mark.parametrize("single_port", PORTS)
def test_an_interface_that_is_made_again_is_served_again(start_on, images, single_port):
    with contextlib.ExitStack() as hosts:
        here, there = Site._host(hosts, "again"), Site._host(hosts, "client")

        def wire():
            network.wire(here, "vlan", there, "wire")
            here.up("vlan", "fe80::1/64")
            there.up("wire", "fe80::10/64")

        def fetch_image():
            with there.inside(), Client(("fe80::1", PORT, 0, there.scope("wire")), host="::") as client:
                return fetch_from(client)[1]

        wire()
        with here.inside():
            server = start_on(f"[fe80::1%vlan]:{PORT}", tftp={"single_port": single_port})
        assert fetch_image() == images["ap1g8"]
        here.ip("link", "del", "vlan")
        server.wait_for_log(rf"^apdepot: nothing is heard on \[fe80::1%vlan\]:{PORT} until the interface vlan is back")
        wire()
        server.wait_for_log(rf"^apdepot: TFTP \[fe80::1%vlan\]:{PORT} is served again: its interface was made again$")
        assert fetch_image() == images["ap1g8"]


@needs_networks
def test_windows_of_blocks_larger_than_the_wire_arrive(start_at, site, images):
    """The kernel's segmentation and IP's fragments, on a wire of 1500 bytes."""
    start_at(f"0.0.0.0:{PORT}", f"[::]:{PORT}")
    for asked in ("198.51.100.1", "2001:db8:1::1", "fe80::1"):
        for options in (("blksize", 1428, "windowsize", 16), ("blksize", 8192, "windowsize", 4), ("blksize", 65464)):
            with site.client("lan", asked) as client:
                client.ask(IMAGE, *options)
                assert receive_in_windows(client, *options[1::2]) == images["ap1g8"]


def receive_in_windows(client, block_size, window=1):
    content, block = b"", 0
    client.acknowledge(0)
    while True:
        block += 1
        data = client.expect_data(block)
        content += data
        if len(data) < block_size or block % window == 0:
            client.acknowledge(block)
        if len(data) < block_size:
            return content


@needs_networks
def test_an_upload_goes_to_the_address_that_was_asked(start_at, site, depot):
    start_at(f"0.0.0.0:{PORT}", f"[::]:{PORT}", tftp={"uploads": True})
    for n, (interface, asked) in enumerate([("lan", "198.51.100.2"), ("wlan", "255.255.255.255"), ("lan", "fe80::1")]):
        with site.client(interface, asked) as client:
            assert client.ask(f"/uploads/{n}", opcode=WRQ).opcode == ACK
            client.send(b"\0\3\0\1content")

            assert client.receive().raw == b"\0\4\0\1"
        assert (depot / f"images/uploads/{n}").read_bytes() == b"content"


@needs_networks
@pytest.mark.parametrize("settings, served, dropped", [
    ({"deny": ["198.51.100.0/24", "fe80::/64"]}, ["203.0.113.1", "2001:db8:1::1"], ["198.51.100.1", "fe80::1"]),
    ({"allow": ["2001:db8:1::/64"]}, ["2001:db8:1::1"], ["2001:db8:2::1", "fe80::1", "203.0.113.1"]),
    ({"allow": ["2001:db8:1::10", "203.0.113.0/24"], "deny": ["203.0.113.10"]}, ["2001:db8:1::1"], ["203.0.113.1"])],
    ids=["deny", "allow", "both"])
def test_networks_are_allowed_and_denied(start_at, site, images, settings, served, dropped):
    server = start_at(f"0.0.0.0:{PORT}", f"[::]:{PORT}", tftp=settings)
    interface_of = {asked: interface for interface, asked in reversed(ASKED)}
    for asked in dropped:
        with site.client(interface_of[asked], asked) as client:
            client.request(IMAGE)
            sender = re.escape(site.sender(interface_of[asked], asked))
            server.wait_for_log(rf"^in\.tftpd\[\d+\]: dropped a request from {sender} for {IMAGE}: its address is ")
            client.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.receive()
    for asked in served:
        with site.client(interface_of[asked], asked) as client:
            assert fetch_from(client)[1] == images["ap1g8"]
