#!/usr/bin/python3
"""make_seeds.py DIRECTORY: writes what each harness begins with, from the tests' packets, to DIRECTORY/NAME/.

A harness without seeds begins with nothing; to give it some is a function of its name and a line in HARNESSES.
"""
import base64
import codecs
import gzip
import io
import lzma
import pathlib
import re
import sys
import tarfile
import zipfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
import tftp_wire as wire  # noqa: E402

NAME = "/EWC/17_9_4a/ap1g8"


def literals(test):
    """The byte strings of a unit test, as the compiler reads them."""
    source = (TESTS / "unit" / test).read_text()
    for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"sv', source):
        yield codecs.escape_decode(text.encode())[0]


def tftp_request():
    yield from literals("protocols/tftp/packet_test.cpp")
    for options in filter(lambda text: text.endswith(b"\0"), literals("protocols/tftp/packet_test.cpp")):
        yield wire.request(NAME) + options
    yield wire.request(NAME, "blksize", 1428, "tsize", 0, "timeout", 6, "windowsize", 16)
    yield wire.request(NAME, "blksize2", 1400, "utimeout", 300000, "rollover", 1, mode="netascii")
    yield wire.request("uploads/x", "tsize", 600, mode="mail", opcode=wire.WRQ)


# What follows is read by tftp_driver.hpp: numbers from an input's end on, a byte each; content from its front on.
ANSWER, DISK, EXPIRE, LATER, REPEAT, GARBAGE, END = 0, 6, 9, 11, 12, 13, 15
STOP, ABANDON, DISK_FAILS, END_DALLYING = ([END, n] for n in range(4))
EXPECTED_ACK = [ANSWER, 0, 0, 0]
OLD_ACK = [ANSWER, 2, 1, 0]  # of the block that was acknowledged last
NO, YES = 0, 1


def script(*numbers, content=b""):
    return content + bytes(numbers)[::-1]


def options(block_size=None, window=None, rollover=False, announced=None):
    """`block_size` is an index into the harness' table."""
    return [block_size or 0, block_size is not None, (window or 1) - 1, window is not None, 0, NO, 0, NO,
            int(rollover), int(rollover), announced or 0, announced is not None]


def garbage(packets):
    return [n for packet in packets for n in (GARBAGE, len(packet), 0)], b"".join(packets)


STRAY = [wire.ack(0), wire.ack(1)[:3], wire.request("f", "blksize", 8), wire.ack(65535)]
FATAL = [wire.error(3, "disk full"), b"\0\7\0\0", wire.error(0, "")[:4]]


def tftp_read():
    octet, text = [NO], [YES]
    small, middling = [2, 1], [40, 2]  # full blocks, and what is behind them
    quick, slow = [NO], [YES]
    for mode in octet, text:
        yield script(*mode, *options(), *small, *quick, *EXPECTED_ACK * 4)
        yield script(*mode, *options(0, 8), *middling, *quick, *EXPECTED_ACK * 9)
        yield script(*mode, *options(0, 4), *middling, *quick, *EXPECTED_ACK * 2, *OLD_ACK * 2, EXPIRE, *EXPECTED_ACK)
        yield script(*mode, *options(1), *small, *slow, *EXPECTED_ACK, YES, DISK, *EXPECTED_ACK, YES, *DISK_FAILS)
        yield script(*mode, *options(0, 16, rollover=True), *middling, *quick, *EXPECTED_ACK * 8)
    yield script(*octet, *options(4), *small, *quick, *[LATER, 200, 12, YES, REPEAT, EXPIRE] * 3, *EXPECTED_ACK * 4)
    for end in STOP, ABANDON:
        yield script(*octet, *options(), *small, *quick, *EXPECTED_ACK, *end)
    for last in FATAL:
        steps, content = garbage([*STRAY, last])
        yield script(*octet, *options(), *small, *quick, *EXPECTED_ACK, *steps, content=content)


def tftp_write():
    octet, text = [NO], [YES]
    unlimited, limited = [0, 0, NO], [2, 1, YES]
    quick, slow = [NO], [YES]
    full, empty, byte, longer = 0, 5, 6, 4

    def data(size, pattern_size=0, ahead=None):
        return [ANSWER, 0 if ahead is None else ahead + 2, ahead is not None, size, pattern_size, 0]

    for mode in octet, text:
        yield script(*mode, *options(0), *unlimited, *quick, *data(full, 8) * 2, *data(byte, 1), *END_DALLYING,
                     content=b"c\r\nccc\r\0\n\r\nccc\r\r\r")
        yield script(*mode, *options(0, 4), *unlimited, *quick, *data(full) * 2, *data(full, ahead=2) * 2,
                     *data(full) * 3, *data(full, ahead=0), *data(empty), *data(empty, ahead=0), EXPIRE, EXPIRE)
        yield script(*mode, *options(0), *unlimited, *slow, *data(full), YES, DISK, *data(byte), YES, DISK, YES, DISK)
        yield script(*mode, *options(0), *limited, *quick, *data(full) * 3)
        yield script(*mode, *options(0, 16, rollover=True), *unlimited, *quick, *data(full) * 20, *data(empty))
        yield script(*mode, *options(0, announced=9), *unlimited, *quick, *data(full), *data(byte))
    yield script(*octet, *options(0), *unlimited, *slow, *data(full), YES, *DISK_FAILS)
    yield script(*octet, *options(), *unlimited, *quick, *data(longer))
    yield script(*octet, *options(5, 16), *unlimited, *quick, *data(full) * 17, *STOP)
    yield script(*octet, *options(0), *unlimited, *quick, *[EXPIRE, REPEAT, LATER, 200, 12, NO] * 3,
                 *data(byte), *ABANDON)
    for last in FATAL:
        steps, content = garbage([*STRAY, last])
        yield script(*octet, *options(0), *unlimited, *quick, *steps, content=content)


def syslog_message():
    """Each line of the collected logs, as its device sends it."""
    heads = (b"<187>57: 9120-EWC: ", b"<13>Feb 13 11:11:21 kernel: ", b"<30>Feb  1 20:29:14 9120-EWC 57: ",
             b'<13>1 2026-11-29T06:01:02.123456+00:00 host root - - [timeQuality tzKnown="1"] ', b"")
    for number, file in enumerate(sorted((TESTS / "support/logs").glob("*.txt"))):
        for line in file.read_bytes().splitlines():
            yield heads[number % len(heads)] + line


def authorized_key():
    key = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C"
    yield key + b" a comment"
    for options in (b"restrict", b'restrict,from="192.0.2.0/24,!192.0.2.7"', b'from="*.2.?,2001:db8::/32"',
                    b'command="echo \\"a b\\""', b"no-pty,restrict", b'from="10.1.2.3/8"'):
        yield options + b" " + key


def scp_command():
    for options in b"-f", b"-t", b"-pf", b"-p -f", b"-v -r -p -d -t", b"-prf --", b"-x -f", b"-f -t", b"":
        yield b"scp " + options + b" /EWC/17_9_4a/ap1g8"
    names = [rb"""'it'"'"'s' "a\"b\\c\$d\`e\f" g\ h""", b"~/x a ~ ''", rb"'a*'* [!a-c]? [x\]-z]* \*", b"x; $(id)"]
    for some in names:
        yield b"/usr/bin/scp -f " + some


# What follows is read by scp_session.cpp: numbers from an input's end on, a byte each.
SCP_SOURCES, SCP_SINKS = range(5), range(5, 13)
SCP_OK, SCP_TAKE = [9], [2]
SCP_RECORDS = [[4, n] for n in range(10)]


def scp_session():
    for command in SCP_SOURCES:
        for answers in range(10):
            yield script(command, *(SCP_OK + [0] * answers) * 12)
            yield script(command, *SCP_OK, *range(10, 60), *SCP_OK * answers, *SCP_TAKE, 9)
    for command in SCP_SINKS:
        for record in SCP_RECORDS:
            yield script(command, 1, 0, *record, 0, *SCP_RECORDS[9], 0, *SCP_OK * 3)
            yield script(command, 1, 0, *SCP_RECORDS[4], *record, 0, 0, *SCP_RECORDS[9], 0, 0, *SCP_OK, 0, *record)
        yield script(command, 1, 0, *SCP_RECORDS[2], *[1, 255, 100, 1], 0, *SCP_OK, *SCP_RECORDS[5])


# What follows is read by sftp_session.cpp, likewise.
SFTP_REQUEST, SFTP_REQUESTS = 3, range(22)


def sftp_session():
    for access in 0, 1:
        for request in SFTP_REQUESTS:
            for answer in range(6):
                yield script(access, 0, *([SFTP_REQUEST, request, *[answer] * 8] * 6))
            yield script(access, 0, *([SFTP_REQUEST, 0, 3, 0, 26, 0, 1, SFTP_REQUEST, request, 0, 0, 1, 0, 1] * 4))


def asked_path():
    """The lookup's own table, exactly and forgivingly."""
    table = (TESTS / "unit/storage/lookup/lookup_table_test.cpp").read_text()
    for text in dict.fromkeys(re.findall(r'^ +\{"((?:[^"\\\n]|\\.)*)"', table, re.MULTILINE)):
        name = codecs.escape_decode(text.encode())[0]
        for first in b"\1", b"\3":
            yield first + name


def http_headers():
    for text in ("bytes=0-0", "bytes=-500", "bytes=500-", "bytes=0-1,5-6", '"0123"', 'W/"0123", "x"', "*",
                 "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                 "/EWC/17_9_4a/ap1g8", "/EWC/?json", "http://192.0.2.2/a%20b%2f%zz"):
        yield text.encode()


def version():
    for text in ("17.9.4a", "17.09.04a", "17_9_4a", "17.9.4.27\n", "17.09.04a.0.6", "EWC_17_9_4a", "8.6.0.4_74969",
                 "8_10_185_0", "15.3(3)JPN3", "15.3.3-JPN10", "C9800-AP-universalk9.17.09.04a.zip\n17.09.04a.0.6",
                 "AIR-AP2800-K9-ME-8-10-185-0.zip\n", "17.08.01.0.150818.1638769329..Cupertino"):
        yield text.encode()


def reparse_point():
    for tag, flags, target in ((0xA000000C, b"\1\0\0\0", "..\\17_9_4a"),
                               (0xA000000C, b"\1\0\0\0", "\\EWC\\Müller\U0001d11e"),
                               (0xA000000C, bytes(4), "\\??\\UNC\\server\\share"),
                               (0xA0000003, b"", "\\??\\C:\\depot\\images\\EWC")):
        name = target.encode("utf-16-le")
        length = len(name).to_bytes(2, "little")
        content = bytes(2) + length + length + bytes(2) + flags + name
        yield tag.to_bytes(4, "little") + len(content).to_bytes(2, "little") + bytes(2) + content


def aruba_header():
    for version, machine, signed in ("8.6.0.4", 48, 0), ("8.10.0.0", 0, 0x01111111), ("6.4", 57, 0):
        header = bytearray(512)
        header[:8] = (100).to_bytes(4, "big") + (2).to_bytes(4, "big")
        header[12:17] = b"ARUBA"
        build = f"ArubaOS version {version} for Ursa #74478".encode()
        header[20:20 + len(build)] = build
        header[276:276 + len(version)] = version.encode()
        header[303], header[308:312] = machine, signed.to_bytes(4, "big")
        for name in (b"ArubaInstant_Ursa_8.6.0.4_74969", b"ArubaOS_72xx_8.6.0.4_74969", b""):
            yield bytes(header) + name
    for name in (b"C9800-L-universalk9_wlc.17.09.04a.SPA.bin", b"AIR-AP1815-K9-ME-8-10-185-0.tar"):
        yield bytes(512) + name


def tar_walk():
    info = ("info", b"image_family: ap1g8\ninfo_end:\n")
    for members in [info], [info, ("part.bin", b"x" * 700), ("info.ver", info[1])], [("empty", b"")], []:
        for tar_format in tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT:
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
                for name, content in members:
                    member = tarfile.TarInfo(name if name != "empty" else "d" * 50 + "/" + "e" * 90)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            for size in (len(out.getvalue()), 1024, 700):
                yield out.getvalue()[:min(size, 4096)]


def tftp_get():
    def packets(*said, expire=0):
        return b"".join(len(packet).to_bytes(2, "big") + bytes([expire]) + packet for packet in said)

    oack = b"\0\6tsize\0" + b"1436\0blksize\0" + b"1428\0"
    for expire in 0, 1:
        yield packets(oack, wire.data(1, bytes(1428)), wire.data(2, b"the end!"), expire=expire)
        yield packets(wire.data(1, bytes(512)), wire.data(1, bytes(512)), wire.data(3, bytes(512)), expire=expire)
    for packet in oack[:12], b"\0\6rollover\0" + b"1\0", wire.error(8, "no"), wire.ack(0), wire.data(1, bytes(600)):
        yield packets(packet)
        yield packets(packet, packet) + b" "


def manifest():
    head = """path: "/EWC/17_9_4a"\nbundle: "b.zip"\nimported_at: "2026-11-20T11:10:23Z"
controller_version: "17.09.04a.0.6"\nap_version: "17.9.4.27"\n"""
    member = "{name: ap1g8, size: 5, sha256: %s}" % ("a" * 64)
    origin = "{name: b.zip, sha512: %s, md5: %s, verified: true}" % ("b" * 128, "c" * 32)
    for members, origins in ("", ""), (member, origin), (f"{member}, {member}", ""):
        yield f"{head}verified: true\norigins: [{origins}]\nmembers: [{members}]\n".encode()
    yield f"{head}members:\n  - {member}\n---\n{head}".encode()
    yield b",{a: b}"
    yield b"&a [*a]"


def tar_of(members, tar_format=tarfile.GNU_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zip_of(members, kind=zipfile.ZIP_DEFLATED, folder=""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in members:
            archive.writestr(folder + name, content)
    return out.getvalue()


def import_bundle():
    """The first byte is an index into the harness' table of names."""
    image = tar_of([("info", b"image_family: ap1g8\ninfo_end:\n"), ("info.ver", b"x")])[:2560 + 1024]
    members = [("controller_version.info", b"17.09.04a.0.6"), ("version.info", b"17.9.4.27\n"), ("ap1g8", image),
               ("readme.txt", b"r")]
    packed_zip, tar, gz, xz, aruba, mobility, ap, other = range(8)
    plain = tar_of([*members, ("x" * 150, b"y")])[:10_240]
    extended = tar_of(members, tarfile.PAX_FORMAT)
    for bundle in (zip_of(members), zip_of(members, zipfile.ZIP_STORED), zip_of(members, folder="f/"),
                   zip_of([("a", "b")])):
        yield bytes([packed_zip]) + bundle
    for bundle in plain, extended:
        yield bytes([tar]) + bundle
        yield bytes([gz]) + gzip.compress(bundle, mtime=0)
        yield bytes([xz]) + lzma.compress(bundle)
    header = next(aruba_header())[:512]
    yield bytes([aruba]) + header + bytes(100)
    for kind in mobility, ap:
        yield bytes([kind]) + image
    yield bytes([other]) + gzip.compress(b"hello", mtime=0)


def digest_file():
    """The first byte is an index into the harness' table of names."""
    sums, sha512, md5 = range(3)
    yield bytes([sums]) + b"ab" * 64 + b"  a.zip\n" + b"cd" * 64 + b" *b.zip\n"
    yield bytes([sha512]) + b"ab" * 64 + b"\n"
    yield bytes([sha512]) + b"SHA512 (a.zip) = " + b"AB" * 64 + b"\r\n"
    yield bytes([md5]) + b"MD5 (a.zip) = " + b"ef" * 16 + b"\n"


def configuration():
    example = (TESTS.parent / "conf/apdepot.yaml").read_text()
    yield example[:4096].encode()  # what a harness takes at most
    lines = [line for line in example.splitlines() if line.strip() and not line.strip().startswith("#")]
    yield "\n".join(lines).encode()
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)
    key = 'from=\\"192.0.2.0/24,!192.0.2.7\\",restrict ssh-ed25519 ' + base64.b64encode(blob).decode()
    hash_text = "$scrypt$ln=14,r=8,p=5$" + "A" * 22 + "$" + "A" * 43
    yield f"""ssh:
  users:
  - {{name: ewc, password_hash: "{hash_text}", root: /EWC, uploads: true}}
  - {{name: keyed, authorized_keys: ["{key}"]}}
""".encode()
    yield b"""tftp: {listen: ["[::1]:69"], port_range: "1-2", allow: ["192.0.2.0/24"]}
lookup: {aliases: {"/t": "/EWC"}}
log: {target: "file:/x"}
"""


# What follows is read by ssh_connection.cpp, likewise.
SSH_RAW, SSH_ANY, SSH_SETTLE, SSH_READING, SSH_KEYS, SSH_LOGIN, SSH_GLOBAL, SSH_MANY, SSH_PACKET = range(9)
SSH_AGREES, SSH_LOGS_IN = 1, 2
SSH_OPEN, SSH_REQUEST, SSH_BYTES, SSH_SFTP = 0, 1, 7, 8
SSH_SFTP_TYPES = range(24)


def ssh_connection():
    open_channel = [SSH_PACKET, SSH_OPEN, 0, 0, 6, 5]
    ask_for_sftp = [SSH_PACKET, SSH_REQUEST, 0, 0, 0, 1]
    begin = [*open_channel, SSH_SETTLE, *ask_for_sftp, SSH_SETTLE, SSH_PACKET, SSH_SFTP, 0, 0, 0, SSH_SETTLE]
    yield bytes()
    yield script(SSH_AGREES)
    for how in range(7):
        yield script(SSH_AGREES, SSH_LOGIN, NO, NO, how, 20, 20, SSH_SETTLE, SSH_LOGIN, NO, NO, how, SSH_SETTLE)
    yield script(SSH_LOGS_IN, *begin, SSH_KEYS, YES, SSH_SETTLE, SSH_KEYS, YES, SSH_SETTLE)
    for kind in range(1, len(SSH_SFTP_TYPES)):
        for number in range(4):
            yield script(SSH_LOGS_IN, *begin, *[SSH_PACKET, SSH_SFTP, 0, 0, 1, 1, number, 0, number, 1, SSH_SETTLE,
                                                SSH_PACKET, SSH_SFTP, 0, 0, kind, 2, 0, number, 1, 4, SSH_SETTLE] * 2)
    for request in range(8):
        yield script(SSH_LOGS_IN, *open_channel, SSH_SETTLE, SSH_PACKET, SSH_REQUEST, 0, 0, request, YES, 0, 0, YES,
                     SSH_SETTLE, SSH_PACKET, SSH_BYTES, 0, 0, 1, SSH_SETTLE)
    for program in range(5):
        for name in range(5):
            yield script(SSH_LOGS_IN, *open_channel, SSH_SETTLE, SSH_PACKET, SSH_REQUEST, 0, 0, 3, YES, program, name,
                         YES, SSH_SETTLE, SSH_PACKET, SSH_BYTES, 0, 0, 0, SSH_SETTLE)
    for kind in range(10):
        yield script(SSH_LOGS_IN, *begin, SSH_READING, SSH_MANY, kind, *[0] * 8, 199, SSH_SETTLE, SSH_READING,
                     SSH_SETTLE)
    for what in range(5):
        yield script(SSH_LOGS_IN, SSH_GLOBAL, what, YES, YES, 0, SSH_SETTLE)


HARNESSES = [aruba_header, asked_path, authorized_key, configuration, digest_file, http_headers, import_bundle, manifest,
             reparse_point, scp_command, scp_session, sftp_session, ssh_connection, syslog_message, tar_walk, tftp_get,
             tftp_read, tftp_request, tftp_write, version]


def main(directory):
    for harness in HARNESSES:
        corpus = pathlib.Path(directory, harness.__name__)
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(harness()):
            (corpus / f"seed-{number:02}").write_bytes(seed)


main(*sys.argv[1:])
