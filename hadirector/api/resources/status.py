"""The status of the director, and its metrics."""

from __future__ import annotations

from aiohttp import web

from hadirector.api.exchange import send
from hadirector.api.route import JSON, Call, Nothing


async def read_status(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Answer with the whole status."""
    async with call.context.statuses.answer() as body:
        call.context.connections.note_sending(call.request)
        return await send(call.request, body, {"Content-Type": JSON})


async def read_metrics(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Answer with the metrics."""
    async with call.context.metrics.answer() as body:
        from hadirector.status.exposition import CONTENT_TYPE

        call.context.connections.note_sending(call.request)
        return await send(call.request, body, {"Content-Type": CONTENT_TYPE})
