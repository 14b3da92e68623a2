"""The checks workers: the processes that run the probes."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from checks.definition.check import CheckDefinition, Limits
from checks.definition.result import Verdict
from checks.scheduling.lateness import merge
from hadirector.health.sharding import Share, count_workers, divide_into_shares, worker_of
from hadirector.health.starvation import Starvation
from hadirector.health.target import UNKNOWN_TARGET, Targets
from hadirector.processes.messages import (
    CheckStatistics,
    ConfigureChecks,
    FromChecks,
    HintTargets,
    Stop,
    VerdictChanged,
)
from hadirector.processes.supervisor import Child

_NOTHING_YET: Final = CheckStatistics(0, 0, {})


class Workers:
    """Keeps as many workers running as the checks need, each with its share of the checks.

    ``handle_message`` is awaited with every message of every worker. A worker that crashes is
    restarted with the same share, so that a target that crashes its worker affects no other
    share.
    """

    name = "checks"

    def __init__(self, handle_message: Callable[[Any], Awaitable[None]]) -> None:
        self.children: list[Child[FromChecks]] = []
        self._handle_message = handle_message
        self._statistics: dict[str, CheckStatistics] = {}
        self._starvation = Starvation()
        self._checks: Mapping[str, CheckDefinition] = {}
        self._shares: tuple[Share, ...] = ()
        self._suspicions = False
        self._group: asyncio.TaskGroup | None = None  # while it runs
        self._stop = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def statistics(self) -> CheckStatistics:
        """The sums of the statistics of all workers. The sum has no latest results."""
        workers = [self._statistics.get(child.name, _NOTHING_YET) for child in self.children]
        return CheckStatistics(
            probes=sum(worker.probes for worker in workers),
            delayed_probes=sum(worker.delayed_probes for worker in workers),
            latest={},
            lateness=merge(worker.lateness for worker in workers),
            hints=sum(worker.hints for worker in workers),
            idle_connections=sum(worker.idle_connections for worker in workers),
            discarded=dict(sum((Counter(worker.discarded) for worker in workers), Counter())),
            unattended=sum(worker.unattended for worker in workers),
        )

    def configure(
        self, checks: Mapping[str, CheckDefinition], limits: Limits, *, suspicions: bool = False
    ) -> None:
        """Start or stop workers until there are as many as these checks need.

        The workers run the checks after the next call of `send`. With ``suspicions``, they report
        each first failure of a passing target.
        """
        self._suspicions = suspicions
        processors = len(os.sched_getaffinity(0))
        count = count_workers(checks.values(), limits.probes_per_second, processors)
        self._checks = checks
        self._shares = divide_into_shares(checks, limits, count)
        if self.children and count != len(self.children):
            self._log.info("workers_changed", previous=len(self.children), workers=count)
        while len(self.children) > count:
            child = self.children.pop()
            self._statistics.pop(child.name, None)
            self._starvation.forget(child.name)
            child.stop(Stop())
        while len(self.children) < count:
            self._add()

    def send(self, targets: Targets, only: str | None = None) -> None:
        """Send each worker, or only the worker ``only``, its checks, their verdicts and weights."""
        for child, (checks, limits) in zip(self.children, self._shares, strict=True):
            if only in (None, child.name):
                states = [
                    (check.identity, targets.get(check.identity, UNKNOWN_TARGET))
                    for check in checks
                ]
                child.send(
                    ConfigureChecks(
                        checks,
                        {
                            identity: state.verdict
                            for identity, state in states
                            if state.verdict is not Verdict.UNKNOWN
                        },
                        {
                            identity: state.requested_weight
                            for identity, state in states
                            if state.requested_weight is not None
                        },
                        limits,
                        self._suspicions,
                    )
                )

    def hint(self, identities: Iterable[str]) -> None:
        """Let the workers probe these targets at once, because they may have failed."""
        found = defaultdict(list)
        for identity in identities:
            if (check := self._checks.get(identity)) is not None:
                found[worker_of(check, len(self.children))].append(identity)
        for number, checks in found.items():
            self.children[number].send(HintTargets(tuple(checks)))

    async def run(self) -> None:
        """Run the workers until `stop` is called and all of them have exited."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for child in self.children:
                group.create_task(child.run(), name=child.name)
            await self._stop.wait()

    def stop(self) -> None:
        """Request every worker to exit."""
        self._stop.set()
        for child in self.children:
            child.stop(Stop())

    def kill(self) -> None:
        """Kill every worker with SIGKILL."""
        for child in self.children:
            child.kill()

    def _add(self) -> None:
        number = len(self.children)
        name = self.name if number == 0 else f"{self.name} {number + 1}"

        async def receive(message: Any) -> None:
            if self._accept(child, number, message):
                await self._handle_message(message)

        child: Child[FromChecks] = Child(
            name, "hadirector.processes.checks_process", FromChecks, receive
        )
        self.children.append(child)
        if self._group is not None:
            self._group.create_task(child.run(), name=name)

    def _note_attention(self, name: str, statistics: CheckStatistics) -> None:
        """Log when a worker becomes starved, and when it recovers."""
        share = self._starvation.note(name, statistics)
        if share is None:
            return
        discarded = [f"{reason} {count}" for reason, count in sorted(statistics.discarded.items())]
        starved = name in self._starvation.starved
        self._log.warning(
            "checks_worker_starved" if starved else "checks_worker_recovered",
            process=name,
            unattended_percent=round(100 * share),
            discarded_results=discarded,
        )

    def _accept(self, child: Child[FromChecks], number: int, message: Any) -> bool:
        """Store statistics, and return whether a message of a worker is still valid.

        A message of a removed worker is not valid. A verdict on a check that has moved to another
        worker is not valid either, because the verdict of that worker may be newer.
        """
        if child not in self.children:
            return False
        if isinstance(message, CheckStatistics):
            self._note_attention(child.name, message)
            self._statistics[child.name] = message
        if isinstance(message, VerdictChanged):
            check = self._checks.get(message.check)
            return check is not None and worker_of(check, len(self.children)) == number
        return True
