"""Decides whether this director sees its backends at all, by what it sees itself.

Pure. A target is seen when it answers anything, also a refusal or a wrong answer: that proves the
path. It is silent when nothing comes back. This director is blind when every target is silent and
that is more likely its own fault than theirs: two hosts or more fell silent within one window, the
errors were its own, or its own interface towards them has no carrier. It sees again with the first
target that is seen. What a script or a file of this host says is no sight of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final

import msgspec

from checks.definition.check import CheckDefinition
from checks.definition.queries import path_evidence
from checks.definition.result import Reason, Result
from checks.definition.traits import PathEvidence

HOSTS_MIN: Final = 2
"""A single host that is silent has most likely gone itself."""
REPORT_SECONDS: Final = 2.0
"""What results may be late: those that change no verdict are reported once a second."""


class Sight(StrEnum):
    """What a result says of the path to its target."""

    SEEN = "seen"
    SILENT = "silent"
    OWN_FAULT = "own fault"


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """How a target is seen, and since when, in monotonic seconds."""

    host: str
    sight: Sight
    since: float


_SIGHTS: Final = {
    Reason.TIMEOUT: Sight.SILENT,
    Reason.UNREACHABLE: Sight.SILENT,
    Reason.NO_ROUTE: Sight.OWN_FAULT,
    Reason.LOCAL_ERROR: Sight.OWN_FAULT,
}


class BlindnessTracker:
    """Remembers how each target was last seen, by the identity of its check.

    ``unseen_since`` is when sight was lost; it goes on for a moment after sight is back, until
    every target has had the time to pass. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self.blind = False
        self.unseen_since: float | None = None
        self._hosts: dict[str, str] = {}
        self._sightings: dict[str, Sighting] = {}
        self._seen = 0
        self._window = self._recovery = 0.0
        self._recovered_at = 0.0

    def configure(self, checks: Collection[CheckDefinition]) -> None:
        """Know which targets there are; what is known of those that stay, stays known."""
        self._hosts = {
            check.identity: check.address
            for check in checks
            if path_evidence(check.probe) == {PathEvidence.PROOF}
        }
        timings = [each.timing for each in checks]
        self._window = REPORT_SECONDS + max(
            (each.longest_interval + each.timeout for each in timings), default=0.0
        )
        self._recovery = REPORT_SECONDS + max(
            (each.rise * each.longest_interval + each.timeout for each in timings), default=0.0
        )
        self._sightings = {k: v for k, v in self._sightings.items() if k in self._hosts}
        self._seen = sum(each.sight is Sight.SEEN for each in self._sightings.values())

    def see(self, identity: str, reason: Reason, now: float) -> bool:
        """Take a result into account; returns whether it tells another thing than the one before.

        ``look`` has to follow, once for any number of results.
        """
        host = self._hosts.get(identity)
        if host is None:
            return False
        sight = sight_of(reason)
        before = self._sightings.get(identity)
        if before is not None and before.sight is sight:
            return False
        was_seen = before is None or before.sight is Sight.SEEN
        # Silence that turns out to be our own fault, or the other way round, goes on.
        since = now if before is None or was_seen or sight is Sight.SEEN else before.since
        self._sightings[identity] = Sighting(host, sight, since)
        self._seen += (sight is Sight.SEEN) - (before is not None and was_seen)
        return True

    def look(self, now: float, has_no_carrier: Callable[[str], bool] = lambda _host: False) -> None:
        """Decide again. Whoever is blind stays so until something is seen.

        ``has_no_carrier`` is asked whether our own way to a host that just fell silent is cut.
        """
        if not self.blind:
            complete = not self._seen and len(self._sightings) == len(self._hosts)
            sightings = self._sightings.values()
            began = blind_since(sightings, self._window) if complete else None
            if complete and began is None:
                began = cut_off_since(sightings, now - self._window, has_no_carrier)
            if began is not None:
                self.blind, self.unseen_since = True, began
            elif self.unseen_since is not None and now >= self._recovered_at:
                self.unseen_since = None
        elif self._seen or not self._hosts:
            self.blind = False
            self._recovered_at = now + self._recovery


def sight_of(reason: Reason) -> Sight:
    """Say what a result tells of the path to its target."""
    return _SIGHTS.get(reason, Sight.SEEN)


def proves_path(check: CheckDefinition, result: Result) -> bool:
    """Whether a failure was found at the target, and can be no want of sight.

    A script fails by its exit status also when it reached nothing. What a file says was written.
    """
    unclear = PathEvidence.UNCLEAR in path_evidence(check.probe)
    by_script = result.reason is Reason.DOWN and unclear
    return sight_of(result.reason) is Sight.SEEN and not result.passed and not by_script


def blind_since(sightings: Collection[Sighting], window: float) -> float | None:
    """Decide whether nothing is seen by our own fault, and when that began; None if not.

    Only targets that fell silent within one window of the last one are evidence: those that were
    silent before had failed by themselves.
    """
    if not sightings or any(each.sight is Sight.SEEN for each in sightings):
        return None
    latest = max(each.since for each in sightings)
    together = [each for each in sightings if latest - each.since <= window]
    own_fault = any(each.sight is Sight.OWN_FAULT for each in together)
    if own_fault or len({each.host for each in together}) >= HOSTS_MIN:
        return min(each.since for each in together)
    return None


def cut_off_since(
    sightings: Collection[Sighting], earliest: float, has_no_carrier: Callable[[str], bool]
) -> float | None:
    """Decide whether those that fell silent lately did so by our own carrier; None if not.

    That is asked of those alone that were seen until ``earliest`` or later: who had failed before
    is not excused by a cable that is pulled now.
    """
    lately = [each for each in sightings if each.since >= earliest]
    if lately and all(has_no_carrier(host) for host in {each.host for each in lately}):
        return min(each.since for each in lately)
    return None
