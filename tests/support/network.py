"""Hosts and wires of the test's own: network namespaces, which only root may make."""
import contextlib
import ctypes
import os
import shutil
import socket
import subprocess

NEW_NETWORK = 0x40000000  # CLONE_NEWNET


def why_not():
    """What keeps this process from making namespaces, or None."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    return None if shutil.which("ip") else "needs ip, of iproute2"


def _ip(*arguments):
    done = subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {arguments}: {done.stderr}"


def _enter(namespace):
    with open(namespace, "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def have_own_loopback():
    """For good, for this thread and what it starts, where it may: no other program's packets come there. What is sent to
    a port that another program's client has left would reach the client here that is given the port next."""
    if not why_not() and ctypes.CDLL(None).unshare(NEW_NETWORK) == 0:
        _ip("link", "set", "lo", "up")


class Host:
    """A network namespace with its loopback interface. The name that it has on this machine is this process's own."""

    def __init__(self, name):
        self.name = f"apdepot-{os.getpid()}-{name}"
        _ip("netns", "add", self.name)
        try:
            self.ip("link", "set", "lo", "up")
        except BaseException:
            self.remove()
            raise

    def ip(self, *arguments):
        _ip("-n", self.name, *arguments)

    def up(self, interface, *addresses):
        """`addresses` with their prefix. At once: nothing looks whether somebody else has them."""
        self.ip("link", "set", interface, "addrgenmode", "none", "up")
        for address in addresses:
            how = ["nodad"] if ":" in address else ["brd", "+"]
            self.ip("address", "add", address, "dev", interface, *how)

    @contextlib.contextmanager
    def inside(self):
        """The sockets and processes that this thread makes meanwhile are the host's, and stay it."""
        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(f"/run/netns/{self.name}")
            yield
        finally:
            _enter(f"/proc/self/fd/{outside}")
            os.close(outside)

    def scope(self, interface):
        """The number that a link-local address needs beside it."""
        with self.inside():
            return socket.if_nametoindex(interface)

    def remove(self):
        """With its interfaces, and whatever is at their other ends."""
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


def wire(one, interface, other, other_interface):
    """Joins two hosts, with an interface at either end."""
    _ip("link", "add", "name", interface, "netns", one.name, "type", "veth", "peer", "name", other_interface, "netns",
        other.name)
