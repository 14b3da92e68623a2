"""Sequences: `~SEQ`, `~SEQx` and `~LST` repeat the rest of their line for several values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from hadirector.config.keepalived.syntax.text import Text

_SEQUENCE = re.compile(r"~SEQ(x?)[ \t]*\([ \t]*([A-Za-z_]\w*)[ \t]*,([^()]*)\)[ \t]*", re.ASCII)
_LIST = re.compile(r"~LST[ \t]*\(([^()]*)\)[ \t]*")
_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]{1,15}|[0-9]{1,18})")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SET = re.compile(r"[ \t]*(?:\{([^{}]*)\}|([^{},]*))[ \t]*(,|\Z)")


class WrongSequenceError(Exception):
    """The sequence is not valid."""


class Sequence(NamedTuple):
    """The values of the variables for each repetition, and the text that is repeated."""

    rounds: Iterable[dict[str, str]]
    text: Text


def read_sequence(text: Text) -> Sequence:
    """Read a line that begins with `~SEQ` or `~LST`. Raises WrongSequenceError."""
    found = _SEQUENCE.match(text.text)
    if found is not None:
        rounds = _count(found[2], _range(found[3]), hexadecimal=bool(found[1]))
        return Sequence(rounds, text.cut(found.end()))
    found = _LIST.match(text.text)
    if found is None:
        raise WrongSequenceError(
            "wrong sequence (expected ~SEQ(NAME, [START, [STEP,]] END) or ~LST(NAME, VALUE, ...))"
        )
    return Sequence(_rounds(found[1]), text.cut(found.end()))


def _range(text: str) -> range:
    """One number is the end and the start is 1 or -1; two are start and end; the step is third."""
    words = [word.strip(" \t") for word in text.split(",")]
    if len(words) > 3 or not all(map(_NUMBER.fullmatch, words)):
        raise WrongSequenceError("~SEQ: wrong numbers (expected [START, [STEP,]] END)")
    numbers = [_number(word) for word in words]
    end = numbers[-1]
    if len(numbers) == 1:
        start, step = (-1 if end < 0 else 1), (-1 if end < 1 else 1)
    elif len(numbers) == 2:
        start = numbers[0]
        step = 1 if start <= end else -1
    else:
        start, step = numbers[0], numbers[1]
        if step == 0 or (end - start) * step < 0:
            raise WrongSequenceError("~SEQ: the step does not lead from the start to the end")
    return range(start, end + (1 if step > 0 else -1), step)


def _number(word: str) -> int:
    """Read a number as strtol(3) with base 0: 0x is hexadecimal, and a first 0 is octal."""
    sign, digits = (-1 if word[0] == "-" else 1), word.lstrip("+-")
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16)
    if digits[0] == "0" and len(digits) > 1:
        if set(digits) & set("89"):
            raise WrongSequenceError("~SEQ: a number with a 0 at its start is octal")
        return sign * int(digits, 8)
    return sign * int(digits)


def _count(name: str, numbers: range, *, hexadecimal: bool) -> Iterable[dict[str, str]]:
    if hexadecimal and min(numbers[0], numbers[-1]) < 0:
        raise WrongSequenceError("~SEQx: a number is negative")
    return ({name: f"{number:x}" if hexadecimal else str(number)} for number in numbers)


def _rounds(text: str) -> Iterable[dict[str, str]]:
    sets = _sets(text)
    names, *values = sets
    if not values or not all(map(_NAME.fullmatch, names)):
        raise WrongSequenceError("~LST: wrong names or no values (expected NAME, VALUE, ...)")
    if any(set(value) & set(" \t\"'") for each in values for value in each):
        raise WrongSequenceError("~LST: a value has a blank or a quote (define it, and use $NAME)")
    if any(len(each) > len(names) for each in values):
        raise WrongSequenceError("~LST: more values than names")
    return [
        dict(zip(names, [*each, *[""] * (len(names) - len(each))], strict=True)) for each in values
    ]


def _sets(text: str) -> list[list[str]]:
    sets: list[list[str]] = []
    at = 0
    while found := _SET.match(text, at):
        sets.append(_words(found))
        if not found[3]:
            return sets
        at = found.end()
    raise WrongSequenceError("~LST: wrong braces (expected {NAME, NAME}, {VALUE, VALUE}, ...)")


def _words(found: re.Match[str]) -> list[str]:
    if found[1] is not None:
        return [word.strip(" \t") for word in found[1].split(",")]
    return [found[2].strip(" \t")]
