"""The checker: probes all configured targets, and reports changes of their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from time import monotonic
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import Probe
from checks.definition.result import Reason, Result, Verdict
from checks.idle_connection.hint import causes_probe
from checks.idle_connection.watcher import IdleConnections
from checks.io.attention import Attention
from checks.io.pattern import keep_targets
from checks.io.tls import client_context
from checks.probes import registry
from checks.scheduling.dispatcher import Dispatcher
from checks.scheduling.judgment import contradicts, judge
from checks.scheduling.lateness import Lateness
from checks.scheduling.schedule import first_due
from checks.scheduling.target import Target

PROBES_AT_ONCE_MAX: Final = 500
"""The default limit on probes in progress. More probes wait and count as delayed. A probe needs one
or two file descriptors, and the usual limit is 1024."""

IDLE_CONNECTIONS_MAX: Final = 250
"""The default limit on idle connections. Further targets have none."""

NO_LIMITS: Final = Limits()
NO_WEIGHTS: Mapping[str, int] = MappingProxyType({})

ReportVerdict = Callable[[str, Verdict, Result], None]
ReportSuspicion = Callable[[str], None]


class Checker:
    """Probes each configured target at its times, and reports each change of a verdict.

    ``report_verdict(identity, verdict, result)`` is called in the event loop and must not
    block. It is also called when a passing target requests another weight.
    ``report_suspicion(identity)`` is called when a probe of a passing target fails for the first
    time. ``hints`` counts the hints that caused a probe.

    A local error proves nothing about the target. `take_latest` returns it, but it changes no
    verdict. A failure that a delay of this host may have caused is replaced by a local error.
    The event loop must use an `AttentiveSelector` so that ``attention`` can measure these
    delays.
    """

    def __init__(
        self,
        report_verdict: ReportVerdict,
        probes_at_once_max: int = PROBES_AT_ONCE_MAX,
        idle_connections_max: int = IDLE_CONNECTIONS_MAX,
        attention: Attention | None = None,
        report_suspicion: ReportSuspicion = lambda _identity: None,
    ) -> None:
        self.hints = 0
        self._report_suspicion = report_suspicion
        self._report_verdict = report_verdict
        self._idle_connections_max = idle_connections_max
        self._idle_connections: IdleConnections | None = None  # set while `run` runs
        self._targets: dict[str, Target] = {}
        self._latest: dict[str, Result] = {}
        self._attention = attention or Attention()
        self._dispatcher = Dispatcher(self._handle_result, probes_at_once_max, self._attention)

    @property
    def probes(self) -> int:
        """The number of probes that have begun."""
        return self._dispatcher.probes

    @property
    def delayed_probes(self) -> int:
        """The number of probes that this host has delayed."""
        return self._dispatcher.delayed_probes

    @property
    def discarded(self) -> Counter[Reason]:
        """The number of discarded failures for each reason.

        A delay of this host may have caused them.
        """
        return self._dispatcher.discarded

    @property
    def unattended(self) -> float:
        """The number of seconds for which this process did not attend to its probes."""
        return self._attention.unattended

    @property
    def lateness(self) -> Lateness:
        """The distribution of how late probes have begun."""
        return self._dispatcher.lateness

    @property
    def idle_connections(self) -> int:
        """The number of idle connections that are established or in progress."""
        return 0 if self._idle_connections is None else len(self._idle_connections)

    def configure(
        self,
        definitions: Sequence[CheckDefinition],
        verdicts: Mapping[str, Verdict],
        weights: Mapping[str, int] = NO_WEIGHTS,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Replace all checks and limits.

        An unchanged check continues without interruption. A changed check is probed soon,
        and keeps its verdict if its address and port are the same. ``verdicts`` and
        ``weights`` apply to targets that this checker does not have yet. The files of all
        certificate authorities are read again.
        """
        registry.load(definition.probe for definition in definitions)
        previous, self._targets = self._targets, {}
        wanted = {check.identity: check for check in _share_equal_parts(definitions)}
        for identity, target in previous.items():
            if wanted.get(identity) == target.definition:
                self._targets[identity] = target
            else:
                self._abandon(target)
        new = [check for check in wanted.values() if check.identity not in self._targets]
        now = monotonic()
        for position, check in enumerate(new):
            verdict = _known_verdict(check, previous.get(check.identity), verdicts)
            due = first_due(now, position, len(new), check.timing.interval)
            weight = weights.get(check.identity)
            self._targets[check.identity] = Target(check, verdict, weight, due)
        kept = self._latest.keys() & wanted.keys()
        self._latest = {identity: self._latest[identity] for identity in kept}
        client_context.cache_clear()
        keep_targets(wanted.keys())
        self._dispatcher.configure(self._targets, limits)

    async def run(self) -> None:
        """Probe until cancelled. This also cancels all probes in progress."""
        idle_connections = IdleConnections(self.hint, self._idle_connections_max)
        with closing(idle_connections):
            self._idle_connections = idle_connections
            await self._dispatcher.run()

    def hint(self, identity: str) -> None:
        """Probe a target at once, because a hint shows that it may have failed.

        Some hints cause no probe (`checks.idle_connection.hint`). If a probe is in
        progress, another one follows, because the current probe may have tested the target
        before it failed.
        """
        target, now = self._targets.get(identity), monotonic()
        if target is not None and causes_probe(target.tracker.verdict, target.hinted_at, now):
            self.hints += 1
            target.hinted_at = now
            self._dispatcher.start_after_hint(target)

    def take_latest(self) -> dict[str, Result]:
        """Return the latest result of each target whose result has changed since the last call.

        Results that differ only in their duration are equal. To report every result would
        cost more than the probes, because most targets pass all the time.
        """
        latest, self._latest = self._latest, {}
        return latest

    def put_back(self, latest: Mapping[str, Result]) -> None:
        """Return results that could not be sent to the queue of `take_latest`."""
        self._latest = {**latest, **self._latest}

    def _abandon(self, target: Target) -> None:
        """End the probe and the idle connection of a check that has been removed or changed."""
        if self._idle_connections is not None:
            self._idle_connections.drop(target.definition.identity)
        self._dispatcher.abandon(target)

    def _handle_result(self, target: Target, result: Result) -> None:
        definition = target.definition
        if contradicts(target, result):
            self._report_suspicion(definition.identity)
        result, is_new, is_reported = judge(target, result)
        if is_new:
            self._latest[definition.identity] = result
        if definition.idle_connection and result.reason is not Reason.LOCAL_ERROR:
            self._update_idle_connection(target, result)
        if is_reported:
            self._report_verdict(definition.identity, target.tracker.verdict, result)

    def _update_idle_connection(self, target: Target, result: Result) -> None:
        """Connect to a target that passes, and close the connection to a failing target."""
        assert self._idle_connections is not None
        if result.passed:
            self._idle_connections.keep(target.definition)
        elif target.tracker.verdict is Verdict.FAILING:
            self._idle_connections.drop(target.definition.identity)


def _share_equal_parts(definitions: Iterable[CheckDefinition]) -> Iterator[CheckDefinition]:
    """Make equal probes and timings the same object, for less memory and better cache use."""
    probes: dict[Probe, Probe] = {}
    timings: dict[Timing, Timing] = {}
    for definition in definitions:
        probe = probes.setdefault(definition.probe, definition.probe)
        timing = timings.setdefault(definition.timing, definition.timing)
        yield replace(definition, probe=probe, timing=timing)


def _known_verdict(
    definition: CheckDefinition, previous: Target | None, verdicts: Mapping[str, Verdict]
) -> Verdict:
    if previous is not None and previous.definition.endpoint == definition.endpoint:
        return previous.tracker.verdict
    return verdicts.get(definition.identity, Verdict.UNKNOWN)
