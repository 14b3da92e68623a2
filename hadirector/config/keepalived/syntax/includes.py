"""Include lines: which files they name, and which problems are faults."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Flag, auto
from typing import Final, NamedTuple, Protocol

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.place import Place

DEPTH_MAX: Final = 16
FILES_MAX: Final = 1000
ALTERNATIVES_MAX: Final = 1000
"""The most patterns that the braces of one include stand for."""

_INCLUDE = re.compile(r"include([rmwba]?)[ \t]+(.*)")
_BRACES = re.compile(r"\{([^{}]*)\}")
_WILDCARD = re.compile(r"[*?\[]")


class Check(Flag):
    """The problems of an include that are faults. keepalived has a bit for each."""

    READ = auto()
    MATCH = auto()
    WILDCARD_MATCH = auto()
    BRACE_MATCH = auto()


ALL: Final = Check.READ | Check.MATCH | Check.WILDCARD_MATCH | Check.BRACE_MATCH
_CHECKS: Final = {
    "r": Check.READ,
    "m": Check.READ | Check.MATCH,
    "w": Check.READ | Check.MATCH | Check.WILDCARD_MATCH,
    "b": Check.READ | Check.BRACE_MATCH,
    "a": ALL,
}
_CHECK_WORDS: Final = {
    "read": Check.READ,
    "match": Check.MATCH,
    "wildcard_match": Check.WILDCARD_MATCH,
    "brace_match": Check.BRACE_MATCH,
}


class UnsuitableFileError(Exception):
    """A file cannot be included. The message is the reason."""


class Files(Protocol):
    """Access to files and to the environment, which this pure room does not have itself."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the environment, for `_ENV`."""

    def directory(self, file: str) -> str:
        """Return the absolute path of the directory of a file, for `_PWD`."""

    def find(self, directory: str, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern of glob(3) in a directory, sorted.

        The name of a directory ends in a slash.
        """

    def read(self, file: str) -> bytes:
        """Return the content of a file. Raises UnsuitableFileError."""


class Include(NamedTuple):
    """A line that includes files. ``checks`` is None for a plain `include`."""

    pattern: str
    checks: Check | None
    place: Place


class Opened(NamedTuple):
    """An opened file, whose lines replace the include line."""

    file: str
    data: bytes


def match_include(line: str, place: Place) -> Include | None:
    """Return the include in a line; None for another line. Quotes belong to the pattern."""
    found = _INCLUDE.fullmatch(line)
    if found is None:
        return None
    return Include(found[2].strip(" \t"), _CHECKS.get(found[1]), place)


def change_checks(words: Sequence[str], current: Check) -> Check:
    """Return the checks after a keyword `include_check` of the global definitions."""
    if not words:
        return ALL
    checks = current if words[0][0] in "+-" else Check(0)
    for word in words:
        check = _CHECK_WORDS.get(word.lstrip("+-"), Check(0))
        checks = checks & ~check if word[0] == "-" else checks | check | Check.READ
    return checks


def open_files(
    include: Include, directory: str, files: Files, checks: Check, report: Report
) -> Iterator[Opened]:
    """Yield the files of an include. ``checks`` apply to an `include` without options of its own.

    An unreadable file and a pattern without a match are faults, or only notes if the checks of
    the include exclude them.
    """
    checks = checks if include.checks is None else include.checks
    pattern, place = include.pattern, include.place
    if '"' in pattern or "'" in pattern:
        report.fault(place, "include: the quotes are a part of the name; leave them out")
        return
    found = [(each, files.find(directory, each)) for each in _alternatives(pattern)]
    without = [each for each, names in found if not names]
    if len(found) > 1 and len(without) < len(found):
        _judge(Check.BRACE_MATCH in checks, without, place, report)
    else:
        wild = [each for each in without if _WILDCARD.search(each)]
        _judge(Check.WILDCARD_MATCH in checks, wild, place, report)
        rest = [each for each in without if each not in wild]
        _judge(Check.MATCH in checks, rest, place, report)
    for name in (name for _, names in found for name in names):
        try:
            yield Opened(name, files.read(name))
        except UnsuitableFileError as error:
            message = f"include: {quote(name)}: {error}"
            if Check.READ in checks:
                report.fault(place, message)
            else:
                report.note("include", place, f"{message}; the file is left out")


def _judge(is_fault: bool, without: Sequence[str], place: Place, report: Report) -> None:
    for pattern in without:
        message = f"include: no file matches {quote(pattern)}"
        if is_fault:
            report.fault(place, f"{message} (includer permits it)")
        else:
            report.note("include", place, message)


def _alternatives(pattern: str) -> list[str]:
    """Expand the braces of a pattern, as GLOB_BRACE of glob(3)."""
    pending: list[str] = [pattern]
    done: list[str] = []
    while pending and len(pending) + len(done) <= ALTERNATIVES_MAX:
        each = pending.pop()
        found = _BRACES.search(each)
        if found is None:
            done.append(each)
            continue
        words = found[1].split(",")
        before, after = each[: found.start()], each[found.end() :]
        pending += [before + word + after for word in reversed(words)]
    return done


def beside(file: str) -> str:
    """Return the directory of a file, with a slash, to put before the names of included files."""
    return posixpath.dirname(file)
