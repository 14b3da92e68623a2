"""Decodes the bytes of a file, and explains why a text is not YAML."""

from __future__ import annotations

import re

import yaml

from hadirector.config.document.errors import (
    FILE_BYTES_MAX,
    ConfigError,
    Fault,
    UnreadableFileError,
)
from hadirector.config.document.hints import find_hint

# Characters that YAML 1.2 excludes (everything outside its production c-printable).
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def decode(data: bytes, file: str) -> str:
    """Decode the bytes of a file into text. Raises ConfigError with the place of the fault."""
    if len(data) > FILE_BYTES_MAX:
        message = f"the file is too large (expected at most {FILE_BYTES_MAX} bytes)"
        raise UnreadableFileError([Fault(file, message)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"not UTF-8 text (got byte 0x{data[error.start]:02x})"
        raise _fault(file, before, message) from error
    if unprintable := _UNPRINTABLE.search(text):
        character = f"U+{ord(unprintable.group()):04X}"
        message = f"the text has a control character (got {character}, expected printable text)"
        raise _fault(file, text[: unprintable.start()], message)
    return text


def explain_syntax(error: yaml.YAMLError, text: str) -> tuple[tuple[int, int], str]:
    """Return the line and column (from 1) at which libyaml refused a text, and why."""
    problem_mark = getattr(error, "problem_mark", None)
    if problem_mark is None:
        return (1, 1), f"not valid YAML: {error}"
    context_mark = getattr(error, "context_mark", None) or problem_mark
    at, start = ((mark.line, mark.column) for mark in (problem_mark, context_mark))
    problem = str(getattr(error, "problem", None) or "the text cannot be read")
    context = getattr(error, "context", None)
    hint = find_hint(problem, _LINE_BREAK.split(text), at, start)
    if hint is not None:
        (line, column), reason = hint
    else:
        (line, column), reason = at, problem
        if context:
            reason = f"{problem} {context}, which starts in line {start[0] + 1}"
    return (line + 1, column + 1), f"not valid YAML: {reason}"


def _fault(file: str, before: str, message: str) -> ConfigError:
    """Return the error for the character after ``before``."""
    lines = _LINE_BREAK.split(before)
    return ConfigError([Fault(f"{file}:{len(lines)}:{len(lines[-1]) + 1}", message)])
