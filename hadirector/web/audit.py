"""Reports refused attempts to the director, which records them as events."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from traceback import print_exception
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from hadirector.api.problems import Code, ProblemError
from vrrp.model.report import Notice, Scalar

REPORTS_PER_MINUTE: Final = 30
"""Refused attempts that are reported. Further ones are only counted in the next report."""
PATH_CHARACTERS_MAX: Final = 200
_CODES: Final = frozenset(
    {Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.CROSS_SITE, Code.MISDIRECTED, Code.TOO_MANY}
)


class Audit:
    """Reports refused logins and changes, and counts further ones at the limit."""

    def __init__(self, report: Callable[[Notice], object]) -> None:
        self._report = report
        self._began = 0.0
        self._reported = 0
        self._unreported = 0

    def note(
        self, request: web.BaseRequest, address: str, request_id: str, problem: ProblemError
    ) -> None:
        """Report a refusal, if it is a failed proof or a refused change."""
        changes = request.method not in ("GET", "HEAD")
        proves = "Authorization" in request.headers
        if problem.code not in _CODES or not (changes or proves):
            return
        fields: dict[str, Scalar] = {
            "request": f"{request.method} {request.rel_url.raw_path[:PATH_CHARACTERS_MAX]}",
            "address": address,
            "request_id": request_id,
            "code": problem.code.value,
            "reason": problem.detail,
        }
        self._send(Notice("warning", "request_refused", fields))

    def note_fault(self, request_id: str, error: Exception) -> None:
        """Report a fault of this program."""
        print_exception(error)
        reason = f"{type(error).__name__}: {error}"[:PATH_CHARACTERS_MAX]
        fields: dict[str, Scalar] = {"request_id": request_id, "reason": reason}
        self._send(Notice("error", "request_failed", fields))

    def _send(self, notice: Notice) -> None:
        now = monotonic()
        if now - self._began >= 60.0:
            self._began, self._reported = now, 0
        if self._reported >= REPORTS_PER_MINUTE:
            self._unreported += 1
            return
        self._reported += 1
        more = {"unreported": self._unreported} if self._unreported else {}
        self._unreported = 0
        self._report(replace(notice, fields={**notice.fields, **more}))
