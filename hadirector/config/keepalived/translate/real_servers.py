"""Translates the real servers and the sorry server of a virtual server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from hadirector.config.keepalived.keywords.pools import REAL_SERVER
from hadirector.config.keepalived.node import Node, mapping, plain, scalar
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.checker import Context, Target
from hadirector.config.keepalived.translate.checks import Check, translate_checks
from hadirector.config.keepalived.translate.forwarding import Forwarding, read_forwarding
from hadirector.config.keepalived.translate.pool_scripts import (
    REAL_SERVER_SCRIPTS,
    pool_scripts,
)
from hadirector.config.keepalived.translate.services import Service, read_port
from hadirector.config.keepalived.translate.values import endpoint
from hadirector.model.ipvs import ForwardingMethod

_WEIGHT_MAX: Final = 65535
_THRESHOLD_MAX: Final = 2**32 - 1


class RealServer(NamedTuple):
    """A real server: its own keys, and values that the virtual server gets if all are equal."""

    place: Place
    keys: dict[str, Node | None]
    weight: int
    forwarding: Forwarding
    inhibited: bool
    check: Check


class Surroundings(NamedTuple):
    """The facts about the virtual server of a real server.

    ``protocol`` is None for a firewall mark. ``has_all_ports`` is True if the virtual server,
    or another one of its group, has no port.
    """

    place: Place
    block: Block
    service: Service
    protocol: str | None
    forwarding: Forwarding
    context: Context
    has_all_ports: bool


def translate_real_servers(around: Surroundings) -> list[RealServer]:
    """Return the real servers in the order of the file. A repeated real server is left out."""
    found: dict[object, RealServer] = {}
    for statement in around.block.all("real_server"):
        server = _translate(statement, around)
        address = server.keys["address"]
        assert address is not None
        if found.setdefault(address.value, server) is not server:
            message = "the real server is repeated: keepalived also uses only the first"
            around.block.note("repeated real server", server.place, message)
    return list(found.values())


def _translate(statement: Statement, around: Surroundings) -> RealServer:
    block = around.block.inner(statement, REAL_SERVER, around.context.options)
    own = block.last("lvs_method")
    forwarding = read_forwarding(block, own) if own else around.forwarding
    port = read_port(block, statement.arguments[1] if len(statement.arguments) > 1 else None)
    kept = _kept_port(block, statement, port, around.service, forwarding)
    weight, weight_node = _read_weight(block, around.block)
    target = Target(port or around.service.port or None, kept != port, around.protocol)
    address = statement.arguments[0]
    written = None if kept == around.service.port else kept
    keys = {
        "address": scalar(endpoint(address.text, written), address.place, statement.keyword.place),
        "weight": weight_node,
        **dict(_thresholds(block)),
        "notify": pool_scripts(
            block,
            REAL_SERVER_SCRIPTS,
            around.context,
            at_stop=around.block.flag("omega") is True,
        ),
    }
    inhibited = block.flag("inhibit_on_failure")
    if inhibited is None:
        inhibited = around.block.last("inhibit_on_failure") is not None
    check = translate_checks(block, around.block, target, around.context)
    return RealServer(statement.keyword.place, keys, weight, forwarding, inhibited, check)


def _kept_port(
    block: Block, statement: Statement, port: int | None, service: Service, forwarding: Forwarding
) -> int | None:
    """Return the port of the destination; with DR and TUN a packet keeps its port."""
    if port is None or forwarding.method is ForwardingMethod.NAT or port == service.port:
        return port
    message = (
        f"with {forwarding.method} the packet keeps its port: keepalived ignores port {port} except"
        " in checks, and so does hadirector"
    )
    block.note("port of a real server", statement.arguments[1].place, message)
    return service.port or None


def _read_weight(block: Block, around: Block) -> tuple[int, Node | None]:
    for level, source in enumerate((block, around)):
        statement = source.last("weight")
        if statement is not None:
            weight = source.number(statement, level, _WEIGHT_MAX)
            if weight is not None:
                word, keyword = statement.arguments[0], statement.keyword
                return weight, scalar(weight, word.place, keyword.place)
    return 1, None


def _thresholds(block: Block) -> Iterator[tuple[str, Node]]:
    for keyword, key in (("uthreshold", "upper_threshold"), ("lthreshold", "lower_threshold")):
        statement = block.last(keyword)
        value = block.number(statement, 0, _THRESHOLD_MAX) if statement else None
        if statement and value:
            place = statement.arguments[0].place
            yield key, scalar(value, place, statement.keyword.place)


def translate_sorry_server(around: Surroundings) -> Node | None:
    """Return the sorry server; None if there is none."""
    block = around.block
    statement = block.last("sorry_server")
    if statement is None:
        return None
    port = read_port(block, statement.arguments[1] if len(statement.arguments) > 1 else None)
    methods = [
        each
        for each in block.all("sorry_server_lvs_method")
        if each.keyword.place > statement.keyword.place
    ]
    forwarding = read_forwarding(block, methods[-1]) if methods else around.forwarding
    kept = _kept_port(block, statement, port, around.service, forwarding)
    written = None if kept == around.service.port else kept
    word = statement.arguments[0]
    address = scalar(endpoint(word.text, written), word.place, statement.keyword.place)
    keys: dict[str, Node | None] = {"address": address}
    if forwarding.method is not around.forwarding.method:
        keys |= {"forwarding": forwarding.node, "tunnel": forwarding.tunnel}
    return mapping(statement.keyword.place, keys)


def shared_check(servers: list[RealServer]) -> Node | None:
    """Return the check if it is the same for all real servers; else None."""
    nodes = [server.check.node for server in servers]
    first = nodes[0]
    if first is None or any(node is None or plain(node) != plain(first) for node in nodes):
        return None
    return first
