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
    """Why a probe ended as it did.

    STATUS is a well-formed answer that says no, BODY and REPLY are answers with other content
    than expected, and DOWN is what the target's own agent, script or file says of it.
    """

    PASSED = "passed"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no_route"
    LOCAL_ERROR = "local_error"
    TLS = "tls"
    PROTOCOL = "protocol"
    STATUS = "status"
    BODY = "body"
    REPLY = "reply"
    DOWN = "down"


class Result(msgspec.Struct, frozen=True):
    """One probe's outcome. ``duration`` is seconds; ``detail`` is one line for a person.

    ``weight`` is the percentage of its configured weight that the target asks for, None when it
    asks for nothing. ``warning`` is one line about what will fail later.
    """

    reason: Reason
    detail: str
    duration: float
    weight: int | None = None
    warning: str = ""

    @property
    def passed(self) -> bool:
        """Whether the target did what was expected of it."""
        return self.reason is Reason.PASSED
