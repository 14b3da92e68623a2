"""Handles one request: checks where it comes from and who sends it, and answers it."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import msgspec
from aiohttp import web

from hadirector.api.actor import Actor, Role
from hadirector.api.asserted import REQUEST_ID_HEADER, assertion_headers
from hadirector.api.client import CLAIM_HEADER
from hadirector.api.exchange import problem_answer, read_body, send
from hadirector.api.problems import Code, Fault, ProblemError
from hadirector.api.rate import Rate
from hadirector.events.selection import Selection
from hadirector.model.web import Public, WebSettings
from hadirector.status.scrape import read_scrape
from hadirector.web import metrics
from hadirector.web.access import ANYBODY, Access, Client, Now, Proof, refusal
from hadirector.web.audit import Audit
from hadirector.web.browser import host_fault, origin_fault
from hadirector.web.cache import Cache
from hadirector.web.clients import Clients
from hadirector.web.director import Director, UnreachableError
from hadirector.web.events import Streams
from hadirector.web.own_metrics import Figures
from hadirector.web.pages import Page
from hadirector.web.past import Past
from hadirector.web.tls import certificate_names

REQUESTS_MAX: Final = 64
"""Requests at the same time, besides the followers of events."""
BODY_BYTES_MAX: Final = 64 * 1024
CONFIGURATION_BYTES_MAX: Final = 8 * 1024 * 1024
CLAIM_CHARACTERS_MAX: Final = 64
COMPRESSED_BYTES_MIN: Final = 4096
EVENT_STREAM: Final = "text/event-stream"
SHARED: Final = ("/v1/overview", "/v1/status", "/v1/pair")
"""The answers that all clients share for a second."""
EXACT_AGE_HEADER: Final = "X-Age"
"""The age of a shared answer in seconds. The header Age has whole seconds only (RFC 9111 5.1)."""
ALWAYS_OPEN: Final = "/livez"
_SAFE: Final = ("GET", "HEAD")
_NEVER_STORED: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class LoginBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /login."""

    token: str


class Service:
    """Answers the requests of all clients."""

    def __init__(
        self,
        director: Director,
        streams: Streams,
        access: Access,
        audit: Audit,
        pages: Mapping[str, Page],
    ) -> None:
        self.settings: WebSettings | None = None
        self.names: frozenset[str] = frozenset()
        self.clients: Clients | None = None
        self._director = director
        self.past = Past()
        self.cache = Cache(director)
        self._streams = streams
        self._access = access
        self._audit = audit
        self._pages = pages
        self._changes = Rate()
        self._running = 0
        self._refused: Counter[Code] = Counter()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. Every error is answered with a problem."""
        assert self.clients is not None
        request_id = secrets.token_hex(8)
        with self.clients.busy(request.transport):
            try:
                return await self._limit(request, request_id)
            except ProblemError as problem:
                self._refused[problem.code] += 1
                self._audit.note(request, client_address(request), request_id, problem)
                return _answer_problem(request, request_id, problem)
            except UnreachableError as error:
                unreachable = ProblemError(Code.UNREACHABLE, str(error))
                return _answer_problem(request, request_id, unreachable)
            except ConnectionError:
                raise
            except (web.RequestPayloadError, asyncio.IncompleteReadError) as error:
                raise ConnectionResetError("the client left before its request ended") from error
            except Exception as error:  # noqa: BLE001  # a fault of one request ends no other
                self._audit.note_fault(request_id, error)
                fault = ProblemError(Code.INTERNAL, f"the request failed: {type(error).__name__}")
                return _answer_problem(request, request_id, fault)

    async def _limit(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        if self._is_stream(request):
            return await self._serve(request, request_id)
        if self._running >= REQUESTS_MAX:
            raise ProblemError(
                Code.TOO_MANY,
                f"the limit of {REQUESTS_MAX} concurrent requests is reached",
                headers={"Retry-After": "1"},
            )
        self._running += 1
        try:
            return await self._serve(request, request_id)
        finally:
            self._running -= 1

    async def _serve(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        if fault := host_fault(request.headers.get("Host"), self.names):
            raise ProblemError(Code.MISDIRECTED, fault)
        path = request.rel_url.raw_path
        if request.method in _SAFE and (page := self._pages.get(path)):
            return _answer_page(request, page)
        if fault := origin_fault(request.method, request.headers, self._scheme):
            raise ProblemError(Code.CROSS_SITE, fault)
        if path == "/login":
            return await self._log_in(request)
        client = self._identify(request)
        if client is None and path != ALWAYS_OPEN:
            raise refusal("the request has no token (Authorization: Bearer TOKEN)")
        if request.method not in _SAFE:
            return await self._change(request, request_id, client or ANYBODY)
        return await self._read(request, request_id, client or ANYBODY)

    async def _read(
        self, request: web.BaseRequest, request_id: str, client: Client
    ) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if self._is_stream(request):
            return await self._follow(request)
        if path == "/metrics":
            return await self._write_metrics(request)
        if path == "/page/past.json":
            return await send(request, self.past.encode(), _NEVER_STORED)
        if path in SHARED and request.method == "GET":
            return await self._share(request, request_id)
        return await self._forward(request, request_id, client)

    @property
    def _scheme(self) -> str:
        return "https" if self.settings is not None and self.settings.tls is not None else "http"

    def _is_stream(self, request: web.BaseRequest) -> bool:
        accepted = request.headers.get("Accept", "")
        return request.rel_url.raw_path == "/v1/events" and EVENT_STREAM in accepted

    # --- who ------------------------------------------------------------------------------------

    def _identify(self, request: web.BaseRequest) -> Client | None:
        names = certificate_names(request.get_extra_info("peercert"))
        proof = Proof(client_address(request), names, request.headers)
        found = self._access.identify(proof, _now())
        return ANYBODY if found is None and self._is_public(request) else found

    def _is_public(self, request: web.BaseRequest) -> bool:
        path = request.rel_url.raw_path
        kind: Public | None = None
        if path == "/readyz":
            kind = "health"
        elif path.startswith("/instances/"):
            kind = "roles"
        elif path == "/metrics":
            kind = "metrics"
        return self.settings is not None and kind in self.settings.public

    async def _log_in(self, request: web.BaseRequest) -> web.StreamResponse:
        """Begin a login of a browser with a token, or end it."""
        if request.method == "DELETE":
            cookie = self._access.log_out(request.headers)
            return web.Response(status=204, headers={"Set-Cookie": cookie})
        if request.method == "GET":
            client = self._identify(request)
            return _json(_describe_client(client))
        if request.method != "POST":
            raise ProblemError(
                Code.METHOD_NOT_ALLOWED,
                f"/login has no method {request.method[:20]}",
                headers={"Allow": "DELETE, GET, POST"},
            )
        _check_json(request)
        content = await read_body(request, BODY_BYTES_MAX)
        try:
            body = msgspec.json.decode(content, type=LoginBody)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ProblemError(Code.MALFORMED, str(error), [Fault(str(error))]) from error
        client, cookie = self._access.log_in(body.token, client_address(request), _now())
        answer = _json(_describe_client(client))
        answer.headers["Set-Cookie"] = cookie
        return answer

    # --- answers --------------------------------------------------------------------------------

    async def _follow(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._streams.full:
            raise ProblemError(Code.FOLLOWERS, "too many clients follow the events")
        query = request.query
        after = request.headers.get("Last-Event-ID") or query.get("after")
        selection = Selection(query.get("name", ""), query.get("object", ""))
        return await self._streams.serve(request, _cursor(after), selection)

    async def _write_metrics(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            wanted = read_scrape(request.query.get("scope"), request.headers.get("Accept", ""))
        except ValueError as error:
            raise ProblemError(
                Code.MALFORMED, str(error), [Fault(str(error), parameter="scope")]
            ) from None
        found = await self.cache.get("/v1/status")
        if found.answer.status != 200:
            raise UnreachableError(
                "the director answered the request for its status with the HTTP status"
                f" {found.answer.status}"
            )
        body = await metrics.write_metrics(found.answer.body, wanted, self._figures)
        return await send(request, body, {"Content-Type": wanted.content_type})

    @property
    def _figures(self) -> Figures:
        assert self.clients is not None
        clients = self.clients
        return Figures(clients.count, clients.accepted, self._streams.count, self._refused.copy())

    async def _share(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        found = await self.cache.get(request.rel_url.raw_path_qs)
        headers = {
            **found.answer.headers,
            "Age": str(int(found.age)),
            EXACT_AGE_HEADER: f"{found.age:.3f}",
            "Vary": "Accept-Encoding",
            REQUEST_ID_HEADER: request_id,
        }
        tag = found.answer.headers.get("ETag")
        if tag and tag == request.headers.get("If-None-Match"):
            return web.Response(status=304, headers=headers)
        body = found.answer.body
        if len(body) > COMPRESSED_BYTES_MIN and _accepts_gzip(request):
            body = await found.compress()
            headers["Content-Encoding"] = "gzip"
        return await send(request, body, headers, found.answer.status)

    async def _change(
        self, request: web.BaseRequest, request_id: str, client: Client
    ) -> web.StreamResponse:
        if client.by_cookie:
            _check_json(request)
        if not self._changes.take(client.name, monotonic()):
            raise ProblemError(
                Code.TOO_MANY, f"{client.name} makes too many changes", headers={"Retry-After": "1"}
            )
        path = request.rel_url.raw_path
        large = path.startswith("/v1/config")
        body = await read_body(request, CONFIGURATION_BYTES_MAX if large else BODY_BYTES_MAX)
        return await self._forward(request, request_id, client, body)

    async def _forward(
        self,
        request: web.BaseRequest,
        request_id: str,
        client: Client,
        body: bytes | None = None,
    ) -> web.StreamResponse:
        passed = {
            name: request.headers[name]
            for name in ("Content-Type", "If-Match", "If-None-Match", "Accept")
            if name in request.headers
        }
        actor = Actor(
            client.name,
            Role(client.role),
            client_address(request),
            request_id,
            claimed=request.headers.get(CLAIM_HEADER, "")[:CLAIM_CHARACTERS_MAX],
            only=() if client.only is None else (client.only,),
        )
        asserted = assertion_headers(actor)
        answer = await self._director.request(
            request.method, request.rel_url.raw_path_qs, {**passed, **asserted}, body
        )
        return await send(request, answer.body, answer.headers, answer.status)


def client_address(request: web.BaseRequest) -> str:
    """Return the address of the client, without its port."""
    peer = request.get_extra_info("peername")
    address = str(peer[0]) if peer else ""
    return address.removeprefix("::ffff:")


def _now() -> Now:
    return Now(monotonic(), datetime.now(UTC))


def _cursor(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return int(text)


def _check_json(request: web.BaseRequest) -> None:
    """Refuse a body that a form of another site could send."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/yaml"):
        raise ProblemError(
            Code.UNSUPPORTED, f"Content-Type {kind[:100]} (expected application/json)"
        )


def _json(value: Mapping[str, object]) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), headers=_NEVER_STORED)


def _describe_client(client: Client | None) -> dict[str, str | None]:
    """Return what the page shows of its user; without a login, the values are null."""
    if client is None:
        return {"name": None, "role": None, "only": None}
    return {"name": client.name, "role": client.role, "only": client.only}


def _accepts_gzip(request: web.BaseRequest) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _answer_page(request: web.BaseRequest, page: Page) -> web.Response:
    if page.etag == request.headers.get("If-None-Match"):
        return web.Response(status=304, headers=page.headers)
    compressed = _accepts_gzip(request)
    encoding = {"Content-Encoding": "gzip"} if compressed else {}
    body = page.compressed if compressed else page.body
    return web.Response(body=body, headers={**page.headers, **encoding})


def _answer_problem(
    request: web.BaseRequest, request_id: str, problem: ProblemError
) -> web.Response:
    described = problem.describe(request.rel_url.raw_path, request_id)
    return problem_answer(described, {**problem.headers, REQUEST_ID_HEADER: request_id})
