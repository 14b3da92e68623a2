"""The result of one probe, and the verdict over many."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """Whether a target counts as passing. It is UNKNOWN until the first probe ends."""

    UNKNOWN = "unknown"
    PASSING = "passing"
    FAILING = "failing"


class Reason(StrEnum):
    """Why a probe has passed or failed.

    STATUS is a valid answer that reports a failure. BODY and REPLY are answers with unexpected
    content. DOWN is a report of the agent, script or file of the target.
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

    ``weight`` is the percentage of the configured weight that the target requests, None if it
    requests none. If `checks.definition.queries.requests_exit_weight`, it is the weight itself.
    ``warning`` is one line about a future failure. ``certificate_expires_at`` is
    when the verified certificate of the target expires, in seconds since the epoch.
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
