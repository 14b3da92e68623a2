"""The checks workers: the processes that probe, as many as the checks need."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from checks.definition.check import CheckDefinition, Limits
from checks.definition.result import Verdict
from checks.scheduling.lateness import merged
from hadirector.health.sharding import Share, shares, worker_of, workers_needed
from hadirector.processes.messages import (
    CheckStatistics,
    ConfigureChecks,
    FromChecks,
    Stop,
    VerdictChanged,
)
from hadirector.processes.supervisor import Child

_NOTHING_YET: Final = CheckStatistics(0, 0, {})


class Workers:
    """Keeps the workers running, each with its share of the checks.

    ``tell`` is awaited with everything that they say, as one `Child` would tell it. A worker that
    dies is started again and gets its own share back: a target that kills it harms no other share.
    """

    name = "checks"

    def __init__(self, tell: Callable[[Any], Awaitable[None]]) -> None:
        self.children: list[Child[FromChecks]] = []
        self._tell = tell
        self._statistics: dict[str, CheckStatistics] = {}
        self._checks: Mapping[str, CheckDefinition] = {}
        self._shares: tuple[Share, ...] = ()
        self._group: asyncio.TaskGroup | None = None  # while it runs
        self._stop = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def statistics(self) -> CheckStatistics:
        """What the workers counted, together; ``latest`` stays empty."""
        each = [self._statistics.get(child.name, _NOTHING_YET) for child in self.children]
        return CheckStatistics(
            probes=sum(one.probes for one in each),
            late=sum(one.late for one in each),
            latest={},
            lateness=merged(one.lateness for one in each),
            hints=sum(one.hints for one in each),
            idle_connections=sum(one.idle_connections for one in each),
        )

    def configure(self, checks: Mapping[str, CheckDefinition], limits: Limits) -> None:
        """Have as many workers as these checks need; `send` then makes them run the checks."""
        processors = len(os.sched_getaffinity(0))
        count = workers_needed(checks.values(), limits.probes_per_second, processors)
        self._checks = checks
        self._shares = shares(checks, limits, count)
        if self.children and count != len(self.children):
            self._log.info("workers_changed", previous=len(self.children), workers=count)
        while len(self.children) > count:
            child = self.children.pop()
            self._statistics.pop(child.name, None)
            child.stop(Stop())
        while len(self.children) < count:
            self._add()

    def send(
        self,
        verdicts: Mapping[str, Verdict],
        weights: Mapping[str, int],
        only: str | None = None,
    ) -> None:
        """Tell every worker, or the one of this name, what to check and what is known of it."""
        for child, (checks, limits) in zip(self.children, self._shares, strict=True):
            if only in (None, child.name):
                names = [check.identity for check in checks]
                child.send(
                    ConfigureChecks(
                        checks,
                        {name: verdicts[name] for name in names if name in verdicts},
                        {name: weights[name] for name in names if name in weights},
                        limits,
                    )
                )

    async def run(self) -> None:
        """Run the workers until all have ended after `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for child in self.children:
                group.create_task(child.run(), name=child.name)
            await self._stop.wait()

    def stop(self) -> None:
        """Order the workers to end."""
        self._stop.set()
        for child in self.children:
            child.stop(Stop())

    def kill(self) -> None:
        """End the workers with SIGKILL."""
        for child in self.children:
            child.kill()

    def _add(self) -> None:
        number = len(self.children)
        name = self.name if number == 0 else f"{self.name} {number + 1}"

        async def hear(message: Any) -> None:
            if self._heeds(child, number, message):
                await self._tell(message)

        child: Child[FromChecks] = Child(
            name, "hadirector.processes.checks_process", FromChecks, hear
        )
        self.children.append(child)
        if self._group is not None:
            self._group.create_task(child.run(), name=name)

    def _heeds(self, child: Child[FromChecks], number: int, message: Any) -> bool:
        """Whether to pass on what a worker says; the last words of one that left are not.

        Nor is its verdict on a check that another worker has now: that one may know better.
        """
        if child not in self.children:
            return False
        if isinstance(message, CheckStatistics):
            self._statistics[child.name] = message
        if isinstance(message, VerdictChanged):
            check = self._checks.get(message.check)
            return check is not None and worker_of(check, len(self.children)) == number
        return True
