"""The errors of the API: problem documents with stable codes (RFC 9457). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

MEDIA_TYPE: Final = "application/problem+json"
NAMES_MAX: Final = 10
"""The maximum number of known names that an error lists."""
DETAIL_MAX: Final = 1000
"""Characters of a detail. A longer text, such as a long name in a request, is truncated."""


class Code(StrEnum):
    """The code of a problem. A code never changes its meaning."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    REQUEST_INCOMPLETE = "request-incomplete"
    NOT_POSSIBLE = "not-possible"
    BUSY = "busy"
    STALE = "stale"
    STANDBY_NOT_READY = "standby-not-ready"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    EXPECTATION_FAILED = "expectation-failed"
    INVALID_CONFIG = "invalid-config"
    PRECONDITION_REQUIRED = "precondition-required"
    TOO_MANY = "too-many"
    INTERNAL = "internal"
    DATAPLANE = "dataplane"
    FOLLOWERS = "followers"
    NOT_READY = "not-ready"
    MISDIRECTED = "misdirected"
    CROSS_SITE = "cross-site"
    UNREACHABLE = "director-unreachable"


class Kind(NamedTuple):
    """The title, status and other parts that are equal in all problems with one code."""

    status: int
    title: str
    remedy: str


KINDS: Final[Mapping[Code, Kind]] = MappingProxyType(
    {
        Code.MALFORMED: Kind(
            400,
            "The request is malformed",
            "Correct the parts that `errors` names. docs/api.md and /openapi.json describe them.",
        ),
        Code.UNAUTHENTICATED: Kind(
            401,
            "The request proves no identity",
            "Send a token that is known and has not expired, or a client certificate.",
        ),
        Code.FORBIDDEN: Kind(
            403,
            "The role of the actor does not allow the request",
            "Use an account with the role that `detail` names. `api.roles` maps groups to roles.",
        ),
        Code.NOT_FOUND: Kind(
            404,
            "There is no such object",
            "Use a name from the list of the objects. A suggestion is a similar name.",
        ),
        Code.METHOD_NOT_ALLOWED: Kind(
            405,
            "The path does not have this method",
            "Use one of the methods in the header Allow.",
        ),
        Code.REQUEST_INCOMPLETE: Kind(
            408,
            "The body of the request did not arrive in time",
            "Send the whole body within 5 s.",
        ),
        Code.NOT_POSSIBLE: Kind(
            409,
            "The director cannot execute the request in its current state",
            "`detail` names the reason. The director has changed nothing.",
        ),
        Code.BUSY: Kind(
            409,
            "Another operation is running",
            "Repeat the request after the end of the operation that `detail` names.",
        ),
        Code.STALE: Kind(
            412,
            "The object has changed since it was read",
            "Read the object again, and send its ETag in If-Match.",
        ),
        Code.STANDBY_NOT_READY: Kind(
            412,
            "The standby is not ready",
            "`errors` lists what the standby lacks. `hadirector doctor` explains each item.",
        ),
        Code.TOO_LARGE: Kind(
            413,
            "The body of the request is too large",
            "Send a smaller body, or several requests.",
        ),
        Code.UNSUPPORTED: Kind(
            415,
            "The body has a media type that the path does not accept",
            "Send the body with the Content-Type that `detail` names.",
        ),
        Code.EXPECTATION_FAILED: Kind(
            417,
            "The director does not support the header Expect of the request",
            "Send no header Expect, or `Expect: 100-continue`.",
        ),
        Code.INVALID_CONFIG: Kind(
            422,
            "The configuration has faults",
            "Correct the faults that `errors` lists, each with its place in the file.",
        ),
        Code.PRECONDITION_REQUIRED: Kind(
            428,
            "The request needs a precondition",
            "Read the object, and send its ETag in If-Match.",
        ),
        Code.TOO_MANY: Kind(
            429,
            "There are too many requests",
            "Repeat the request after the time in the header Retry-After.",
        ),
        Code.INTERNAL: Kind(
            500,
            "The director has a fault",
            "Report the fault with the log line that has the same request id.",
        ),
        Code.DATAPLANE: Kind(
            503,
            "The dataplane does not answer",
            "`detail` has the error of the kernel. `hadirector doctor` explains it.",
        ),
        Code.FOLLOWERS: Kind(
            503,
            "Too many clients wait for events",
            "Follow the events through the web process, or repeat the request later.",
        ),
        Code.MISDIRECTED: Kind(
            421,
            "The director does not know the host name of the request",
            "Use an address or a known name of the director, or add the name to `api.host_names`.",
        ),
        Code.CROSS_SITE: Kind(
            403,
            "A page of another site has made the browser send the request",
            "Use the page of the director itself.",
        ),
        Code.UNREACHABLE: Kind(
            502,
            "The web process runs, but the director does not answer it",
            "Look at `hadirector status` and at the log on the host of the director.",
        ),
        Code.NOT_READY: Kind(
            503,
            "The director is not ready",
            "`errors` lists what is missing.",
        ),
    }
)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a request.

    ``pointer`` is the place in a JSON body (RFC 6901), ``parameter`` the name of a parameter of the
    query, and ``place`` "file:line:column" of a configuration.
    """

    detail: str
    pointer: str = ""
    parameter: str = ""
    place: str = ""
    expected: str = ""
    suggestion: str = ""


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an answer that reports an error.

    ``instance`` is the path of the request, and ``request_id`` is also in the log.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str = ""
    errors: tuple[Fault, ...] = ()
    hint: str = ""


class ProblemError(Exception):
    """The error that a handler raises. The answer is its problem document, with ``headers``."""

    def __init__(
        self,
        code: Code,
        detail: str,
        errors: Iterable[Fault] = (),
        *,
        hint: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail[:DETAIL_MAX]
        self.errors = tuple(errors)
        self.hint = hint
        self.headers = dict(headers)

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return KINDS[self.code].status

    def describe(self, path: str, request_id: str) -> ProblemDetails:
        """Return the problem document for the request with this path and id."""
        kind = KINDS[self.code]
        return ProblemDetails(
            type=f"/problems/{self.code}",
            title=kind.title,
            status=kind.status,
            code=self.code.value,
            detail=self.detail,
            instance=path,
            request_id=request_id,
            errors=self.errors,
            hint=self.hint,
        )


def unknown_object(kind: str, name: str, known: Iterable[str]) -> ProblemError:
    """Return the problem that there is no object of this kind with this name."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    expected = f"{', '.join(names[:NAMES_MAX]) or 'none'}{more}"
    guess = f"; did you mean {close[0]}?" if close else ""
    detail = f"no {kind} {name} (there are: {expected}){guess}"
    return ProblemError(
        Code.NOT_FOUND,
        detail,
        [Fault(detail, expected=expected, suggestion=close[0] if close else "")],
    )
