"""The man pages and the shells' completion: made from what they tell of, complete, and as man and shells want them."""
import json
import re
import shutil
import subprocess
import sys

import pytest

from apdepot import BINARY, ROOT, environment, succeed

MANUAL = ROOT / "packaging/manual/manual.py"
PAGES = {"apdepot.1": "apdepot", "apdepot.yaml.5": "apdepot.yaml", "apdepot-log.7": "apdepot-log"}
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(scope="module")
def help_table():
    return json.loads(succeed("--help", "--json"))


@pytest.fixture(scope="module")
def made(tmp_path_factory, help_table):
    """Makes a page or a completion, once, and returns its file."""
    folder = tmp_path_factory.mktemp("manual")
    (folder / "help.json").write_text(json.dumps(help_table))
    for name in (*PAGES, *SHELLS):
        done = subprocess.run([sys.executable, MANUAL, name, "1.2.3", folder / "help.json", ROOT], capture_output=True,
                              text=True, check=True)
        (folder / name).write_text(done.stdout)
    return lambda name: folder / name


def rendered(file):
    """A page as a person reads it, on lines that are never broken."""
    done = subprocess.run(["man", "-E", "UTF-8", "-l", file], capture_output=True, text=True, check=True,
                          env=environment(MANWIDTH="100000", MAN_KEEP_FORMATTING="", MANOPT="--nj --nh"))
    return re.sub(r".\x08", "", done.stdout)


def flags(help_table):
    """Each flag with the command that has it."""
    for command in help_table["commands"]:
        for flag in [*command["flags"], *help_table["flags"]]:
            yield command["name"], flag["name"]


@pytest.mark.parametrize("page", PAGES)
def test_man_shows_a_page_without_a_warning(made, page):
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", made(page)], capture_output=True,
                          text=True, env=environment(MANROFFSEQ="", MANWIDTH="80"), check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_whatis_finds_a_page(made, page):
    done = subprocess.run(["lexgrog", made(page)], capture_output=True, text=True, check=False)

    assert f'"{PAGES[page]} - ' in done.stdout, done.stdout


def test_the_page_has_every_command_and_every_flag(made, help_table):
    text = rendered(made("apdepot.1"))

    for command in help_table["commands"]:
        part = re.search(rf"^   {command['name']}\b.*?(?=^   \S|^\S)", text, re.MULTILINE | re.DOTALL).group()
        assert command["summary"][1:].replace("`", "") in part
        assert not [flag["name"] for flag in command["flags"] if flag["name"] not in part]
    assert not [flag["name"] for flag in help_table["flags"] if flag["name"] not in text]


def test_the_help_in_json_is_the_help_in_text(help_table):
    for command in help_table["commands"]:
        text = succeed(command["name"], "--help")
        assert text.startswith(f"apdepot {command['name']} {command['usage']}\n{command['summary']}\n")
        told = re.findall(r"^  (--\S+)", text, re.MULTILINE)
        assert told == [flag["name"] for flag in [*command["flags"], *help_table["flags"]]]


def paths(settings, above=""):
    for key, value in settings.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and path != "lookup.aliases":
            yield from paths(value, f"{path}.")
        else:
            yield path


def test_the_page_has_every_key(made, tmp_path):
    text = rendered(made("apdepot.yaml.5"))
    known = list(paths(json.loads(succeed("config", "show", "--json", cwd=tmp_path))))

    assert len(known) > 40
    assert not [path for path in known if not re.search(rf"^ +{re.escape(path)}: ", text, re.MULTILINE)]


def kinds_in_schema():
    schema = json.loads((ROOT / "docs/log.schema.json").read_text())
    return {each["properties"]["event"]["const"] for each in schema["oneOf"]}


def lines_told():
    """(kind, line) of docs/log.md."""
    return re.findall(r"^\| `(\S+)` \| `(.+?)` \| ", (ROOT / "docs/log.md").read_text(), re.MULTILINE)


def test_the_page_has_every_kind_of_line(made):
    text = rendered(made("apdepot-log.7"))

    assert {kind for kind, _ in lines_told()} == kinds_in_schema()
    assert not [kind for kind in kinds_in_schema() if f"\n   {kind}\n" not in text]
    assert not [line for _, line in lines_told() if line.split(":")[0] not in text]


def test_the_lines_that_are_told_are_those_of_the_log():
    """What is between the words in capitals stands in the sources, which put the lines together."""
    code = "".join(path.read_text() for path in sorted((ROOT / "server").rglob("*.cpp")))
    code = re.sub(r'"\s*\n\s*"', "", code).replace('\\"', '"')
    for kind, line in lines_told():
        words = re.sub(r"^(in\.tftpd|sshd|sftp-server|http)\[N\]: |^apdepot: ", "", line)
        for part in re.split(r"\b[A-Z]{4,}\d?\b|#COUNT", words):
            longest = max(re.split(r"[\"\[\]():,#%.;]+ ?| (?=to$)", part), key=len).strip()
            for word in re.findall(r"[a-z-]{5,}", longest):
                assert word in code, f"{kind}: {word} is in no source"


def test_each_ending_of_a_transfer_is_told():
    """Of each text that server/text/ending_text.cpp puts together, the longest part between what is filled in."""
    code = (ROOT / "server/text/ending_text.cpp").read_text()
    code = code.split("std::string by_client(", 1)[1].split("std::string nothing_came_back(", 1)[0]
    texts = re.findall(r'fmt::format\("([^"]+)"', re.sub(r'"\s*\n\s*"', "", code))
    parts = {max(text.split("{}"), key=len).strip(" :,") for text in texts}

    assert len(parts) > 15
    assert not [part for part in parts if part not in (ROOT / "docs/log.md").read_text()]


# ---- completion

def completed(file, *words):
    """What bash would offer for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in ("apdepot", *words))
    script = (f"compopt() {{ :; }}; source '{file}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _apdepot; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True, cwd=file.parent)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_bash_offers_every_command_and_flag(made, help_table):
    file = made("bash")

    assert completed(file, "") == [command["name"] for command in help_table["commands"]]
    for command in help_table["commands"]:
        expected = [flag["name"] for flag in [*command["flags"], *help_table["flags"]]]
        assert completed(file, command["name"], "-") == expected


@pytest.mark.parametrize("words, offered", [
    (("config", ""), ["check", "show", "example", "from"]), (("user", "r"), ["remove"]), (("user", "l"), ["list"]),
    (("--depot", "x", "wl"), ["wlc-config"]), (("--depot", "=", "x", "wl"), ["wlc-config"]),
    (("wlc-config", "--mode", "s"), ["sftp"]), (("wlc-config", "--mode", "="), ["tftp", "sftp", "http"]),
    (("user", "add", "--key", "hel"), ["help.json"]), (("import", "hel"), ["help.json"]),
    (("config", "from", "hel"), ["help.json"]), (("version", ""), []), (("user", "add", "--no"), ["--no-sftp"])])
def test_bash_offers_what_may_stand_there(made, words, offered):
    assert completed(made("bash"), *words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shells_completion_has_every_command_and_flag(made, help_table, shell):
    text = made(shell).read_text()

    for command, flag in flags(help_table):
        assert command in text
        assert (f"-l {flag[2:]}" if shell == "fish" else flag) in text
    for word in ("check", "show", "example", "from", "add", "remove", "passwd", "list"):
        assert re.search(rf"\b{word}\b", text)


def test_a_colon_in_a_value_does_not_end_what_zsh_is_told_of_it(made):
    """Else it would run PORT as a command that completes."""
    assert r":ADDR\:PORT:" in made("zsh").read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_completion(made, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", made(shell)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_an_installation_puts_them_in_place():
    if not (BINARY.parent / "meson-info").is_dir():
        pytest.skip("the binary lies in no folder of meson")
    plan = json.loads(subprocess.run(["meson", "introspect", "--install-plan", BINARY.parent], capture_output=True,
                                     text=True, check=True).stdout)
    places = {entry["destination"].replace("{mandir}", "{datadir}/man") for entry in plan["targets"].values()}

    assert places >= {"{bindir}/apdepot", "{datadir}/man/man1/apdepot.1", "{datadir}/man/man5/apdepot.yaml.5",
                      "{datadir}/man/man7/apdepot-log.7", "{datadir}/bash-completion/completions/apdepot",
                      "{datadir}/zsh/site-functions/_apdepot", "{datadir}/fish/vendor_completions.d/apdepot.fish"}
