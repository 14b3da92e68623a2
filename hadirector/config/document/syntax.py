"""Decodes a file into text, and explains why text is not YAML."""

from __future__ import annotations

import re

import yaml

from hadirector.config.document.errors import (
    FILE_BYTES_MAX,
    ConfigError,
    Fault,
    UnreadableFileError,
)

# Characters that YAML 1.2 excludes (everything outside its production c-printable).
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_KEEPALIVED = re.compile(
    r"^[ \t]{0,80}(?P<block>global_defs|vrrp_instance|vrrp_sync_group|vrrp_script"
    r"|virtual_server|virtual_server_group)(?:[ \t][^\n{]{0,200})?\s{0,80}\{",
    re.MULTILINE,
)
_BARE_IPV6_PORT = re.compile(r"(?<![\"'\w])\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]:[0-9]")


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
    if block := _KEEPALIVED.search(text):
        message = (
            f"this is a keepalived.conf (got a {block['block']} block); this version reads only"
            " its own YAML form, see docs/configuration.md"
        )
        raise _fault(file, text[: block.start("block")], message)
    return text


def explain_syntax(error: yaml.YAMLError, text: str) -> tuple[tuple[int, int], str]:
    """Return the line and column (from 1) at which libyaml refused a text, and why."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return (1, 1), f"not valid YAML: {error}"
    lines = _LINE_BREAK.split(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    problem = str(getattr(error, "problem", None) or "the text cannot be read")
    context = getattr(error, "context", None)
    reason = _hint(problem, line, line[mark.column : mark.column + 1]) or problem
    if reason is problem and context:
        reason = f"{problem} {context}, which starts in line {_start_line(error, mark)}"
    return (mark.line + 1, mark.column + 1), f"not valid YAML: {reason}"


def _hint(problem: str, line: str, character: str) -> str | None:
    """Return what to do about the most frequent faults; None for any other fault."""
    if _BARE_IPV6_PORT.search(line):
        return 'an IPv6 address with a port needs quotes, such as "[2001:db8::1]:80"'
    if problem.endswith("cannot start any token"):
        if character == "\t":
            return "a tab cannot indent; use spaces"
        return f"text that begins with {character} needs quotes"
    if problem.startswith("mapping values are not allowed"):
        return "a second ': ' in one line; quote the text, or check the indentation"
    return None


def _start_line(error: yaml.YAMLError, mark: yaml.Mark) -> int:
    start = getattr(error, "context_mark", None) or mark
    return int(start.line) + 1


def _fault(file: str, before: str, message: str) -> ConfigError:
    """Return the error for the character after ``before``."""
    lines = _LINE_BREAK.split(before)
    return ConfigError([Fault(f"{file}:{len(lines)}:{len(lines[-1]) + 1}", message)])
