"""The director's side of the checks workers: what is known of every target."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any

import structlog

from checks.definition.check import CheckDefinition
from checks.definition.result import Result, Verdict
from checks.io.route_lookup import has_no_carrier
from hadirector.events.event_log import NAMED_MAX
from hadirector.health.blindness import BlindnessTracker, proves_path
from hadirector.health.workers import Workers
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey, endpoint
from hadirector.model.policy import FAILURES_MAX
from hadirector.model.queries import checks_by_identity, services_by_check
from hadirector.processes.messages import CheckStatistics, VerdictChanged

NOTHING_FAILS: Mapping[str, str] = MappingProxyType({})


class Health:
    """Keeps the verdicts of the checks workers, over their death too.

    ``failed_at`` is when a target that had passed began to fail, monotonic seconds; ``lost`` are
    those of them that failed since all were lost from sight, and nothing else is known of.
    ``weights`` has the percentages of their weights that targets ask for, and ``failures`` when
    they began to fail lately; not when they were only lost from sight.
    """

    def __init__(
        self,
        configuration: Configuration,
        verdicts: dict[str, Verdict],
        tell: Callable[[Any], Awaitable[None]],
    ) -> None:
        self.verdicts = verdicts
        self.results: dict[str, Result] = {}
        self.failed_at: dict[str, float] = {}
        self.unseen: set[str] = set()
        self.failures: dict[str, tuple[float, ...]] = {}
        self.weights: dict[str, int] = {}
        self.workers = Workers(tell)
        self._checks: dict[str, CheckDefinition] = {}
        self._dependents: dict[str, frozenset[ServiceKey]] = {}
        self._log = structlog.get_logger()
        self.eyes = BlindnessTracker()
        self.configure(configuration, {})

    @property
    def complete(self) -> bool:
        """Whether there is a verdict on every target."""
        return self._checks.keys() <= self.verdicts.keys()

    def known(self) -> dict[str, Verdict]:
        """Say what is known of every target."""
        return {each: self.verdicts.get(each, Verdict.UNKNOWN) for each in self._checks}

    def configure(
        self,
        configuration: Configuration,
        assumed: Mapping[str, Verdict],
        failing: Mapping[str, str] = NOTHING_FAILS,
    ) -> None:
        """Know what to check from now on; ``configure_workers`` then makes the workers do it.

        What is known of kept checks stays known; of others ``assumed`` is taken for granted, and
        that those ``failing`` go on as the old check fails that is named there.
        """
        for identity, old in failing.items():
            if identity not in self._checks and old in self.failed_at:
                self.verdicts[identity] = Verdict.FAILING
                self.failed_at[identity] = self.failed_at[old]
                self.results[identity] = self.results[old]
                self.failures[identity] = self.failures.get(old, ())
                if old in self.unseen:
                    self.unseen.add(identity)
        self._checks = checks_by_identity(configuration)
        self._dependents = services_by_check(configuration)
        self.workers.configure(self._checks, configuration.limits)
        self.eyes.configure(self._checks.values())
        known = {**assumed, **self.verdicts}
        self.verdicts = {k: v for k, v in known.items() if k in self._checks}
        self.results = {k: v for k, v in self.results.items() if k in self._checks}
        self.failed_at = {k: v for k, v in self.failed_at.items() if k in self._checks}
        self.failures = {k: v for k, v in self.failures.items() if k in self._checks}
        self.weights = {k: v for k, v in self.weights.items() if k in self._checks}
        self.unseen = self.unseen & self._checks.keys()

    def configure_workers(self, only: str | None = None) -> None:
        """Tell the workers, or the one of this name, what to check and what is known already."""
        self.workers.send(self.verdicts, self.weights, only)

    def verdict_changed(self, event: VerdictChanged) -> frozenset[ServiceKey]:
        """Take a new verdict or weight; returns the services whose pool depends on it."""
        check = self._checks.get(event.check)
        if check is None:
            return frozenset()
        previous = self.verdicts.get(event.check, Verdict.UNKNOWN)
        self.verdicts[event.check] = event.verdict
        now = monotonic()
        if event.verdict is Verdict.PASSING:
            self.failed_at.pop(event.check, None)
        elif previous is Verdict.PASSING:
            self.failed_at[event.check] = now
            self.failures[event.check] = (*self.failures.get(event.check, ()), now)[-FAILURES_MAX:]
        self.results[event.check] = event.result
        if event.result.passed:
            self._take_weight(event.check, event.result.weight)
        self._log.info(
            "verdict_changed" if event.verdict is not previous else "weight_requested",
            address=check.address,
            port=check.port,
            previous=previous.value,
            verdict=event.verdict.value,
            reason=event.result.reason.value,
            detail=event.result.detail,
        )
        changed = self._dependents[event.check]
        if self.eyes.see(event.check, event.result.reason, now):
            changed |= self._look(now)
        if self._is_lost(event.check):
            self.unseen.add(event.check)
            self._forgive(event.check)
        else:
            self.unseen.discard(event.check)
        return changed

    def _take_weight(self, identity: str, weight: int | None) -> None:
        if weight is None:
            self.weights.pop(identity, None)
        else:
            self.weights[identity] = weight

    def statistics(self, event: CheckStatistics) -> frozenset[ServiceKey]:
        """Take the latest results; returns the services whose pool depends on what they tell."""
        now = monotonic()
        for identity, result in event.latest.items():
            if identity in self._checks:
                self._warn(self._checks[identity], result)
                self.results[identity] = result
                self.eyes.see(identity, result.reason, now)
        return self._look(now) | self._find_lost()

    def _look(self, now: float) -> frozenset[ServiceKey]:
        """Find out whether anything is seen; returns the services for which that matters."""
        was_blind = self.eyes.blind
        self.eyes.look(now, has_no_carrier)
        if self.eyes.blind is was_blind:
            return frozenset()
        changed = self._find_lost()
        if self.eyes.blind:
            would_go = [
                endpoint(check.address, check.port)
                for identity, check in self._checks.items()
                if identity in self.unseen or self.verdicts.get(identity) is Verdict.PASSING
            ]
            self._log.error(
                "blindness_began",
                targets=len(self._checks),
                would_be_removed=would_go[:NAMED_MAX],
                count=len(would_go),
            )
        else:
            self._log.warning("blindness_ended")
        return changed

    def _find_lost(self) -> frozenset[ServiceKey]:
        before, self.unseen = self.unseen, {each for each in self.failed_at if self._is_lost(each)}
        for each in self.unseen - before:
            self._forgive(each)
        changed = before.symmetric_difference(self.unseen) & self._dependents.keys()
        return frozenset().union(*(self._dependents[each] for each in changed))

    def _is_lost(self, identity: str) -> bool:
        since, failed_at = self.eyes.unseen_since, self.failed_at.get(identity)
        if since is None or failed_at is None or failed_at < since:
            return False
        return not proves_path(self._checks[identity], self.results[identity])

    def _forgive(self, identity: str) -> None:
        """Forget that a target fell: it was no fault of its own."""
        failures = self.failures.get(identity, ())
        if failures and failures[-1] == self.failed_at.get(identity):
            self.failures[identity] = failures[:-1]

    def _warn(self, check: CheckDefinition, result: Result) -> None:
        """Log a warning when it is a new one, such as a certificate's last days one by one."""
        before = self.results.get(check.identity)
        if result.warning and (before is None or before.warning != result.warning):
            self._log.warning(
                "target_warning", address=check.address, port=check.port, warning=result.warning
            )
