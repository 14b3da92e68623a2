"""The HTTP and HTTPS probe: one GET on a fresh connection, judged by status and body.

Imported only where an HTTP check is configured: aiohttp takes 200 ms to load.
"""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from types import SimpleNamespace

import aiohttp
from yarl import URL

from checks.definition import CheckDefinition, HttpProbe
from checks.faults import describe, one_line, reason_of
from checks.pattern import SearchTooLongError, search
from checks.result import Reason, Result

BODY_LENGTH_MAX = 64 * 1024
"""Bytes of the body that are read; of a longer one the rest is not waited for."""

HEADER_LINE_LENGTH_MAX = 8190
"""Bytes of the status line and of each header line; what Apache accepts (LimitRequestLine)."""

_HEADERS = {
    "User-Agent": "hadirector",
    "Accept-Encoding": "identity",  # the expected body is the text itself
    "Connection": "close",
}

_CONNECTING = "connecting"
_AWAITING_REPLY = "waiting for the reply"
_READING_BODY = "reading the body"

_Outcome = tuple[Reason, str]


class HttpProber:
    """Makes HTTP probes. They share TLS settings, but neither connections nor cookies."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._tls_contexts: dict[tuple[str | None, bool], ssl.SSLContext] = {}

    async def probe(self, definition: CheckDefinition) -> Result:
        """GET once, with ``timeout`` for everything from the connection to the body's end.

        ``definition.probe`` is an HttpProbe. Redirects are not followed: a 3xx is a status
        like any other. Proxies and other settings from the environment are not used.
        """
        assert isinstance(definition.probe, HttpProbe)
        started = monotonic()
        timeout = definition.timing.timeout
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout):
                reason, detail = await self._get(definition, definition.probe, progress)
        except TimeoutError:
            reason = Reason.TIMEOUT
            detail = f"no answer within {timeout:g} s while {progress.stage}"
        return Result(reason, one_line(detail), monotonic() - started)

    def forget_certificates(self) -> None:
        """Read the certificate authorities' files again at the next probe."""
        self._tls_contexts.clear()

    async def close(self) -> None:
        """Close every connection still open."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(
        self, definition: CheckDefinition, probe: HttpProbe, progress: _Progress
    ) -> _Outcome:
        try:
            tls = self._tls_context(probe) if probe.tls else True
        except OSError as error:
            return Reason.LOCAL_ERROR, f"tls_ca_file {probe.tls_ca_file}: {describe(error)}"
        try:
            async with self._open_session().get(
                _url(definition, probe),
                headers=_HEADERS if probe.host is None else _HEADERS | {"Host": probe.host},
                ssl=tls,
                server_hostname=(probe.host or definition.address) if probe.tls else None,
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                if response.status not in probe.expect_status:
                    return Reason.STATUS, _unexpected_status(response.status, probe)
                progress.stage = _READING_BODY
                body = await _read_body(response)
        # ValueError: what the parsers beneath aiohttp raise for some malformed replies.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _fault(error, progress.stage)
        return _judge_body(body, probe)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # The checker limits how many probes run at once.
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEADER_LINE_LENGTH_MAX,
                max_field_size=HEADER_LINE_LENGTH_MAX,
                trace_configs=[_trace_connection()],
                middlewares=(_ask_once,),
            )
        return self._session

    def _tls_context(self, probe: HttpProbe) -> ssl.SSLContext:
        key = (probe.tls_ca_file, probe.tls_verify)
        context = self._tls_contexts.get(key)
        if context is None:
            context = ssl.create_default_context(cafile=probe.tls_ca_file)
            if not probe.tls_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._tls_contexts[key] = context
        return context


class _ConnectionLostError(aiohttp.ClientError):
    """The connection failed, or ended without a reply; the cause says how."""


async def _ask_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET whose connection was lost: a probe is one attempt."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLostError from error


class _Progress:
    """How far a probe has come: what it was doing when its time was over."""

    def __init__(self) -> None:
        self.stage = _CONNECTING


def _trace_connection() -> aiohttp.TraceConfig:
    async def connected(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _event: aiohttp.TraceConnectionCreateEndParams,
    ) -> None:
        context.trace_request_ctx.stage = _AWAITING_REPLY

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    return trace


def _url(definition: CheckDefinition, probe: HttpProbe) -> URL:
    path, _, query = probe.path.partition("?")
    address = definition.address
    return URL.build(
        scheme="https" if probe.tls else "http",
        host=f"[{address}]" if ":" in address else address,
        port=definition.port,
        path=path,
        query_string=query,
        encoded=True,  # the path is sent as the operator wrote it
    )


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while len(body) < BODY_LENGTH_MAX:
        part = await response.content.read(BODY_LENGTH_MAX - len(body))
        if not part:
            break
        body += part
    return bytes(body)


def _unexpected_status(status: int, probe: HttpProbe) -> str:
    expected = " or ".join(str(each) for each in probe.expect_status)
    return f"status {status}, expected {expected}"


def _judge_body(body: bytes, probe: HttpProbe) -> _Outcome:
    """Search the body as UTF-8, in which a byte that does not belong matches only as U+FFFD."""
    if probe.expect_body is None:
        return Reason.PASSED, "expected status"
    try:
        found = search(probe.expect_body, body.decode("utf-8", errors="replace"))
    except SearchTooLongError:
        return Reason.BODY, f"searching {len(body)} bytes for /{probe.expect_body}/ took too long"
    if found:
        return Reason.PASSED, "expected status and body"
    return Reason.BODY, f"body of {len(body)} bytes does not match /{probe.expect_body}/"


def _fault(error: Exception, stage: str) -> _Outcome:
    """Name what went wrong, from what aiohttp makes of it."""
    system_error = _system_error(error)
    if isinstance(system_error, ssl.SSLError):
        return Reason.TLS, _describe_tls(system_error)
    if system_error is not None:
        return reason_of(system_error), f"{stage}: {describe(system_error)}"
    match error:
        case _ConnectionLostError():
            detail = f"{stage}: connection closed without a complete reply"
        case aiohttp.ClientPayloadError():
            detail = f"{stage}: connection closed before its end"
        case aiohttp.ClientResponseError():
            detail = f"not an HTTP reply: {error.message}"
        case _:
            detail = f"{stage}: {type(error).__name__}: {error}"
    return Reason.PROTOCOL, detail


def _describe_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _system_error(error: BaseException | None) -> OSError | None:
    """The operating system's or TLS's own error beneath aiohttp's, if there is one."""
    while error is not None:
        if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
            return error
        error = error.__cause__
    return None
