"""The command line: data on stdout, messages on stderr, 0 done, 1 it failed, 2 wrong usage."""
import json
import os
import re
import shutil

import pytest

import apdepot
from apdepot import PASSWORD, RELEASE, ROOT, USER, run, succeed


@pytest.mark.parametrize("arguments", [
    ("no-such-command",), ("--no-such-flag",), ("serve", "--no-such-flag"), ("serve", "surplus"), ("import",),
    ("serve", "--tftp"), ("serve", "--tftp", "nonsense"), ("serve", "--tftp", "127.0.0.1:70000"),
    ("serve", "--ssh", "127.0.0.1"), ("user",), ("user", "no-such"), ("user", "add"), ("user", "add", "a", "b"),
    ("user", "add", "x", "--password", "visible"), ("config",), ("config", "no-such"), ("wlc-config",),
    ("wlc-config", RELEASE, "--mode", "ftp"), ("version", "surplus"), ("--depot",)])
def test_wrong_usage_exits_2_with_a_message_and_no_data(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert os.listdir(tmp_path) == []


def test_without_a_command_the_help_is_shown(tmp_path):
    done = run(cwd=tmp_path)

    assert done.returncode == 2
    assert "apdepot serve" in done.stdout + done.stderr


def test_help_is_data(tmp_path):
    text = succeed("--help", cwd=tmp_path)

    assert all(command in text for command in ("serve", "import", "user", "config", "wlc-config", "version"))


def test_flags_stand_before_or_behind_the_command(tmp_path, depot):
    before = run("--depot", depot, "user", "list", cwd=tmp_path)
    behind = run("user", "list", "--depot", depot, cwd=tmp_path)
    joined = run("user", "list", f"--depot={depot}", cwd=tmp_path)

    assert before.returncode == 0 and before.stdout.startswith(apdepot.USER)
    assert (before.stdout, before.stderr) == (behind.stdout, behind.stderr) == (joined.stdout, joined.stderr)


def test_the_version_names_what_it_is_built_on():
    text = succeed("version")

    assert re.match(r"apdepot \d+\.\d+\.\d+", text)
    assert all(library in text.lower() for library in ("libssh", "openssl", "boost", "libarchive", "sqlite"))
    assert json.loads(succeed("version", "--json"))


@pytest.mark.parametrize("arguments", [("user", "list"), ("config", "show"), ("version",), ("wlc-config", RELEASE)])
def test_json_is_asked_for_with_a_flag(depot, arguments):
    assert json.loads(succeed(*arguments, "--json", depot=depot)) is not None


@pytest.mark.parametrize("arguments", [("--version",), ("-V",), ("serve", "--version"), ("import", "-V", "x")])
def test_the_version_is_asked_for_as_of_any_program(arguments):
    assert succeed(*arguments) == succeed("version")


@pytest.mark.parametrize("arguments", [("-h",), ("serve", "-h"), ("user", "add", "-h")])
def test_h_is_help(arguments):
    assert succeed(*arguments) == succeed(*("--help" if word == "-h" else word for word in arguments))


def test_json_holds_the_very_path(depot):
    done = run("explain", "C:\\EWC\\ap1g7 \u00e9\x07", "--json", depot=depot)

    assert json.loads(done.stdout)["path"] == "C:\\EWC\\ap1g7 \u00e9\x07"


# ---- users

KEY_RSA = "AAAAB3NzaC1yc2EAAAADAQAB"


@pytest.mark.parametrize("text, words", [
    ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTYgen.*ssh-keygen -i"),
    ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "ssh-keygen -i -f"),
    ("-----BEGIN PUBLIC KEY-----\nAAAA\n", "ssh-keygen -i -m PKCS8 -f"),
    (f"ssh-rsa {KEY_RSA} cut\n", "must be one public key"),
    ("\ufeffssh-rsa AAAA\n", "must be one public key")])
def test_a_key_that_cannot_be_used_says_what_to_do(depot, tmp_path, text, words):
    (tmp_path / "key").write_text(text)
    done = run("user", "add", "someone", "--key", tmp_path / "key", depot=depot)

    assert done.returncode == 1 and re.search(words, done.stderr), done.stderr


def test_a_root_that_does_not_exist_is_refused(depot, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    done = run("user", "add", "someone", "--root", "/no-such", "--password-file", tmp_path / "password", depot=depot)

    assert done.returncode == 1 and "there is no such folder" in done.stderr
    assert "someone" not in succeed("user", "list", depot=depot)


# ---- the configuration

@pytest.mark.parametrize("text, words", [
    ("tftp: {listen: ['127.0.0.1:69', '127.0.0.1:69']}", "given twice"),
    ("ssh: {listen: ['[::]:22', '[fd00::1]:22']}", "is part of"),
    ("tftp: {listen: ['[fe80::1]:69']}", "needs its interface"),
    ("tftp: {listen: ['[fe80::1%nosuch0]:69']}", "no interface nosuch0"),
    ("ssh: {listen: ['[::ffff:192.0.2.1]:22']}", "write 192.0.2.1:22"),
    ("depot: '~/depot'", "home directory"), ("depot: ''", "such as /srv/apdepot/depot"), ("depot: ~", "such as /srv/apdepot/depot"),
    ("log: {target: 'file:~/log'}", "without")])
def test_a_configuration_that_could_not_be_served_is_found_by_the_check(tmp_path, text, words):
    (tmp_path / "site.yaml").write_text(text + "\n")
    done = run("config", "check", "--config", tmp_path / "site.yaml", cwd=tmp_path)

    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_the_example_is_the_annotated_default():
    assert succeed("config", "example") == (ROOT / "conf/apdepot.yaml").read_text()


def test_the_example_is_a_good_configuration_that_changes_nothing(tmp_path):
    file = tmp_path / "apdepot.yaml"
    file.write_text(succeed("config", "example"))

    empty = tmp_path / "empty.yaml"
    empty.write_text("")

    succeed("config", "check", "--config", file)
    assert succeed("config", "show", "--config", file) == succeed("config", "show", "--config", empty)


def test_what_is_shown_is_a_configuration_itself(tmp_path):
    file = tmp_path / "apdepot.yaml"
    file.write_text("tftp:\n  max_window: 16\nimport:\n  max_total: 3GiB\n")
    shown = succeed("config", "show", "--config", file)
    file.write_text(shown)

    assert "16" in shown and succeed("config", "show", "--config", file) == shown


def test_what_is_shown_is_the_merged_truth(tmp_path):
    file = tmp_path / "apdepot.yaml"
    file.write_text("depot: /srv/images\ntftp:\n  max_window: 16\n")
    shown = json.loads(succeed("config", "show", "--json", "--config", file))

    assert shown["depot"] == "/srv/images"
    assert shown["tftp"]["max_window"] == 16 and shown["tftp"]["max_block_size"] == 65464
    assert json.loads(succeed("config", "show", "--json", "--config", file, depot="/else"))["depot"] == "/else"


MISTAKES = [  # the text, the line of the mistake, the key, and what the message must hold besides
    ("tftp:\n  max_window: 70000\n", 2, "tftp.max_window", ["70000", "65535"]),
    ("tftp:\n  max_block_size: 7\n", 2, "tftp.max_block_size", ["8", "65464"]),
    ("tftp:\n  max_block_size: large\n", 2, "tftp.max_block_size", ["large"]),
    ("tftp:\n  max_windw: 4\n", 2, "tftp.max_windw", ["max_window"]),
    ("tfpt:\n  max_window: 4\n", 1, "tfpt", ["tftp"]),
    ("\n\nssh:\n  compatibility: modem\n", 4, "ssh.compatibility", ["modern", "legacy"]),
    ("tftp:\n  listen: [\"0.0.0.0\"]\n", 2, "tftp.listen", ["0.0.0.0"]),
    ("tftp:\n  listen: [\"somewhere:69\"]\n", 2, "tftp.listen", ["somewhere:69"]),
    ("tftp:\n  uploads: perhaps\n", 2, "tftp.uploads", ["perhaps"]),
    ("tftp:\n  port_range: \"5-4\"\n", 2, "tftp.port_range", ["5-4"]),
    ("log:\n  level: loud\n", 2, "log.level", ["verbose"]),
    ("log:\n  target: \"nowhere\"\n", 2, "log.target", ["nowhere"]),
    ("import:\n  settle: -1\n", 2, "import.settle", ["-1"]),
    ("import:\n  max_total: 16 elephants\n", 2, "import.max_total", ["elephants"]),
    ("drain: soon\n", 1, "drain", ["soon"]),
    ("ssh:\n  users:\n    - name: ../x\n", 3, "ssh.users", ["name"]),
    ("ssh:\n  users:\n    - nam: x\n", 3, "nam", ["name"]),
    ("tftp: [1, 2]\n", 1, "tftp", []),
    ("depot: /a\ndepot: /b\n", 2, "depot", []),
]


@pytest.mark.parametrize("text, line, key, words", MISTAKES, ids=[key for _, _, key, _ in MISTAKES])
def test_a_mistake_is_told_with_file_line_and_key(tmp_path, text, line, key, words):
    file = tmp_path / "mistaken.yaml"
    file.write_text(text)

    done = run("config", "check", "--config", file)

    assert done.returncode == 1
    messages = [message for message in re.findall(rf"mistaken\.yaml:{line}: .*", done.stderr) if key in message]
    assert all(word in messages[0] for word in words)


def test_all_mistakes_are_told_at_once(tmp_path):
    file = tmp_path / "mistaken.yaml"
    file.write_text("tftp:\n  max_window: 0\n  uploads: 7\nlog:\n  format: xml\nunknown: 1\n")

    done = run("config", "check", "--config", file)

    assert [int(line) for line in re.findall(r"mistaken\.yaml:(\d+): ", done.stderr)] == [2, 3, 5, 6]


@pytest.mark.parametrize("text", ["tftp: {listen: [\n", "\t- x", "a: b: c", "just text", "\x00"])
def test_what_is_no_yaml_is_told_with_its_file(tmp_path, text):
    file = tmp_path / "mistaken.yaml"
    file.write_text(text)

    done = run("config", "check", "--config", file)

    assert done.returncode == 1 and "mistaken.yaml" in done.stderr


def test_an_empty_configuration_is_a_good_one(tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing yet\n")

    succeed("config", "check", "--config", file)


@pytest.mark.parametrize(("command", "status"), [(("config", "check"), 1), (("serve",), 78), (("user", "list"), 1)])
def test_a_configuration_that_is_not_there_is_named(tmp_path, command, status):
    done = run(*command, "--config", tmp_path / "missing.yaml", depot=tmp_path / "depot")

    assert done.returncode == status and "missing.yaml" in done.stderr


# ---- the controller's lines

TFTP_LINES = r"""wireless profile image-download default
 image-download-mode tftp
  tftp-image-server \S+
  tftp-image-path /EWC/17_9_4a
"""
SFTP_LINES = r"""wireless profile image-download default
 image-download-mode sftp
  sftp-image-server \S+
  sftp-image-path /EWC/17_9_4a
  sftp-username \S+
  sftp-password 0 \S+
"""


HTTP_LINES = "".join(rf"archive download-sw /no-reload http://\S+/EWC/17_9_4a/{name}" "\n"
                     for name in ("ap1g4", "ap1g5", "ap1g6", "ap1g6a", "ap1g7", "ap1g8", "ap3g3"))


@pytest.mark.parametrize("mode, lines", [("tftp", TFTP_LINES), ("sftp", SFTP_LINES), ("http", HTTP_LINES)])
def test_the_controllers_lines_are_printed_for_a_mode(depot, mode, lines):
    assert re.fullmatch(lines, succeed("wlc-config", RELEASE, "--mode", mode, depot=depot))


def test_without_a_mode_the_controllers_lines_are_those_for_tftp(depot):
    assert re.fullmatch(TFTP_LINES, succeed("wlc-config", RELEASE, depot=depot))


@pytest.mark.parametrize("spelling", ["17_9_4a", "17.9.4a", "17.09.04a", "EWC/17_9_4a"])
def test_a_release_may_be_spelled_as_the_vendor_does(depot, spelling):
    assert "  tftp-image-path /EWC/17_9_4a\n" in succeed("wlc-config", spelling, depot=depot)


def test_the_controller_may_be_given_the_path_that_never_changes(depot):
    assert run("wlc-config", "/EWC/current", depot=depot).returncode == 1
    succeed("promote", RELEASE, depot=depot)
    for spelling in ("/EWC/current", "EWC/current"):
        assert "  tftp-image-path /EWC/current\n" in succeed("wlc-config", spelling, depot=depot)
    assert run("wlc-config", "/ME/current", depot=depot).returncode == 1


def test_an_unknown_release_is_named_with_those_that_are_there(depot):
    done = run("wlc-config", "/EWC/17_9_5", depot=depot)

    assert (done.returncode, done.stdout) == (1, "")
    assert "17_9_5" in done.stderr and RELEASE in done.stderr
