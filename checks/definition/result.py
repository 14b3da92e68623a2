"""The result of one probe, and the verdict that follows from several results."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """The state of a target: passing, failing, or UNKNOWN until its first probe ends."""

    UNKNOWN = "unknown"
    PASSING = "passing"
    FAILING = "failing"


class Reason(StrEnum):
    """Why a probe has passed or failed.

    STATUS: a valid answer whose status reports a failure. BODY, REPLY: an answer with
    unexpected content. DOWN: the agent, script or file of the target reports that it is down.
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


class Result(msgspec.Struct, frozen=True, gc=False):
    """The result of one probe. ``duration`` is in seconds, and ``detail`` is one line of text.

    ``weight`` is the weight that the target requests, in percent of its configured weight; None
    without a request. For a script with ``exit_weight``, it is a weight and not a percentage.
    ``warning`` is one line about a failure to come, such as an expiring certificate.
    ``certificate_expires_at`` is when the verified certificate of the target expires, in
    seconds since the epoch.
    """

    reason: Reason
    detail: str
    duration: float
    weight: int | None = None
    warning: str = ""
    certificate_expires_at: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the probe has passed."""
        return self.reason is Reason.PASSED

    @property
    def summary(self) -> str:
        """The outcome in one line, with the warning."""
        outcome = self.detail if self.passed else f"{self.reason}: {self.detail}"
        return f"{outcome}; {self.warning}" if self.warning else outcome
