"""What a rule finds wrong, before it is known in which line that stands."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from hadirector.config.document.errors import shown

Path = tuple[str | int, ...]


class Finding(NamedTuple):
    """What is wrong, and the path of the value that is to blame."""

    path: Path
    message: str


class Claim(NamedTuple):
    """Something that only one may have: by whom, and in words for what."""

    path: Path
    value: Hashable
    words: str


def duplicates(claims: Iterable[Claim]) -> Iterator[Finding]:
    """Find each claim on what an earlier one has already."""
    first: dict[Hashable, Path] = {}
    for claim in claims:
        earlier = first.setdefault(claim.value, claim.path)
        if earlier is not claim.path:
            yield Finding(claim.path, f"duplicate {claim.words}, first at {written(earlier)}")


def wrong(found: str, expected: str) -> str:
    """Say that a value is not what it should be; ``found`` is quoted already if it needs to be."""
    return f"wrong value (got {found}, expected {expected})"


def written(path: Path) -> str:
    """Write a path as operators read it: virtual_servers[0].address."""
    return "".join(map(_step, path)).removeprefix(".")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step if step.isprintable() else shown(step)}"


def named(path: Path, message: str) -> str:
    """Put the path of a value before what is said of it."""
    return f"{written(path)}: {message}" if path else message
