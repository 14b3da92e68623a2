"""The HTTP and HTTPS probe: one request on a fresh connection, judged by status and body."""

from __future__ import annotations

import base64
from urllib.parse import urljoin, urlsplit

from checks.attempt import Outcome, ProbeFailedError, Progress
from checks.connection import AWAITING_REPLY, Connection, connected
from checks.definition import CheckDefinition
from checks.expectation import body_fault, status_fault
from checks.http_reply import Reply
from checks.options import HttpProbe, HttpsProbe
from checks.result import Reason

_READING_BODY = "reading the body"
_REDIRECTS = (301, 302, 303, 307, 308)
_DEFAULT_PORTS = {"http": 80, "https": 443}


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Ask once, and again for each redirect that is followed, always the same target.

    ``definition.probe`` is an HttpProbe.
    """
    options = definition.probe
    assert isinstance(options, HttpProbe)
    path, method = options.path, options.method
    for left in range(options.redirects, -1, -1):
        reply = await _ask(definition, options, _request(definition, path, method), progress)
        if not left or reply.status not in _REDIRECTS or reply.location is None:
            break
        path = _next_path(definition, path, reply.location)
        if method == "POST" and reply.status not in (307, 308):  # RFC 9110, section 15.4
            method = "GET"
    assert reply.status is not None
    fault = status_fault(reply.status, options)
    if fault is not None:
        raise ProbeFailedError(Reason.STATUS, fault)
    fault = body_fault(bytes(reply.body), options)
    if fault is not None:
        raise ProbeFailedError(Reason.BODY, fault)
    judged = options.expect_body or options.expect_sha256 or options.expect_json
    return Outcome("expected status and body" if judged else "expected status")


async def _ask(
    definition: CheckDefinition, options: HttpProbe, request: bytes, progress: Progress
) -> Reply:
    async with connected(definition, progress) as connection:
        if isinstance(options, HttpsProbe):
            await connection.start_tls(options, options.tls_name or options.host)
        progress.enter(AWAITING_REPLY)
        await connection.send(request)
        reply = Reply(has_body=not request.startswith(b"HEAD "))
        await _read(connection, reply, options, progress)
    return reply


async def _read(
    connection: Connection, reply: Reply, options: HttpProbe, progress: Progress
) -> None:
    """Read to the end, or until it is clear that the status is not an expected one."""
    while not reply.ended:
        data = await connection.receive()
        if not data:
            reply.finish(progress.stage)
            return
        reply.feed(data)
        if reply.status is not None:
            if status_fault(reply.status, options) is not None:
                return
            progress.enter(_READING_BODY)


def _request(definition: CheckDefinition, path: str, method: str) -> bytes:
    options = definition.probe
    assert isinstance(options, HttpProbe)
    headers = {
        "Host": options.host or _authority(definition),
        "User-Agent": "hadirector",
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # the expected body is the text itself
        "Connection": "close",
    }
    if options.username is not None:
        credentials = f"{options.username}:{options.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    body = (options.body or b"") if method == "POST" else b""
    if method == "POST":
        headers["Content-Length"] = str(len(body))
    own = {name.lower() for name, _ in options.headers}
    kept = [(name, value) for name, value in headers.items() if name.lower() not in own]
    lines = (f"{name}: {value}\r\n" for name, value in (*kept, *options.headers))
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


def _authority(definition: CheckDefinition) -> str:
    """Write the target as a URL would: its address, with the port unless that is the default."""
    address = f"[{definition.address}]" if ":" in definition.address else definition.address
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
        same_host = there.hostname in (here.hostname, definition.address)
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
