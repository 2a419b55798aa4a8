"""What the process may do: a server that root starts gives root up, and root's commands in another user's depot hurt
nobody but that user."""
import contextlib
import ctypes
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import apdepot
import sftp_wire
import tftp_wire
from apdepot import BINARY, PASSWORD, RELEASE, USER, run, succeed, wait_until
from make_bundle import BUNDLE

# What says which version the kernel has.
LANDLOCK = ctypes.CDLL(None).syscall(444, None, 0, 1)
needs_landlock = pytest.mark.skipif(LANDLOCK < 2, reason="this kernel has no Landlock that moves files")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has root to give up")
NOBODY = pwd.getpwnam("nobody")


def give(path, account=NOBODY):
    for each in (path, *path.rglob("*")):
        os.lchown(each, account.pw_uid, account.pw_gid)


@pytest.fixture
def tmp_path():
    """pytest's own are closed to others, again and again."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="apdepot-rights-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def others_depot(depot):
    """The service's user is nobody."""
    give(depot)
    return depot


def status_of(pid):
    """Of each of its threads, what the kernel says of its rights."""
    tasks = sorted(pathlib.Path(f"/proc/{pid}/task").iterdir())
    return [dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            for task in tasks]


def commands_of_no_user(command, **options):
    """Where the host has no user apdepot, whatever the machine has."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=apdepot.environment(), **options)


@as_root
def test_a_server_that_root_starts_becomes_the_depots_owner_for_good(start_server, others_depot):
    server = start_server(others_depot)
    server.wait_for_log(rf"^apdepot: runs as nobody \(uid {NOBODY.pw_uid}\): root was given up$")
    threads = status_of(server.pid)

    assert len(threads) > 10
    for thread in threads:
        assert set(thread["Uid"].split()) == {str(NOBODY.pw_uid)}
        assert set(thread["Gid"].split()) == {str(NOBODY.pw_gid)}
        assert thread["Groups"].strip() == ""
        for rights in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(thread[rights], 16) == 0, rights
        assert thread["NoNewPrivs"] == "1"
    limits = pathlib.Path(f"/proc/{server.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    # What is not dumpable belongs to root in /proc, so that its own user cannot attach to it.
    assert pathlib.Path(f"/proc/{server.pid}/environ").stat().st_uid == 0


def test_whoever_starts_a_server_its_threads_make_only_calls_that_it_needs(server):
    for thread in status_of(server.pid):
        assert thread["Seccomp"] == "2"  # a filter
        assert thread["NoNewPrivs"] == "1"


@needs_landlock
def test_a_users_file_in_a_folder_that_was_not_named_at_the_start_waits_for_a_restart(start_server, depot, tmp_path,
                                                                                      tmp_path_factory):
    """The server may read no other folder any more; the users that it knows go on."""
    users = (depot / "state/users.yaml").read_text()
    here, elsewhere = (tmp_path_factory.mktemp(name) / "users.yaml" for name in ("here", "elsewhere"))
    for file in (here, elsewhere):
        file.write_text(users)
        file.chmod(0o600)
    server = start_server(depot, {"ssh": {"users_file": str(here)}})
    apdepot.write_config(tmp_path / "apdepot.yaml", {"ssh": {"users_file": str(elsewhere)}})
    server.signal(signal.SIGHUP)

    server.wait_for_log(rf"^apdepot: ssh\.users_file changes at the next start only: {re.escape(str(elsewhere))} lies in "
                        "a folder that the server did not know when it started$")
    with contextlib.closing(sftp_wire.login(server, USER, PASSWORD)) as transport:
        assert transport.is_authenticated()


@needs_landlock
@pytest.mark.parametrize("other", ["cert.pem", "key.pem"])
def test_a_certificate_in_a_folder_that_was_not_named_at_the_start_waits_for_a_restart(start_server, depot, tmp_path,
                                                                                       tmp_path_factory, other):
    """Whichever of the two lies there: they belong together."""
    here, elsewhere = (tmp_path_factory.mktemp(name) for name in ("here", "elsewhere"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=here", "-keyout", here / "key.pem", "-out", here / "cert.pem"], check=True, capture_output=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(here / name, elsewhere)

    def settings(**folders):
        files = {name: str(folders.get(name[:-4], here) / name) for name in ("cert.pem", "key.pem")}
        return {"http": {"listen": ["https://127.0.0.1:0"]},
                "web": {"certificate": files["cert.pem"], "key": files["key.pem"]}}

    server = start_server(depot, settings())
    server.wait_for_log("the certificate for HTTPS ends")
    apdepot.write_config(tmp_path / "apdepot.yaml", settings(**{other[:-4]: elsewhere}))
    seen = len(server.lines)
    server.signal(signal.SIGHUP)

    server.wait_for_log(rf"^apdepot: web\.certificate and web\.key change at the next start only: {elsewhere / other} lies "
                        "in a folder that the server did not know when it started$", since=seen)
    server.wait_for_log("configuration .* is in effect", since=seen)
    assert not [line for line in server.whole_log() if "has its old certificate" in line]


@as_root
def test_after_that_everything_goes_on(start_server, others_depot, images, bundle, tmp_path):
    """Downloads, imports, a reload, a log that is rotated."""
    logs = tmp_path / "logs"
    logs.mkdir()
    give(logs)
    log = logs / "apdepot.log"
    server = start_server(others_depot, {"log": {"target": f"file:{log}"}})
    assert tftp_wire.fetch(server.tftp, f"{RELEASE}/ap1g8") == images["ap1g8"]

    image = others_depot / "arriving"
    image.write_bytes(b"an image")
    image.chmod(0o644)
    image.rename(others_depot / "drop/firmware-9")  # of root; who owns the folder may take it away
    wait_until(lambda: list(others_depot.glob("images/**/firmware-9")) and not os.listdir(others_depot / "drop"))
    (published,) = others_depot.glob("images/**/firmware-9")
    assert published.stat().st_uid == NOBODY.pw_uid

    log.rename(logs / "apdepot.log.1")
    server.signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "is in effect" in log.read_text())
    assert log.stat().st_uid == NOBODY.pw_uid
    server.stop()


@as_root
def test_what_is_closed_to_the_service_in_drop_is_told_with_what_to_do(start_server, others_depot):
    """The file itself, and a digest file beside one that it may read."""
    server = start_server(others_depot)
    for name, mode in (("firmware-8", 0o600), ("firmware-9.sha512", 0o600), ("firmware-9", 0o644)):
        arriving = others_depot / "arriving"
        arriving.write_bytes(b"x")
        arriving.chmod(mode)  # of root
        arriving.rename(others_depot / "drop" / name)

    for name, closed in (("firmware-8", "firmware-8"), ("firmware-9", r"firmware-9\.sha512")):
        server.wait_for_log(rf"cannot import {name}: cannot open .*drop/{closed}: Permission denied; "
                            r"give this user the right to read it, or take it out of drop/")


@as_root
def test_a_config_that_cannot_be_reloaded_is_told_at_the_start(others_depot, tmp_path):
    config = pathlib.Path(apdepot.write_config(tmp_path / "apdepot.yaml", {}))
    config.chmod(0o600)
    server = apdepot.Server(others_depot, config)
    try:
        server.wait_for_log(rf"{config} cannot be read by nobody.*`chown nobody {config}`")
        server.stop()
    finally:
        server.kill()


@as_root
def test_a_log_that_the_user_cannot_write_is_told_with_the_way_out(others_depot, tmp_path):
    log = tmp_path / "apdepot.log"
    log.touch(mode=0o600)
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"log": {"target": f"file:{log}"}})
    done = run("serve", "--config", config, "--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0", depot=others_depot)

    assert done.returncode == 78
    assert str(log) in done.stderr and f"`chown nobody {log}`" in done.stderr


@as_root
def test_a_log_on_a_read_only_disk_is_told_with_the_way_out(others_depot, tmp_path):
    """As under a unit with ProtectSystem=strict. To try again would not help."""
    logs = tmp_path / "logs"
    logs.mkdir()
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"log": {"target": f"file:{logs}/apdepot.log"}})
    read_only = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o ro none {logs} && exec "$@"', "sh"]
    if subprocess.run([*read_only, "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    done = commands_of_no_user([*read_only, BINARY, "serve", "--config", config, *ANYWHERE, "--depot", others_depot])

    assert done.returncode == 78 and "apdepot ready" not in done.stderr
    assert f"cannot open the log file {logs}/apdepot.log: Read-only file system; " in done.stderr
    assert "file:/var/log/apdepot/apdepot.log" in done.stderr and f"ReadWritePaths={logs} " in done.stderr


@as_root
def test_who_is_named_wins_over_the_depots_owner(others_depot, start_server):
    server = start_server(others_depot, {"user": "nobody"}, user="root")
    server.wait_for_log("the server runs as root, as it was told to")
    assert all(set(thread["Uid"].split()) == {"0"} for thread in status_of(server.pid))
    server.stop()
    done = run("serve", "--user", "no-such-user", depot=others_depot)
    assert done.returncode == 1 and "--user no-such-user: this host has no such user" in done.stderr


def host_with(tmp_path, apdepot_user):
    """Runs what follows on a host with, or without, a user apdepot."""
    users = tmp_path / "passwd"
    lines = [line for line in pathlib.Path("/etc/passwd").read_text().splitlines() if not line.startswith("apdepot:")]
    if apdepot_user:
        lines.append("apdepot:x:64999:64999::/nonexistent:/usr/sbin/nologin")
    users.write_text("\n".join(lines) + "\n")
    script = f'mount --bind {users} /etc/passwd && exec "$@"'
    host = ["unshare", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*host, "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    return host


ANYWHERE = ("--tftp", "127.0.0.1:0", "--ssh", "127.0.0.1:0")


@as_root
def test_a_root_that_could_become_nobody_is_told_the_ways_out(tmp_path, new_depot):
    command = [*host_with(tmp_path, False), BINARY, "serve", "--depot", new_depot, *ANYWHERE]
    done = commands_of_no_user(command)

    assert done.returncode == 1 and "apdepot ready" not in done.stderr
    for way in ("useradd --system apdepot", f"chown -R apdepot: {new_depot}", "user:", "--user NAME", "--user root"):
        assert way in done.stderr
    assert not new_depot.exists()


@as_root
@pytest.mark.parametrize("command", [("serve", *ANYWHERE), ("import", BUNDLE)], ids=lambda command: command[0])
def test_a_new_depot_belongs_to_the_user_apdepot(tmp_path, new_depot, bundle, command):
    shutil.copy(bundle, tmp_path)
    whole = [*host_with(tmp_path, True), BINARY, *command, "--depot", new_depot]
    process = subprocess.Popen(whole, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=apdepot.environment())
    try:
        if command[0] == "serve":
            for line in process.stderr:
                if "ssh-ed25519" in line:
                    break
            assert {thread["Uid"].split()[0] for thread in status_of(process.pid)} == {"64999"}
            process.terminate()
        assert process.wait(apdepot.PATIENCE) == 0
    finally:
        process.kill()
        process.stderr.close()
    made = [new_depot, *new_depot.rglob("*")]
    assert len(made) > 6
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in made} == {(64999, 64999)}


@as_root
@pytest.mark.parametrize("left", ["state/manifests/EWC", "state/staging/work-Ab12Cd", "state/ssh_host_rsa_key"])
def test_what_roots_run_left_in_state_is_told_with_the_command_that_mends_it(others_depot, left):
    path = others_depot / left
    if "." in path.name or "key" in path.name:
        path.touch()
        path.chmod(0o600)
    else:
        path.mkdir(mode=0o700, parents=True)
        os.chown(others_depot / "state/manifests", NOBODY.pw_uid, NOBODY.pw_gid)
    os.chown(path, 0, 0)
    done = run("serve", *ANYWHERE, depot=others_depot)

    assert done.returncode == 1 and "apdepot ready" not in done.stderr
    assert f"{path} may not be read and written by nobody" in done.stderr
    assert f"`chown -R nobody: {others_depot}`" in done.stderr


@as_root
@pytest.mark.parametrize("root", ["root", "0"])
def test_root_stays_root_where_the_host_knows_no_user(start_server, depot, tmp_path, root):
    """As in a container without /etc/passwd."""
    (tmp_path / "passwd").touch()
    (tmp_path / "nsswitch.conf").write_text("passwd: files\n")  # systemd's module knows root, too
    mounts = " && ".join(f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("passwd", "nsswitch.conf"))
    wrapper = tmp_path / "apdepot"
    wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{mounts} && exec \"$0\" \"$@\"' {BINARY} \"$@\"\n")
    wrapper.chmod(0o755)
    server = start_server(depot, binary=wrapper, user=root)

    assert status_of(server.pid)[0]["Uid"].split() == ["0"] * 4


def test_who_is_not_root_becomes_nobody_else(new_depot):
    command = [BINARY, "serve", "--user", "root", *ANYWHERE, "--depot", new_depot]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    done = commands_of_no_user(command)

    assert done.returncode == 1 and "only root may become another user" in done.stderr


def test_the_program_is_built_to_be_hard_to_bend():
    def elf(*flags):
        return subprocess.run(["readelf", "-W", *flags, BINARY], capture_output=True, text=True, check=True).stdout

    assert "GNU_RELRO" in elf("-l")
    assert re.search(r"\bBIND_NOW\b|Flags:.*\bNOW\b", elf("-d"))
    if apdepot.optimised_binary() == BINARY:  # the sanitized one stands at a fixed address, to start sooner
        assert re.search(r"Type: +DYN", elf("-h"))
    (stack,) = re.findall(r"GNU_STACK.*", elf("-l"))
    assert "E" not in stack.split()[-2]


# Root's commands in the depot of a hostile user.


def as_owner(*command):
    done = subprocess.run(["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
                           *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def roots_own(tmp_path):
    """A folder that only root may write to, and a file in it that only root may read."""
    folder = tmp_path / "root-only"
    folder.mkdir(mode=0o755)
    (folder / "shadow").write_text("root:secret\n")
    (folder / "shadow").chmod(0o600)
    return folder


@pytest.fixture
def image(tmp_path):
    file = tmp_path / "firmware-7"
    file.write_bytes(b"y" * 10240)
    file.chmod(0o600)
    return file


@as_root
@pytest.mark.parametrize("place", ["images", "images/other", "state", "state/staging", "state/manifests",
                                   "state/manifests/other", "drop", "rejected", "retired"])
def test_a_link_in_the_depot_leads_root_nowhere(others_depot, roots_own, image, tmp_path, place):
    """In place of every folder that a command writes to."""
    succeed("import", image, depot=others_depot)
    path = others_depot / place
    if path.exists():
        path.rename(tmp_path / "away")
    as_owner("ln", "-s", roots_own, path)
    before = apdepot.snapshot(roots_own)
    password = tmp_path / "password"
    password.write_text("p w d\n")
    other = tmp_path / "firmware-6"
    other.write_bytes(b"z" * 10240)
    for command in (("import", other), ("user", "add", "evil", "--password-file", password), ("promote", RELEASE),
                    ("retire", RELEASE), ("verify",), ("releases",), ("user", "list"), ("config", "check"),
                    ("doctor",)):
        done = run(*command, depot=others_depot)
        assert "secret" not in done.stdout + done.stderr

    assert apdepot.snapshot(roots_own) == before
    assert (roots_own / "shadow").read_text() == "root:secret\n"


@as_root
def test_root_reads_what_it_is_given_and_is_nobody_then(others_depot, roots_own, image, tmp_path):
    """FILE, the password, the keys and the config may be root's alone; what is made is the owner's."""
    config = pathlib.Path(apdepot.write_config(tmp_path / "apdepot.yaml", {}))
    password = roots_own / "password"
    password.write_text("p w d\n")
    for path in (config, password):
        path.chmod(0o600)
    roots_own.chmod(0o700)
    shutil.copy(image, roots_own)
    succeed("import", roots_own / "firmware-7", "--config", config, depot=others_depot)
    succeed("user", "add", "new", "--password-file", password, "--config", config, depot=others_depot)

    assert {path.lstat().st_uid for path in others_depot.rglob("*")} == {NOBODY.pw_uid}


@as_root
@pytest.mark.parametrize("name", ["link.bin", "linked/shadow"])
def test_a_link_given_to_root_publishes_nothing_that_its_owner_may_not_read(others_depot, roots_own, name):
    """`apdepot import drop/FILE`, where the owner of drop/ put a link to what root alone may read."""
    drop = others_depot / "drop"
    drop.mkdir(exist_ok=True)
    give(drop)
    as_owner("ln", "-s", roots_own / "shadow", drop / "link.bin")
    as_owner("ln", "-s", roots_own, drop / "linked")
    done = run("import", drop / name, depot=others_depot)

    assert done.returncode == 1 and "Permission denied" in done.stderr
    assert not [path for path in others_depot.rglob("*") if path.is_file() and b"secret" in path.read_bytes()
                and not path.is_relative_to(drop)]


def expect_roots_refusal(depot, path, image, tmp_path):
    """Of every command that acts in the depot; none leaves a file of root's."""
    password = tmp_path / "password"
    password.write_text("p w d\n")
    for command in (("import", image), ("user", "add", "evil", "--password-file", password), ("token", "add", "evil"),
                    ("promote", RELEASE), ("retire", RELEASE), ("verify",), ("user", "list"), ("doctor",),
                    ("explain", f"{RELEASE}/ap1g8"), ("diagnose", password), ("inventory", password)):
        done = commands_of_no_user([*host_with(tmp_path, False), BINARY, *map(str, command), "--depot", depot])
        assert done.returncode == 1 and f"others than root may change {path}, " in done.stderr, done.stderr


@as_root
def test_root_does_not_work_where_another_may_put_a_depot(roots_own, image, tmp_path):
    """A link to a folder of root's in which everybody may make folders: it seemed to be root's own depot."""
    home, shared = tmp_path / "home", tmp_path / "shared"
    for folder, mode in ((home, 0o755), (shared, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
    give(home)
    as_owner("mkdir", "-p", shared / "images", shared / "state/manifests", shared / "drop", shared / "rejected")
    as_owner("ln", "-s", roots_own, shared / "state/staging")
    before = apdepot.snapshot(shared), apdepot.snapshot(roots_own)
    as_owner("ln", "-s", shared, home / "depot")
    expect_roots_refusal(home / "depot", home, image, tmp_path)
    expect_roots_refusal(shared, shared, image, tmp_path)
    assert (apdepot.snapshot(shared), apdepot.snapshot(roots_own)) == before


@as_root
def test_root_does_not_work_in_a_depot_whose_state_is_anothers(depot, image, tmp_path):
    give(depot / "state")
    expect_roots_refusal(depot, depot / "state", image, tmp_path)
    os.chown(depot / "state", 0, NOBODY.pw_gid)
    (depot / "state").chmod(0o770)
    expect_roots_refusal(depot, depot / "state", image, tmp_path)


@as_root
def test_a_new_depot_belongs_to_whom_the_folder_above_does(image, tmp_path):
    """Root's own could be taken away there."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    give(home)
    for depot, owner in ((home / "depot", NOBODY.pw_uid), (tmp_path / "depot", 0)):
        done = commands_of_no_user([*host_with(tmp_path, False), BINARY, "import", image, "--depot", depot])
        assert done.returncode == 0, done.stderr
        assert {path.lstat().st_uid for path in (depot, *depot.rglob("*"))} == {owner}


@as_root
@pytest.mark.parametrize("there", [None, "root"])
def test_users_and_tokens_in_roots_folder_are_for_the_service_to_read(start_server, others_depot, tmp_path, there):
    """The depot's owner may not write there. What older versions made there was root's."""
    folder = tmp_path / "etc"
    users, tokens = folder / "users.yaml", folder / "tokens.yaml"
    folder.mkdir(mode=0o755)
    for file in (users, tokens) if there else ():
        file.touch(mode=0o600)
    settings = {"ssh": {"users_file": str(users)}}
    config = apdepot.write_config(tmp_path / "apdepot.yaml", settings)
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    done = run("user", "add", USER, "--password-file", password, "--config", config, depot=others_depot)
    assert (done.returncode, done.stderr) == (0, f"user {USER} may log in now\n")
    succeed("token", "add", "monitor", "--config", config, depot=others_depot)
    succeed("user", "passwd", USER, "--password-file", password, "--config", config, depot=others_depot)
    assert {(file.stat().st_uid, file.stat().st_mode & 0o777) for file in (users, tokens)} == {(NOBODY.pw_uid, 0o600)}
    with contextlib.closing(sftp_wire.login(start_server(others_depot, settings), USER, PASSWORD)) as transport:
        assert transport.is_authenticated()
    assert [json.loads(line)["name"] for line in
            succeed("user", "list", "--json", "--config", config, depot=others_depot).strip("[]\n").splitlines()] == [USER]


@as_root
def test_a_users_file_that_the_service_cannot_read_is_told_with_the_way_out(others_depot, tmp_path):
    """It lies in a folder of somebody else's, who root becomes."""
    users = tmp_path / "home" / "users.yaml"
    users.parent.mkdir(mode=0o755)
    os.chown(users.parent, 65533, 65533)
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"ssh": {"users_file": str(users)}})
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    way_out = "once the server, which runs as nobody, may read {}: `sudo chown nobody {}`"
    for command, file in ((("user", "add", USER, "--password-file", password), users),
                          (("token", "add", "monitor"), users.with_name("tokens.yaml"))):
        done = run(*command, "--config", config, depot=others_depot)
        assert done.returncode == 0 and way_out.format(file, file) in done.stderr
        assert "in now" not in done.stderr


@as_root
def test_a_link_beside_the_users_file_shows_root_nothing(others_depot, roots_own, tmp_path):
    """The folder is its owner's, and root reads what the owner may."""
    users = tmp_path / "home" / "users.yaml"
    users.parent.mkdir(mode=0o755)
    give(users.parent)
    config = apdepot.write_config(tmp_path / "apdepot.yaml", {"ssh": {"users_file": str(users)}})
    for command, file in (("token", users.with_name("tokens.yaml")), ("user", users)):
        as_owner("ln", "-s", roots_own / "shadow", file)
        done = run(command, "list", "--config", config, depot=others_depot)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"cannot read {file}: Permission denied" in done.stderr


@as_root
def test_who_may_not_read_the_hashes_is_told_how_to_list_users(others_depot):
    """A member of the depot's group, where the rest may be read."""
    for folder in (others_depot, others_depot / "state"):
        folder.chmod(0o750)
    done = commands_of_no_user(["setpriv", "--reuid=65533", f"--regid={NOBODY.pw_gid}", "--clear-groups", BINARY, "user",
                                "list", "--depot", others_depot])

    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot read {others_depot}/state/users.yaml: Permission denied" in done.stderr
    assert "`sudo apdepot user list`" in done.stderr


@pytest.fixture
def groups_depot(new_depot, bundle):
    """As the package makes one, with a release that root imported."""
    for folder in (new_depot, new_depot / "state", new_depot / "state/manifests"):
        folder.mkdir()
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        folder.chmod(0o2755 if folder == new_depot else 0o2750)
    succeed("import", bundle, depot=new_depot)
    return new_depot


def run_as_member(depot, *command):
    """As a member of the depot's group."""
    return commands_of_no_user(["setpriv", "--reuid=65533", f"--regid={NOBODY.pw_gid}", "--clear-groups", BINARY, *command,
                                "--depot", depot])


@as_root
def test_a_member_of_the_depots_group_reads_what_was_imported(groups_depot):
    listed, verified = run_as_member(groups_depot, "releases", "--json"), run_as_member(groups_depot, "verify")

    assert [release["imported_at"] is None for release in json.loads(listed.stdout)] == [False]
    assert verified.returncode == 0, verified.stderr
    assert f"{RELEASE}: " in verified.stdout and "as imported" in verified.stdout


@as_root
def test_records_that_the_group_may_not_read_are_not_damaged_and_are_shared_at_the_next_start(start_server, groups_depot):
    """Older versions made them for the owner alone."""
    folder = groups_depot / "state/manifests/EWC"
    record, = folder.iterdir()
    for path, modes in ((record, (0o600, 0o640)), (folder, (0o700, 0o750))):
        path.chmod(modes[0])
        for command in (("releases", "--json"), ("verify",), ("verify", RELEASE)):
            done = run_as_member(groups_depot, *command)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"{path}: Permission denied; run this as the depot's owner, or as root" in done.stderr
        path.chmod(modes[1])
    record.chmod(0o600)
    folder.chmod(0o700)
    start_server(groups_depot)

    wait_until(lambda: run_as_member(groups_depot, "verify").returncode == 0)


@as_root
def test_what_root_makes_in_a_depot_belongs_to_whom_the_depot_belongs(new_depot, bundle, tmp_path):
    """The service could neither read root's users file nor retire root's releases. What root reads is root's alone."""
    nobody = 65534
    new_depot.mkdir()
    os.chown(new_depot, nobody, nobody)
    secret = tmp_path / "root's own"
    secret.mkdir(mode=0o700)
    shutil.copy(bundle, secret)
    apdepot.add_user(new_depot, USER, PASSWORD, secret)
    succeed("import", secret / bundle.name, depot=new_depot)
    succeed("promote", "17.9.4a", depot=new_depot)

    made = [new_depot, *new_depot.rglob("*")]
    assert len(made) > 15
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in made} == {(nobody, nobody)}


RACE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int argc, char** argv) {
  for (time_t end = time(0) + atoi(argv[3]); time(0) < end;) renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
}
"""


@as_root
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc, for a race that Python is too slow for")
def test_a_link_that_is_swapped_in_gets_no_mode(others_depot, roots_own, image, tmp_path):
    """mkdir(2) and then chmod(2) by its name made root's own file readable."""
    source, racer = tmp_path / "race.c", tmp_path / "race"
    source.write_text(RACE)
    subprocess.run(["gcc", "-O2", "-o", racer, source], check=True)
    racer.chmod(0o755)
    succeed("import", image, depot=others_depot)
    for number in range(5):
        as_owner("rm", "-rf", others_depot / "rejected")
        link = others_depot / f"link{number}"
        as_owner("ln", "-s", roots_own / "shadow", link)
        race = subprocess.Popen(["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
                                 racer, link, others_depot / "rejected", "1"])
        run("import", image, depot=others_depot)
        race.wait()
        as_owner("rm", "-rf", link, others_depot / "rejected")
        assert (roots_own / "shadow").stat().st_mode & 0o777 == 0o600


@as_root
def test_explain_says_what_the_services_user_may_read(new_depot, tmp_path, bundle):
    depot, config = new_depot, tmp_path / "site.yaml"
    config.write_text("user: nobody\n")
    succeed("import", bundle, depot=depot)
    image, folder = depot / "images/EWC/17_9_4a/ap1g8", depot / "images/EWC/17_9_4a"
    asked = ("explain", f"{RELEASE}/ap1g8", "--config", config)
    assert run(*asked, depot=depot).returncode == 0
    image.chmod(0o600)
    uid = image.stat().st_uid
    assert re.match(rf"miss UNREADABLE: {RELEASE}/ap1g8 may not be read by the user that apdepot runs as: "
                    rf"it belongs to uid {uid} and has mode 0600; ", run(*asked, depot=depot).stdout)
    image.chmod(0o644)
    folder.chmod(0o700)
    uid = folder.stat().st_uid
    for name in ("17_9_4a", "17.09.04a"):  # the folder is to blame, however it is spelled
        closed = run("explain", f"/EWC/{name}/ap1g8", "--config", config, depot=depot).stdout
        assert re.match(rf"miss UNREADABLE: {RELEASE} may not be entered by the user that apdepot runs as: "
                        rf"it belongs to uid {uid} and has mode 0700; ", closed)


@as_root
def test_a_device_hears_nothing_of_the_hosts_paths(start_server, others_depot):
    server = start_server(others_depot)
    (others_depot / "images").chmod(0)
    others = others_depot / "images"
    os.chown(others, 0, 0)
    with tftp_wire.Client(server.tftp) as client:
        packet = client.ask(f"{RELEASE}/ap1g8")
    assert packet.opcode == tftp_wire.ERROR
    assert str(others_depot) not in packet.text and "uid" not in packet.text, packet.text
    server.wait_for_log(r"miss UNREADABLE: ")
    others.chmod(0o755)
