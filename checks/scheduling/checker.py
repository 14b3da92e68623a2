"""Runs checks: schedule, probe, judge, report. One loop and one timer for any number of targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from time import monotonic
from types import MappingProxyType

from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import Probe
from checks.definition.result import Reason, Result, Verdict
from checks.idle_connection.hint import causes_probe, repeat_at_once
from checks.idle_connection.watcher import IdleConnections
from checks.io.engine import Attempt, Engine
from checks.io.tls import client_context
from checks.probes import registry
from checks.scheduling.lateness import Lateness
from checks.scheduling.schedule import Allowance, first_due, is_late, next_due, shifted, skip_missed
from checks.scheduling.target import UNLIMITED, Target
from checks.scheduling.timer_queue import TimerQueue
from checks.scheduling.weight import followed

PROBES_AT_ONCE_MAX = 500
"""At this many probes under way, if not told otherwise, the next ones wait, and are counted late:
one file descriptor each or two, below the usual limit of 1024."""

IDLE_CONNECTIONS_MAX = 250
"""With this many idle_connections, if not told otherwise, the other targets go without."""

BATCH = 0.02
"""Due times this close together are served by one wake-up, seconds."""

NO_LIMITS = Limits()
NO_WEIGHTS: Mapping[str, int] = MappingProxyType({})

ReportVerdict = Callable[[str, Verdict, Result], None]


class Checker:
    """Probes every configured target at its times and reports each flip of a verdict.

    What passes is reported too when it asks for another weight than before.
    ``report_verdict(identity, verdict, result)`` is called in the loop and must not block.
    ``probes`` counts the probes started, ``late`` those this host kept waiting, ``hints`` the
    hints that caused one. The result of a probe that failed for this host's own want
    (LOCAL_ERROR) is reported but never judged: it says nothing about the target.
    """

    def __init__(
        self,
        report_verdict: ReportVerdict,
        probes_at_once_max: int = PROBES_AT_ONCE_MAX,
        idle_connections_max: int = IDLE_CONNECTIONS_MAX,
    ) -> None:
        self.probes = 0
        self.late = 0
        self.hints = 0
        self.lateness = Lateness()
        self._report_verdict = report_verdict
        self._probes_at_once_max = probes_at_once_max
        self._idle_connections_max = idle_connections_max
        self._engine: Engine | None = None  # this and the next two while it runs
        self._group: asyncio.TaskGroup | None = None
        self._idle_connections: IdleConnections | None = None
        self._hinted: dict[str, Target] = {}
        self._allowance = Allowance(None, BATCH)
        self._targets: dict[str, Target] = {}
        self._agenda: TimerQueue[Target] = TimerQueue()
        self._under_way: set[asyncio.Task[None] | Attempt] = set()
        self._latest: dict[str, Result] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_batch = 0.0

    def configure(
        self,
        definitions: Sequence[CheckDefinition],
        verdicts: Mapping[str, Verdict],
        weights: Mapping[str, int] = NO_WEIGHTS,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Run exactly these checks from now on, within these limits.

        An unchanged check goes on untouched. A changed one is probed anew and soon; it keeps its
        verdict while it has the same address and port. ``verdicts`` is what is known of the
        targets that are new here, ``weights`` what they asked for. Every certificate authority's
        file is read again.
        """
        self._allowance = Allowance(limits.probes_per_second, BATCH)
        running, self._targets = self._targets, {}
        wanted = {each.identity: each for each in _sharing(definitions)}
        for identity, target in running.items():
            if wanted.get(identity) == target.definition:
                self._targets[identity] = target
            else:
                self._give_up(target)
        fresh = [each for each in wanted.values() if each.identity not in self._targets]
        now = monotonic()
        for position, definition in enumerate(fresh):
            verdict = _known_verdict(definition, running.get(definition.identity), verdicts)
            due = first_due(now, position, len(fresh), definition.timing.interval)
            weight = weights.get(definition.identity)
            self._targets[definition.identity] = Target(definition, verdict, weight, due)
        self._latest = {each: self._latest[each] for each in self._latest.keys() & wanted.keys()}
        self._share_allowances(limits.target_probes_per_second)
        client_context.cache_clear()
        self._fill_agenda()

    async def run(self) -> None:
        """Probe until cancelled. Every probe under way is then cancelled too."""
        idle_connections = IdleConnections(self.hint, self._idle_connections_max)
        with (
            closing(Engine(self._probed, self._probes_at_once_max)) as engine,
            closing(idle_connections),
        ):
            self._engine, self._idle_connections = engine, idle_connections
            try:
                async with asyncio.TaskGroup() as self._group:
                    self._wake_at(monotonic())
                    await engine.broken()
            finally:
                self._sleep()

    def hint(self, identity: str) -> None:
        """Probe a target at once, before all that is due: something says that it may have gone.

        What counts as a hint, and how often, `checks.idle_connection.hint` decides. The probe under
        way when one comes may have seen the target before it went: then another one follows.
        """
        target, now = self._targets.get(identity), monotonic()
        if target is not None and causes_probe(target.tracker.verdict, target.hinted_at, now):
            self.hints += 1
            target.hinted_at = now
            self._hinted[identity] = target
            self._wake_at(now)

    @property
    def idle_connections(self) -> int:
        """Idle connections that stand, or are being made."""
        return 0 if self._idle_connections is None else len(self._idle_connections)

    def latest(self) -> dict[str, Result]:
        """The latest result of each target that has told another thing since this was last asked.

        Most targets pass all the time, and saying so thousands of times a second costs more than
        the probes.
        """
        latest, self._latest = self._latest, {}
        return latest

    def put_back(self, latest: Mapping[str, Result]) -> None:
        """Keep for later what was asked for and could not be told."""
        self._latest = {**latest, **self._latest}

    def _share_allowances(self, per_second: int | None) -> None:
        """Give all checks of one address and port one allowance, where there is a limit."""
        shared: dict[tuple[str, int], Allowance] = {}
        for target in self._targets.values():
            target.allowance = UNLIMITED
            if per_second is not None:
                fresh = Allowance(per_second, BATCH)
                target.allowance = shared.setdefault(_endpoint(target.definition), fresh)

    def _fill_agenda(self) -> None:
        self._agenda = TimerQueue()
        for target in self._targets.values():
            if target.waits:
                self._put(target)
        self._wake_at(monotonic())

    def _put(self, target: Target) -> None:
        """Let a target wait until its probe is to begin."""
        definition, begin = target.definition, target.due
        if definition.timing.jitter:
            begin = shifted(begin, definition.timing.jitter, definition.identity)
        target.begin = begin
        self._agenda.add(begin, target.pace, target)

    def _give_up(self, target: Target) -> None:
        """Do nothing more for a target that is configured no longer, or otherwise."""
        identity = target.definition.identity
        self._hinted.pop(identity, None)
        if self._idle_connections is not None:
            self._idle_connections.drop(identity)
        if target.probe is not None:
            target.probe.cancel()
            self._under_way.discard(target.probe)

    def _wake_at(self, at: float) -> None:
        """Let `_go_on` be called at that time, or before."""
        if self._engine is None:
            return  # it is, when `run` begins
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._engine.do, self._go_on)

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._engine = None

    def _go_on(self) -> None:
        """Start what was hinted at and what is due, and see to it that the next is."""
        assert self._engine is not None
        self._timer = None
        self._next_batch = monotonic() + BATCH
        self._start_hinted()
        self._start_due()
        due = self._agenda.next_at()
        if self._hinted:
            self._wake_at(self._next_batch)
        elif due is not None and not self._is_full():
            self._wake_at(max(due, self._next_batch))
        self._engine.flush()

    def _start_hinted(self) -> None:
        now = monotonic()
        for target in [each for each in self._hinted.values() if each.probe is None]:
            if now < target.allowance.next_at:
                continue
            if self._is_full() or not self._allowance.take(now):
                break
            target.allowance.take(now)
            del self._hinted[target.definition.identity]
            target.by_hint = True
            target.asked_again = False
            self._start(target)

    def _start_due(self) -> None:
        now = monotonic()
        while now >= self._allowance.next_at and not self._is_full():
            target = self._agenda.take(now)
            if target is None:
                break
            if now < target.allowance.next_at:
                # Its own limit holds up nobody else. What it waits for that is lateness.
                self._agenda.add(target.allowance.next_at, target.pace, target)
                continue
            self._allowance.take(now)
            target.allowance.take(now)
            self.late += is_late(target.begin, now)
            self.lateness.note(now - target.begin)
            target.due = skip_missed(target.due, target.pace, now)
            target.waits = False
            if target.probe is None:  # else a hint was quicker
                target.asked_again = False
                self._start(target)

    def _start(self, target: Target) -> None:
        assert self._engine is not None
        assert self._group is not None
        self.probes += 1
        definition = target.definition
        converse = registry.CONVERSATIONS.get(type(definition.probe))
        if converse is None:
            target.probe = self._group.create_task(self._probe(definition))
        else:
            target.probe = self._engine.start(definition, converse)
        self._under_way.add(target.probe)

    async def _probe(self, definition: CheckDefinition) -> None:
        self._probed(definition, await registry.run(definition))

    def _probed(self, definition: CheckDefinition, result: Result) -> None:
        target = self._targets.get(definition.identity)
        if target is None or target.definition is not definition or target.probe is None:
            return  # no longer configured, or otherwise
        self._under_way.discard(target.probe)
        if is_late(definition.timing.timeout, result.duration):
            self.late += 1
            if result.reason is Reason.TIMEOUT and not target.asked_again:
                # This process was stopped or starved past the deadline: the target may well have
                # answered in time. Ask once more; that answer counts, late or not.
                target.asked_again = True
                self._start(target)
                self._wake_at(monotonic())  # which flushes
                return
        self._ended(target, result)

    def _ended(self, target: Target, result: Result) -> None:
        now = monotonic()
        has_room_again = len(self._under_way) == self._probes_at_once_max - 1
        self._judge(target, result)
        target.probe = None
        target.settle_pace()
        if target.by_hint:
            target.by_hint = False
            if repeat_at_once(target.tracker.verdict, result.reason):
                self._hinted[target.definition.identity] = target
        if not target.waits:
            target.due = next_due(target.due, target.pace, now)
            target.waits = True
            self._put(target)
            self._wake_at(max(target.begin, self._next_batch))
        if self._hinted or has_room_again:
            self._wake_at(now)

    def _judge(self, target: Target, result: Result) -> None:
        definition, passed = target.definition, result.passed
        identity, step = definition.identity, definition.timing.weight_step
        flipped = result.reason is not Reason.LOCAL_ERROR and target.tracker.record(passed)
        if step is not None and passed and not flipped:
            # Whoever comes back gets what it asks for; only then does it move step by step.
            result = replace(result, weight=followed(target.weight, result.weight, step))
        if target.result is None or _differ(target.result, result):
            target.result = self._latest[identity] = result
        if result.reason is Reason.LOCAL_ERROR:
            return
        if definition.idle_connection:
            self._open_idle_connection(target, result)
        asks_anew = passed and result.weight != target.weight
        if passed:
            target.weight = result.weight
        if flipped or (asks_anew and target.tracker.verdict is Verdict.PASSING):
            self._report_verdict(identity, target.tracker.verdict, result)

    def _open_idle_connection(self, target: Target, result: Result) -> None:
        """Connect to a target that passes, and leave one that has failed."""
        assert self._idle_connections is not None
        if result.passed:
            self._idle_connections.keep(target.definition)
        elif target.tracker.verdict is Verdict.FAILING:
            self._idle_connections.drop(target.definition.identity)

    def _is_full(self) -> bool:
        return len(self._under_way) >= self._probes_at_once_max


def _sharing(definitions: Iterable[CheckDefinition]) -> Iterator[CheckDefinition]:
    """Let equal parts be one object: less memory, and what is probed next is known already."""
    probes: dict[Probe, Probe] = {}
    timings: dict[Timing, Timing] = {}
    for each in definitions:
        probe = probes.setdefault(each.probe, each.probe)
        timing = timings.setdefault(each.timing, each.timing)
        yield replace(each, probe=probe, timing=timing)


def _known_verdict(
    definition: CheckDefinition, before: Target | None, verdicts: Mapping[str, Verdict]
) -> Verdict:
    if before is not None and _endpoint(before.definition) == _endpoint(definition):
        return before.tracker.verdict
    return verdicts.get(definition.identity, Verdict.UNKNOWN)


def _differ(one: Result, other: Result) -> bool:
    """Whether two results differ in more than how long they took."""
    return (
        one.reason is not other.reason
        or one.detail != other.detail
        or one.weight != other.weight
        or one.warning != other.warning
    )


def _endpoint(definition: CheckDefinition) -> tuple[str, int]:
    return definition.address, definition.port
