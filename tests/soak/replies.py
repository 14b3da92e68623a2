"""Mutated replies of a real server: HTTP, gRPC, DNS, MySQL and agents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dns.message
import dns.rrset

from checks.definition.options import HttpProbe
from checks.io.attempt import ProbeFailedError
from checks.probes.agent import evaluate_statement
from checks.probes.dns import _read_reply as read_dns
from checks.probes.expectation import find_body_fault
from checks.probes.grpc import _message as read_grpc
from checks.probes.grpc import _status as read_health
from checks.probes.http2 import Exchange
from checks.probes.http_reply import Reply
from checks.probes.mysql import _describe_rejection as read_denial
from checks.probes.mysql import _version as read_version

PART = 7  # bytes in one read
HTTP = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 302 Found\r\nLocation: http://a/b\r\n\r\nbody",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nxx",
    b'HTTP/1.1 200 OK\r\n\r\n{"services": [{"state": "up", "load": 1.5e3}], "note": "\\u00e9"}',
)
# SETTINGS, then HEADERS, DATA and trailers of a good reply, and only HEADERS of a bad one.
GRPC = (
    b"\0\0\0\4\0\0\0\0\0"
    b"\0\0\x20\1\4\0\0\0\1\x88\0\x0ccontent-type\x10application/grpc"
    b"\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\1"
    b"\0\0\x0f\1\5\0\0\0\1\0\x0bgrpc-status\x010",
    b"\0\0\0\4\0\0\0\0\0"
    b"\0\0\x2f\1\5\0\0\0\1\x88\0\x0ccontent-type\x10application/grpc"
    b"\0\x0bgrpc-status\x015",
)
MYSQL = (
    b"\x0a8.0.36\0" + bytes(60),
    b"\xff\x10\x04Too many connections",
    b"\xff\x15\x04#28000Access denied for user 'a'@'b' (using password: NO)",
)
AGENT = (b"up 75%\n", b"drain # for the night\r\n", b"down maxconn:30\n", b"ready,up 100%")
DNS = (
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("MX", "10 mail.example.com."),
    ("TXT", '"hello" "world"'),
    ("SOA", "ns.example.com. root.example.com. 1 2 3 4 5"),
    ("SRV", "1 2 80 a.example.com."),
    ("NAPTR", '1 2 "u" "E2U" "!x!y!" .'),
    ("HTTPS", "1 . alpn=h2 port=443 ipv4hint=192.0.2.1"),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"),
    ("APL", "1:192.0.2.0/24"),
)
_EXPECTED = HttpProbe(expect_json=(("services.0.state", "up"),))


class Replies:
    """One kind of reply, and its reader."""

    def __init__(
        self, name: str, samples: Sequence[bytes], read: Callable[[bytes], object]
    ) -> None:
        self.name = name
        self.samples = samples
        self._read = read

    def take(self, data: bytes) -> str:
        """Read a reply; return a word for the result."""
        try:
            found = self._read(data)
        except ProbeFailedError as error:
            return str(error.reason)
        return "nothing" if found is None else "understood"

    def mend(self, data: bytes) -> bytes:
        """Make a DNS reply answer the current query; leave the other kinds alone."""
        return self.samples[0][:2] + data[2:] if self.name == "DNS" else data


def every_reply() -> list[Replies]:
    """Return one of each kind."""
    query = dns.message.make_query("example.com", "A")
    return [
        Replies("HTTP", HTTP, _read_http),
        Replies("gRPC", GRPC, _read_grpc),
        Replies("MySQL", MYSQL, _read_mysql),
        Replies("DNS", [_dns(query, *each) for each in DNS], lambda data: _read_dns(data, query)),
        Replies(
            "agent",
            AGENT,
            lambda data: evaluate_statement("it says", data.decode(errors="replace")),
        ),
    ]


def _read_http(data: bytes) -> int | None:
    reply = Reply(has_body=True)
    for start in range(0, len(data), PART):
        if reply.ended:
            break
        reply.feed(data[start : start + PART])
    if not reply.ended:
        reply.finish("reading")
    find_body_fault(bytes(reply.body), _EXPECTED, "web")
    return reply.status


def _read_grpc(data: bytes) -> int | None:
    names = (":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")
    exchange = Exchange(names, b"body")
    for start in range(0, len(data), PART):
        if not exchange.ended:
            exchange.feed(data[start : start + PART])
            exchange.to_send()
    if not exchange.ended:
        exchange.finish("reading")
    return read_health(read_grpc(exchange))


def _read_mysql(data: bytes) -> str | None:
    if not data:  # which is never reached by a packet
        return None
    return read_denial(data) if data[0] == 0xFF else read_version(data)


def _dns(query: dns.message.Message, kind: str, value: str) -> bytes:
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("example.com.", 300, "IN", kind, value))
    return reply.to_wire()


def _read_dns(data: bytes, query: dns.message.Message) -> list[str] | None:
    reply = read_dns(data, query)
    return None if reply is None else [each.to_text() for all_ in reply.answer for each in all_]
