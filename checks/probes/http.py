"""The HTTP and HTTPS probes: a request on a new connection. Status and body of the reply decide."""

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
from checks.io.connection import AWAITING_REPLY, open_connection
from checks.io.operations import CONNECT, RECEIVE, Conversation, Send
from checks.io.tls import HTTP_2
from checks.probes.expectation import find_body_fault, find_status_fault
from checks.probes.http_reply import Reply

if TYPE_CHECKING:
    from checks.probes import http2

_READING_BODY = "reading the body"
_EXPECTED_STATUS = Outcome("expected status")
_EXPECTED_BODY = Outcome("expected status and body")
_REDIRECTS = (301, 302, 303, 307, 308)


def converse(definition: CheckDefinition, progress: Progress) -> Conversation:
    """Send a request, then one more request for each redirect that is followed.

    ``definition.probe`` must be an HttpProbe.
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
        if not exchange.follow_redirect(reply):
            return exchange.evaluate(reply)


async def probe_https(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send the same requests as `converse` over TLS. ``definition.probe`` must be an HttpsProbe."""
    options = definition.probe
    assert isinstance(options, HttpsProbe)
    protocol = HTTP_2 if options.http_version == 2 else None
    exchange = _Exchange(definition, progress)
    while True:
        async with open_connection(definition, progress) as connection:
            await connection.start_tls(options, options.tls_name or options.host, protocol)
            reply = exchange.begin()
            await connection.send(exchange.to_send)
            while not exchange.take(reply, await connection.receive()):
                await connection.answer(exchange.to_send)
        if not exchange.follow_redirect(reply):
            return exchange.evaluate(reply)


class _Exchange:
    """The requests of one probe and the evaluation of the replies."""

    __slots__ = (
        *("_definition", "_method", "_options", "_path", "_progress", "_redirects_left"),
        "to_send",
    )

    def __init__(self, definition: CheckDefinition, progress: Progress) -> None:
        options = definition.probe
        assert isinstance(options, HttpProbe)
        self._definition = definition
        self._options = options
        self._progress = progress
        self._path, self._method = options.path, options.method
        self._redirects_left = options.redirects
        self.to_send = b""

    def begin(self) -> Reply | http2.Exchange:
        """Create the next request, and return the parser of its reply."""
        self._progress.enter(AWAITING_REPLY)
        if self._options.http_version == 2:
            stream = _http_2_exchange(self._definition, self._path, self._method)
            self.to_send = stream.to_send()
            return stream
        self.to_send = _request(self._definition, self._path, self._method)
        return Reply(has_body=self._method != "HEAD")

    def take(self, reply: Reply | http2.Exchange, data: bytes) -> bool:
        """Parse data. Return whether the reply is complete or its status is unexpected."""
        if not data:
            reply.finish(self._progress.stage)
            return True
        reply.feed(data)
        if reply.status is not None:
            if find_status_fault(reply.status, self._options) is not None:
                return True
            self._progress.enter(_READING_BODY)
        if not reply.ended:
            self.to_send = reply.to_send()
        return reply.ended

    def follow_redirect(self, reply: Reply | http2.Exchange) -> bool:
        """Prepare the next request and return True if the reply is a redirect to follow."""
        if not self._redirects_left or reply.status not in _REDIRECTS or reply.location is None:
            return False
        self._redirects_left -= 1
        self._path = _next_path(self._definition, self._path, reply.location)
        if self._method == "POST" and reply.status not in (307, 308):  # RFC 9110, section 15.4
            self._method = "GET"
        return True

    def evaluate(self, reply: Reply | http2.Exchange) -> Outcome:
        """Compare the last reply with the expectations. Raises ProbeFailedError."""
        assert reply.status is not None
        fault = find_status_fault(reply.status, self._options)
        if fault is not None:
            raise ProbeFailedError(Reason.STATUS, fault)
        self._progress.keep_body(reply.body)
        options = self._options
        if not (
            options.expect_body
            or options.expect_not
            or options.expect_sha256
            or options.expect_md5
            or options.expect_json
        ):
            return _EXPECTED_STATUS
        fault = find_body_fault(bytes(reply.body), options, self._definition.identity)
        if fault is not None:
            raise ProbeFailedError(Reason.BODY, fault)
        return _EXPECTED_BODY


def _request(definition: CheckDefinition, path: str, method: str) -> bytes:
    options = definition.probe
    assert isinstance(options, HttpProbe)
    before, after = _template(options, method)
    host = (options.host or _authority(definition)).encode() if after else b""
    return f"{method} {path} HTTP/1.1\r\n".encode() + before + host + after


@lru_cache(maxsize=1024)
def _template(options: HttpProbe, method: str) -> tuple[bytes, bytes]:
    """Return the parts of a request before and after the host name.

    If the options contain a Host header, the first part is the whole request. The parts are cached,
    because they are the same for nearly all targets. They contain no data from a target: the path,
    which a redirect can change, is not part of them.
    """
    headers = [("Connection", "close"), *_headers(options, method)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    body = _body(options, method)
    if any(name.lower() == "host" for name, _ in headers):
        return f"{lines}\r\n".encode() + body, b""
    return b"Host: ", f"\r\n{lines}\r\n".encode() + body


def _http_2_exchange(definition: CheckDefinition, path: str, method: str) -> http2.Exchange:
    # Imported only when needed, because the import takes 70 ms.
    from checks.probes.http2 import Exchange

    options = definition.probe
    assert isinstance(options, HttpProbe)
    fields = [
        (":method", method),
        (":scheme", _scheme(definition)),
        (":path", path),
        (":authority", options.host or _authority(definition)),
        *_headers(options, method),  # h2 converts their names to lower case
    ]
    return Exchange(fields, _body(options, method))


def _headers(options: HttpProbe, method: str) -> list[tuple[str, str]]:
    """Return the headers of a request in any version of HTTP. The options replace the defaults."""
    headers = {
        "User-Agent": "hadirector",
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # the expectations apply to the uncompressed body
    }
    if options.username is not None:
        credentials = f"{options.username}:{options.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    if method == "POST":
        headers["Content-Length"] = str(len(_body(options, method)))
    replaced = {name.lower() for name, _ in options.headers}
    defaults = ((name, value) for name, value in headers.items() if name.lower() not in replaced)
    return [*defaults, *options.headers]


def _body(options: HttpProbe, method: str) -> bytes:
    """Return the body of a request. A redirect may have changed the method from POST to GET."""
    return (options.body or b"") if method == "POST" else b""


def _authority(definition: CheckDefinition) -> str:
    """Return the target as in a URL: its address, and its port unless that is the default."""
    destination = definition.destination
    address = f"[{destination}]" if ":" in destination else destination
    if definition.port == definition.probe.traits.default_port:
        return address
    return f"{address}:{definition.port}"


def _scheme(definition: CheckDefinition) -> str:
    return "https" if isinstance(definition.probe, HttpsProbe) else "http"


def _next_path(definition: CheckDefinition, path: str, location: str) -> str:
    """Return the path of a redirect. Raises ProbeFailedError if it leads to another server."""
    options = definition.probe
    assert isinstance(options, HttpProbe)
    scheme, default_port = _scheme(definition), options.traits.default_port
    base = f"{scheme}://{options.host or _authority(definition)}"
    try:
        redirect = urlsplit(urljoin(base + path, location))
        here = urlsplit(base)
        same_host = redirect.hostname in (here.hostname, definition.destination)
        ports = (definition.port, here.port or default_port)
        same_port = (redirect.port or default_port) in ports
    except ValueError as error:
        raise ProbeFailedError(Reason.PROTOCOL, f"redirects to {location}: {error}") from error
    if redirect.scheme != scheme or not same_host or not same_port:
        raise ProbeFailedError(Reason.STATUS, f"redirects to {location}, which is another server")
    query = f"?{redirect.query}" if redirect.query else ""
    # Characters that are not allowed in a request line are percent-encoded.
    return "".join(
        character
        if "!" <= character <= "~"
        else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in (redirect.path or "/") + query
    )
