"""Accepts the actors that the web process names.

Only the web process can open a connection of this kind (`hadirector.processes.doorway`), and it has
proven the identity of its clients. Therefore the headers of these requests need no proof.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from aiohttp import web

from hadirector.api.actor import Actor, Role
from hadirector.api.client import CLAIM_HEADER

ACTOR_HEADER: Final = "Hadirector-Actor"
ROLE_HEADER: Final = "Hadirector-Role"
ADDRESS_HEADER: Final = "Hadirector-Address"
ONLY_HEADER: Final = "Hadirector-Only"
REQUEST_ID_HEADER: Final = "X-Request-ID"


def assertion_headers(actor: Actor) -> dict[str, str]:
    """Return the headers that name an actor."""
    headers = {
        ACTOR_HEADER: actor.name,
        ROLE_HEADER: actor.role or "",
        ADDRESS_HEADER: actor.address,
        ONLY_HEADER: " ".join(actor.only),
        REQUEST_ID_HEADER: actor.request_id,
        CLAIM_HEADER: actor.claimed,
    }
    return {name: value for name, value in headers.items() if value}


def asserted_id(request: web.BaseRequest) -> str:
    """Return the id that the web process has given to a request."""
    return request.headers.get(REQUEST_ID_HEADER, "")


async def asserted_actor(request: web.BaseRequest, request_id: str) -> Actor:
    """Return the actor that the headers name. Without a role, it may do nothing."""
    headers = request.headers
    role = headers.get(ROLE_HEADER)
    return Actor(
        name=headers.get(ACTOR_HEADER, "web"),
        role=None if role is None else Role(role),
        address=headers.get(ADDRESS_HEADER, ""),
        request_id=request_id,
        claimed=headers.get(CLAIM_HEADER, ""),
        only=tuple(headers.get(ONLY_HEADER, "").split()),
    )


class AssertedConnections:
    """Starts the protocol of each connection of the web process, which limits their number."""

    def __init__(self, start_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._start_protocol = start_protocol
        self._starting: set[asyncio.Task[None]] = set()

    def start(self, connection: socket.socket) -> None:
        """Serve a connection."""
        task = asyncio.create_task(self._serve(connection))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._start_protocol, connection
            )
        except OSError:
            connection.close()
