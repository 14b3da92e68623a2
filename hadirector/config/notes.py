"""Finds values that are valid but may be mistakes: durations without a unit, and MD5. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hadirector.config.document.finding import Finding, Path, format_path

SECONDS_MAX: Final = 60
"""A longer duration without a unit is probably meant in milliseconds."""
DURATION_KEYS: Final = frozenset(
    {
        "advert_interval",
        "fast_interval",
        "hold",
        "interval",
        "slow_interval",
        "start_delay",
        "timeout",
    }
)

MD5_KEY: Final = "expect_md5"
MD5_NOTE: Final = (
    "MD5 is for digests from keepalived.conf; use expect_sha256, which hadirector probe prints"
)


def find_notes(value: object) -> Iterator[Finding]:
    """Yield a finding for each long duration that is written without a unit, and for each MD5."""
    yield from _walk((), value)


def _walk(path: Path, value: object) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in DURATION_KEYS and type(inner) in (int, float) and inner > SECONDS_MAX:
                yield Finding((*path, key), _message((*path, key), inner))
            if key == MD5_KEY:
                yield Finding((*path, key), f"{format_path((*path, key))}: {MD5_NOTE}")
            yield from _walk((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk((*path, index), inner)


def _message(path: Path, seconds: float) -> str:
    return (
        f"{format_path(path)}: {seconds:g} without a unit is {seconds:g} s;"
        f" write {seconds:g}s or {seconds:g}ms"
    )


def format_notes(value: object, place: Callable[[Path], str]) -> tuple[str, ...]:
    """Return the notes as lines with their places."""
    return tuple(f"{place(note.path)}: {note.message}" for note in find_notes(value))
