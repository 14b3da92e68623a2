"""Death certificates: when a BACKUP router queries the router that it follows.

Each process owns a UDP port for questions. If the process ends while its host runs, the kernel of
that host refuses a question (ICMP port unreachable). A refusal is evidence only from a router that
has answered a question before: a host with another program, or with a firewall, refuses too.

If a router that has answered misses an advertisement, it gets two questions. It is dead after two
refusals in this silence. One of them must belong to a question that was sent at the shortened
deadline or later. The driver then delivers `vrrp.router.event.ActiveRouterDied`. Silence has no
effect.

docs/decisions/0032 has the reasons, and `tests/simulation/certificates.py` has the proof.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from vrrp.protocol.packet import Address

CONFIRMATION_INTERVALS: Final = 10
"""Advertisement intervals between two questions to a router that answers."""
TRUST_INTERVALS: Final = 30
"""Advertisement intervals after which an answer no longer counts: a lost answer is no reason."""
FIRST_PAUSE_INTERVALS: Final = 1
LONGEST_PAUSE_INTERVALS: Final = 64
"""The pauses between two questions to a router that does not answer double between these limits."""
RETRY_INTERVALS: Final = 0.5
"""Advertisement intervals between two questions in a silence, after the first two."""
AGE_INTERVALS_MAX: Final = 0.5
"""Advertisement intervals after which a refusal is too old. This process may have been stalled."""
LATE_INTERVALS: Final = 0.1
"""How late an advertisement may be before it counts as missed, in advertisement intervals. The skew
time of a high priority is shorter than the differences between clocks and between delays."""
REFUSALS: Final = 2


class ActiveRouter(NamedTuple):
    """The router that a BACKUP router follows, and when its latest advertisement arrived.

    ``advert_interval`` is the interval of that router, and ``skew_time`` that of this router, in
    seconds. ``heard_at`` is in monotonic seconds.
    """

    address: Address
    heard_at: float
    advert_interval: float
    skew_time: float

    @property
    def missed_at(self) -> float:
        """When the next advertisement counts as missed."""
        return self.heard_at + (1 + LATE_INTERVALS) * self.advert_interval

    @property
    def shortened_deadline(self) -> float:
        """When this router takes over if the followed router is dead."""
        return self.missed_at + self.skew_time


class DeathWatch(msgspec.Struct):
    """The questions that a router asks the ACTIVE router, and the answers.

    ``ask_at`` is the time of the next question; None if this router follows no router.
    ``answered_at`` is the time of the last answer. ``refusals`` is the number of questions since
    then that the kernel of the followed router has refused. Times are monotonic seconds.
    """

    followed: ActiveRouter | None = None
    ask_at: float | None = None
    answered_at: float = -math.inf
    refusals: int = 0
    _confirm_at: float = 0.0
    _pause: float = FIRST_PAUSE_INTERVALS
    _refused: bool = False

    def follow(self, followed: ActiveRouter | None) -> None:
        """Follow this router, or note its next advertisement; None for a router that follows none.

        An advertisement after a refusal shows that the refusal is no evidence of death.
        """
        if followed is None:
            self.followed, self.ask_at = None, None
            return
        previous, self.followed = self.followed, followed
        if previous is None or previous.address != followed.address:
            self._confirm_at, self._pause = followed.heard_at, FIRST_PAUSE_INTERVALS
            self.answered_at = -math.inf
            self.refusals, self._refused = 0, False
        elif previous.heard_at != followed.heard_at:
            if self._refused:
                self.answered_at = -math.inf
                self._confirm_at, self._pause = followed.heard_at, FIRST_PAUSE_INTERVALS
            self.refusals, self._refused = 0, False
        elif previous == followed:
            return
        self._schedule(followed)

    def ask(self, now: float) -> bool:
        """Return whether to send a question now, and schedule the next one."""
        followed = self.followed
        if followed is None or self.ask_at is None or now < self.ask_at:
            return False
        interval = followed.advert_interval
        if now >= self._confirm_at:
            if self._answers(followed):
                self._confirm_at = now + CONFIRMATION_INTERVALS * interval
            else:
                self._confirm_at = now + self._pause * interval
                self._pause = min(2 * self._pause, LONGEST_PAUSE_INTERVALS)
        self._schedule(followed, now)
        return True

    def note_answer(self, now: float) -> None:
        """Note that the process of the followed router runs."""
        if self.followed is not None:
            self.answered_at = now
            self.refusals, self._refused = 0, False
            self._pause = FIRST_PAUSE_INTERVALS
            self._confirm_at = now + CONFIRMATION_INTERVALS * self.followed.advert_interval
            self._schedule(self.followed, now)

    def note_refusal(self, asked_at: float, now: float) -> bool:
        """Note that the kernel of the followed router refused a question; return whether it died.

        ``asked_at`` is when the question was sent.
        """
        followed = self.followed
        if followed is None or asked_at < followed.heard_at or not self._answers(followed):
            return False
        self._refused = True
        if now - asked_at > AGE_INTERVALS_MAX * followed.advert_interval:
            return False
        if asked_at < followed.missed_at:
            return False
        self.refusals += 1
        if asked_at < followed.shortened_deadline:
            return False
        if self.refusals < REFUSALS:
            self.ask_at = asked_at
            return False
        return True

    def _answers(self, followed: ActiveRouter) -> bool:
        return self.answered_at >= followed.heard_at - TRUST_INTERVALS * followed.advert_interval

    def _schedule(self, followed: ActiveRouter, asked_at: float = -math.inf) -> None:
        """Set the time of the next question: to confirm an answer, or because of a silence."""
        self.ask_at = self._confirm_at
        if self._answers(followed):
            times = (followed.missed_at, followed.shortened_deadline)
            retry = asked_at + RETRY_INTERVALS * followed.advert_interval
            self.ask_at = min(self.ask_at, next((at for at in times if at > asked_at), retry))
