"""The control interface: HTTP on a Unix socket that only its owner and group may open.

GET /metrics, GET /v1/status, GET /v1/events, GET /v1/why, POST /v1/handover, POST /v1/override,
POST /v1/override/lift, POST /v1/plan, POST /v1/reload, POST /v1/restart. Every answer but that of
/metrics is JSON; an error is ``{"error": "..."}`` with status 400 (a request that is wrong in
itself), 409 (one that cannot be met) or 503 (the dataplane does not answer, or too many clients
wait for events).
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
from typing import Annotated

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.subprocess.frames import FILE_BYTES_MAX
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.director.director import Director
from hadirector.director.requests import RequestError
from hadirector.overrides.model import OverrideRemoval, OverrideRequest
from hadirector.status import exposition

BODY_SIZE_MAX = 64 * 1024
SOCKET_MODE = 0o660
CONNECT_SECONDS_MAX = 1.0
FOLLOWERS_MAX = 32
"""Clients that may wait for events at the same time."""
WAIT_SECONDS_MAX = 25.0
SHUTDOWN_SECONDS = 1.0
"""What a stop waits for a client's request to end, and again for it to be cancelled."""


class HandOverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/handover; without an instance all are meant."""

    instance: str | None = None
    undo: bool = False


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What GET /v1/events asks for; ``wait`` is seconds."""

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    wait: Annotated[float, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0


class Handlers:
    """One method per route."""

    def __init__(self, director: Director) -> None:
        self._director = director
        self._scraping = asyncio.Lock()
        self._followers: set[asyncio.Task[object]] = set()

    async def status(self, _request: web.Request) -> web.Response:
        """Answer with the whole status."""
        return _answer(await self._director.operator.status())

    async def events(self, request: web.Request) -> web.Response:
        """Answer with the events after number ``?after=N``, waiting ``?wait=S`` s for the first."""
        query = msgspec.convert(dict(request.query), EventsQuery, strict=False)
        task = asyncio.current_task()
        assert task is not None, "a handler runs in a task"
        if query.wait and len(self._followers) >= FOLLOWERS_MAX:
            return _error(503, f"{FOLLOWERS_MAX} clients wait for events already")
        self._followers.add(task)
        try:
            return _answer(await self._director.recorder.after(query.after, query.wait))
        finally:
            self._followers.discard(task)

    async def leave(self, _application: web.Application) -> None:
        """Send those away who wait for events, so that a stop need not."""
        for each in self._followers:
            each.cancel()

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer with the status in the text format of Prometheus; one at a time is made."""
        async with self._scraping:
            status = await self._director.operator.status()
            body = await asyncio.to_thread(exposition.text, status)
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})

    async def why(self, request: web.Request) -> web.Response:
        """Answer with how the weight of ``?real_server=VS/RS`` comes about."""
        return _answer(await self._director.operator.why(request.query.get("real_server", "")))

    async def hand_over(self, request: web.Request) -> web.Response:
        """Order or undo a handover; answers with the instances meant."""
        body = msgspec.json.decode(await request.read() or b"{}", type=HandOverBody)
        instances = self._director.operator.hand_over(body.instance, undo=body.undo)
        return _answer({"instances": instances})

    async def order(self, request: web.Request) -> web.Response:
        """Order something for a real server; answers with what, in words."""
        order = msgspec.json.decode(await request.read(), type=OverrideRequest)
        return _answer({"done": await self._director.operator.order(order)})

    async def lift(self, request: web.Request) -> web.Response:
        """Forget what was ordered for a real server; answers with what that was."""
        lift = msgspec.json.decode(await request.read(), type=OverrideRemoval)
        return _answer({"done": await self._director.operator.lift(lift)})

    async def restart(self, _request: web.Request) -> web.Response:
        """Restart the director, unless it could not start again; answers before that begins."""
        await self._director.restart()
        return _answer({"restarting": True})

    async def plan(self, request: web.Request) -> web.Response:
        """Answer with what a reload would change if the file were the body; changes nothing.

        ``?file=`` is what faults call it.
        """
        file, size = request.query.get("file", "the file"), request.content_length
        if size is None or size > FILE_BYTES_MAX:
            message = f"the file is too large (expected at most {FILE_BYTES_MAX} bytes)"
            raise ConfigError([Fault(file, message)])
        text = await request.content.readexactly(size) if size else b""
        return _answer(await self._director.preview(text, file))

    async def reload(self, _request: web.Request) -> web.Response:
        """Reload the configuration; answers with what changed, or every fault."""
        return _answer({"changed": await self._director.reload()})


@contextlib.asynccontextmanager
async def serving(director: Director, path: Path) -> AsyncIterator[None]:
    """Serve the API on the socket at ``path`` inside the context. Raises OSError."""
    handlers = Handlers(director)
    application = web.Application(client_max_size=BODY_SIZE_MAX, middlewares=[_errors_as_json])
    application.router.add_get("/metrics", handlers.metrics)
    application.on_shutdown.append(handlers.leave)
    application.router.add_get("/v1/status", handlers.status)
    application.router.add_get("/v1/events", handlers.events)
    application.router.add_post("/v1/handover", handlers.hand_over)
    application.router.add_get("/v1/why", handlers.why)
    application.router.add_post("/v1/override", handlers.order)
    application.router.add_post("/v1/override/lift", handlers.lift)
    application.router.add_post("/v1/plan", handlers.plan)
    application.router.add_post("/v1/reload", handlers.reload)
    application.router.add_post("/v1/restart", handlers.restart)
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.SockSite(runner, _listen(path)).start()
        yield
    finally:
        await runner.cleanup()
        with contextlib.suppress(OSError):  # what stands there now is somebody else's
            _remove_dead_socket(path)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever cannot be done in one form, also what aiohttp refuses (no such route)."""
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
    """Remove a socket at which nobody answers. Raises OSError when something else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "api.unix: this is no socket", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS_MAX)
        with contextlib.suppress(ConnectionRefusedError):
            probe.connect(str(path))
            raise OSError(errno.EADDRINUSE, "api.unix: another director answers here", str(path))
    path.unlink()


def _answer(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _error(status: int, message: str) -> web.Response:
    body = msgspec.json.encode({"error": message})
    return web.Response(status=status, body=body, content_type="application/json")
