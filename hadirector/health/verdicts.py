"""Holds the states of all targets, from the reports of the checks workers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from checks.definition.check import CheckDefinition
from checks.definition.result import Result, Verdict
from checks.io.route_lookup import has_no_carrier
from hadirector.events.event_log import NAMED_MAX
from hadirector.health.blindness import BlindnessTracker, proves_path
from hadirector.health.target import (
    NO_ASSUMPTIONS,
    Assumptions,
    Targets,
    TargetsSnapshot,
    TargetState,
    carry_over,
    restore,
)
from hadirector.health.workers import Workers
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey, endpoint
from hadirector.model.queries import (
    checks_by_identity,
    initially_up_checks,
    names_by_service,
    services_by_check,
)
from hadirector.processes.messages import CheckStatistics, VerdictChanged


class Health:
    """Holds the state of every target. The states survive a crash of a worker process.

    Times are monotonic seconds. ``put`` receives the messages of the workers.
    """

    def __init__(self, configuration: Configuration, put: Callable[[Any], Awaitable[None]]) -> None:
        self.workers = Workers(put)
        self.blindness = BlindnessTracker()
        self._targets: dict[str, TargetState] = {}
        self._without_verdict = 0  # a counter, because `complete` is read at every verdict
        self._any_unseen = False
        self._checks: Mapping[str, CheckDefinition] = {}
        self._dependents: Mapping[str, frozenset[ServiceKey]] = {}
        self._names: Mapping[ServiceKey, str] = {}
        self._log = structlog.get_logger()
        self.configure(configuration)

    @property
    def targets(self) -> Targets:
        """The states of all targets. This is a live view: it changes with every verdict."""
        return self._targets

    @property
    def checks(self) -> Mapping[str, CheckDefinition]:
        """All checks by their identity."""
        return self._checks

    @property
    def without_verdict(self) -> int:
        """The number of targets without a verdict."""
        return self._without_verdict

    @property
    def complete(self) -> bool:
        """Whether there is a verdict on every target."""
        return not self._without_verdict

    def adopt(
        self,
        configuration: Configuration,
        verdicts: Mapping[str, Verdict],
        snapshot: TargetsSnapshot,
    ) -> None:
        """Start from the verdicts that the IPVS table implies, and the previous run's snapshot."""
        early = initially_up_checks(configuration)
        self._replace_targets(restore(self._checks, verdicts, snapshot, early))

    def configure(
        self, configuration: Configuration, assumptions: Assumptions = NO_ASSUMPTIONS
    ) -> None:
        """Replace the checks. The workers run them after the next call of ``configure_workers``."""
        self._checks = checks_by_identity(configuration)
        self._dependents = services_by_check(configuration)
        self._names = names_by_service(configuration)
        has_peers = configuration.pair is not None
        self.workers.configure(self._checks, configuration.limits, suspicions=has_peers)
        self.blindness.configure(self._checks.values())
        self._replace_targets(carry_over(self._targets, self._checks, assumptions))

    def configure_workers(self, only: str | None = None) -> None:
        """Send the checks and known states to all workers, or only to the worker with this name."""
        self.workers.send(self._targets, only)

    def record_verdict(self, message: VerdictChanged, now: float) -> frozenset[ServiceKey]:
        """Record a new verdict or requested weight; return the services that it affects."""
        check = self._checks.get(message.check)
        if check is None:
            return frozenset()
        previous = self._targets[message.check]
        state = previous.with_verdict(message.verdict, message.result, now)
        self._targets[message.check] = state
        if previous.verdict is Verdict.UNKNOWN:
            self._without_verdict -= 1
        if (state.verdict, state.requested_weight) != (previous.verdict, previous.requested_weight):
            self._log_verdict(check, previous.verdict, state.verdict, message.result)
        self._log_warning(check, previous.result, message.result)
        changed = self._dependents[message.check]
        if self.blindness.observe(message.check, message.result.reason, now):
            changed |= self._evaluate_blindness(now)
        self._set_unseen(message.check)
        return changed

    def record_statistics(self, message: CheckStatistics, now: float) -> frozenset[ServiceKey]:
        """Record the latest results; return the services that a change of blindness affects."""
        targets, observe = self._targets, self.blindness.observe
        for identity, result in message.latest.items():
            state = targets.get(identity)
            if state is not None:
                self._log_warning(self._checks[identity], state.result, result)
                targets[identity] = state.with_result(result)
                observe(identity, result.reason, now)
        return self._evaluate_blindness(now) | self._find_unseen()

    def _replace_targets(self, targets: dict[str, TargetState]) -> None:
        self._targets = targets
        self._without_verdict = sum(state.verdict is Verdict.UNKNOWN for state in targets.values())
        self._any_unseen = any(state.unseen for state in targets.values())

    def _evaluate_blindness(self, now: float) -> frozenset[ServiceKey]:
        """Find out whether the director is blind; return the services that a change affects."""
        was_blind = self.blindness.blind
        self.blindness.evaluate(now, has_no_carrier)
        if self.blindness.blind is was_blind:
            return frozenset()
        changed = self._find_unseen()
        if self.blindness.blind:
            self._log_blindness()
        else:
            self._log.warning("blindness_ended")
        return changed

    def _find_unseen(self) -> frozenset[ServiceKey]:
        """Mark the targets that are unseen now; return the services whose targets changed."""
        if self.blindness.unseen_since is None and not self._any_unseen:
            return frozenset()
        changed: set[ServiceKey] = set()
        for identity in self._targets:
            if self._set_unseen(identity):
                changed |= self._dependents[identity]
        self._any_unseen = any(state.unseen for state in self._targets.values())
        return frozenset(changed)

    def _set_unseen(self, identity: str) -> bool:
        """Update the unseen mark of a target; return whether the mark has changed."""
        state = self._targets[identity]
        unseen = self._is_unseen(identity, state)
        if unseen is state.unseen:
            return False
        self._targets[identity] = state.with_unseen(unseen)
        self._any_unseen |= unseen
        return True

    def _is_unseen(self, identity: str, state: TargetState) -> bool:
        since = self.blindness.unseen_since
        if since is None or state.failed_at is None or state.failed_at < since:
            return False
        assert state.result is not None, "a target fails by a result"
        return not proves_path(self._checks[identity], state.result)

    def _log_verdict(
        self, check: CheckDefinition, previous: Verdict, verdict: Verdict, result: Result
    ) -> None:
        log = self._log.warning if verdict is Verdict.FAILING else self._log.info
        log(
            "verdict_changed" if verdict is not previous else "weight_requested",
            virtual_servers=self._virtual_servers(check),
            address=check.address,
            port=check.port,
            previous=previous.value,
            verdict=verdict.value,
            reason=result.reason.value,
            detail=result.detail,
        )

    def _log_warning(self, check: CheckDefinition, previous: Result | None, result: Result) -> None:
        """Log a new warning of a target, and the end of a warning."""
        if result.warning == (previous.warning if previous else ""):
            return
        place = {
            "virtual_servers": self._virtual_servers(check),
            "address": check.address,
            "port": check.port,
        }
        if result.warning:
            self._log.warning("target_warning_raised", **place, warning=result.warning)
        elif result.passed:
            self._log.info("target_warning_ended", **place)

    def _virtual_servers(self, check: CheckDefinition) -> list[str]:
        """Name the first virtual servers that depend on a check."""
        names = {self._names[key] for key in self._dependents[check.identity]}
        return sorted(names)[:NAMED_MAX]

    def _log_blindness(self) -> None:
        """Name the targets that the director would remove from their pools if it were not blind."""
        removed = [
            endpoint(check.address, check.port)
            for identity, check in self._checks.items()
            if (state := self._targets[identity]).unseen or state.verdict is Verdict.PASSING
        ]
        self._log.error(
            "blindness_began",
            targets=len(self._checks),
            would_be_removed=removed[:NAMED_MAX],
            count=len(removed),
        )
