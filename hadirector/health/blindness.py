"""Decides whether this director is blind: it receives no answer, through a fault of its own. Pure.

Any answer of a target proves that the path to it works, even a refusal or a wrong answer. A target
is silent if no answer comes back. The director is blind if every target is silent and one of these
points to its own fault: two or more hosts fell silent within one window, a probe failed by an error
of this host, or the interface towards the silent hosts has no carrier. Blindness ends with the
first answer. Results of script and file checks are no evidence, because they come from this host.

Times are monotonic seconds.
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
"""Silent hosts that point to a fault of the director. A single host has most likely failed."""
REPORT_SECONDS: Final = 2.0
"""How late a result may arrive: the workers report unchanged verdicts once a second."""


class Evidence(StrEnum):
    """The evidence about the network path to a target that one result gives."""

    ANSWERED = "answered"
    SILENT = "silent"
    OWN_FAULT = "own fault"


class Observation(msgspec.Struct, frozen=True, gc=False):
    """The latest evidence about a target, and since when it has been the same."""

    host: str
    evidence: Evidence
    since: float


_EVIDENCE: Final = {
    Reason.TIMEOUT: Evidence.SILENT,
    Reason.UNREACHABLE: Evidence.SILENT,
    Reason.NO_ROUTE: Evidence.OWN_FAULT,
    Reason.LOCAL_ERROR: Evidence.OWN_FAULT,
}


class BlindnessTracker:
    """Decides blindness from the latest evidence about each target, by the identity of its check.

    ``unseen_since`` is when the director became blind. After the blindness it stays set until
    every target has had the time to pass again.
    """

    def __init__(self) -> None:
        self.blind = False
        self.unseen_since: float | None = None
        self._hosts: dict[str, str] = {}
        self._observations: dict[str, Observation] = {}
        self._answering = 0
        self._window = self._recovery = 0.0
        self._recovered_at = 0.0

    def configure(self, checks: Collection[CheckDefinition]) -> None:
        """Replace the targets; the evidence about unchanged targets is kept."""
        self._hosts = {
            check.identity: check.address
            for check in checks
            if path_evidence(check.probe) == {PathEvidence.PROOF}
        }
        timings = [check.timing for check in checks]
        self._window = REPORT_SECONDS + max(
            (timing.longest_interval + timing.timeout for timing in timings), default=0.0
        )
        self._recovery = REPORT_SECONDS + max(
            (timing.rise * timing.longest_interval + timing.timeout for timing in timings),
            default=0.0,
        )
        self._observations = {
            identity: observation
            for identity, observation in self._observations.items()
            if identity in self._hosts
        }
        self._answering = sum(
            observation.evidence is Evidence.ANSWERED for observation in self._observations.values()
        )

    def observe(self, identity: str, reason: Reason, now: float) -> bool:
        """Record a result; return whether the evidence about the target has changed.

        Call ``evaluate`` afterwards, once for any number of results.
        """
        host = self._hosts.get(identity)
        if host is None:
            return False
        evidence = evidence_of(reason)
        before = self._observations.get(identity)
        if before is not None and before.evidence is evidence:
            return False
        answered = before is None or before.evidence is Evidence.ANSWERED
        # Silence that turns out to be an error of this host is the same silence, and vice versa.
        since = now if before is None or answered or evidence is Evidence.ANSWERED else before.since
        self._observations[identity] = Observation(host, evidence, since)
        self._answering += (evidence is Evidence.ANSWERED) - (before is not None and answered)
        return True

    def evaluate(
        self, now: float, has_no_carrier: Callable[[str], bool] = lambda _host: False
    ) -> None:
        """Decide again whether the director is blind.

        Blindness lasts until a target answers. ``has_no_carrier`` returns whether the
        interface towards a host has no carrier. It is called for hosts whose answers have
        just stopped.
        """
        if not self.blind:
            complete = not self._answering and len(self._observations) == len(self._hosts)
            observations = self._observations.values()
            began = blind_since(observations, self._window) if complete else None
            if complete and began is None:
                began = cut_off_since(observations, now - self._window, has_no_carrier)
            if began is not None:
                # Targets that failed in the last blindness may not have had the time to pass again.
                known = self.unseen_since
                self.blind, self.unseen_since = True, began if known is None else min(known, began)
            elif self.unseen_since is not None and now >= self._recovered_at:
                self.unseen_since = None
        elif self._answering or not self._hosts:
            self.blind = False
            self._recovered_at = now + self._recovery


def evidence_of(reason: Reason) -> Evidence:
    """Return the evidence about the network path that a result with this reason gives."""
    return _EVIDENCE.get(reason, Evidence.ANSWERED)


def proves_path(check: CheckDefinition, result: Result) -> bool:
    """Return whether the target itself reported the failure, so that blindness is not its cause.

    A script may fail because it reached nothing, so it proves nothing. A file needs no path.
    """
    by_script = result.reason is Reason.DOWN and PathEvidence.UNCLEAR in path_evidence(check.probe)
    return evidence_of(result.reason) is Evidence.ANSWERED and not result.passed and not by_script


def blind_since(observations: Collection[Observation], window: float) -> float | None:
    """Return the time at which the director became blind; None if it is not blind.

    Only targets whose answers stopped within the window before the latest such target count.
    Targets that were silent earlier had failed by themselves.
    """
    if not observations or any(
        observation.evidence is Evidence.ANSWERED for observation in observations
    ):
        return None
    latest = max(observation.since for observation in observations)
    together = [observation for observation in observations if latest - observation.since <= window]
    own_fault = any(observation.evidence is Evidence.OWN_FAULT for observation in together)
    if own_fault or len({observation.host for observation in together}) >= HOSTS_MIN:
        return min(observation.since for observation in together)
    return None


def cut_off_since(
    observations: Collection[Observation], earliest: float, has_no_carrier: Callable[[str], bool]
) -> float | None:
    """Return the time at which a loss of carrier cut hosts off; None if it did not.

    Only hosts whose answers stopped at ``earliest`` or later count, because a loss of carrier
    does not explain an older failure.
    """
    recent = [observation for observation in observations if observation.since >= earliest]
    hosts = {observation.host for observation in recent}
    if hosts and all(map(has_no_carrier, hosts)):
        return min(observation.since for observation in recent)
    return None
