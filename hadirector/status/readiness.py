"""Decides whether a director could serve now, by the problems of its verdict. Pure.

A director can be ready while it is BACKUP, and while real servers fail: every director sees the
same real servers. The conditions concern what this host itself lacks.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from hadirector.status.verdict import Problem

CONDITIONS: Final[dict[str, frozenset[str]]] = {
    "processes": frozenset({"process_down"}),
    "elections": frozenset({"instance_fault", "instance_starting"}),
    "table": frozenset({"unfit", "service_missing", "table_operations_failing"}),
    "verdicts": frozenset({"servers_unknown"}),
    "visibility": frozenset({"blind"}),
    "host": frozenset({"sysctl_differs", "host_setting_failed", "sync_daemon_missing"}),
    "state": frozenset({"state_not_writable"}),
}
"""The conditions, and the codes of the problems that violate them."""


class Condition(msgspec.Struct, frozen=True):
    """A condition of readiness, with the problems that violate it."""

    name: str
    met: bool
    problems: tuple[Problem, ...] = ()


class Lack(msgspec.Struct, frozen=True):
    """A fact of an unready director (`hadirector.pair.readiness`), which has lasted ``seconds``.

    With the severity "alarm", it is a difference between the directors of a pair.
    """

    code: str
    severity: str
    reason: str
    seconds: float


class PairReadiness(msgspec.Struct, frozen=True):
    """Whether a director of a pair is ready, and the consequences for its elections.

    ``priority_lowered`` is whether its priority is lowered. ``may_preempt`` is False for a director
    that has just started and is not ready.
    """

    ready: bool
    priority_lowered: bool
    may_preempt: bool
    lacks: tuple[Lack, ...] = ()


class Readiness(msgspec.Struct, frozen=True):
    """Whether every condition is met, and the conditions.

    ``pair`` is the readiness in a pair, which is judged over a time; None without a pair link.
    """

    ready: bool
    conditions: tuple[Condition, ...]
    pair: PairReadiness | None = None


def decide_readiness(problems: Collection[Problem], pair: PairReadiness | None = None) -> Readiness:
    """Return the readiness of a director with these problems."""
    conditions = tuple(_condition(name, codes, problems) for name, codes in CONDITIONS.items())
    return Readiness(all(condition.met for condition in conditions), conditions, pair)


def _condition(name: str, codes: frozenset[str], problems: Collection[Problem]) -> Condition:
    violating = tuple(problem for problem in problems if problem.code in codes)
    return Condition(name, not violating, violating)
