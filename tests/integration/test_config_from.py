"""`apdepot config from FILE`: what another program's configuration comes to, as a file that can be served."""
import re
import subprocess

import pytest

from apdepot import Server, run, succeed
from tftp_wire import fetch

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C"
FILES = {
    "tftpd-hpa": 'TFTP_USERNAME="tftp"\nTFTP_DIRECTORY="/srv/tftp"\nTFTP_ADDRESS=":69"\nTFTP_OPTIONS="--secure -c"\n',
    "tftpd.map": "rg \\\\ /\nr ^/tftpboot/ /EWC/17_9_4a/\na ^\\.\n",
    "tftp.service": "[Service]\nExecStart=/usr/sbin/in.tftpd -s /var/lib/tftpboot\nStandardInput=socket\n",
    "tftp.xinetd": "service tftp\n{\n server = /usr/sbin/in.tftpd\n server_args = -s /tftp\n only_from = 192.0.2.0/24\n}\n",
    "dnsmasq.conf": "interface=eth0\nenable-tftp\ntftp-root=/var/ftpd\ntftp-single-port\ndhcp-boot=x\n",
    "atftpd": 'USE_INETD=true\nOPTIONS="--maxthread 100 --mcast-ttl 1 --verbose=5 /srv/tftp"\n',
    "sshd_config": "Port 2022\nCiphers +aes128-cbc\nMatch User ewc\n ForceCommand internal-sftp -R\n"
                   " ChrootDirectory /srv/sftp\n AuthorizedKeysFile {keys}\n",
    "tftpd32.ini": "[DHCP]\r\nx=1\r\n[TFTPD32]\r\nBaseDirectory=C:\\Images\r\nTftpPort=69\r\nSecurityLevel=1\r\nLocalIP=\r\n",
}
HOSTILE = "\x1b[2J\u202e\u2028`reboot` $(reboot) \"quoted\" 'x: {y: [&*! #"


def write(folder, name, text):
    (folder / "keys").write_text(f'{KEY} a "comment" \x1b[31m\n')
    file = folder / name
    file.write_bytes(text.replace("{keys}", str(folder / "keys")).encode())
    return file


def translated(file):
    """What is printed for `file`, and a configuration made of it that the check accepts without a word."""
    text = succeed("config", "from", file, cwd=file.parent)
    made = file.parent / "made.yaml"
    made.write_text(text)
    checked = run("config", "check", "--config", made, cwd=file.parent)
    assert (checked.returncode, checked.stderr.splitlines()[0]) == (0, f"{made}: no errors"), checked.stderr
    return text


@pytest.mark.parametrize("name", FILES)
def test_what_is_printed_passes_the_check(tmp_path, name):
    text = translated(write(tmp_path, name, FILES[name]))

    assert text.startswith("# What ") and "\n# line " in text
    assert "\ndepot: \"/var/lib/apdepot\"\n" in text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("hostile", [HOSTILE, HOSTILE * 400], ids=["short", "long"])
def test_nothing_hostile_is_printed(tmp_path, name, hostile):
    words = FILES[name].replace("/srv", "/srv" + hostile).replace("/var", "/var" + hostile)
    lines = words.splitlines() + [f"{hostile}={hostile}", hostile]
    if name in ("dnsmasq.conf", "sshd_config"):
        lines += [f"tftp-root={hostile}", f"HostKey {hostile}"]
    text = translated(write(tmp_path, name, "\n".join(lines)))

    assert all(character == "\n" or character.isprintable() for character in text)
    assert max(map(len, text.splitlines())) < 4000


def test_keys_come_along_and_open_the_account(tmp_path):
    text = translated(write(tmp_path, "sshd_config", FILES["sshd_config"]))

    assert "- name: \"ewc\"" in text and KEY in text and "\\x1b" in text and "uploads: false" in text


def test_a_configuration_of_tftpd_hpa_serves_what_tftpd_hpa_served(tmp_path):
    served = tmp_path / "srv"
    served.mkdir()
    (served / "ap1g7").write_bytes(b"image" * 1000)
    text = translated(write(tmp_path, "tftpd-hpa",
                            f'TFTP_DIRECTORY="{served}"\nTFTP_ADDRESS="127.0.0.1:0"\nTFTP_OPTIONS="-v"\n'))
    config, depot = tmp_path / "apdepot.yaml", tmp_path / "depot"
    config.write_text(text.replace("/var/lib/apdepot", str(depot)))
    comment = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    copy = re.search(r"cp -r \S+ \S+/images/", comment).group()
    (depot / "images").mkdir(parents=True)
    subprocess.run(["sh", "-c", copy.replace("/var/lib/apdepot", str(depot))], check=True)

    server = Server(depot, config, listen=("--ssh", "127.0.0.1:0"))
    try:
        for name in ("ap1g7", "/ap1g7", f"{served}/ap1g7"):
            assert fetch(server.tftp, name) == b"image" * 1000
    finally:
        server.stop()


@pytest.mark.parametrize("text, words", [("hello\n", "none of the files that can be read"),
                                         ("domain-needed\nserver=192.0.2.1\n", "enable-tftp is not there")])
def test_a_file_that_cannot_be_translated_is_told_of(tmp_path, text, words):
    done = run("config", "from", write(tmp_path, "some", text), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "") and words in done.stderr


@pytest.mark.parametrize("file", ["/dev/zero", ".", "no-such"])
def test_what_is_no_file_is_not_read(tmp_path, file):
    done = run("config", "from", file, cwd=tmp_path)

    assert done.returncode == 1 and f"cannot read {file}" in done.stderr


def test_a_file_is_named(tmp_path):
    assert run("config", "from", cwd=tmp_path).returncode == 2
