"""The gRPC probe: one call of grpc.health.v1.Health/Check (gRPC's doc/health-checking.md).

How a call looks in HTTP/2 is in gRPC's doc/PROTOCOL-HTTP2.md. The two messages have one field each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from checks.definition.check import CheckDefinition
from checks.definition.options import GrpcProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, connected
from checks.io.tls import HTTP_2

if TYPE_CHECKING:
    from checks.probes.http2 import Exchange

_SERVING = 1
_STATUSES = {0: "UNKNOWN", _SERVING: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_FIELD = 1  # of the service's name in the request, and of its status in the reply

# gRPC's doc/statuscodes.md: those that say something of the server.
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
    """Ask once for the health of a service. ``definition.probe`` is a GrpcProbe."""
    # Loaded where it is needed: it takes 70 ms.
    from checks.probes.http2 import Exchange

    options = definition.probe
    assert isinstance(options, GrpcProbe)
    exchange = Exchange(_headers(definition, options), _request(options.service))
    async with connected(definition, progress) as connection:
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
        words = _STATUSES.get(status, f"status {status}")
        raise ProbeFailedError(Reason.STATUS, f"{words}, expected SERVING")
    return Outcome("SERVING")


def _headers(definition: CheckDefinition, options: GrpcProbe) -> list[tuple[str, str]]:
    there = definition.destination
    there = f"[{there}]" if ":" in there else there
    return [
        (":method", "POST"),
        (":scheme", "https" if options.tls else "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", options.host or f"{there}:{definition.port}"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "hadirector"),
    ]


def _request(service: str) -> bytes:
    """Write a HealthCheckRequest; a name is short enough for its length to be one byte."""
    name = service.encode()
    message = bytes((_FIELD << 3 | 2, len(name))) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _message(exchange: Exchange) -> bytes:
    """Find the message in a reply that says that the call went well."""
    headers = exchange.headers
    if exchange.status != 200:
        raise ProbeFailedError(Reason.STATUS, f"HTTP status {exchange.status}, expected 200")
    kind = headers.get("content-type", "nothing")
    if not kind.startswith("application/grpc"):
        raise _no_reply(f"its content is {kind}")
    code = headers.get("grpc-status")
    if code is None:
        raise _no_reply("without grpc-status")
    if code != "0":
        named = f"{code} {_CODES.get(code, '')}".strip()
        said = unquote(headers.get("grpc-message", ""))
        raise ProbeFailedError(Reason.STATUS, f"grpc-status {named}: {said}".rstrip(": "))
    body = bytes(exchange.body)
    if body[:1] != b"\0" or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise _no_reply(f"{len(body)} bytes are not one message")
    return body[5:]


def _status(message: bytes) -> int:
    """Read the status in a HealthCheckResponse; one that is not there is 0 (UNKNOWN)."""
    status = 0
    rest = iter(message)
    for key in rest:
        if key != _FIELD << 3:
            raise _no_reply(f"a field of key {key} in its message")
        status = _varint(rest)
    return status


def _varint(rest: Iterator[int]) -> int:
    """Read a number: seven bits a byte, the lowest first, the eighth where another follows."""
    value = 0
    for shift, byte in zip(range(0, 70, 7), rest, strict=False):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise _no_reply("a number without end in its message")


def _no_reply(why: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not a gRPC reply: {why}")
