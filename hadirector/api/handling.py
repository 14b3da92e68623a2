"""Handles one request of the API: finds its route, proves its actor, decodes it and answers it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import msgspec
import structlog
from aiohttp import web

from hadirector.api.actor import Actor
from hadirector.api.context import Context
from hadirector.api.decoding import decode_body, decode_query
from hadirector.api.exchange import problem_answer, read_body, send
from hadirector.api.problems import Code, Fault, ProblemError, unknown_object
from hadirector.api.route import AnyRoute, Call, Reply
from hadirector.api.routing import Router
from hadirector.config.document.errors import ConfigError
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.director.request_errors import (
    RequestError,
    StaleError,
    StandbyNotReadyError,
    UnknownObjectError,
)

REQUEST_ID_HEADER: Final = "X-Request-ID"

Answer: TypeAlias = Reply[Any] | web.StreamResponse
ProveActor = Callable[[web.BaseRequest, str], Awaitable[Actor]]
"""Returns the actor behind a request with this id. Raises ProblemError."""


class RequestHandling:
    """Handles the requests of one kind of connections.

    ``prove`` determines the actor of a request, and ``name_request`` returns the id of a request.
    """

    def __init__(
        self,
        context: Context,
        router: Router,
        prove: ProveActor,
        name_request: Callable[[web.BaseRequest], str],
    ) -> None:
        self._context = context
        self._router = router
        self._prove = prove
        self._name_request = name_request
        self._log = structlog.get_logger()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. An error is answered with a problem document (RFC 9457)."""
        request_id = self._name_request(request)
        async with self._context.connections.admit(request):
            try:
                return await self._serve(request, request_id)
            except (web.RequestPayloadError, asyncio.IncompleteReadError) as error:
                raise ConnectionResetError("the client left before its request ended") from error
            except ConnectionError:
                raise
            except Exception as error:  # noqa: BLE001  # a fault of one request ends no other
                return self._refuse(request, request_id, error)

    async def _serve(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        match = self._router.find(request.method, raw_path(request))
        await _meet_expectation(request)
        actor = await self._prove(request, request_id)
        route = match.route
        try:
            _check_role(actor, route)
            if route.changes:
                self._context.audit.limit(actor)
            call = Call(
                self._context,
                request,
                actor,
                match.names,
                decode_query(request.query.items(), route.query),
                await _read_body(request, route),
            )
        except ProblemError as problem:
            if route.changes:
                self._context.audit.note_refusal(
                    _describe(request), actor, problem.code, problem.detail
                )
            raise
        reply: Answer
        if route.changes:
            reply = await self._context.complete(self._change(call, route))
        else:
            reply = await route.handler(call)
        return await _answer(request, route, reply, actor.request_id)

    async def _change(self, call: Call[Any, Any], route: AnyRoute) -> Answer:
        """Make a change, and record it or its refusal."""
        try:
            reply: Answer = await route.handler(call)
        except Exception as error:
            problem = as_problem(error)
            code = problem.code if problem else Code.INTERNAL
            self._context.audit.note_refusal(_describe(call.request), call.actor, code, str(error))
            raise
        self._context.snapshots.expire()
        self._context.audit.note_change(_describe(call.request), call.actor, reply.status)
        return reply

    def _refuse(
        self, request: web.BaseRequest, request_id: str, error: Exception
    ) -> web.StreamResponse:
        problem = as_problem(error)
        if problem is None:
            self._log.error("request_failed", request_id=request_id, exc_info=error)
            problem = ProblemError(Code.INTERNAL, f"the request failed: {type(error).__name__}")
        described = problem.describe(raw_path(request), request_id)
        return problem_answer(described, {**problem.headers, REQUEST_ID_HEADER: request_id})


def random_id(_request: web.BaseRequest) -> str:
    """Return a new id for a request."""
    return secrets.token_hex(8)


def _describe(request: web.BaseRequest) -> str:
    return f"{request.method} {raw_path(request)}"


def raw_path(request: web.BaseRequest) -> str:
    """Return the path of a request, percent-encoded and without the query."""
    return request.rel_url.raw_path


def as_problem(error: Exception) -> ProblemError | None:
    """Convert an error to the problem in the answer; None for a fault of this program."""
    match error:
        case ProblemError():
            return error
        case UnknownObjectError():
            return unknown_object(error.kind, error.name, error.known)
        case StandbyNotReadyError():
            faults = [Fault(obstacle) for obstacle in error.obstacles]
            return ProblemError(Code.STANDBY_NOT_READY, str(error), faults)
        case (ConfigError() as cause) | RequestError(__cause__=ConfigError() as cause):
            return _invalid_config(cause)
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return ProblemError(code, str(error))
    return None


_CODES: Final[dict[type[Exception], Code]] = {
    StaleError: Code.STALE,
    RequestError: Code.NOT_POSSIBLE,
    DataplaneError: Code.DATAPLANE,
}
"""The codes of errors without further parts. A special error is before a more general error."""


def _invalid_config(error: ConfigError) -> ProblemError:
    count = len(error.faults)
    faults = [Fault(fault.message, place=fault.place) for fault in error.faults]
    return ProblemError(
        Code.INVALID_CONFIG, f"the configuration has {count} fault{'s' * (count > 1)}", faults
    )


def _check_role(actor: Actor, route: AnyRoute) -> None:
    if route.role is None or (actor.role is not None and actor.role.includes(route.role)):
        return
    role = f"has the role {actor.role}" if actor.role else "has no role"
    raise ProblemError(
        Code.FORBIDDEN, f"{actor.name} {role}; the request needs the role {route.role}"
    )


async def _meet_expectation(request: web.BaseRequest) -> None:
    """Let a client that waits for it send its body (RFC 9110 section 10.1.1)."""
    expected = request.headers.get("Expect")
    if expected is None or request.version < (1, 1):
        return
    if expected.lower() != "100-continue":
        raise ProblemError(
            Code.EXPECTATION_FAILED, f"Expect: {expected[:100]} (expected 100-continue)"
        )
    assert request.transport is not None, "the request has just arrived"
    request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _read_body(request: web.BaseRequest, route: AnyRoute) -> Any:
    if not route.has_body:
        return route.body()
    content = await read_body(request, route.body_bytes_max)
    if not content and not route.body_required:
        return route.body()
    sent = request.headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
    if sent and sent != route.body_media:
        raise ProblemError(
            Code.UNSUPPORTED, f"Content-Type {sent[:100]} (expected {route.body_media})"
        )
    return content if route.body is bytes else decode_body(content, route.body)


async def _answer(
    request: web.BaseRequest,
    route: AnyRoute,
    reply: Answer,
    request_id: str,
) -> web.StreamResponse:
    if isinstance(reply, web.StreamResponse):
        return reply
    content = reply.content
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    headers = {"Content-Type": route.media, **reply.headers, REQUEST_ID_HEADER: request_id}
    return await send(request, body, headers, reply.status)
