"""Writes the metrics from a status of the director, in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from hadirector.status import exposition
from hadirector.status.metrics import EXTRA_SCOPES, SCOPES, Scope
from hadirector.status.report import Status

REAL_SERVERS_MAX: Final = 5000
"""With more real servers, their metrics are left out unless a scrape names their scope."""
ACCEPT_OPENMETRICS: Final = "application/openmetrics-text"


class Request(NamedTuple):
    """The parameters of a scrape. Without ``scopes``, the default scopes apply."""

    scopes: tuple[Scope, ...] = ()
    openmetrics: bool = False

    @property
    def content_type(self) -> str:
        """The media type of the answer."""
        return exposition.OPENMETRICS_TYPE if self.openmetrics else exposition.CONTENT_TYPE


def read_request(scope: str | None, accept: str) -> Request:
    """Return the parameters of a scrape. Raises ValueError for an unknown scope."""
    names = [name.strip() for name in (scope or "").split(",") if name.strip()]
    known = SCOPES + EXTRA_SCOPES
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"unknown scope {unknown[0][:50]} (expected some of {', '.join(known)})")
    scopes = tuple(each for each in known if each in names)
    return Request(scopes, ACCEPT_OPENMETRICS in accept)


async def write_metrics(body: bytes, request: Request) -> bytes:
    """Return the metrics of a status that is JSON."""
    return await asyncio.to_thread(lambda: b"".join(_pieces(body, request)))


def _pieces(body: bytes, request: Request) -> Iterator[bytes]:
    status = msgspec.json.decode(body, type=Status)
    write = exposition.openmetrics_pieces if request.openmetrics else exposition.pieces
    return write(status, request.scopes or default_scopes(status))


def default_scopes(status: Status) -> tuple[Scope, ...]:
    """Return the scopes of a scrape that names no scope."""
    count = sum(len(server.real_servers) for server in status.virtual_servers)
    if count <= REAL_SERVERS_MAX:
        return SCOPES
    return tuple(scope for scope in SCOPES if scope != "real_servers")
