"""Decides which suspicions a director sends to its peers, and which of theirs cause a probe. Pure.

A suspicion is the failed probe of a target that passes. A peer that receives it probes the target
itself, and only its own probe can change its verdict. So a wrong suspicion costs one probe and
nothing else.

Many suspects at once point to a fault of this director. Then it sends no suspicion, and also none
while it is blind. All targets of one address may be suspect at once, because one host has then
failed. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec

from checks.definition.check import CheckDefinition
from hadirector.pair.state import SUSPICIONS_MAX, Suspicions

SUSPECT_SECONDS: Final = 5.0
"""How long a target counts as suspect, and is part of the state."""
SUSPECTS_MAX: Final = 1000
"""The maximum number of suspects. Further ones are neither counted nor sent."""
SHARE_MAX: Final = 0.01
"""The largest share of all targets that may be suspect. One address may always be."""
PER_SECOND_MAX: Final = 50.0
"""Suspicions of one peer that cause a probe, per second."""
PROBE_SHARE: Final = 0.08
"""The share of the regular probes that suspicions of one peer may add in the long run. With the
reserve of one second, they add at most a tenth in each minute."""


class Suspect(NamedTuple):
    """A target, its address, and when its probe failed. ``number`` is 0 if it was not sent."""

    target: str
    address: str
    at: float
    number: int


class Sent(msgspec.Struct, frozen=True):
    """The suspicions of this director. ``suspects`` are the latest, the oldest first."""

    number: int = 0
    suspects: tuple[Suspect, ...] = ()


def suspect(sent: Sent, check: CheckDefinition, *, targets: int, blind: bool, now: float) -> Sent:
    """Return the suspicions after a probe of a passing target has failed.

    ``targets`` is the number of all targets. A target that is suspect already is not sent again.
    """
    suspects = [each for each in sent.suspects if now - each.at < SUSPECT_SECONDS]
    if len(suspects) >= SUSPECTS_MAX or check.identity in {each.target for each in suspects}:
        return sent
    addresses = {check.address, *(each.address for each in suspects)}
    too_many = len(suspects) + 1 > targets * SHARE_MAX and len(addresses) > 1
    is_sent = not blind and not too_many
    number = sent.number + is_sent
    new = Suspect(check.identity, check.address, now, number if is_sent else 0)
    return Sent(number, (*suspects, new))


def current_suspicions(sent: Sent, now: float) -> Suspicions:
    """Return the part of the state about suspicions: the latest that were sent."""
    names = [
        each.target for each in sent.suspects if each.number and now - each.at < SUSPECT_SECONDS
    ]
    return Suspicions(sent.number, tuple(names[-SUSPICIONS_MAX:]))


class Heard(msgspec.Struct, frozen=True):
    """The suspicions of one peer up to ``number``, and the probes that it may still cause."""

    incarnation: str = ""
    number: int = 0
    reserve: float | None = None
    at: float = 0.0
    refused: int = 0


def hear(
    heard: Heard,
    incarnation: str,
    suspicions: Suspicions,
    known: Collection[str],
    *,
    probe_rate: float,
    now: float,
) -> tuple[Heard, tuple[str, ...]]:
    """Return the targets to probe because of the suspicions of a peer.

    ``known`` are the targets of this director, and ``probe_rate`` is the number of their regular
    probes per second. The first state of a peer causes no probe, because its suspicions may be old.
    """
    full = max(1.0, min(PER_SECOND_MAX, probe_rate))
    rate = min(PER_SECOND_MAX, probe_rate * PROBE_SHARE)
    reserve = full if heard.reserve is None else heard.reserve + (now - heard.at) * rate
    reserve = min(full, reserve)
    new = () if incarnation != heard.incarnation else _new(heard.number, suspicions)
    chosen = [target for target in dict.fromkeys(new) if target in known]
    count = min(len(chosen), int(reserve))
    after = Heard(
        incarnation,
        suspicions.number,
        reserve - count,
        now,
        heard.refused + len(new) - count,
    )
    return after, tuple(chosen[:count])


def probe_rate(checks: Mapping[str, CheckDefinition]) -> float:
    """Return the number of regular probes of these checks per second."""
    return sum(1 / check.timing.interval for check in checks.values())


def _new(number: int, suspicions: Suspicions) -> tuple[str, ...]:
    """Return the targets whose numbers are above this one. The last target has the last number."""
    count = max(0, suspicions.number - number)
    return suspicions.targets[-count:] if count else ()
