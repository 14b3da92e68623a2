"""The pair link of the web process: the own state for the peers, and reports about the peers."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.director.peer_configurations import mask_running_text
from hadirector.pair.peer_configuration import PeerConfiguration
from hadirector.pair.peers import PeerReport
from hadirector.pair.state import PairState

WAIT_SECONDS_MAX: Final = 10.0
LINK: Final = "pair link"
"""The actor of these requests. The name of no client has a blank."""


class StateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the state: the generation that the peer has, and seconds to wait for another."""

    after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    wait: Annotated[float, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0


class Received(msgspec.Struct, frozen=True):
    """The answer to a report about a peer."""

    peer: str


async def read_own_state(call: Call[StateQuery, Nothing]) -> Reply[PairState]:
    """Answer with the state of this director, at once if it is not the one that the peer has."""
    _check_actor(call.actor.name)
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    call.context.followers.add(task)  # a stop cancels the wait
    try:
        state = await call.context.director.pairing.state_after(call.query.after, call.query.wait)
    finally:
        call.context.followers.discard(task)
    return Reply(state)


async def read_own_configuration(call: Call[Nothing, Nothing]) -> Reply[PeerConfiguration]:
    """Answer with the text of the configuration in use, without its secrets."""
    _check_actor(call.actor.name)
    return Reply(PeerConfiguration(await mask_running_text(call.context.director.applications)))


async def report_configuration(call: Call[Nothing, PeerConfiguration]) -> Reply[Received]:
    """Pass the text of a peer to those who wait for it."""
    _check_actor(call.actor.name)
    call.context.director.peer_configurations.receive(call.names["peer"], call.body)
    return Reply(Received(call.names["peer"]))


async def report_peer(call: Call[Nothing, PeerReport]) -> Reply[Received]:
    """Record the report of the web process about a peer."""
    _check_actor(call.actor.name)
    call.context.director.pairing.receive(call.names["peer"], call.body)
    return Reply(Received(call.names["peer"]))


def _check_actor(name: str) -> None:
    """Refuse a client of the web process: it passes requests on, with the name of the client."""
    if name != LINK:
        raise ProblemError(Code.FORBIDDEN, "only the pair link itself may do this")
