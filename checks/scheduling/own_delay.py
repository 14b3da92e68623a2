"""Decides whether a delay of this host may be the cause of a failed probe. Pure.

If this process does not attend to a probe for some time, a healthy target may fail, because it had
less time than the timeout. Such a failure proves nothing about the target, so it is discarded.
"""

from __future__ import annotations

from typing import Final

from checks.definition.check import CheckDefinition
from checks.definition.queries import path_evidence
from checks.definition.result import Reason, Result
from checks.definition.traits import PathEvidence
from checks.scheduling.schedule import is_delayed

UNATTENDED_SHARE_MAX: Final = 0.25
"""The part of its timeout for which a timed-out probe may be unattended and still counts."""

PATIENCE_SECONDS: Final = 1.0
"""The shortest time after which a server gives up a client that does not continue."""

_ALWAYS_PROOF: Final = frozenset(
    {Reason.PASSED, Reason.REFUSED, Reason.UNREACHABLE, Reason.NO_ROUTE, Reason.LOCAL_ERROR}
)
"""The results that no delay of this host can cause, and the local errors."""


def may_be_own_delay(definition: CheckDefinition, result: Result, unattended: float) -> bool:
    """Return whether a delay of this host may have caused the failure.

    ``unattended`` is the number of seconds for which this process did not attend to the probe.
    For a timeout, a small part of the timeout is enough. For another failure, at least
    PATIENCE_SECONDS are required: a server may close the connection of a client that sends
    nothing for that time.
    """
    if result.reason in _ALWAYS_PROOF:
        return False
    timeout = definition.timing.timeout
    if result.reason is Reason.TIMEOUT and is_delayed(timeout, result.duration):
        return True
    if result.reason is Reason.TIMEOUT or _is_script_failure(definition, result):
        return unattended > UNATTENDED_SHARE_MAX * timeout
    return unattended > PATIENCE_SECONDS


def discard(result: Result, unattended: float) -> Result:
    """Return the local error that replaces a result whose cause may be a delay of this host."""
    detail = (
        f"result discarded, because this host did not attend to the probe for {unattended:.2f} s"
        f" ({result.reason}: {result.detail})"
    )
    return Result(Reason.LOCAL_ERROR, detail, result.duration)


def _is_script_failure(definition: CheckDefinition, result: Result) -> bool:
    """Return whether a script reports the failure, which may be a timeout inside the script."""
    return result.reason is Reason.DOWN and PathEvidence.UNCLEAR in path_evidence(definition.probe)
