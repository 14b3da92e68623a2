"""The hidden command that a shell runs to complete a word.

It prints a candidate in each line, with its description after a tab. The names of the running
director are part of it if the director answers within 200 ms.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from hadirector.cli import COMMANDS, Entry, load

HIDDEN: Final = "__complete"
FILES: Final = 3
"""The exit code that makes the shell complete the names of files."""
CANDIDATES_MAX: Final = 1000
_FILE_METAVARS: Final = frozenset({"FILE", "PATH", "DIRECTORY", "KEEPALIVED_CONF"})


class Candidate(NamedTuple):
    """A word, and its description."""

    word: str
    description: str = ""


class Names(NamedTuple):
    """The names of virtual servers, real servers and instances of a director, for completion."""

    virtual_servers: tuple[str, ...] = ()
    real_servers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


Source = Callable[[], Names]
"""Returns the names, or no names if the director does not answer in time."""


def run(words: Sequence[str]) -> int:
    """Print the candidates for the last word; return 3 if the shell should complete files."""
    if words[:1] == ["--line"]:
        words = split_line(words[1] if len(words) > 1 else "")[1:]
    found = complete(list(words) or [""], lambda: _read_names(words))
    if found is None:
        return FILES
    for candidate in found[:CANDIDATES_MAX]:
        print("\t".join(filter(None, candidate)))
    return 0


def split_line(line: str) -> list[str]:
    """Split a command line into words. The last word is empty after a space."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quotation mark is still open
        words = line.split()
    return words if line and not line[-1].isspace() else [*words, ""]


def complete(words: list[str], names: Source) -> list[Candidate] | None:
    """Return the candidates for the last word, or None for the names of files."""
    *before, current = words
    command = next((word for word in before if not word.startswith("-")), None)
    if command is None:
        return _filter(_describe(COMMANDS), current)
    if command not in COMMANDS:
        return []
    parser = argparse.ArgumentParser(add_help=False)
    load(command).add_arguments(parser)
    actions = parser._actions  # noqa: SLF001  # argparse has no public list of the arguments
    options = {text: action for action in actions for text in action.option_strings}
    value_of = options.get(before[-1])
    if value_of is not None and value_of.nargs != 0:
        return _values(value_of, current)
    if current.startswith("-"):
        described = (Candidate(text, action.help or "") for text, action in options.items())
        return _filter(described, current)
    given = _positionals(before[before.index(command) + 1 :], options)
    if command in _NAMES:
        return _filter(map(Candidate, _NAMES[command](given, names)), current)
    positional = next((action for action in actions if not action.option_strings), None)
    return [] if positional is None else _values(positional, current)


def _describe(commands: Mapping[str, Entry]) -> Iterator[Candidate]:
    return (Candidate(name, entry.summary) for name, entry in commands.items())


def _values(action: argparse.Action, current: str) -> list[Candidate] | None:
    """Return the values that an argument can have; None for the names of files."""
    if action.choices is not None:
        return _filter(map(Candidate, map(str, action.choices)), current)
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest
    return None if metavar.upper() in _FILE_METAVARS else []


def _positionals(words: Sequence[str], options: Mapping[str, argparse.Action]) -> list[str]:
    """Return the words that are neither an option nor its value."""
    found: list[str] = []
    takes_value = False
    for word in words:
        if takes_value:
            takes_value = False
        elif word.startswith("-"):
            takes_value = word in options and options[word].nargs != 0
        else:
            found.append(word)
    return found


def _filter(candidates: Iterable[Candidate], current: str) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.word.startswith(current)]


def _overrides(given: Sequence[str], names: Source) -> tuple[str, ...]:
    """Return the words that select real servers."""
    match given:
        case []:
            found = names()
            return ("host", *found.virtual_servers, *found.real_servers)
        case ["host"]:
            return names().addresses
    return ()


def _explanations(given: Sequence[str], names: Source) -> tuple[str, ...]:
    match given:
        case []:
            found = names()
            return ("instance", "readiness", *found.virtual_servers, *found.real_servers)
        case ["instance"]:
            return names().instances
    return ()


def _conditions(given: Sequence[str], names: Source) -> tuple[str, ...]:
    match given:
        case []:
            return ("drained", "ready", "ok", "active", "backup")
        case ["active" | "backup"]:
            return names().instances
        case ["drained", *selected]:
            return _overrides(selected, names)
    return ()


def _instances(given: Sequence[str], names: Source) -> tuple[str, ...]:
    return () if given else names().instances


_NAMES: Final = {
    **dict.fromkeys(("drain", "undrain", "disable", "enable", "weight"), _overrides),
    "why": _explanations,
    "wait": _conditions,
    "handover": _instances,
}
"""The commands that name objects of the director."""


def _read_names(words: Sequence[str]) -> Names:
    from hadirector.cli.live_names import request_names

    return request_names(words)
