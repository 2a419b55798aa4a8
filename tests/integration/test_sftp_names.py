"""Over SFTP and SCP a name means what it means over TFTP; the rules themselves are in the unit tests of the lookup."""
import pytest

from apdepot import PASSWORD, RELEASE, USER, succeed
from sftp_wire import LSTAT, NO_SUCH_FILE, STAT, Sftp, login, string

IMAGE = f"{RELEASE}/ap1g8"
REMAPPED = r'^sftp-server\[\d+\]: remapped "{}" to "{}" \({}\)$'


def read_whole(sftp, name, size):
    handle = sftp.open(name).handle
    data = sftp.read(handle, 0, size + 1).data
    sftp.close(handle)
    return data


@pytest.mark.parametrize("name, rule", [
    ("/ewc/17_9_4A/AP1G8", "case"), ("/EWC/17.09.04a/ap1g8", "version"), ("EWC_17_9_4a/ap1g8", "version"),
    ("/tftpboot/EWC/17_9_4a/ap1g8", "prefix"), ("/home/cal0/Documents/sftp_files/EWC_17_9_4a/ap1g8", "prefix"),
    ("Documents/sftp_files/EWC_17_9_4a/ap1g8", "prefix")])
def test_what_was_plainly_meant_is_examined_and_served(server, sftp, images, name, rule):
    for kind in (STAT, LSTAT):
        assert sftp.ask(kind, string(name)).attributes.size == len(images["ap1g8"])
    assert read_whole(sftp, name, len(images["ap1g8"]))[:4096] == images["ap1g8"][:4096]
    server.wait_for_log(r"^sftp-server\[\d+\]: close ")

    absolute = name if name.startswith("/") else f"/{name}"
    server.wait_for_log(REMAPPED.format(absolute, IMAGE, rule))
    lines = [line.split(": ", 1)[1] for line in server.log_lines("sftp-server")]
    told = lines.index(f'remapped "{absolute}" to "{IMAGE}" ({rule})')
    assert lines[told + 1] == f'open "{name}" flags READ mode 0666'
    assert not any(line.startswith("miss ") for line in lines)


@pytest.mark.parametrize("name, rule", [
    ("\\EWC\\17_9_4a\\ap1g8", "slashes"), ("sftp://192.0.2.1/EWC/17_9_4a/ap1g8", "slashes"),
    ("C:\\TFTP\\EWC\\17_9_4a\\ap1g8", "prefix"), ("ewc@192.0.2.1:EWC/17_9_4a/ap1g8", "slashes")])
def test_a_name_as_it_is_written_elsewhere_is_read_as_a_path(server, sftp, images, name, rule):
    for kind in (STAT, LSTAT):
        assert sftp.ask(kind, string(name)).attributes.size == len(images["ap1g8"])
    assert read_whole(sftp, name, len(images["ap1g8"]))[:4096] == images["ap1g8"][:4096]
    server.wait_for_log(rf'^sftp-server\[\d+\]: remapped ".*" to "{IMAGE}" \({rule}\)$')


@pytest.mark.parametrize("name", ["\\EWC\\17_9_4a\\nothing", "C:\\ap1g8", "\\..\\..\\etc\\passwd", "/EWC/a:b"])
def test_a_name_that_means_nothing_however_it_is_read_is_no_such_file(sftp, name):
    assert sftp.ask(STAT, string(name)).status == NO_SUCH_FILE
    assert sftp.open(name).status == NO_SUCH_FILE


def test_an_exact_name_and_a_link_inside_need_no_rule(server, sftp, images):
    (server.depot / "images/EWC/current").symlink_to("17_9_4a")
    for name in (IMAGE, "/EWC/current/ap1g8"):
        assert read_whole(sftp, name, len(images["ap1g8"]))
    server.wait_for_log(r'^sftp-server\[\d+\]: close "/EWC/current/ap1g8"')
    assert not any("remapped" in line for line in server.whole_log())


def test_nothing_else_is_served_in_its_place(server, sftp):
    for name in ("/EWC/17_9_4a/aplg8", "/EWC/17_9_4a/ap1g9", "/ME/17_9_4a/ap1g8", "/Wrong-Path/ap1g8"):
        assert sftp.ask(STAT, string(name)).status == NO_SUCH_FILE
        assert sftp.open(name).status == NO_SUCH_FILE
    server.wait_for_log(r"miss LOOKALIKE: there is no aplg8; ap1g8 is in /EWC/17_9_4a: sftp-image-path /EWC/17_9_4a$")


def test_where_nothing_is_forgiven_only_exact_names_are_served(start_server, depot):
    server = start_server(depot, {"lookup": {"forgiving": False}})
    transport = login(server, USER, PASSWORD)
    sftp = Sftp(transport)
    assert sftp.ask(STAT, string(IMAGE)).attributes
    assert sftp.ask(STAT, string("/ewc/17_9_4a/ap1g8")).status == NO_SUCH_FILE
    assert sftp.open("/EWC/17.9.4a/ap1g8").status == NO_SUCH_FILE
    assert sftp.open("/EWC/17.9.4a/ap1g9").status == NO_SUCH_FILE
    transport.close()
    server.wait_for_log(r"miss WRONG_CASE: /ewc/17_9_4a/ap1g8 is written in another case; ap1g8 is in /EWC/17_9_4a: ")
    server.wait_for_log(r"miss NOT_FOUND: /EWC/17\.9\.4a does not exist; /EWC is there$")  # nothing stands for another


def test_a_user_finds_nothing_outside_the_own_root(start_server, depot, tmp_path):
    release = depot / "images/ME/8_10_185_0"
    release.mkdir(parents=True)
    (release / "ap1g4").write_bytes(b"ME")
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    succeed("user", "add", "me", "--password-file", password, "--root", "/ME", depot=depot)
    server = start_server(depot)
    transport = login(server, "me", PASSWORD)
    sftp = Sftp(transport)

    assert read_whole(sftp, "/8.10.185.0/AP1G4", 2) == b"ME"
    for name in ("/EWC/17_9_4a/ap1g8", "/17_9_4a/ap1g8", "/../EWC/17_9_4a/ap1g8"):
        assert sftp.ask(STAT, string(name)).status == NO_SUCH_FILE
        assert sftp.open(name).status == NO_SUCH_FILE
    transport.close()
    server.wait_for_log(r"^sftp-server\[\d+\]: session closed ")
    assert not any("is in /EWC" in line for line in server.whole_log("sftp-server"))


def test_a_new_file_is_seen_at_once(server, sftp):
    assert sftp.ask(STAT, string("/ewc/17_12_1/AP1G8")).status == NO_SUCH_FILE
    release = server.depot / "images/EWC/17_12_1"
    release.mkdir()
    (release / "ap1g8").write_bytes(b"new")
    assert sftp.ask(STAT, string("/ewc/17_12_1/AP1G8")).attributes.size == 3
    (release / "ap1g8").unlink()
    assert sftp.ask(STAT, string("/ewc/17_12_1/AP1G8")).status == NO_SUCH_FILE
