"""The findings of the rules: faults with the path of the value. Their lines are added later."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from hadirector.config.document.errors import quote

Path = tuple[str | int, ...]


class Finding(NamedTuple):
    """A fault, and the path of the faulty value.

    ``earlier`` is the path of an earlier value that the value contradicts. It is in the message.
    """

    path: Path
    message: str
    earlier: Path | None = None


class Claim(NamedTuple):
    """A value that may occur only once, with its path and its description for a message."""

    path: Path
    value: Hashable
    description: str


def duplicates(claims: Iterable[Claim]) -> Iterator[Finding]:
    """Yield a finding for each claim whose value occurs in an earlier claim."""
    first: dict[Hashable, Path] = {}
    for claim in claims:
        earlier = first.setdefault(claim.value, claim.path)
        if earlier is not claim.path:
            message = f"duplicate {claim.description}, first at {format_path(earlier)}"
            yield Finding(claim.path, message, earlier)


def wrong(found: str, expected: str) -> str:
    """Return the message for a wrong value. ``found`` is already quoted if it needs quotes."""
    return f"wrong value (got {found}, expected {expected})"


def format_path(path: Path) -> str:
    """Format a path as operators read it: virtual_servers[0].address."""
    return "".join(map(_format_step, path)).removeprefix(".")


def _format_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step if step.isprintable() else quote(step)}"


def prefix_path(path: Path, message: str) -> str:
    """Prefix a message with the path of the value."""
    return f"{format_path(path)}: {message}" if path else message
