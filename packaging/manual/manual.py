#!/usr/bin/env python3
"""manual.py PAGE VERSION HELP SOURCE: prints a man page or a shell's completion, for meson.

Nothing is told here that stands elsewhere: HELP is what `apdepot --help --json` prints, and below the folder SOURCE lie
conf/apdepot.yaml, docs/formats.md and docs/log.md.
"""
import json
import pathlib
import re
import sys

PAGE, VERSION, HELP, SOURCE = sys.argv[1], sys.argv[2], json.loads(pathlib.Path(sys.argv[3]).read_text()), pathlib.Path(sys.argv[4])


# ---- what all of them ask

def actions(command):
    """The words that may follow a command: check, show, example and from of `config`."""
    clauses = re.split(", (?:or )?", command["usage"])  # "add|remove NAME, web NAME ROLE, or list"
    words = [word for clause in clauses for word in clause.split(" ")[0].split("|")]
    return words if len(words) > 1 and all(re.fullmatch("[a-z]+", word) for word in words) else []


def choices(flag):
    """What a flag's value may be: a list of words, "file" or None."""
    value = flag["value"]
    if re.fullmatch(r"[a-z]+(\|[a-z]+)+", value):
        return value.split("|")
    return "file" if value in ("FILE", "DIR") else None


def table(name, heading):
    """The rows of a table of Markdown, below the line that begins with `heading`."""
    lines = (SOURCE / name).read_text().split(f"\n{heading}", 1)[1].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


# ---- roff

def roff(text):
    """`text` as roff prints it, with `code` of Markdown in bold."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    parts = text.split("`")
    done = []
    for number, part in enumerate(parts):
        escaped = part.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
        done.append(f"\\fB{escaped}\\fR" if number % 2 and escaped else escaped)
    text = "".join(done)
    return "\\&" + text if text.startswith((".", "'")) else text


def paragraph(text):
    return roff(" ".join(text.split()))


def item(head, *body):
    return [".TP", head, *(paragraph(each) for each in body if each)]


def title(name, section, what):
    return [".\\\" Made by packaging/manual/manual.py.",
            f'.TH {name.upper()} {section} "" "apdepot {VERSION}" ""', ".nh", ".SH NAME", f"{name} \\- {what}"]


def flag_head(flag):
    return f"\\fB{roff(flag['name'])}\\fR" + (f" \\fI{roff(flag['value'])}\\fR" if flag["value"] else "")


def see(*pages):
    lines = [".SH SEE ALSO"]
    for number, (name, section) in enumerate(pages):
        lines.append(f".BR {roff(name)} ({section})" + (" ," if number + 1 < len(pages) else ""))
    return lines


def apdepot_1():
    page = title("apdepot", 1, "serve access point images over TFTP and SFTP")
    page += [".SH SYNOPSIS", ".B apdepot", ".I COMMAND", "[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]",
             ".SH DESCRIPTION",
             paragraph("Serves software images to wireless access points and their controllers over TFTP, SFTP and SCP, from "
                       "a depot: a bundle that is put into `drop/` is verified and published below `images/`, which devices "
                       "see as /. The log has the lines of tftpd-hpa and OpenSSH, and says why a device gets nothing: "
                       "apdepot-log(7)."),
             ".SH COMMANDS"]
    for command in HELP["commands"]:
        usage = f" \\fI{roff(command['usage'])}\\fR" if command["usage"] else ""
        page += [f".SS \\fB{roff(command['name'])}\\fR{usage}", paragraph(command["summary"][0].upper() + command["summary"][1:] + ".")]
        for flag in command["flags"]:
            page += item(flag_head(flag), flag["help"][0].upper() + flag["help"][1:] + ".")
    page += [".SH OPTIONS", "Every command takes these."]
    for flag in HELP["flags"]:
        page += item(flag_head(flag), flag["help"][0].upper() + flag["help"][1:] + ".")
    page += [".SH EXIT STATUS"]
    for command, done, failed, wrong in table("docs/formats.md", "| command | 0 | 1 | 2 |"):
        text = "; ".join(f"{status}: {what}" for status, what in ((0, done), (1, failed), (2, wrong)) if what)
        page += item(roff(command), text + ".")
    page += [".SH FILES", *item("\\fI/etc/apdepot/apdepot.yaml\\fR", "The configuration: apdepot.yaml(5)."),
             *item("\\fI/var/lib/apdepot\\fR", "The depot, unless the configuration or `--depot` names another.")]
    return page + see(("apdepot.yaml", 5), ("apdepot-log", 7), ("tftp", 1), ("sftp", 1))


def entries_of_yaml():
    """(comment, lines of keys) of the annotated example, in its order; keys have their whole path."""
    section, comment, entries = [], [], []
    for line in (SOURCE / "conf/apdepot.yaml").read_text().splitlines():
        bare = line.strip()
        if not bare:
            if not entries and not section:
                comment = []  # the head of the file
            continue
        if bare.startswith("#"):
            comment.append(re.sub(r"^# ?", "", bare))
            continue
        key, value = bare.split(":", 1)
        depth = (len(line) - len(line.lstrip())) // 2
        if not value:
            section, comment = [key], []
            continue
        path = ".".join([*section[:depth], key])
        if comment or not entries:
            entries.append((comment, []))
        entries[-1][1].append((path, value.strip()))
        comment = []
    return entries


def apdepot_yaml_5():
    page = title("apdepot.yaml", 5, "the configuration of apdepot")
    page += [".SH DESCRIPTION",
             paragraph("YAML, one document, in /etc/apdepot/apdepot.yaml or where `--config` says. A file needs only what "
                       "differs from the defaults, which stand below. `apdepot config check` finds mistakes, `apdepot config "
                       "show` prints what is in force, `apdepot config example` prints this text as a file, and `apdepot "
                       "config from` makes one of another program's configuration. SIGHUP reads it again; keys marked "
                       "(restart) wait for the next start."),
             ".SH KEYS"]
    for comment, keys in entries_of_yaml():
        for number, (path, value) in enumerate(keys):
            page += [".TP" if number == 0 else ".TQ", f"\\fB{roff(path)}\\fR: {roff(value)}"]
        text = []
        for line in [*comment, ""]:  # an indented example stands by itself
            if text and line.startswith("  ") != text[0].startswith("  ") or not line:
                if text and text[0].startswith("  "):
                    page += [".nf", *(roff(each) for each in text), ".fi"]
                elif text:
                    page.append(paragraph(" ".join(text)))
                text = []
            text.append(line)
    page += [".SH FILES", *item("\\fI/etc/apdepot/apdepot.yaml\\fR", "The file itself.")]
    return page + see(("apdepot", 1), ("apdepot-log", 7))


def apdepot_log_7():
    page = title("apdepot-log", 7, "the lines of apdepot's log, what they mean and what to do")
    about = (SOURCE / "docs/formats.md").read_text().split("\n## The log\n")[1].split("\n| kind |")[0]
    page += [".SH DESCRIPTION", *(line for text in about.strip().split("\n\n") for line in (".PP", paragraph(text))), ".SH LINES",
             "Words in capitals stand for what differs."]
    kinds = {kind.strip("`"): (members, when) for kind, members, when in table("docs/formats.md", "| kind | members | when |")}
    last = None
    for kind, line, todo in table("docs/log.md", "| kind | line | what to do |"):
        members, when = kinds[kind.strip("`")]
        if kind != last:
            page += [f".SS {roff(kind.strip('`'))}", paragraph(when.rstrip(".") + ".")]
            if members != "none":
                page += [".PP", paragraph(f"JSON: {members}.")]
        page += item(roff(line), todo.rstrip(".") + "." if todo else "For information.")
        last = kind
    return page + see(("apdepot", 1), ("apdepot.yaml", 5))


# ---- shells

def all_flags():
    known = {flag["name"]: flag for command in HELP["commands"] for flag in command["flags"]}
    return {**known, **{flag["name"]: flag for flag in HELP["flags"]}}


def bash():
    with_value = [flag for flag in all_flags().values() if flag["value"]]
    common = [flag["name"] for flag in HELP["flags"]]
    lines = ["# bash completion of apdepot. Made by packaging/manual/manual.py.",
             "_apdepot() {",
             "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= action= flags= i",
             "  [[ $cur == = ]] && cur=",
             "  [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}",
             "  for ((i = 1; i < COMP_CWORD; i++)); do",
             "    case ${COMP_WORDS[i]} in",
             f"      {' | '.join(flag['name'] for flag in with_value)})",
             "        [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))",
             "        ((i++)) ;;",
             "      -* | =) ;;",
             "      *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; elif [[ -z $action ]]; then action=${COMP_WORDS[i]}; fi ;;",
             "    esac",
             "  done",
             "  COMPREPLY=()",
             "  case $prev in"]
    for flag in with_value:
        kind = choices(flag)
        act = ("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")" if kind == "file" else
               f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(kind)}' -- \"$cur\")" if kind else ":")
        lines.append(f"    {flag['name']}) {act}; return ;;")
    lines += ["  esac", "  case $command in"]
    for command in HELP["commands"]:
        own = " ".join([flag["name"] for flag in command["flags"]] + common)
        lines.append(f"    {command['name']}) flags='{own}' ;;")
    lines += [f"    *) flags='{' '.join(common)}' ;;", "  esac",
              "  if [[ $cur == -* ]]; then",
              "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")",
              "  elif [[ -z $command ]]; then",
              f"    mapfile -t COMPREPLY < <(compgen -W '{' '.join(command['name'] for command in HELP['commands'])}' -- \"$cur\")"]
    for command in HELP["commands"]:
        if words := actions(command):
            lines += [f"  elif [[ $command == {command['name']} && -z $action ]]; then",
                      f"    mapfile -t COMPREPLY < <(compgen -W '{' '.join(words)}' -- \"$cur\")"]
    of_files = " | ".join(command["name"] for command in HELP["commands"] if "FILE" in command["usage"])
    lines += ["  else", "    case $command in",
              f"      {of_files}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;",
              "    esac", "  fi", "}", "complete -F _apdepot apdepot"]
    return lines


def zsh_words(text):
    return text.replace("'", "'\\''").replace("[", "(").replace("]", ")").replace(":", "\\:")


def zsh_flag(flag):
    kind, value = choices(flag), zsh_words(flag["value"])
    value = f":{value}:" + ("_files" if kind == "file" else f"({' '.join(kind)})" if kind else "") if value else ""
    return f"'*{flag['name']}{'=' if value else ''}[{zsh_words(flag['help'])}]{value.replace('|', ' or ')}'"


def zsh():
    lines = ["#compdef apdepot", "# Made by packaging/manual/manual.py.", "_apdepot() {", "  local context state line",
             "  local -a commands common", "  common=("]
    lines += [f"    {zsh_flag(flag)}" for flag in HELP["flags"]]
    lines += ["  )", "  commands=("]
    lines += [f"    '{command['name']}:{zsh_words(command['summary'])}'" for command in HELP["commands"]]
    lines += ["  )", "  _arguments -C $common '1:command:->command' '*::argument:->argument' && return", "  case $state in",
              "    command) _describe command commands ;;", "    argument)", "      case $line[1] in"]
    for command in HELP["commands"]:
        words = actions(command)
        first = [f"'1:action:({' '.join(words)})'"] if words else []
        rest = ["'*:file:_files'"] if "FILE" in command["usage"] else ["'*:argument:'"] if command["usage"] else []
        own = " ".join([zsh_flag(flag) for flag in command["flags"]] + first + rest)
        lines.append(f"        {command['name']}) _arguments $common {own} ;;")
    return lines + ["      esac ;;", "  esac", "}", "_apdepot \"$@\""]


def fish_words(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_flag(flag, condition):
    kind = choices(flag)
    value = ("" if not flag["value"] else " -r -F" if kind == "file" else f" -x -a {fish_words(' '.join(kind))}" if kind else " -x")
    return f"complete -c apdepot{condition} -l {flag['name'][2:]}{value} -d {fish_words(flag['help'])}"


def fish():
    lines = ["# fish completion of apdepot. Made by packaging/manual/manual.py.", "complete -c apdepot -f"]
    for command in HELP["commands"]:
        lines.append(f"complete -c apdepot -n __fish_use_subcommand -a {command['name']} -d {fish_words(command['summary'])}")
        condition = f" -n '__fish_seen_subcommand_from {command['name']}'"
        if words := actions(command):
            lines.append(f"complete -c apdepot -n '__fish_seen_subcommand_from {command['name']}; and not "
                         f"__fish_seen_subcommand_from {' '.join(words)}' -a {fish_words(' '.join(words))}")
        if "FILE" in command["usage"]:
            lines.append(f"complete -c apdepot{condition} -F")
        lines += [fish_flag(flag, condition) for flag in command["flags"]]
    return lines + [fish_flag(flag, "") for flag in HELP["flags"]]


PAGES = {"apdepot.1": apdepot_1, "apdepot.yaml.5": apdepot_yaml_5, "apdepot-log.7": apdepot_log_7, "bash": bash, "zsh": zsh,
         "fish": fish}
print("\n".join(PAGES[PAGE]()))
