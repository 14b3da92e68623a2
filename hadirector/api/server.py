"""The API of a director: HTTP on a Unix socket that only its owner and group can open.

`Handlers.routes` lists the routes. Every answer is JSON, except for /metrics. An error is
``{"error": "..."}`` with one of these statuses: 400 (the request itself is wrong), 409 (the
director cannot execute it), or 503 (the dataplane does not answer, or too many clients wait for
events).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

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

    def __init__(self, director: Director) -> None:
        self._director = director
        self._scraping = asyncio.Lock()
        self._followers: set[asyncio.Task[object]] = set()

    def routes(self) -> tuple[Route, ...]:
        """Return all routes."""
        return (
            Route("GET", "/metrics", self.metrics, "The metrics, in the format of Prometheus."),
            Route("GET", "/v1/status", self.status, "The status of the director."),
            Route("GET", "/v1/events", self.events, "The events after a given number."),
            Route("GET", "/v1/why", self.why, "Why a real server has its weight."),
            Route("POST", "/v1/handover", self.hand_over, "Start or undo a handover."),
            Route("POST", "/v1/override", self.set_override, "Set an override."),
            Route("POST", "/v1/override/remove", self.remove_override, "Remove an override."),
            Route("POST", "/v1/plan", self.plan, "Preview a reload of a configuration."),
            Route("POST", "/v1/reload", self.reload, "Reload the configuration file."),
            Route("POST", "/v1/restart", self.restart, "Restart the director."),
        )

    async def status(self, _request: web.Request) -> web.Response:
        """Answer with the status."""
        return _answer(await self._director.operator.status())

    async def events(self, request: web.Request) -> web.Response:
        """Answer with the events after number ``?after=N``.

        If there are none, wait up to ``?wait=S`` seconds for an event. If too many clients wait
        already, answer with status 503.
        """
        query = msgspec.convert(dict(request.query), EventsQuery, strict=False)
        task = asyncio.current_task()
        assert task is not None, "a handler runs in a task"
        if query.wait and len(self._followers) >= FOLLOWERS_MAX:
            return _error(503, f"{FOLLOWERS_MAX} clients are already waiting for events")
        self._followers.add(task)
        try:
            return _answer(await self._director.recorder.after(query.after, query.wait))
        finally:
            self._followers.discard(task)

    async def stop_followers(self, _application: web.Application) -> None:
        """Cancel the requests that wait for events, so that a stop does not wait for them."""
        for task in self._followers:
            task.cancel()

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer with the metrics. One answer is made at a time."""
        async with self._scraping:
            status = await self._director.operator.status()
            body, content_type = await asyncio.to_thread(_exposition, status)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def why(self, request: web.Request) -> web.Response:
        """Answer with the explanation of the weight of ``?real_server=VS/RS``."""
        return _answer(await self._director.operator.explain(request.query.get("real_server", "")))

    async def hand_over(self, request: web.Request) -> web.Response:
        """Hand instances over, or undo a handover; answer with the names of the instances."""
        body = msgspec.json.decode(await request.read() or b"{}", type=HandoverBody)
        instances = self._director.operator.hand_over(body.instance, undo=body.undo)
        return _answer({"instances": instances})

    async def set_override(self, request: web.Request) -> web.Response:
        """Set an override; answer with its description."""
        body = msgspec.json.decode(await request.read(), type=OverrideRequest)
        return _answer({"done": await self._director.operator.set_override(body)})

    async def remove_override(self, request: web.Request) -> web.Response:
        """Remove an override; answer with its description."""
        body = msgspec.json.decode(await request.read(), type=OverrideRemoval)
        return _answer({"done": await self._director.operator.remove_override(body)})

    async def restart(self, _request: web.Request) -> web.Response:
        """Restart the director if it can start again; answer before the restart begins."""
        await self._director.restart()
        return _answer({"restarting": True})

    async def plan(self, request: web.Request) -> web.Response:
        """Answer with the preview of a reload of the configuration in the body. Change nothing.

        The faults contain the file name from ``?file=``.
        """
        file, size = request.query.get("file", "the file"), request.content_length
        if size is None or size > FILE_BYTES_MAX:
            message = f"the file is too large (expected at most {FILE_BYTES_MAX} bytes)"
            raise ConfigError([Fault(file, message)])
        text = await request.content.readexactly(size) if size else b""
        return _answer(await self._director.reconfiguration.preview(text, file))

    async def reload(self, _request: web.Request) -> web.Response:
        """Reload the configuration; answer with the changes, or with every fault."""
        return _answer({"changed": await self._director.reconfiguration.reload()})


@contextlib.asynccontextmanager
async def serving(director: Director, path: Path) -> AsyncIterator[None]:
    """Serve the API on the socket at ``path`` inside the context. Raises OSError."""
    handlers = Handlers(director)
    application = web.Application(client_max_size=BODY_SIZE_MAX, middlewares=[_errors_as_json])
    for route in handlers.routes():
        # add_get adds HEAD as well.
        if route.method == "GET":
            application.router.add_get(route.path, route.handler)
        else:
            application.router.add_route(route.method, route.path, route.handler)
    application.on_shutdown.append(handlers.stop_followers)
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.SockSite(runner, _listen(path)).start()
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
        return _error(400, str(error))
    except RequestError as error:
        return _error(409, str(error))
    except DataplaneError as error:
        return _error(503, str(error))
    except web.HTTPException as refusal:
        return _error(refusal.status, refusal.reason)


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


def _exposition(status: Status) -> tuple[bytes, str]:
    """Render the metrics; returns them with their content type. The first call imports a library.

    Call this function in a thread.
    """
    from hadirector.status import exposition

    return exposition.text(status), exposition.CONTENT_TYPE


def _answer(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _error(status: int, message: str) -> web.Response:
    body = msgspec.json.encode({"error": message})
    return web.Response(status=status, body=body, content_type="application/json")
