"""A small synchronous client of the API, for the command line."""

from __future__ import annotations

import http.client
import socket
import struct

import msgspec

TIMEOUT_SECONDS = 30.0
ANSWER_SIZE_MAX = 256 * 1024 * 1024


class ApiError(Exception):
    """The director cannot be reached, or it refused the request. The message is the reason."""


class BadRequestError(ApiError):
    """The request itself is wrong, so the director would never accept it."""


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


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("director", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # If many clients wait for the director, connect(2) waits for as long as send(2) may. With
        # a timeout of Python it would fail at once.
        patience = struct.pack("@ll", int(TIMEOUT_SECONDS), 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self.sock.connect(self._path)
        self.sock.settimeout(TIMEOUT_SECONDS)


def request(path: str, method: str, route: str, body: object = None) -> bytes:
    """Send one request to the director that listens at ``path``; return the JSON answer.

    A body of bytes is sent unchanged, any other body as JSON. Raises ApiError.
    """
    connection = _Connection(path)
    content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
    try:
        connection.request(method, route, content)
        response = connection.getresponse()
        answer = response.read(ANSWER_SIZE_MAX)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error
        raise ApiError(f"no director answers at {path}: {reason}") from error
    finally:
        connection.close()
    if response.status >= http.client.MULTIPLE_CHOICES:
        bad = response.status in _BAD_REQUESTS
        raise (BadRequestError if bad else ApiError)(_error_text(response.status, answer))
    return answer


def _error_text(status: int, answer: bytes) -> str:
    """Return the faults of a configuration, a line each, or the reason of another refusal."""
    try:
        problem = msgspec.json.decode(answer, type=_Problem)
    except (msgspec.DecodeError, UnicodeError):
        return f"HTTP status {status}"
    lines = [f"{fault.place}: {fault.detail}" for fault in problem.errors if fault.place]
    return "\n".join(lines) or problem.detail
