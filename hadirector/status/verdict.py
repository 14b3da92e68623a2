"""The verdict on a director: whether it can serve, and if not, the problems and remedies. Pure.

The verdict describes one director. It is independent of the state of its VRRP instances: a BACKUP
director must be able to serve at any moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import force_setattr


class Level(StrEnum):
    """The severity of a problem, and the verdict on a director, from good to bad.

    - OK: the director serves as configured. A problem of this level is a note. - DEGRADED: it
    serves, but with less capacity or less safety than configured. - CRITICAL: it does not serve
    a virtual server, or it could not take over.
    """

    OK = "OK"
    DEGRADED = "DEGRADED"
    CRITICAL = "CRITICAL"


SEVERITY: Final = {level: severity for severity, level in enumerate(Level)}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of, or a note about, one object of a director.

    ``code`` is stable: docs/operations.md has a section for each code. ``object`` is a virtual
    server, ``instance NAME``, ``process NAME``, a sysctl, or ``director``. ``reason`` states
    what is wrong, and ``remedy`` what an operator can do. ``age`` is for how long it has lasted
    in seconds, None if that is not known. ``see`` is the section of the code in the documents.
    """

    level: Level
    code: str
    object: str
    reason: str
    remedy: str
    age: float | None = None
    see: str = ""

    def __post_init__(self) -> None:
        """Set the place in the documents."""
        force_setattr(self, "see", f"docs/operations.md#problem-{self.code}")


class DirectorVerdict(msgspec.Struct, frozen=True):
    """The level of the worst problem, one sentence about it, and all problems, the worst first."""

    level: Level
    summary: str
    problems: tuple[Problem, ...] = ()


def decide_verdict(problems: Collection[Problem], serving: str) -> DirectorVerdict:
    """Return the verdict for these problems. Without a problem, its sentence is ``serving``."""
    ordered = tuple(sorted(problems, key=lambda problem: -SEVERITY[problem.level]))
    faults = [problem for problem in ordered if problem.level is not Level.OK]
    if not faults:
        return DirectorVerdict(Level.OK, f"{serving}{_count(ordered, 'note')}", ordered)
    worst, others = faults[0], faults[1:]
    summary = f"{worst.object}: {worst.reason}{_count(others, 'more problem')}"
    return DirectorVerdict(worst.level, summary, ordered)


def _count(problems: Sequence[Problem], noun: str) -> str:
    if not problems:
        return ""
    return f" (and {len(problems)} {noun}{'s' if len(problems) > 1 else ''})"
