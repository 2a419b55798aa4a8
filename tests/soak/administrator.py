"""Who keeps a depot while it is used: imports, retires, promotes, reloads, restarts. One work after the other."""
import itertools
import pathlib
import random
import shutil
import signal
import socket
import time

import apdepot
import source
from apdepot import PASSWORD, PATIENCE, succeed, wait_until
from soak_site import free_address

FEWEST, MOST = 3, 5  # releases that are kept
RESTARTS_A_KILL = 3  # each third restart is a kill


class Administrator:
    def __init__(self, site, restarts):
        self.site, self.rng, self.restarts = site, random.Random(site.name), 0
        works = [self.drop, self.promote, self.reload, self.import_by_hand, self.retire, self.drop_damaged,
                 self.reload_what_is_wrong, self.retire, self.users, self.verify]
        if restarts:
            works = list(itertools.chain.from_iterable((each, self.restart) for each in works))
        self.works = itertools.cycle(works)
        self.extra = None  # a second address of TFTP

    def begin(self):
        """What devices need before they may begin."""
        for _ in range(FEWEST):
            self.drop()
        self.promote()

    def work(self, pause):
        while True:
            with self.site.gate.pass_through() as go_on:
                if not go_on:
                    return
                work = next(self.works)
                try:
                    work()
                    with self.site.lock:
                        self.site.done[work.__name__] += 1
                except BaseException as error:
                    self.site.fault(f"the administrator, {work.__name__}: {error!r}"[:1500])
            time.sleep(self.rng.uniform(0, pause))

    def told(self, pattern, since):
        self.site.server.wait_for_log(pattern, since=since)

    def mark(self):
        with self.site.server.changed:
            return len(self.site.server.lines)

    def images(self, release):
        return self.site.depot / "images" / source.PRODUCT / source.folder(release)

    def check_release(self, folder, release):
        got = {path.name: path.read_bytes() for path in folder.iterdir()}
        if got != {name: source.content(release, name) for name in source.names()}:
            raise source.OtherBytes(f"{folder} holds other files or bytes than its bundle")

    def drop(self):
        self.wait_for(self.put_into_drop())

    def put_into_drop(self):
        while len(self.site.source.live) >= MOST:
            self.retire()
        release = self.site.source.new()
        arriving = source.make_bundle(self.site.directory / "arriving.zip", release)
        arriving.rename(self.site.depot / "drop" / f"bundle-{release}.zip")
        return release

    def wait_for(self, release):
        wait_until(self.images(release).exists)
        self.published(release)
        wait_until(lambda: not any((self.site.depot / "drop").iterdir()))

    def import_by_hand(self):
        release = self.site.source.new()
        bundle = source.make_bundle(self.site.directory / f"by-hand-{release}.zip", release)
        succeed("import", bundle, depot=self.site.depot)
        bundle.unlink()
        self.published(release)

    def published(self, release):
        self.check_release(self.images(release), release)
        self.site.source.published(release)

    def drop_damaged(self):
        """It is rejected, with a reason beside it."""
        name = f"damaged-{self.site.source.new()}.zip"
        arriving = source.make_bundle(self.site.directory / "arriving.zip", 0)
        damaged = bytearray(arriving.read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        arriving.write_bytes(damaged)
        arriving.rename(self.site.depot / "drop" / name)
        kept, reason = self.site.depot / "rejected" / name, self.site.depot / "rejected" / f"{name}.reason.txt"
        wait_until(lambda: kept.exists() and reason.exists())
        assert kept.read_bytes() == damaged, "rejected/ holds other bytes than were dropped"
        kept.unlink()
        reason.unlink()

    def retire(self):
        if len(self.site.source.live) <= FEWEST:
            return
        release = self.site.source.leave()
        moved = succeed("retire", source.version(release), depot=self.site.depot).strip()
        folder = self.site.depot / moved
        self.check_release(folder, release)
        shutil.rmtree(folder)
        pathlib.Path(f"{folder}.yaml").unlink()

    def promote(self):
        release = self.rng.choice(self.site.source.live)
        self.site.source.promote(release)
        succeed("promote", source.version(release), depot=self.site.depot)

    def reload(self):
        """With another address each time, which is served, and then is not."""
        mark = self.mark()
        if self.extra is None:
            self.extra = free_address(socket.SOCK_DGRAM)
            self.site.configure(listen=[self.extra])
            state = "served from now on"
        else:
            self.extra = None
            self.site.configure()
            state = "not served any more"
        self.site.server.signal(signal.SIGHUP)
        self.told(rf"^apdepot: TFTP 127\.0\.0\.1:\d+ is {state}$", mark)
        self.told(r"^apdepot: configuration .* is in effect$", mark)

    def reload_what_is_wrong(self):
        right, mark = self.site.config.read_text(), self.mark()
        self.site.config.write_text("tftp: {max_window: huge}\n")
        try:
            self.site.server.signal(signal.SIGHUP)
            self.told(r"^apdepot: the configuration is wrong, the old one stays in effect: .*tftp\.max_window", mark)
        finally:
            self.site.config.write_text(right)

    def users(self):
        """One comes and goes, and may log in meanwhile."""
        apdepot.add_user(self.site.depot, "guest", PASSWORD, self.site.directory)
        assert "guest" in succeed("user", "list", depot=self.site.depot)
        succeed("user", "remove", "guest", depot=self.site.depot)

    def verify(self):
        succeed("verify", depot=self.site.depot, timeout=10 * PATIENCE)
        assert len(apdepot.json.loads(succeed("releases", "--json", depot=self.site.depot))) == len(self.site.source.live)

    def restart(self):
        """A kill comes upon an import, which the next server ends."""
        self.restarts += 1
        if self.restarts % RESTARTS_A_KILL:
            self.site.restart(kill=False)
            return
        release = self.put_into_drop()
        self.site.restart(kill=True)
        self.wait_for(release)
