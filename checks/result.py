"""The outcome of one probe, and the verdict over many."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What is known of a target. UNKNOWN until the first probe ends."""

    UNKNOWN = "unknown"
    PASSING = "passing"
    FAILING = "failing"


class Reason(StrEnum):
    """Why a probe ended as it did."""

    PASSED = "passed"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    LOCAL_ERROR = "local_error"
    TLS = "tls"
    PROTOCOL = "protocol"
    STATUS = "status"
    BODY = "body"


class Result(msgspec.Struct, frozen=True):
    """One probe's outcome. ``duration`` is seconds; ``detail`` is one line for a person."""

    reason: Reason
    detail: str
    duration: float

    @property
    def passed(self) -> bool:
        """Whether the target did what was expected of it."""
        return self.reason is Reason.PASSED
