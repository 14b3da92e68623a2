"""Translates the policies of a pool: quorum, sorry server, and common keys of its real servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.pool_scripts import POOL_SCRIPTS, pool_scripts
from hadirector.config.keepalived.translate.real_servers import (
    RealServer,
    Surroundings,
    shared_check,
    translate_sorry_server,
)

Keys = dict[str, Node | None]

_COUNT_MAX: Final = 2**32 - 1


def pool_keys(around: Surroundings, servers: Sequence[RealServer]) -> Keys:
    """Return the keys of a virtual server that define the pool, with its real servers."""
    check = shared_check(list(servers))
    inhibit = bool(servers) and all(server.inhibited for server in servers)
    waits = _shared_wait(around, servers)
    nodes = [
        _real_server(
            server,
            around,
            check=None if check is not None else _own_check(server, around),
            on_failure=None if inhibit else _on_failure(server),
            initial_state=None if waits is not None else _initial_state(server, around),
        )
        for server in servers
    ]
    return {
        **_quorum_keys(around.block, sum(server.weight for server in servers)),
        "on_failure": _shared_on_failure(around, servers) if inhibit else None,
        "initial_state": scalar("up", servers[0].place) if waits is False else None,
        "sorry_server": translate_sorry_server(around),
        "check": check,
        "notify": pool_scripts(
            around.block,
            POOL_SCRIPTS,
            around.context,
            at_stop=around.block.flag("omega") is True,
        ),
        "real_servers": sequence(servers[0].place, nodes) if servers else None,
    }


def _real_server(server: RealServer, around: Surroundings, **own: Node | None) -> Node:
    """Return a real server with the keys that it does not share with the others."""
    keys = {**server.keys, **own}
    if server.forwarding is not around.forwarding:
        if server.forwarding.method is not around.forwarding.method:
            keys["forwarding"] = server.forwarding.node
        keys["tunnel"] = server.forwarding.tunnel
    return mapping(server.place, keys)


def _own_check(server: RealServer, around: Surroundings) -> Node | None:
    if server.check.node is None and not around.context.options.own_defaults:
        return scalar("none", server.place)
    return server.check.node


def _on_failure(server: RealServer) -> Node | None:
    return scalar("zero_weight", server.place) if server.inhibited else None


def _shared_on_failure(around: Surroundings, servers: Sequence[RealServer]) -> Node:
    given = around.block.last("inhibit_on_failure")
    return scalar("zero_weight", given.keyword.place if given else servers[0].place)


def _shared_wait(around: Surroundings, servers: Sequence[RealServer]) -> bool | None:
    """Return whether the real servers wait for their first check (alpha); None if they differ.

    A server without a check does not count.
    """
    waits = {server.check.alpha for server in servers if server.check.node is not None}
    if not waits or around.context.options.own_defaults:
        return True
    return waits.pop() if len(waits) == 1 else None


def _initial_state(server: RealServer, around: Surroundings) -> Node | None:
    if server.check.node is None or server.check.alpha or around.context.options.own_defaults:
        return None
    return scalar("up", server.place)


def _quorum_keys(block: Block, total: int) -> Keys:
    statement, distance = block.last("quorum"), block.last("hysteresis")
    quorum = _read_quorum(block, statement, total) if statement else 1
    hysteresis = block.number(distance, 0, _COUNT_MAX) if distance else 0
    if distance and hysteresis and hysteresis >= quorum:
        message = f"the hysteresis must be less than the quorum: keepalived uses {quorum - 1}"
        block.note("hysteresis", distance.arguments[0].place, f"{message}, and so does hadirector")
        hysteresis = quorum - 1
    return {
        "quorum": _number(statement, quorum) if quorum > 1 else None,
        "hysteresis": _number(distance, hysteresis) if hysteresis else None,
    }


def _read_quorum(block: Block, statement: Statement, total: int) -> int:
    word = statement.arguments[0]
    if word.text.strip("0") == "":
        block.note("quorum", word.place, "keepalived and hadirector use 1 for a quorum of 0")
        return 1
    quorum = block.number(statement, 1, _COUNT_MAX) or 1
    if quorum > total:
        message = f"the quorum is above the total weight: keepalived and hadirector use {total}"
        block.note("quorum", word.place, message)
        return max(total, 1)
    return quorum


def _number(statement: Statement | None, value: int) -> Node | None:
    if statement is None:
        return None
    return scalar(value, statement.arguments[0].place, statement.keyword.place)
