"""Writes the metrics from a status of the director, in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from hadirector.status.metrics import SCOPES, Scope
from hadirector.status.report import Status
from hadirector.status.scrape import Scrape
from hadirector.web.own_metrics import Figures, web_families

REAL_SERVERS_MAX: Final = 5000
"""With more real servers, their metrics are left out unless a scrape names their scope."""


async def write_metrics(body: bytes, scrape: Scrape, own: Figures) -> bytes:
    """Return the metrics of a status that is JSON, and of this process."""
    return await asyncio.to_thread(lambda: b"".join(_pieces(body, scrape, own)))


def _pieces(body: bytes, scrape: Scrape, own: Figures) -> Iterator[bytes]:
    status = msgspec.json.decode(body, type=Status)
    return scrape.pieces(status, default_scopes(status), partial(web_families, own))


def default_scopes(status: Status) -> tuple[Scope, ...]:
    """Return the scopes of a scrape that names no scope."""
    count = sum(len(server.real_servers) for server in status.virtual_servers)
    if count <= REAL_SERVERS_MAX:
        return SCOPES
    return tuple(scope for scope in SCOPES if scope != "real_servers")
