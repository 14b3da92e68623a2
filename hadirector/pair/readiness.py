"""Decides when a director is unready, and when that lowers its priority. Pure.

The facts are of two kinds. Some concern this host alone, such as a table that is not as wanted.
They make the director unready. The others follow from a comparison with a peer, such as another
configuration. They hold for both directors, so they only raise an alarm.

A fact lowers the priority after `LOWER_SECONDS`. It rises again after `RETURN_SECONDS` without a
fact. A director lowers its priority only while it relies on a peer that was ready less than
`RELIANCE_SECONDS` ago. The two limits are equal on purpose. A director sends a fact to its peers as
soon as it has it. So each of two unready directors has seen that the other is unready before one of
them may lower its priority. At least one director of a pair keeps its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from hadirector.pair.comparison import Difference, DifferenceKind, LastingDifference
from hadirector.pair.peers import Peer, Reach, Refusal
from hadirector.pair.state import ReadinessFact

LOWER_SECONDS: Final = 3.0
"""For how long a fact must last before the priority is lowered."""
RETURN_SECONDS: Final = 10.0
"""For how long there must be no fact before the priority is raised again."""
RELIANCE_SECONDS: Final = LOWER_SECONDS
"""The maximum age of a state of a peer that this director relies on."""
START_SECONDS: Final = 60.0
"""How long a director that has just started does not preempt because it is not ready."""


class Severity(StrEnum):
    """The consequence of a fact for its director."""

    UNREADY = "unready"
    """The director should not serve while a peer can."""
    ALARM = "alarm"
    """The directors differ, and either of them can be wrong."""


RETURNING: Final = "returning"
"""The code of a director whose priority is still lowered although nothing is missing any more."""
MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "instance_starting": "its elections have not begun",
        "unfit": "it is not fit to serve",
        "table_operations_failing": "its table is not as wanted",
        "servers_unknown": "it does not know the state of real servers",
        "blind": "it is blind",
        "sysctl_differs": "a sysctl does not have the value that its configuration needs",
        "sync_daemon_missing": "its sync daemon does not run",
        "state_not_writable": "it cannot store its state",
        RETURNING: "its priority is lowered until nothing has been missing for 10 s",
        "clock_skew": "its clock differs by more than 2 s",
        "configuration_differs": "it has another configuration",
        "version_incompatible": "its version is not compatible",
        "sync_daemon_differs": "its sync daemon has another id",
    }
)
"""The codes of facts, with the meaning of each code. They are also the codes of problems."""
_ALARMS: Final = frozenset(
    {"clock_skew", "configuration_differs", "version_incompatible", "sync_daemon_differs"}
)


_CODES: Final = {
    DifferenceKind.CLOCK: "clock_skew",
    DifferenceKind.CONFIGURATION: "configuration_differs",
    DifferenceKind.CONNECTION_SYNC: "sync_daemon_differs",
}
"""The differences between two directors that are facts."""
REASONS_MAX: Final = 5
"""Differences that the reason of a fact names."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The state of this host at one moment. Every text names something that is missing.

    ``failing`` is the number of operations on the table that fail, and ``without_verdict`` the
    number of targets without a verdict.
    """

    held_out: str = ""
    unfit: tuple[str, ...] = ()
    failing: int = 0
    without_verdict: int = 0
    blind: bool = False
    sysctls: tuple[str, ...] = ()
    sync_threads: tuple[str, ...] = ()
    not_stored: tuple[str, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """One fact of this director. ``since`` is in monotonic seconds."""

    code: str
    severity: Severity
    reason: str
    since: float


def find_facts(situation: Situation) -> dict[str, str]:
    """Return the reasons by the codes of the facts about this host."""
    unknown = situation.without_verdict
    texts = {
        "instance_starting": situation.held_out,
        "unfit": "; ".join(situation.unfit),
        "table_operations_failing": f"{situation.failing} fail" if situation.failing else "",
        "servers_unknown": f"{unknown} without a verdict" if unknown else "",
        "blind": "no target answers" if situation.blind else "",
        "sysctl_differs": ", ".join(situation.sysctls),
        "sync_daemon_missing": ", ".join(situation.sync_threads),
        "state_not_writable": "; ".join(situation.not_stored),
    }
    return {code: text for code, text in texts.items() if text}


def follow_facts(known: Iterable[Fact], found: Mapping[str, str], now: float) -> tuple[Fact, ...]:
    """Return the facts that are found, each with the time at which it began."""
    since = {fact.code: fact.since for fact in known}
    return tuple(
        Fact(
            code,
            Severity.ALARM if code in _ALARMS else Severity.UNREADY,
            reason,
            since.get(code, now),
        )
        for code, reason in found.items()
    )


class Gate(msgspec.Struct, frozen=True):
    """Whether the priority of this director is lowered. Times are monotonic seconds.

    ``since`` is when the director became unready, or ready again. ``has_been_ready`` is whether it
    has been ready since its start at ``started_at``.
    """

    started_at: float
    ready: bool = False
    since: float = -math.inf
    lowered: bool = False
    has_been_ready: bool = False

    def may_preempt(self, now: float) -> bool:
        """Return whether the director may take an address from a peer with a lower priority."""
        return self.has_been_ready or now >= self.started_at + START_SECONDS

    def follow(self, facts: Iterable[Fact], now: float, *, active: bool, reliance: bool) -> Gate:
        """Return the gate after a look at the facts.

        ``active`` is whether an instance of this director is ACTIVE. ``reliance`` is whether a peer
        was ready less than `RELIANCE_SECONDS` ago. An ACTIVE director without such a peer raises
        its priority at once. A BACKUP director leaves it as it is, because an unknown peer is no
        reason for a change.
        """
        ready = not any(fact.severity is Severity.UNREADY for fact in facts)
        since = self.since if ready is self.ready and self.since > -math.inf else now
        if self.lowered:
            lowered = not (ready and now >= since + RETURN_SECONDS) and (reliance or not active)
        else:
            lowered = not ready and now >= since + LOWER_SECONDS and reliance
        return Gate(self.started_at, ready, since, lowered, self.has_been_ready or ready)


def describe_facts(facts: Iterable[Fact], gate: Gate, now: float) -> tuple[ReadinessFact, ...]:
    """Return the facts for the peers. A priority that is still lowered is a fact too."""
    described = [
        ReadinessFact(fact.code, fact.severity, max(0.0, now - fact.since)) for fact in facts
    ]
    if gate.lowered and gate.ready:
        described.append(ReadinessFact(RETURNING, Severity.UNREADY, max(0.0, now - gate.since)))
    return tuple(described)


def is_ready(facts: Iterable[ReadinessFact]) -> bool:
    """Return whether a director with these facts could serve. An unknown severity is a fault."""
    return all(fact.severity == Severity.ALARM for fact in facts)


def describe_fact(fact: ReadinessFact) -> str:
    """Return what a fact of a peer means. A later version may have further codes."""
    meaning = MEANINGS.get(fact.code, f"it lacks something: {fact.code}")
    return f"{meaning} ({fact.seconds:.0f} s)"


class Sighting(msgspec.Struct, frozen=True):
    """The latest facts of a peer, and the time of the request for them in monotonic seconds.

    The state is not older than the request for it, however long the answer took.
    """

    facts: tuple[ReadinessFact, ...]
    asked_at: float


def find_sightings(peers: Iterable[Peer]) -> tuple[Sighting, ...]:
    """Return the facts of the peers that are reached."""
    return tuple(
        Sighting(peer.state.readiness, peer.asked_at)
        for peer in peers
        if peer.reach is Reach.REACHED and peer.state is not None and peer.asked_at is not None
    )


def find_peer_facts(
    peers: Collection[Peer], differences: Iterable[LastingDifference]
) -> dict[str, str]:
    """Return the reasons by the codes of the facts that follow from a comparison with a peer.

    ``differences`` come from the latest comparison. A peer may have been lost since then.
    """
    found: dict[str, list[str]] = {}
    for peer in peers:
        if peer.refusal is Refusal.INCOMPATIBLE:
            found.setdefault("version_incompatible", []).append(f"{peer.name}: {peer.reason}")
    reached = {peer.name for peer in peers if peer.reach is Reach.REACHED}
    for each in differences:
        code = _CODES.get(each.difference.kind)
        if code is not None and each.peer in reached:
            found.setdefault(code, []).append(_describe(each.peer, each.difference))
    return {code: "; ".join(texts[:REASONS_MAX]) for code, texts in found.items()}


def _describe(peer: str, difference: Difference) -> str:
    if difference.kind is DifferenceKind.CONFIGURATION:
        return f"{peer} has another {difference.object}"
    here = f", here {difference.here}" if difference.here else ""
    return f"{peer}: {difference.there}{here}"


def has_reliance(sightings: Iterable[Sighting], now: float) -> bool:
    """Return whether a peer was ready less than `RELIANCE_SECONDS` ago."""
    return any(
        is_ready(each.facts) and now < each.asked_at + RELIANCE_SECONDS for each in sightings
    )
