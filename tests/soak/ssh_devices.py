"""Controllers and people that speak SFTP and SCP: whole transfers by real clients, and sessions that stop or are cut."""
import random
import time

import paramiko

import clients
import sftp_wire
from cut_link import DOWN, UP, CutLink, reset
from soak_site import Door
from source import BIG, BIG_SIZE

CHUNK, AHEAD = 32 << 10, 48  # bytes, and how many reads are asked for at once


class SshDevice:
    """The works of one device; see TftpDevice."""

    def __init__(self, site, home, seed):
        self.site, self.rng, self.home = site, random.Random(seed), home
        self.client = clients.Client(site.door, home, site.key)
        self.works = [*((self.real(each), 2) for each in (*clients.SFTP_CLIENTS, clients.scp)), (self.pause, 3),
                      (self.vanish, 2), (self.cut_read, 2), (self.cut_write, 2), (self.fail_to_log_in, 1),
                      (self.ask_for_what_is_not_there, 1),
                      *((self.sending(each), 1) for each in (clients.put_openssh, clients.put_scp, clients.put_scp_legacy))]

    def pick(self):
        return self.site.source.pick(self.rng, big=0.05)

    def real(self, fetch):
        def work(wanted):
            return self.site.fetch(self.client, fetch, wanted)

        work.__name__ = fetch.__name__
        return work

    def sending(self, put):
        def work(_):
            content = self.rng.randbytes(self.rng.choice((0, 1, 32 << 10, 300_000)))
            name = self.site.new_upload(content)
            put(self.client, self.local(content), f"/uploads/{name}")
            self.site.check_upload(name)
            clients.openssh(self.client, f"rm /uploads/{name}\n")
            self.site.upload_is_removed(name)
            return len(content)

        work.__name__ = put.__name__
        return work

    def local(self, content):
        path = self.client.home / "local.bin"
        path.write_bytes(content)
        return path

    def session(self):
        transport = sftp_wire.connect(self.site.door)
        try:
            transport.auth_publickey(self.client.keyed, paramiko.Ed25519Key.from_private_key_file(str(self.client.key)))
            return sftp_wire.Sftp(transport)
        except BaseException:
            transport.close()
            raise

    def ask_for_all(self, sftp, handle):
        """Reads of the big file, without waiting for their answers; returns the numbers of the requests."""
        for number in range(AHEAD):
            sftp.send_raw(sftp.request(sftp_wire.READ, sftp_wire.string(handle), sftp_wire.u64(number * CHUNK),
                                       sftp_wire.u32(CHUNK)))

    def pause(self, _):
        """Takes no answer for a while, then all of them."""
        wanted = self.site.source.pick(self.rng, big=1)
        sftp = self.session()
        try:
            handle = sftp.open(BIG).handle
            self.ask_for_all(sftp, handle)
            time.sleep(self.rng.uniform(0.5, 3))
            got = b"".join(sftp.receive().data for _ in range(AHEAD))
            assert sftp.close(handle) == sftp_wire.OK
        finally:
            sftp.transport.close()
        self.site.source.check_part(wanted, got)
        return len(got)

    def vanish(self, _):
        """Stops in the middle, and its host resets the connection."""
        sftp = self.session()
        try:
            self.ask_for_all(sftp, sftp.open(BIG).handle)
            sftp.receive()
            time.sleep(self.rng.uniform(0, 1))
            reset(sftp.transport.sock)
        finally:
            sftp.transport.close()
        return 0

    def through_a_cut(self, direction, most, work):
        """Runs `work` with a client whose connection is reset after some bytes; it may end before."""
        with CutLink(self.site.door.ssh, direction, self.rng.randrange(3000, most)) as link:
            client = clients.Client(Door(None, link.address, self.site.door.known), self.home / "cut", self.site.key)
            (client.home / "known_hosts").unlink(missing_ok=True)  # the link's port is another one each time
            try:
                work(client)
            except AssertionError:
                return False
        return True

    def cut_read(self, _):
        self.through_a_cut(DOWN, BIG_SIZE, lambda client: self.site.fetch(
            client, clients.sftp_with_key, self.site.source.pick(self.rng, big=1)))
        return 0

    def cut_write(self, _):
        """What arrives is the whole file or nothing."""
        content = self.rng.randbytes(2 << 20)
        name, local = self.site.new_upload(content), self.local(content)
        if not self.through_a_cut(UP, 3 << 20, lambda client: clients.put_openssh(client, local, f"/uploads/{name}")):
            return 0
        self.site.check_upload(name)
        return len(content)

    def fail_to_log_in(self, _):
        transport = sftp_wire.connect(self.site.door)
        try:
            transport.auth_password(self.rng.choice((clients.USER, "nobody")), "wrong", fallback=False)
        except paramiko.AuthenticationException:
            return 0
        finally:
            transport.close()
        raise AssertionError("a wrong password opens the door")

    def ask_for_what_is_not_there(self, wanted):
        sftp = self.session()
        try:
            assert sftp.open(f"{wanted.directory}/ap9z{self.rng.randrange(100)}").status == sftp_wire.NO_SUCH_FILE
        finally:
            sftp.transport.close()
        return 0
