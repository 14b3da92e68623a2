"""The HTTP and HTTPS probe: one request on a fresh connection, judged by status and body."""

from __future__ import annotations

import base64
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from checks.definition.check import CheckDefinition
from checks.definition.options import HttpProbe, HttpsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, connected
from checks.io.operations import CONNECT, RECEIVE, Conversation, Send
from checks.io.tls import HTTP_2
from checks.probes.expectation import body_fault, status_fault
from checks.probes.http_reply import Reply

if TYPE_CHECKING:
    from checks.probes import http2

_READING_BODY = "reading the body"
_EXPECTED_STATUS = Outcome("expected status")
_EXPECTED_BODY = Outcome("expected status and body")
_REDIRECTS = (301, 302, 303, 307, 308)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def converse(definition: CheckDefinition, progress: Progress) -> Conversation:
    """Ask once, and again for each redirect that is followed, always the same target.

    ``definition.probe`` is an HttpProbe.
    """
    exchange = _Exchange(definition, progress)
    while True:
        progress.enter(CONNECTING)
        yield CONNECT
        reply = exchange.begin()
        yield Send(exchange.to_send)
        while not exchange.take(reply, (yield RECEIVE)):
            if exchange.to_send:
                with suppress(ConnectionError):  # as in Connection.answer
                    yield Send(exchange.to_send)
        if not exchange.follows(reply):
            return exchange.outcome(reply)


async def probe_https(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Do the same under TLS. ``definition.probe`` is an HttpsProbe."""
    options = definition.probe
    assert isinstance(options, HttpsProbe)
    protocol = HTTP_2 if options.http_version == 2 else None
    exchange = _Exchange(definition, progress)
    while True:
        async with connected(definition, progress) as connection:
            await connection.start_tls(options, options.tls_name or options.host, protocol)
            reply = exchange.begin()
            await connection.send(exchange.to_send)
            while not exchange.take(reply, await connection.receive()):
                await connection.answer(exchange.to_send)
        if not exchange.follows(reply):
            return exchange.outcome(reply)


class _Exchange:
    """What is asked next, and what becomes of the replies."""

    __slots__ = ("_definition", "_left", "_method", "_options", "_path", "_progress", "to_send")

    def __init__(self, definition: CheckDefinition, progress: Progress) -> None:
        options = definition.probe
        assert isinstance(options, HttpProbe)
        self._definition = definition
        self._options = options
        self._progress = progress
        self._path, self._method = options.path, options.method
        self._left = options.redirects
        self.to_send = b""

    def begin(self) -> Reply | http2.Exchange:
        """Make the request and what reads its reply."""
        self._progress.enter(AWAITING_REPLY)
        if self._options.http_version == 2:
            stream = _stream(self._definition, self._path, self._method)
            self.to_send = stream.to_send()
            return stream
        self.to_send = _request(self._definition, self._path, self._method)
        return Reply(has_body=self._method != "HEAD")

    def take(self, reply: Reply | http2.Exchange, data: bytes) -> bool:
        """Read on; whether it is the end, or clear that the status is not an expected one."""
        if not data:
            reply.finish(self._progress.stage)
            return True
        reply.feed(data)
        if reply.status is not None:
            if status_fault(reply.status, self._options) is not None:
                return True
            self._progress.enter(_READING_BODY)
        if not reply.ended:
            self.to_send = reply.to_send()
        return reply.ended

    def follows(self, reply: Reply | http2.Exchange) -> bool:
        """Whether the reply is a redirect to be followed; the next request is then another."""
        if not self._left or reply.status not in _REDIRECTS or reply.location is None:
            return False
        self._left -= 1
        self._path = _next_path(self._definition, self._path, reply.location)
        if self._method == "POST" and reply.status not in (307, 308):  # RFC 9110, section 15.4
            self._method = "GET"
        return True

    def outcome(self, reply: Reply | http2.Exchange) -> Outcome:
        """Judge the last reply. Raises ProbeFailedError."""
        assert reply.status is not None
        fault = status_fault(reply.status, self._options)
        if fault is not None:
            raise ProbeFailedError(Reason.STATUS, fault)
        fault = body_fault(bytes(reply.body), self._options)
        if fault is not None:
            raise ProbeFailedError(Reason.BODY, fault)
        options = self._options
        judged = options.expect_body or options.expect_sha256 or options.expect_json
        return _EXPECTED_BODY if judged else _EXPECTED_STATUS


def _request(definition: CheckDefinition, path: str, method: str) -> bytes:
    options = definition.probe
    assert isinstance(options, HttpProbe)
    before, after = _template(options, method)
    host = (options.host or _authority(definition)).encode() if after else b""
    return f"{method} {path} HTTP/1.1\r\n".encode() + before + host + after


@lru_cache(maxsize=1024)
def _template(options: HttpProbe, method: str) -> tuple[bytes, bytes]:
    """Make what is before and after the host's name; all is before if a header of its own has it.

    It is the same for nearly all targets of a configuration, and nothing that a target says is in
    it: the path, which a redirect can change, is not.
    """
    headers = [("Connection", "close"), *_headers(options, method)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    body = _body(options, method)
    if any(name.lower() == "host" for name, _ in headers):
        return f"{lines}\r\n".encode() + body, b""
    return b"Host: ", f"\r\n{lines}\r\n".encode() + body


def _stream(definition: CheckDefinition, path: str, method: str) -> http2.Exchange:
    # Loaded where it is needed: it takes 70 ms.
    from checks.probes.http2 import Exchange

    options = definition.probe
    assert isinstance(options, HttpProbe)
    fields = [
        (":method", method),
        (":scheme", _scheme(definition)),
        (":path", path),
        (":authority", options.host or _authority(definition)),
        *_headers(options, method),  # h2 writes their names in lower case
    ]
    return Exchange(fields, _body(options, method))


def _headers(options: HttpProbe, method: str) -> list[tuple[str, str]]:
    """Make the headers that a request has in each version of HTTP; given ones replace ours."""
    headers = {
        "User-Agent": "hadirector",
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # the expected body is the text itself
    }
    if options.username is not None:
        credentials = f"{options.username}:{options.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    if method == "POST":
        headers["Content-Length"] = str(len(_body(options, method)))
    own = {name.lower() for name, _ in options.headers}
    kept = ((name, value) for name, value in headers.items() if name.lower() not in own)
    return [*kept, *options.headers]


def _body(options: HttpProbe, method: str) -> bytes:
    """What is sent after the headers; a redirect can have made a GET of a POST."""
    return (options.body or b"") if method == "POST" else b""


def _authority(definition: CheckDefinition) -> str:
    """Write the target as a URL would: its address, with the port unless that is the default."""
    there = definition.destination
    address = f"[{there}]" if ":" in there else there
    if definition.port == _DEFAULT_PORTS[_scheme(definition)]:
        return address
    return f"{address}:{definition.port}"


def _scheme(definition: CheckDefinition) -> str:
    return "https" if isinstance(definition.probe, HttpsProbe) else "http"


def _next_path(definition: CheckDefinition, path: str, location: str) -> str:
    """Find the path that a redirect leads to; only the target itself is asked."""
    options = definition.probe
    assert isinstance(options, HttpProbe)
    scheme = _scheme(definition)
    base = f"{scheme}://{options.host or _authority(definition)}"
    try:
        there = urlsplit(urljoin(base + path, location))
        here = urlsplit(base)
        same_host = there.hostname in (here.hostname, definition.destination)
        ports = (definition.port, here.port or _DEFAULT_PORTS[scheme])
        same_port = (there.port or _DEFAULT_PORTS[scheme]) in ports
    except ValueError as error:
        raise ProbeFailedError(Reason.PROTOCOL, f"redirects to {location}: {error}") from error
    if there.scheme != scheme or not same_host or not same_port:
        raise ProbeFailedError(Reason.STATUS, f"redirects to {location}, which is another server")
    query = f"?{there.query}" if there.query else ""
    # Bytes that have no place in a request line are written as a URL has them.
    return "".join(
        each if "!" <= each <= "~" else "".join(f"%{byte:02X}" for byte in each.encode())
        for each in (there.path or "/") + query
    )
