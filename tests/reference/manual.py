"""Writes the manual pages: ``python -m tests.reference.manual DIRECTORY``.

hadirector(8) comes from the parsers of the commands. hadirector.yaml(5) is docs/configuration.md,
whose tables come from the declarations of the keys. The form is that of groff_man(7).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hadirector import __version__
from hadirector.cli import COMMANDS, load
from tests.reference.tables import PAGE

EXIT_CODES: Final = (
    ("0", "The command has succeeded."),
    ("1", "The answer is no."),
    ("2", "The usage or the configuration is wrong."),
)
FILES: Final = (
    ("/etc/hadirector/hadirector.yaml", "The configuration, described in hadirector.yaml(5)."),
    ("/run/hadirector/api.sock", "The socket of the API."),
    ("/var/lib/hadirector", "What outlasts a reboot, such as the overrides of operators."),
)


def main(arguments: Sequence[str]) -> int:
    """Write both pages into a directory."""
    [directory] = arguments
    pages = {"hadirector.8": commands_page(), "hadirector.yaml.5": configuration_page()}
    for name, text in pages.items():
        (Path(directory) / name).write_text(text, encoding="utf-8")
    return 0


def commands_page() -> str:
    """Return hadirector(8)."""
    lines = [
        _title("hadirector", 8),
        ".SH NAME",
        r"hadirector \- high-availability, health-checking director for Linux IPVS",
        ".SH SYNOPSIS",
        r".B hadirector",
        r"[\-\-help] [\-\-version]",
        r".I COMMAND",
        r"\&...",
        ".SH COMMANDS",
    ]
    for name, entry in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"hadirector {name}", description=entry.summary)
        load(name).add_arguments(parser)
        lines += _command(parser)
    lines += [".SH EXIT STATUS", *_definitions(EXIT_CODES), ".SH FILES", *_definitions(FILES)]
    lines += [".SH SEE ALSO", ".BR hadirector.yaml (5),", ".BR ipvsadm (8),", ".BR keepalived (8)"]
    return "\n".join(lines) + "\n"


def configuration_page() -> str:
    """Return hadirector.yaml(5)."""
    head = [
        _title("hadirector.yaml", 5),
        ".SH NAME",
        r"hadirector.yaml \- configuration of hadirector",
        ".SH DESCRIPTION",
    ]
    tokens = MarkdownIt("commonmark").enable("table").parse(PAGE.read_text(encoding="utf-8"))
    return "\n".join([*head, *_roff(tokens)]) + "\n"


def escape(text: str) -> str:
    """Return a text in which groff finds no command (groff(7))."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    lines = escaped.split("\n")
    return "\n".join(rf"\&{line}" if line.startswith(".") else line for line in lines)


def _title(name: str, section: int) -> str:
    return f'.TH "{name.upper()}" {section} "" "hadirector {__version__}"'


def _definitions(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, meaning in entries:
        yield from (".TP", f".B {escape(name)}", escape(meaning))


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Render a command, and then the commands below it, such as `realserver check`."""
    usage = parser.format_usage().removeprefix("usage: ").split()
    yield from (f".SS {escape(' '.join(usage))}", escape(parser.description or ""))
    below: list[argparse.ArgumentParser] = []
    for action in parser._actions:  # argparse has no public list of its arguments
        if isinstance(action, argparse._SubParsersAction):  # the type has no other name
            below += action.choices.values()
        elif action.help != argparse.SUPPRESS and action.dest != "help":
            yield from _argument(action)
    for each in below:
        yield from _command(each)


def _argument(action: argparse.Action) -> Iterator[str]:
    """Render one option or positional argument."""
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None and action.metavar is None:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    names = [f"\\fB{escape(name)}\\fP" for name in action.option_strings]
    value = "" if action.nargs == 0 else f"\\fI{escape(metavar)}\\fP"
    described = (action.help or "") % {**vars(action), "prog": "hadirector"}
    yield from (".TP", " ".join(filter(None, [", ".join(names), value])), escape(described))


def _roff(tokens: Sequence[Token]) -> Iterator[str]:
    """Render a page of Markdown."""
    header: list[str] = []
    cells: list[str] = []
    for before, token in pairwise(tokens):
        if token.type == "inline":
            text = _inline(token.children or [])
            if before.type == "th_open":
                header.append(text)
            elif before.type == "td_open":
                cells.append(text)
            else:
                yield from _block(before, text)
        elif token.type == "thead_open":
            header = []
        elif token.type == "tr_close" and cells:
            yield from _row(header, cells)
            cells = []
        elif token.type in ("fence", "code_block"):
            yield from (".PP", ".in +4n", ".EX", escape(token.content.rstrip()), ".EE", ".in")


def _block(opening: Token, text: str) -> Iterator[str]:
    """Render a heading, an item of a list or a paragraph."""
    if opening.type == "heading_open":
        yield f".SS {text}" if opening.tag == "h3" else f".SH {text.upper()}"
    elif opening.level:
        yield from (r".IP \(bu 2", text)
    else:
        yield from (".PP", text)


def _row(header: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    """Render a row of a table as a definition. Its first cell is the term, its last the meaning."""
    between = zip(header[1:-1], cells[1:-1], strict=True)
    yield from (".TP", cells[0])
    if facts := "; ".join(f"{name}: {cell}" for name, cell in between if cell):
        yield from (facts, ".br")
    yield cells[-1]


def _inline(children: Sequence[Token]) -> str:
    """Render the text of a paragraph: code and emphasis become fonts, a link its text."""
    parts: list[str] = []
    for child in children:
        match child.type:
            case "code_inline":
                parts.append(f"\\fB{escape(child.content)}\\fP")
            case "strong_open":
                parts.append(r"\fB")
            case "em_open":
                parts.append(r"\fI")
            case "strong_close" | "em_close":
                parts.append(r"\fP")
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "text":
                parts.append(escape(child.content))
            case _:
                pass
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
