"""Expands the lines of a file: includes, conditions, definitions, sequences and braces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hadirector.config.document.errors import FAULTS_MAX, FILE_BYTES_MAX
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.definitions import Definitions, match_definition
from hadirector.config.keepalived.syntax.includes import (
    ALL,
    DEPTH_MAX,
    FILES_MAX,
    Files,
    Include,
    Opened,
    beside,
    change_checks,
    match_include,
    open_files,
)
from hadirector.config.keepalived.syntax.line import (
    LINE_BYTES_MAX,
    Line,
    cut_comment,
    read_lines,
)
from hadirector.config.keepalived.syntax.place import Place
from hadirector.config.keepalived.syntax.sequences import WrongSequenceError, read_sequence
from hadirector.config.keepalived.syntax.text import Text, join

LINES_MAX: Final = 100_000
"""The most lines after the expansion, over all files."""
PARTS_MAX: Final = 1_000_000
"""The most parts into which braces split the lines."""
LEVELS_MAX: Final = 64
"""The most levels of definitions in definitions, and of sequences in sequences."""
SUBSTITUTIONS_MAX: Final = 1_000_000
"""The most lines with a substitution. A line that uses definitions of definitions counts twice."""

_CONDITION = re.compile(r"@(\^?)([^ \t]*)[ \t]+")
_BRACE = re.compile(r'"[^"]*(?:"|\Z)|[{}]')
_SEQUENCES: Final = ("~SEQ", "~LST")


class TooMuchError(Exception):
    """A limit is exceeded, for example on nested includes. The rest of the file is not read."""


class _Source(NamedTuple):
    """Where lines come from. ``level`` is the number of expansions around it.

    ``file`` is None for the lines of an expansion, and for the rest of a line behind a brace.
    """

    lines: Iterator[Line | None]
    level: int
    file: str | None = None


class Expansion:
    """Yields the parts of all lines: text without braces, or a single brace."""

    def __init__(
        self, data: bytes, file: str, files: Files, config_id: str, report: Report
    ) -> None:
        self._files = files
        self._config_id = config_id
        self._report = report
        self._definitions = Definitions(config_id, files.environment, report)
        self._waiting: list[tuple[Iterator[Opened], Include]] = []
        self._file = [file]
        self._collected: tuple[str, list[Text]] | None = None
        self._checks = ALL
        self._bytes = len(data)
        self._counts = {"files": 0, "lines": 0, "parts": 0, "substitutions": 0}
        self._config_ids: dict[str, Place] = {}
        self._sources = [_Source(self._limit(read_lines(data, file, report)), 0, file)]

    def parts(self) -> Iterator[Text]:
        """Yield the parts. If a limit is exceeded, add a fault and raise TooMuchError."""
        while self._sources:
            source = self._sources[-1]
            line = next(source.lines, _END)
            if line is _END:
                self._close(source)
                continue
            if line is None:
                self._finish_definition()
                continue
            self._count("parts", PARTS_MAX, line.text.place(0))
            if self._collected is not None:
                self._collect(line)
                continue
            part = self._expand(line, source.level)
            if part is not None:
                yield from self._split(part, source.level)
        self._finish_definition()
        self._note_conditions()

    def _expand(self, line: Line, level: int) -> Text | None:
        """Return the line after all substitutions; None if it is used up."""
        text = line.text
        for _ in range(LEVELS_MAX):
            if text.text.startswith("@"):
                kept = self._meet(text)
                if kept is None:
                    return None
                text = kept
            if self._define(text, continues=line.continues) or self._repeat(text, level):
                return None
            used = self._substitute(text, level)
            if used is None:
                break
            text = used
        else:
            message = f"definitions are nested more than {LEVELS_MAX} levels deep"
            self._report.fault(text.place(0), message)
            return None
        if line.continues and not line.commented:
            end = text.place(len(text.text))
            self._report.fault(end, "a backslash at the end continues only a definition ($NAME=)")
        return self._include(text)

    def _define(self, text: Text, *, continues: bool) -> bool:
        """Keep the definition of a line; return False if the line is none."""
        found = match_definition(text)
        if found is None:
            return False
        name, value = found
        if continues:
            self._collected = name, [value] if value.text else []
        else:
            self._definitions.define(name, value.text)
        return True

    def _substitute(self, text: Text, level: int) -> Text | None:
        """Return the line after the substitution of its definitions; None if it uses none."""
        if "$" not in text.text:
            return None
        directory = self._files.directory(self._file[-1])
        used = self._definitions.substitute(text, directory)
        if used is None:
            return None
        self._count("substitutions", SUBSTITUTIONS_MAX, text.place(0))
        if used.lines:
            self._push((Line(each, continues=False) for each in used.lines), level, text)
        if len(used.text.text) > LINE_BYTES_MAX:
            message = f"the line has more than {LINE_BYTES_MAX} characters with its definitions"
            self._report.fault(used.text.place(0), message)
            return used.text.cut(0, 0)
        return cut_comment(used.text, self._report, again=True).text

    def _meet(self, text: Text) -> Text | None:
        """Return the rest of a line with a condition; None if the condition is not met."""
        found = _CONDITION.match(text.text)
        if found is None:
            return None
        self._config_ids.setdefault(found[2], text.place(0))
        return text.cut(found.end()) if (found[2] == self._config_id) != bool(found[1]) else None

    def _collect(self, line: Line) -> None:
        assert self._collected is not None
        if line.text.text:
            self._collected[1].append(line.text)
        if not line.continues:
            self._finish_definition()

    def _finish_definition(self) -> None:
        if self._collected is not None:
            name, lines = self._collected
            self._definitions.define(name, lines or "")
            self._collected = None

    def _repeat(self, text: Text, level: int) -> bool:
        """Begin the sequence of a line; return False if the line has none."""
        if not text.text.startswith(_SEQUENCES):
            return False
        try:
            rounds, repeated = read_sequence(self._substitute_numbers(text))
        except WrongSequenceError as error:
            self._report.fault(text.place(0), str(error))
            return True
        self._push(self._play(rounds, repeated), level, text)
        return True

    def _substitute_numbers(self, text: Text) -> Text:
        """Replace the definitions between the parentheses of `~SEQ`.

        The definitions in `~LST` are substituted where its values are used.
        """
        directory = self._files.directory(self._file[-1])
        for _ in range(LEVELS_MAX):
            end = text.text.find(")") + 1
            if not text.text.startswith("~SEQ") or end > LINE_BYTES_MAX:
                break
            used = self._definitions.substitute(text.cut(0, end), directory)
            if used is None or used.lines:
                break
            self._count("substitutions", SUBSTITUTIONS_MAX, text.place(0))
            text = join(used.text, text.cut(end))
        return text

    def _play(self, rounds: Iterable[dict[str, str]], text: Text) -> Iterator[Line]:
        for values in rounds:
            for name, value in values.items():
                self._definitions.define(name, value)
            if text.text:
                yield Line(text, continues=False)

    def _push(self, lines: Iterator[Line | None], level: int, text: Text) -> None:
        if level == LEVELS_MAX:
            message = f"sequences or definitions are nested more than {LEVELS_MAX} levels deep"
            self._report.fault(text.place(0), message)
            raise TooMuchError
        self._sources.append(_Source(self._limit(lines), level + 1))

    def _limit(self, lines: Iterator[Line | None]) -> Iterator[Line | None]:
        for line in lines:
            if line is not None:
                self._count("lines", LINES_MAX, line.text.place(0))
            yield line

    def _include(self, text: Text) -> Text | None:
        """Return the line if it includes no files."""
        if not text.text.startswith("include"):
            return text
        place = text.place(0)
        include = match_include(text.text, place)
        if include is None:
            if text.text.split()[0] == "include_check":
                self._checks = change_checks(text.text.split()[1:], self._checks)
            return text
        if any(source.level for source in self._sources):
            message = "include: not possible in a sequence or in a definition of several lines"
            self._report.fault(place, message)
        elif len(self._file) > DEPTH_MAX:
            self._report.fault(place, f"include: more than {DEPTH_MAX} levels of files")
        else:
            found = open_files(
                include, beside(self._file[-1]), self._files, self._checks, self._report
            )
            self._waiting.append((found, include))
            self._open_next()
        return None

    def _open_next(self) -> None:
        """Open the next file of the innermost include, or finish the include."""
        found, include = self._waiting[-1]
        for file, data in found:
            if file in self._file:
                self._report.fault(include.place, f"include: {file} includes itself")
                continue
            self._count("files", FILES_MAX, include.place)
            self._bytes += len(data)
            if self._bytes > FILE_BYTES_MAX:
                message = f"include: the files have more than {FILE_BYTES_MAX} bytes together"
                self._report.fault(include.place, message)
                raise TooMuchError
            lines = self._limit(read_lines(data, file, self._report))
            self._sources.append(_Source(lines, 0, file))
            self._file.append(file)
            self._report.included.setdefault(file, include.place)
            return
        self._waiting.pop()

    def _close(self, source: _Source) -> None:
        self._sources.pop()
        if source.file is None:
            return
        self._finish_definition()
        self._file.pop()
        if self._waiting and len(self._file) == len(self._waiting):
            self._open_next()

    def _split(self, text: Text, level: int) -> Iterator[Text]:
        """Yield the text before the first brace, or the brace. Its rest is the next line."""
        for found in _BRACE.finditer(text.text):
            if found[0] not in "{}":
                continue
            end = found.start() or 1
            rest = text.cut(end).strip()
            if rest.text:
                self._sources.append(_Source(iter((Line(rest, continues=False),)), level))
            text = text.cut(0, end).strip()
            break
        if text.text:
            yield text

    def _count(self, what: str, most: int, place: Place) -> None:
        self._counts[what] += 1
        if self._counts[what] > most:
            self._report.fault(place, f"more than {most} {what}; the rest is not read")
            raise TooMuchError
        if len(self._report.faults) > 10 * FAULTS_MAX:
            raise TooMuchError

    def _note_conditions(self) -> None:
        if self._config_ids:
            ids = ", ".join(self._config_ids)
            fits = "" if self._config_id in self._config_ids else ", and none of them fits"
            message = (
                f"the config id is {self._config_id}; the conditions of the file name {ids}{fits}"
            )
            self._report.note("condition", next(iter(self._config_ids.values())), message)


_END: Final = Line(Text("", ()), continues=False)
