"""A small synchronous client of the API, for the command line."""

from __future__ import annotations

import http.client
import os

import msgspec

from hadirector.api.endpoint import Endpoint, EndpointError, Remote, open_connection, read_token

TIMEOUT_SECONDS = 30.0
CLAIM_HEADER = "Hadirector-Claimed"
"""The header with the user that a client names, such as the user behind sudo."""
ANSWER_SIZE_MAX = 256 * 1024 * 1024


class ApiError(Exception):
    """The director cannot be reached, or it refused the request. The message is the reason.

    ``status`` is the status of the answer, None without an answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class BadRequestError(ApiError):
    """The request is invalid, so that repeating it is useless."""


_BAD_REQUESTS = (
    http.client.BAD_REQUEST,
    http.client.REQUEST_ENTITY_TOO_LARGE,
    http.client.UNPROCESSABLE_ENTITY,
)


class _Fault(msgspec.Struct):
    """One fault of a problem."""

    detail: str = ""
    place: str = ""


class _Problem(msgspec.Struct):
    """The part of a problem that a command prints."""

    detail: str
    errors: tuple[_Fault, ...] = ()


def request(
    endpoint: Endpoint,
    method: str,
    route: str,
    body: object = None,
    *,
    timeout: float = TIMEOUT_SECONDS,
    if_match: str | None = None,
) -> bytes:
    """Send one request to a director, and return the JSON answer.

    A body of bytes is sent as YAML, any other body as JSON. ``timeout`` is in seconds, for each
    step of the conversation. ``if_match`` is the entity tag that the object must have. Raises
    ApiError.
    """
    content, headers = _content(body)
    if user := os.environ.get("SUDO_USER"):
        headers[CLAIM_HEADER] = f"sudo:{user}"
    if if_match is not None:
        headers["If-Match"] = f'"{if_match}"'
    try:
        connection = open_connection(endpoint, timeout)
        prefix = ""
        if isinstance(endpoint, Remote):
            prefix = endpoint.parts.path.rstrip("/")
            if endpoint.token_file is not None:
                headers["Authorization"] = f"Bearer {read_token(endpoint.token_file)}"
    except EndpointError as error:
        raise ApiError(str(error)) from error
    try:
        connection.request(method, f"{prefix}{route}", content, headers)
        response = connection.getresponse()
        answer = response.read(ANSWER_SIZE_MAX)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error
        raise ApiError(f"no director answers at {endpoint}: {reason}") from error
    finally:
        connection.close()
    if response.status >= http.client.MULTIPLE_CHOICES:
        bad = response.status in _BAD_REQUESTS
        kind = BadRequestError if bad else ApiError
        raise kind(_error_text(response.status, answer), response.status)
    return answer


def _content(body: object) -> tuple[bytes | None, dict[str, str]]:
    """Return the content of a body, and its headers."""
    if body is None:
        return None, {}
    if isinstance(body, bytes):
        return body, {"Content-Type": "application/yaml"}
    return msgspec.json.encode(body), {"Content-Type": "application/json"}


def _error_text(status: int, answer: bytes) -> str:
    """Return the faults of a configuration, a line each, or the reason of another refusal."""
    try:
        problem = msgspec.json.decode(answer, type=_Problem)
    except (msgspec.DecodeError, UnicodeError):
        return f"HTTP status {status}"
    if status == http.client.PRECONDITION_FAILED and problem.errors:
        return "\n".join(["the standby is not ready:", *(f"  {e.detail}" for e in problem.errors)])
    lines = [f"{fault.place}: {fault.detail}" for fault in problem.errors if fault.place]
    return "\n".join(lines) or problem.detail
