"""Decides whether an instance may take part in elections, and with which priority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.router.debounce import Debounced
from vrrp.router.priority import EffectivePriority, effective_priority

_NOTHING: Final = ""
LINK_DOWN: Final = "link_down"


class Eligibility:
    """The link of one instance, its tracked objects, and the priority that results from them.

    Times are monotonic seconds. ``deadline`` is when `settle` must be called.
    """

    priority: EffectivePriority

    def __init__(self, configuration: InstanceConfiguration) -> None:
        self._configuration = configuration
        self._tracked: dict[TrackedKey, Debounced[int]] = {}
        self._link: Debounced[str] = Debounced()
        self.configure(configuration)

    def configure(self, configuration: InstanceConfiguration) -> None:
        """Replace the configuration. Values of objects that are still tracked are kept."""
        self._configuration = configuration
        keys = {tracked.key for tracked in configuration.track}
        self._tracked = {key: self._tracked.get(key, Debounced()) for key in keys}
        self._decide()

    def update(self, values: Mapping[TrackedKey, int], now: float) -> None:
        """Store values of tracked objects.

        Values of objects that the instance does not track are ignored.
        """
        for tracked in self._configuration.track:
            value = values.get(tracked.key)
            if value is not None:
                self._tracked[tracked.key].report(value, now, tracked.flap_delay)
        self._decide()

    def link_usable(self, now: float) -> None:
        """Record that the interface of the instance can send advertisements."""
        self._link.report(_NOTHING, now, 0.0)

    def link_unusable(self, reason: str, now: float) -> None:
        """Record that the interface cannot send.

        A loss of carrier takes effect after ``flap_delay``.
        """
        delay = self._configuration.flap_delay if reason == LINK_DOWN else 0.0
        self._link.report(reason, now, delay)

    def settle(self, now: float) -> None:
        """Apply the pending changes whose new value has held for ``flap_delay``."""
        for debounced in self._tracked.values():
            debounced.settle(now)
        self._link.settle(now)
        self._decide()

    @property
    def deadline(self) -> float | None:
        """When the next pending change takes effect; None without a pending change."""
        deadlines = [self._link.deadline, *(value.deadline for value in self._tracked.values())]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def fault(self) -> str | None:
        """Why the instance cannot take part in elections; None if it can."""
        return self._link.value or self.priority.fault

    @property
    def pending(self) -> str | None:
        """Why the instance cannot start yet; None if it can."""
        return "link_unknown" if self._link.value is None else self.priority.unknown

    def _decide(self) -> None:
        known = {key: debounced.value for key, debounced in self._tracked.items()}
        values = {key: value for key, value in known.items() if value is not None}
        self.priority = effective_priority(
            self._configuration.priority, self._configuration.track, values
        )
