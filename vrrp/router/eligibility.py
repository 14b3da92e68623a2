"""Whether an instance may take part in its virtual router, and with which priority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.router.debounce import Debounced
from vrrp.router.priority import EffectivePriority, effective_priority

_NOTHING: Final = ""
LINK_DOWN: Final = "link_down"


class Eligibility:
    """What one instance depends on: its own link and what it tracks.

    Times are monotonic seconds. ``deadline`` is when `settle` has something to do; ``priority``
    follows from what is known.
    """

    priority: EffectivePriority

    def __init__(self, configuration: InstanceConfiguration) -> None:
        self._configuration = configuration
        self._tracked: dict[TrackedKey, Debounced[int]] = {}
        self._link: Debounced[str] = Debounced()
        self.configure(configuration)

    def configure(self, configuration: InstanceConfiguration) -> None:
        """Depend on what this configuration names; what is known of it already stays known."""
        self._configuration = configuration
        keys = {tracked.key for tracked in configuration.track}
        self._tracked = {key: self._tracked.get(key, Debounced()) for key in keys}
        self._decide()

    def learn(self, values: Mapping[TrackedKey, int], now: float) -> None:
        """Take in values of objects; of those not tracked nothing is kept."""
        for tracked in self._configuration.track:
            value = values.get(tracked.key)
            if value is not None:
                self._tracked[tracked.key].report(value, now, tracked.flap_delay)
        self._decide()

    def link_usable(self, now: float) -> None:
        """The instance's own interface can carry its advertisements."""
        self._link.report(_NOTHING, now, 0.0)

    def link_unusable(self, reason: str, now: float) -> None:
        """It cannot. A carrier that is away for a moment may be waited for."""
        delay = self._configuration.flap_delay if reason == LINK_DOWN else 0.0
        self._link.report(reason, now, delay)

    def settle(self, now: float) -> None:
        """Let count what has lasted long enough."""
        for each in self._tracked.values():
            each.settle(now)
        self._link.settle(now)
        self._decide()

    @property
    def deadline(self) -> float | None:
        """The next moment at which something comes to count."""
        waiting = [self._link.deadline, *(each.deadline for each in self._tracked.values())]
        return min((each for each in waiting if each is not None), default=None)

    @property
    def fault(self) -> str | None:
        """What keeps the instance from taking part; None when nothing does."""
        return self._link.value or self.priority.fault

    @property
    def pending(self) -> str | None:
        """What keeps it from beginning to take part; None when nothing does."""
        return "link_unknown" if self._link.value is None else self.priority.unknown

    def _decide(self) -> None:
        known = {key: debounced.value for key, debounced in self._tracked.items()}
        values = {key: value for key, value in known.items() if value is not None}
        self.priority = effective_priority(
            self._configuration.priority, self._configuration.track, values
        )
