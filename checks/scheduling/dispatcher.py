"""Starts the probes of hinted targets first and then of due targets, within the rate limits.

A hinted target is one for which there is a sign that it may have failed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from time import monotonic

from checks.definition.check import CheckDefinition, Limits
from checks.definition.result import Reason, Result
from checks.idle_connection.hint import repeat_at_once
from checks.io.attention import Attention
from checks.io.engine import Attempt, Engine
from checks.probes import registry
from checks.scheduling.lateness import Lateness
from checks.scheduling.own_delay import discard, may_be_own_delay
from checks.scheduling.schedule import (
    BATCH_MIN,
    RateLimit,
    add_jitter,
    batch_seconds,
    is_delayed,
    next_due,
    skip_missed_periods,
)
from checks.scheduling.target import UNLIMITED, Target
from checks.scheduling.timer_queue import TimerQueue


class Dispatcher:
    """Starts the probe of each target at its times, and passes on each result.

    ``judge(target, result)`` is called in the event loop for each result. ``probes`` counts the
    probes that have begun, and ``delayed_probes`` those that this host has delayed.
    ``lateness`` is the distribution of the delays. ``discarded`` counts, for each reason, the
    failures that a delay of this host may have caused. At most ``probes_max`` probes run at the
    same time.
    """

    def __init__(
        self, judge: Callable[[Target, Result], None], probes_max: int, attention: Attention
    ) -> None:
        self.probes = 0
        self.delayed_probes = 0
        self.lateness = Lateness()
        self.discarded: Counter[Reason] = Counter()
        self._judge = judge
        self._probes_max = probes_max
        self._targets: Mapping[str, Target] = {}
        self._rate_limit = UNLIMITED
        self._queue: TimerQueue[Target] = TimerQueue()
        self._hinted: dict[str, Target] = {}
        self._in_progress: set[asyncio.Task[None] | Attempt] = set()
        self._attention = attention
        attention.in_progress = self._in_progress
        self._engine: Engine | None = None  # set while `run` runs, like _group
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._batch = BATCH_MIN
        self._next_batch = 0.0

    def configure(self, targets: Mapping[str, Target], limits: Limits) -> None:
        """Replace all targets. The caller must have called `abandon` for each removed target."""
        self._targets = targets
        self._batch = batch_seconds([target.definition.timing for target in targets.values()])
        self._rate_limit = RateLimit(limits.probes_per_second, self._batch)
        self._share_rate_limits(limits.target_probes_per_second)
        self._queue = TimerQueue()
        for target in targets.values():
            if target.is_queued:
                self._enqueue(target)
        self._wake_at(monotonic())

    def abandon(self, target: Target) -> None:
        """Cancel the probe of a removed target, and drop a pending hint for it."""
        self._hinted.pop(target.definition.identity, None)
        if target.probe is not None:
            target.probe.cancel()
            self._in_progress.discard(target.probe)

    def start_after_hint(self, target: Target) -> None:
        """Probe a target before all targets that are due, because of a hint."""
        self._hinted[target.definition.identity] = target
        self._wake_at(monotonic())

    async def run(self) -> None:
        """Start probes until cancelled. This also cancels all probes in progress."""
        with closing(Engine(self._handle_result)) as engine:
            self._engine = engine
            try:
                async with asyncio.TaskGroup() as self._group:
                    self._wake_at(monotonic())
                    await engine.wait_for_failure()
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = self._engine = None

    def _share_rate_limits(self, per_second: int | None) -> None:
        """Give all checks of one address and port the same rate limit, if there is one."""
        shared: dict[tuple[str, int], RateLimit] = {}
        for target in self._targets.values():
            target.rate_limit = UNLIMITED
            if per_second is not None:
                new = RateLimit(per_second, self._batch)
                target.rate_limit = shared.setdefault(target.definition.endpoint, new)

    def _enqueue(self, target: Target) -> None:
        definition, begins_at = target.definition, target.due
        if definition.timing.jitter:
            begins_at = add_jitter(begins_at, definition.timing.jitter, definition.identity)
        target.begins_at = begins_at
        self._queue.add(begins_at, target.interval, target)

    def _wake_at(self, at: float) -> None:
        """Schedule `_start_batch`, unless it is already scheduled for an earlier time."""
        if self._engine is None:
            return  # `run` schedules the first batch
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._engine.guard, self._start_batch)

    def _start_batch(self) -> None:
        """Start the probes of hinted and due targets, and schedule the next batch."""
        assert self._engine is not None
        self._timer = None
        self._next_batch = monotonic() + self._batch
        self._start_hinted_targets()
        self._start_due_targets()
        due = self._queue.next_at()
        if self._hinted:
            self._wake_at(self._next_batch)
        elif due is not None and not self._is_full():
            self._wake_at(max(due, self._next_batch))
        self._engine.flush()

    def _start_hinted_targets(self) -> None:
        now = monotonic()
        for target in [target for target in self._hinted.values() if target.probe is None]:
            if now < target.rate_limit.next_at:
                continue
            if self._is_full() or not self._rate_limit.take(now):
                break
            target.rate_limit.take(now)
            del self._hinted[target.definition.identity]
            target.caused_by_hint = True
            target.repeated = False
            self._start(target)

    def _start_due_targets(self) -> None:
        """Start the probes that are due now, or so soon that the next wake-up would be late."""
        now = monotonic()
        waiting = []
        while now >= self._rate_limit.next_at and not self._is_full():
            target = self._queue.take(now + self._batch - BATCH_MIN)
            if target is None:
                break
            if now < target.rate_limit.next_at:
                # The limit of one target does not delay the others. Its wait counts as lateness.
                waiting.append(target)
                continue
            self._rate_limit.take(now)
            target.rate_limit.take(now)
            self.delayed_probes += is_delayed(target.begins_at, now)
            self.lateness.record(max(0.0, now - target.begins_at))
            target.due = skip_missed_periods(target.due, target.interval, now)
            target.is_queued = False
            if target.probe is None:  # otherwise the probe that a hint caused takes its place
                target.repeated = False
                self._start(target)
        for target in waiting:
            self._queue.add(target.rate_limit.next_at, target.interval, target)

    def _start(self, target: Target) -> None:
        assert self._engine is not None
        assert self._group is not None
        self.probes += 1
        target.unattended_before = self._attention.unattended
        definition = target.definition
        converse = registry.find_conversation(type(definition.probe))
        if converse is None:
            target.probe = self._group.create_task(self._run_in_task(definition))
        else:
            target.probe = self._engine.start(definition, converse)
        self._in_progress.add(target.probe)

    async def _run_in_task(self, definition: CheckDefinition) -> None:
        self._handle_result(definition, await registry.run(definition))

    def _handle_result(self, definition: CheckDefinition, result: Result) -> None:
        target = self._targets.get(definition.identity)
        if target is None or target.definition is not definition or target.probe is None:
            return  # the check has been removed or changed
        self._in_progress.discard(target.probe)
        self.delayed_probes += is_delayed(definition.timing.timeout, result.duration)
        if result.reason is not Reason.PASSED:
            unattended = self._attention.measure() - target.unattended_before
            if may_be_own_delay(definition, result, unattended):
                self.discarded[result.reason] += 1
                if not target.repeated:
                    target.repeated = True
                    self._start(target)
                    self._wake_at(monotonic())  # for the flush
                    return
                result = discard(result, unattended)
        self._finish(target, result)

    def _finish(self, target: Target, result: Result) -> None:
        now = monotonic()
        was_full = len(self._in_progress) == self._probes_max - 1
        definition = target.definition
        self._judge(target, result)
        target.probe = None
        target.update_interval()
        if target.caused_by_hint:
            target.caused_by_hint = False
            if repeat_at_once(target.tracker.verdict, result.reason):
                self._hinted[definition.identity] = target
        if not target.is_queued:
            target.due = next_due(target.due, target.interval, now)
            target.is_queued = True
            self._enqueue(target)
            if target.begins_at < now and definition.timing.timeout > target.interval:
                target.begins_at = now  # the target, and not this host, has caused the delay
            self._wake_at(max(target.begins_at, self._next_batch))
        if self._hinted or was_full:
            self._wake_at(now)

    def _is_full(self) -> bool:
        return len(self._in_progress) >= self._probes_max
