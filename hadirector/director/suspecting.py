"""Exchanges suspicions with the peers, and lets the workers probe what a peer suspects."""

from __future__ import annotations

from hadirector.health.verdicts import Health
from hadirector.pair.state import Suspicions
from hadirector.pair.suspicion import Heard, Sent, current_suspicions, hear, probe_rate, suspect
from hadirector.status.suspicion_status import SuspicionStatus


class Suspecting:
    """Keeps the suspicions of this director, and of each peer. Times are monotonic seconds."""

    def __init__(self, health: Health) -> None:
        self._sent = Sent()
        self._probed = 0
        self._health = health
        self._heard: dict[str, Heard] = {}

    @property
    def status(self) -> SuspicionStatus:
        """The numbers of suspicions."""
        refused = sum(heard.refused for heard in self._heard.values())
        return SuspicionStatus(self._sent.number, self._probed, refused)

    def note(self, identity: str, now: float) -> None:
        """Suspect a target whose probe has failed."""
        check = self._health.checks.get(identity)
        if check is not None:
            count, blind = len(self._health.checks), self._health.blindness.blind
            self._sent = suspect(self._sent, check, targets=count, blind=blind, now=now)

    def current(self, now: float) -> Suspicions:
        """Return the suspicions for the state of this director."""
        return current_suspicions(self._sent, now)

    def follow(self, peer: str, incarnation: str, suspicions: Suspicions, now: float) -> None:
        """Probe the targets that a peer suspects."""
        checks, known = self._health.checks, self._heard.get(peer, Heard())
        if (incarnation, suspicions.number) == (known.incarnation, known.number):
            return  # the rate of the probes takes a while to compute
        heard, targets = hear(
            known,
            incarnation,
            suspicions,
            checks.keys(),
            probe_rate=probe_rate(checks),
            now=now,
        )
        self._heard[peer] = heard
        if targets:
            self._probed += len(targets)
            self._health.workers.hint(targets)
