"""Exchanges suspicions with the peers, and lets the workers probe what a peer suspects."""

from __future__ import annotations

from hadirector.health.verdicts import Health
from hadirector.pair.state import Suspicions
from hadirector.pair.suspicion import Heard, Sent, current_suspicions, hear, probe_rate, suspect


class Suspecting:
    """Keeps the suspicions of this director, and of each peer. Times are monotonic seconds.

    ``probed`` counts the suspicions of peers that caused a probe, and ``refused`` the others.
    """

    def __init__(self, health: Health) -> None:
        self.sent = Sent()
        self.probed = 0
        self._health = health
        self._heard: dict[str, Heard] = {}

    @property
    def refused(self) -> int:
        """The suspicions of peers that caused no probe."""
        return sum(heard.refused for heard in self._heard.values())

    def note(self, identity: str, now: float) -> None:
        """Suspect a target whose probe has failed."""
        check = self._health.checks.get(identity)
        if check is not None:
            count, blind = len(self._health.checks), self._health.blindness.blind
            self.sent = suspect(self.sent, check, targets=count, blind=blind, now=now)

    def current(self, now: float) -> Suspicions:
        """Return the suspicions for the state of this director."""
        return current_suspicions(self.sent, now)

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
            self.probed += len(targets)
            self._health.workers.hint(targets)
