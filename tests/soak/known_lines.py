"""The lines that the log of a soak may hold: those of docs/log.md, without the kinds that would tell of a fault."""
import re

from apdepot import ROOT

# The server was pressed beyond a bound, or could not do what it is for, or an administrator had it do something by the page
# or the API: nothing in a soak does that.
FAULTS = {"tftp.limited", "http.limited", "syslog.refused", "ssh.dropped", "ssh.penalised", "ssh.mismatched", "import.failed",
          "import.ignored", "log.left_out", "log.dropped", "log.stuck", "server.warned", "server.acted"}
# Their patterns match nearly every line of the server.
WIDE = {"server.warned", "server.acted"}
# Of kinds that are known otherwise. A server that ends says "broken off, the server is shutting down".
FAULTY = [r"\S+: .* broken off by the server\b", r"\S+: .* broken off, an administrator stopped it\b",
          r"in\.tftpd\[\d+\]: \S+ more requests from \S+ were dropped within ",
          r"apdepot: rejected (?!damaged-\d+\.zip: )",
          r"apdepot: the configuration is wrong, the old one stays in effect: (?!.*tftp\.max_window)"]
# Warnings that a soak causes: by how its servers are started, by its images, which are noise, and by its reloads.
WARNINGS = [
    r"the server runs as root, as it was told to: .*",
    r"apdepot-(tftp|ssh|http)\.socket has opened 127\.0\.0\.1:\d+, which (tftp|ssh|http)\.listen does not name: .*",
    r'(bundle|by-hand)-\d+\.zip: "ap\w+" is not a tar, as an access point\'s image should be',
    r"TFTP 127\.0\.0\.1:\d+ is served from now on",
    r"TFTP 127\.0\.0\.1:\d+ is not served any more",
    r"the history leaves out what an address does beyond \d+ requests and logins in an hour",
]
OF_EACH_PROTOCOL = {"transfer.ended", "miss"}  # docs/log.md shows each line of them under one tag
TAGS = ("in.tftpd", "sftp-server", "http")
LITERAL = {"NAK", "RRQ", "WRQ", "MTU"}


def pattern(line):
    """Of a line of docs/log.md, where words in capitals stand for what differs. More may follow after a colon, a comma or a
    semicolon: a remedy, a key."""
    words = re.split(r"(\[N\]|\b[A-Z]{3,}\b)", line)
    text = "".join(".+?" if number % 2 and word not in LITERAL and word != "[N]" else
                   r"\[\d+\]" if word == "[N]" else re.escape(word) for number, word in enumerate(words))
    return re.compile(text + r"(?:[,:;] .*)?$")


def documented():
    """(kind, pattern) of docs/log.md."""
    table = re.findall(r"^\| `(\S+)` \| `(.+?)` \| ", (ROOT / "docs/log.md").read_text(), re.MULTILINE)
    return [(kind, pattern(re.sub(r"\b200$", "STATUS", other))) for kind, line in table
            for other in ([tag + line[line.index("["):] for tag in TAGS] if kind in OF_EACH_PROTOCOL else [line])]


class KnownLines:
    def __init__(self):
        self.kinds = [(kind, pattern) for kind, pattern in documented() if kind not in FAULTS]
        self.kinds += [("server.warned", re.compile(rf"apdepot: {text}$")) for text in WARNINGS]
        faults = [pattern.pattern for kind, pattern in documented() if kind in FAULTS - WIDE] + FAULTY
        self.fault = re.compile("|".join(f"(?:{each})" for each in faults))

    def kind(self, line):
        """None: the line explains itself by nothing that the soak did. A fault is looked for first: the patterns of other
        kinds are wide enough to match it too."""
        if self.fault.match(line):
            return None
        for at, (kind, expected) in enumerate(self.kinds):
            if expected.match(line):
                self.kinds.insert(at // 2, self.kinds.pop(at))  # what is frequent is found soon
                return kind
        return None
