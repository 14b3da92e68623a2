"""One probe from its start to its result: the deadline, and a name for whatever went wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import NamedTuple

from checks.definition.check import CheckDefinition
from checks.definition.queries import transports
from checks.definition.result import Reason, Result
from checks.io.errors import describe, one_line, reason_of
from checks.io.pattern import SearchTooLongError
from checks.io.tls import describe_error

CONNECTING = "connecting"


class Outcome(NamedTuple):
    """What a probe that passed has to say; ``weight`` as in Result."""

    detail: str
    weight: int | None = None


class ProbeFailedError(Exception):
    """The target answered, but not as it should; says how."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Progress:
    """How far a probe has come, and what it saw on the way.

    ``stage`` is what it is doing now: "no answer within 1 s while ...".
    """

    __slots__ = ("stage", "tls", "warning")

    def __init__(self) -> None:
        self.stage = "starting"
        self.tls: ssl.SSLObject | None = None
        self.warning = ""

    def enter(self, stage: str) -> None:
        """Go on to the next stage, or stay in this one."""
        self.stage = stage


class TimedProgress(Progress):
    """Remembers too when each stage began, monotonic seconds."""

    __slots__ = ("stages",)

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[tuple[str, float]] = []

    def enter(self, stage: str) -> None:
        """Go on to the next stage, or stay in this one."""
        if stage != self.stage:
            self.stages.append((stage, monotonic()))
        super().enter(stage)


Prober = Callable[[CheckDefinition, Progress], Awaitable[Outcome]]

FAULTS = (ProbeFailedError, SearchTooLongError, OSError)  # ssl.SSLError is an OSError
"""What a probe raises for what a target does, or for a want of this host."""


async def attempt(definition: CheckDefinition, prober: Prober, progress: Progress) -> Result:
    """Probe once. It ends by its deadline, and raises for nothing that a target can do."""
    started = monotonic()
    weight = None
    try:
        async with asyncio.timeout(definition.timing.timeout):
            detail, weight = await prober(definition, progress)
        reason = Reason.PASSED
    except TimeoutError:
        reason, detail = Reason.TIMEOUT, too_late(definition, progress.stage)
    except FAULTS as fault:
        reason, detail = explain(fault, definition, progress.stage)
    return Result(reason, one_line(detail), monotonic() - started, weight, progress.warning)


def too_late(definition: CheckDefinition, stage: str) -> str:
    """Say that a probe has passed its deadline, and at what."""
    timeout, question = definition.timing.timeout, _question(definition, stage)
    return f"no answer within {timeout:g} s while {stage}{question}"


def explain(fault: Exception, definition: CheckDefinition, stage: str) -> tuple[Reason, str]:
    """Name one of FAULTS and describe it for a person."""
    match fault:
        case ProbeFailedError():
            return fault.reason, fault.detail
        case SearchTooLongError():
            return Reason.REPLY, str(fault)
        case ssl.SSLError():
            return Reason.TLS, describe_error(fault)
        case OSError():
            reason, detail = reason_of(fault), f"{stage}: {describe(fault)}"
            if reason is Reason.UNREACHABLE:
                detail += _question(definition, stage)
            return reason, detail
        case _:
            raise fault


def _question(definition: CheckDefinition, stage: str) -> str:
    """Say what to look at first where a target that is asked by another address is silent."""
    if definition.route.destination is None:
        return ""
    if stage != CONNECTING and transports(definition.probe) != {"udp"}:
        return ""  # a connection was made, so it has that address
    return f" (asked as {definition.destination}: has it that address?)"
