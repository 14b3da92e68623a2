"""One probe from start to result: its progress, its deadline, and the reason of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from checks.definition.check import CheckDefinition
from checks.definition.queries import transports
from checks.definition.result import Reason, Result
from checks.io.errors import describe, one_line, reason_of
from checks.io.pattern import SearchPostponedError, SearchTooLongError
from checks.io.tls import describe_error, is_tls_error

if TYPE_CHECKING:
    import ssl

CONNECTING = "connecting"


class Outcome(NamedTuple):
    """The outcome of a probe that passed. ``detail`` and ``weight`` are as in Result."""

    detail: str
    weight: int | None = None


class ProbeFailedError(Exception):
    """The probe has failed: an unexpected answer, or no usable local setting. Becomes a Result."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Progress:
    """The state of a probe in progress.

    ``stage`` is what the probe does at present, such as "connecting". A timeout names the
    stage: "no answer within 1 s while connecting".
    """

    __slots__ = ("certificate_expires_at", "stage", "tls", "warning")

    def __init__(self) -> None:
        self.stage = "starting"
        self.tls: ssl.SSLObject | None = None
        self.warning = ""
        self.certificate_expires_at: float | None = None

    def enter(self, stage: str) -> None:
        """Set the stage."""
        self.stage = stage

    def keep_body(self, body: bytes | bytearray) -> None:
        """Ignore the body of a reply. `TimedProgress` keeps it."""


class TimedProgress(Progress):
    """Progress that also records the start of each stage, in monotonic seconds, and the body.

    ``body`` is the body of the reply, up to 64 KiB; None if there is no complete reply.
    """

    __slots__ = ("body", "stages")

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[tuple[str, float]] = []
        self.body: bytes | None = None

    def keep_body(self, body: bytes | bytearray) -> None:
        """Keep the body of the reply."""
        self.body = bytes(body)

    def enter(self, stage: str) -> None:
        """Set the stage and record the time if the stage is new."""
        if stage != self.stage:
            self.stages.append((stage, monotonic()))
        super().enter(stage)


Prober = Callable[[CheckDefinition, Progress], Awaitable[Outcome]]

PROBE_ERRORS = (
    ProbeFailedError,
    SearchTooLongError,
    SearchPostponedError,
    OSError,  # ssl.SSLError is an OSError
)
"""The exceptions that a probe raises because of the target or of a local error."""


async def run_prober(definition: CheckDefinition, prober: Prober, progress: Progress) -> Result:
    """Run a prober once, until its deadline. A target cannot cause an exception."""
    started = monotonic()
    weight = None
    try:
        async with asyncio.timeout(definition.timing.timeout):
            detail, weight = await prober(definition, progress)
        reason = Reason.PASSED
    except TimeoutError:
        reason, detail = Reason.TIMEOUT, describe_timeout(definition, progress.stage)
    except PROBE_ERRORS as error:
        reason, detail = explain_error(error, definition, progress.stage)
    return Result(
        reason,
        one_line(detail),
        monotonic() - started,
        weight,
        progress.warning,
        progress.certificate_expires_at,
    )


def describe_timeout(definition: CheckDefinition, stage: str) -> str:
    """Describe in which stage a probe has reached its deadline."""
    timeout, remedy = definition.timing.timeout, _suggest_remedy(definition, stage)
    return f"no answer within {timeout:g} s while {stage}{remedy}"


def explain_error(error: Exception, definition: CheckDefinition, stage: str) -> tuple[Reason, str]:
    """Return the reason and the detail of a result for an exception in PROBE_ERRORS."""
    match error:
        case ProbeFailedError():
            return error.reason, error.detail
        case SearchTooLongError():
            return Reason.REPLY, str(error)
        case SearchPostponedError():
            return Reason.LOCAL_ERROR, str(error)
        case OSError() if is_tls_error(error):
            return Reason.TLS, describe_error(error)
        case OSError():
            reason, detail = reason_of(error), f"{stage}: {describe(error)}"
            if reason is Reason.UNREACHABLE:
                detail += _suggest_remedy(definition, stage)
            return reason, detail
        case _:
            raise error


def _suggest_remedy(definition: CheckDefinition, stage: str) -> str:
    """Suggest the most likely remedy if a target does not answer at the virtual address."""
    if definition.route.destination is None:
        return ""
    if stage != CONNECTING and transports(definition.probe) != {"udp"}:
        return ""  # the target has established a connection, so it has the address
    return (
        f" (probed at {definition.destination}: check that the target has this address configured)"
    )
