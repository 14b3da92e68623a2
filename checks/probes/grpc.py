"""The gRPC probe: one call of grpc.health.v1.Health/Check (gRPC's doc/health-checking.md).

The call is one HTTP/2 request (gRPC's doc/PROTOCOL-HTTP2.md). The request message and the response
message have one field each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from checks.definition.check import CheckDefinition
from checks.definition.options import GrpcProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, open_connection
from checks.io.tls import HTTP_2

if TYPE_CHECKING:
    from checks.probes.http2 import Exchange

_SERVING = 1
_STATUSES = {0: "UNKNOWN", _SERVING: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_FIELD = 1  # the number of the service name in the request, and of the status in the reply

# The codes of gRPC's doc/statuscodes.md that are caused by the server.
_CODES = {
    "4": "DEADLINE_EXCEEDED",
    "5": "NOT_FOUND",
    "7": "PERMISSION_DENIED",
    "8": "RESOURCE_EXHAUSTED",
    "12": "UNIMPLEMENTED",
    "13": "INTERNAL",
    "14": "UNAVAILABLE",
    "16": "UNAUTHENTICATED",
}


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Request the health of a service once. ``definition.probe`` must be a GrpcProbe."""
    # Imported only when needed, because the import takes 70 ms.
    from checks.probes.http2 import Exchange

    options = definition.probe
    assert isinstance(options, GrpcProbe)
    exchange = Exchange(_headers(definition, options), _request(options.service))
    async with open_connection(definition, progress) as connection:
        if options.tls:
            await connection.start_tls(options, options.tls_name or options.host, HTTP_2)
        progress.enter(AWAITING_REPLY)
        await connection.send(exchange.to_send())
        while not exchange.ended:
            data = await connection.receive()
            if not data:
                exchange.finish(progress.stage)
            exchange.feed(data)
            await connection.answer(exchange.to_send())
    status = _status(_message(exchange))
    if status != _SERVING:
        name = _STATUSES.get(status, f"status {status}")
        raise ProbeFailedError(Reason.STATUS, f"{name}, expected SERVING")
    return Outcome("SERVING")


def _headers(definition: CheckDefinition, options: GrpcProbe) -> list[tuple[str, str]]:
    address = definition.destination
    address = f"[{address}]" if ":" in address else address
    return [
        (":method", "POST"),
        (":scheme", "https" if options.tls else "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", options.host or f"{address}:{definition.port}"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "hadirector"),
    ]


def _request(service: str) -> bytes:
    """Return a HealthCheckRequest. The length of the name fits into one byte."""
    name = service.encode()
    message = bytes((_FIELD << 3 | 2, len(name))) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _message(exchange: Exchange) -> bytes:
    """Return the message of a successful call. Raises ProbeFailedError for any other reply."""
    headers = exchange.headers
    if exchange.status != 200:
        raise ProbeFailedError(Reason.STATUS, f"HTTP status {exchange.status}, expected 200")
    content_type = headers.get("content-type", "missing")
    if not content_type.startswith("application/grpc"):
        raise _protocol_error(f"the content-type is {content_type}")
    code = headers.get("grpc-status")
    if code is None:
        raise _protocol_error("the header field grpc-status is missing")
    if code != "0":
        name = f"{code} {_CODES.get(code, '')}".strip()
        message = unquote(headers.get("grpc-message", ""))
        raise ProbeFailedError(Reason.STATUS, f"grpc-status {name}: {message}".rstrip(": "))
    body = bytes(exchange.body)
    if body[:1] != b"\0" or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise _protocol_error(f"the body of {len(body)} bytes is not exactly one message")
    return body[5:]


def _status(message: bytes) -> int:
    """Return the status in a HealthCheckResponse. A missing status is 0 (UNKNOWN)."""
    status = 0
    rest = iter(message)
    for key in rest:
        if key != _FIELD << 3:
            raise _protocol_error(f"the message contains the unknown key {key}")
        status = _varint(rest)
    return status


def _varint(rest: Iterator[int]) -> int:
    """Read a number: seven bits per byte, lowest first. The eighth bit is set if a byte follows."""
    value = 0
    for shift, byte in zip(range(0, 70, 7), rest, strict=False):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise _protocol_error("the message ends within a varint")


def _protocol_error(reason: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not a gRPC reply: {reason}")
