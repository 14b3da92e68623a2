"""The API of a director: HTTP on a Unix socket that only its owner and group can open.

`Handlers.routes` lists the routes. Every answer is JSON, except for /metrics. An error is
``{"error": "..."}`` with a status. 400: the request itself is wrong. 408: the body does not arrive.
409: the director cannot execute the request. 503: the dataplane does not answer, or too many
clients wait for events or for their orders.

The API shares the loop with the verdicts. Therefore one large answer is prepared at a time, for all
clients that wait for it, and among many clients one request starts every two milliseconds. The work
for a client that leaves is cancelled, except for an order, which is completed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec.structs import replace

from hadirector.api.connections import Connections
from hadirector.api.exchange import (
    encode_status,
    error_answer,
    join_in_thread,
    json_answer,
    read_body,
    send,
)
from hadirector.api.peer import prove_author
from hadirector.api.shared import SharedAnswer, Turns
from hadirector.config.document.errors import FILE_BYTES_MAX, ConfigError, Fault
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.director.director import Director
from hadirector.director.requests import RequestError
from hadirector.overrides.model import OverrideRemoval, OverrideRequest
from hadirector.status.report import Status

BODY_SIZE_MAX = 64 * 1024
SOCKET_MODE = 0o660
CONNECT_SECONDS_MAX = 1.0
FOLLOWERS_MAX = 32
"""Clients that may wait for events at the same time."""
ORDERS_MAX = 16
"""Orders that may wait at the same time."""
WAIT_SECONDS_MAX = 25.0
SHUTDOWN_SECONDS = 1.0
"""Seconds that a stop waits for a request to end, and again after it has cancelled the request."""


class HandoverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/handover. A request without an instance concerns all instances."""

    instance: str | None = None
    undo: bool = False


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query parameters of GET /v1/events. ``wait`` is a number of seconds."""

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    wait: Annotated[float, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0


class Route(NamedTuple):
    """A route of the API, with a description in one line."""

    method: str
    path: str
    handler: Handler
    description: str


class Handlers:
    """The handlers of the routes."""

    def __init__(self, director: Director, connections: Connections) -> None:
        self._director = director
        self._connections = connections
        turns = Turns()
        self._statuses = SharedAnswer(self._prepare_status, turns)
        self._metrics = SharedAnswer(self._prepare_metrics, turns)
        self._explaining = asyncio.Lock()
        self._previewing = asyncio.Lock()
        self._log = structlog.get_logger()
        self._orders: set[asyncio.Future[object]] = set()
        self._followers: set[asyncio.Task[object]] = set()

    def routes(self) -> tuple[Route, ...]:
        """Return all routes."""
        return (
            Route("GET", "/metrics", self.metrics, "The metrics, in the format of Prometheus."),
            Route("GET", "/v1/status", self.status, "The status of the director."),
            Route("GET", "/v1/events", self.events, "The events after a given number."),
            Route(
                "GET",
                "/v1/why",
                self.why,
                "Why a real server has its weight, or an instance its state.",
            ),
            Route("POST", "/v1/handover", self.hand_over, "Start or undo a handover."),
            Route("POST", "/v1/override", self.set_override, "Set an override."),
            Route("POST", "/v1/override/remove", self.remove_override, "Remove an override."),
            Route("POST", "/v1/plan", self.plan, "Preview a reload of a configuration."),
            Route("POST", "/v1/reload", self.reload, "Reload the configuration file."),
            Route("POST", "/v1/restart", self.restart, "Restart the director."),
        )

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Answer with the status."""
        async with self._statuses.answer() as body:
            self._connections.note_sending(request)
            return await send(request, body, "application/json")

    async def events(self, request: web.Request) -> web.Response:
        """Answer with the events after number ``?after=N``.

        If there are none, wait up to ``?wait=S`` seconds for an event. If too many clients wait
        already, answer with status 503.
        """
        query = msgspec.convert(dict(request.query), EventsQuery, strict=False)
        task = asyncio.current_task()
        assert task is not None, "a handler runs in a task"
        if query.wait and len(self._followers) >= FOLLOWERS_MAX:
            return error_answer(503, f"{FOLLOWERS_MAX} clients are already waiting for events")
        self._followers.add(task)
        try:
            return json_answer(await self._director.recorder.after(query.after, query.wait))
        finally:
            self._followers.discard(task)

    async def stop_followers(self, _application: web.Application) -> None:
        """Cancel the requests that wait for events, so that a stop does not wait for them."""
        for task in self._followers:
            task.cancel()

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Answer with the metrics."""
        async with self._metrics.answer() as body:
            from hadirector.status.exposition import CONTENT_TYPE

            self._connections.note_sending(request)
            return await send(request, body, CONTENT_TYPE)

    async def why(self, request: web.Request) -> web.Response:
        """Explain the weight of ``?real_server=VS/RS``, or the state of ``?instance=NAME``."""
        name = request.query.get("real_server", "")
        if "instance" in request.query:
            instance = request.query["instance"]
            return json_answer(self._director.operator.explain_instance(instance))
        async with self._explaining:
            return json_answer(await self._director.operator.explain(name))

    async def hand_over(self, request: web.Request) -> web.Response:
        """Hand instances over, or undo a handover; answer with the names of the instances."""
        body = msgspec.json.decode(await read_body(request) or b"{}", type=HandoverBody)
        await self._log_order(request, "handover undo" if body.undo else "handover")
        instances = self._director.operator.hand_over(body.instance, undo=body.undo)
        return json_answer({"instances": instances})

    async def set_override(self, request: web.Request) -> web.Response:
        """Set an override; answer with its description."""
        body = msgspec.json.decode(await read_body(request), type=OverrideRequest)
        body = replace(body, author=await prove_author(request, body.author))
        return await self._complete(self._director.operator.set_override(body), "done")

    async def remove_override(self, request: web.Request) -> web.Response:
        """Remove an override; answer with its description."""
        body = msgspec.json.decode(await read_body(request), type=OverrideRemoval)
        await self._log_order(request, f"override remove {body.name}")
        return await self._complete(self._director.operator.remove_override(body), "done")

    async def restart(self, request: web.Request) -> web.Response:
        """Restart the director if it can start again; answer before the restart begins.

        With ``?vrrp=replace``, the vrrp process is replaced as well.
        """
        replace_vrrp = request.query.get("vrrp") == "replace"
        await self._log_order(request, "restart with vrrp" if replace_vrrp else "restart")
        return await self._complete(self._restart(replace_vrrp=replace_vrrp), "restarting")

    async def plan(self, request: web.Request) -> web.Response:
        """Answer with the preview of a reload of the configuration in the body. Change nothing.

        The faults contain the file name from ``?file=``.
        """
        file, size = request.query.get("file", "the file"), request.content_length
        if size is None or size > FILE_BYTES_MAX:
            message = f"the file is too large (expected at most {FILE_BYTES_MAX} bytes)"
            raise ConfigError([Fault(file, message)])
        async with self._previewing:
            text = await read_body(request, size)
            return json_answer(await self._director.reconfiguration.preview(text, file))

    async def reload(self, request: web.Request) -> web.Response:
        """Reload the configuration; answer with the changes, or with every fault."""
        await self._log_order(request, "reload")
        return await self._complete(self._director.reconfiguration.reload(), "changed")

    async def _log_order(self, request: web.Request, order: str) -> None:
        """Log an order with its proven author. An override has its author in its description."""
        self._log.info("order_received", order=order, author=await prove_author(request))

    async def _restart(self, *, replace_vrrp: bool) -> bool:
        await self._director.restart(replace_vrrp=replace_vrrp)
        return True

    async def _complete(self, order: Coroutine[Any, Any, object], name: str) -> web.Response:
        """Complete an order, even if its client leaves; answer with its result under ``name``."""
        if len(self._orders) >= ORDERS_MAX:
            order.close()
            return error_answer(503, f"{ORDERS_MAX} orders are already waiting")
        task = asyncio.ensure_future(order)
        self._orders.add(task)
        task.add_done_callback(self._forget_order)
        return json_answer({name: await asyncio.shield(task)})

    def _forget_order(self, task: asyncio.Future[object]) -> None:
        self._orders.discard(task)
        if not task.cancelled():
            task.exception()  # it was answered, or its client has left

    async def _prepare_status(self) -> bytes:
        return await encode_status(await self._director.operator.status())

    async def _prepare_metrics(self) -> bytes:
        status = await self._director.operator.status()
        pieces = await asyncio.to_thread(_exposition, status)
        return await join_in_thread(pieces)


@contextlib.asynccontextmanager
async def serving(director: Director, path: Path) -> AsyncIterator[None]:
    """Serve the API on the socket at ``path`` inside the context. Raises OSError."""
    connections = Connections()
    handlers = Handlers(director, connections)
    application = web.Application(
        client_max_size=BODY_SIZE_MAX, middlewares=[_errors_as_json, connections.admit]
    )
    for route in handlers.routes():
        # add_get adds HEAD as well.
        if route.method == "GET":
            application.router.add_get(route.path, route.handler)
        else:
            application.router.add_route(route.method, route.path, route.handler)
    application.on_shutdown.append(handlers.stop_followers)
    runner = web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    assert runner.server is not None, "setup makes it"
    try:
        async with connections.accept(runner.server, _listen(path)):
            yield
    finally:
        await runner.cleanup()
        with contextlib.suppress(OSError):  # another program may have its own file there now
            _remove_dead_socket(path)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error in one form, including errors of aiohttp such as an unknown route."""
    try:
        return await handler(request)
    except (msgspec.DecodeError, UnicodeError, ConfigError) as error:
        return error_answer(400, str(error))
    except RequestError as error:
        return error_answer(409, str(error))
    except DataplaneError as error:
        return error_answer(503, str(error))
    except web.HTTPException as refusal:
        return error_answer(refusal.status, refusal.reason)
    except (web.RequestPayloadError, asyncio.IncompleteReadError) as error:
        raise ConnectionResetError("the client left before its request was complete") from error


def _exposition(status: Status) -> Iterator[bytes]:
    """Return the pieces of the metrics. The first call imports a library, so use a thread."""
    from hadirector.status import exposition

    return exposition.pieces(status)


def _listen(path: Path) -> socket.socket:
    _remove_dead_socket(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"api.unix: {error.strerror}", str(path)) from error
    finally:
        os.umask(before)
    return listener


def _remove_dead_socket(path: Path) -> None:
    """Remove a socket that no process listens on. Raises OSError if anything else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "api.unix: not a socket", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS_MAX)
        with contextlib.suppress(ConnectionRefusedError):
            probe.connect(str(path))
            raise OSError(errno.EADDRINUSE, "api.unix: another director answers here", str(path))
    path.unlink()
