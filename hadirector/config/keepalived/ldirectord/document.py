"""Converts the directives of a ldirectord.cf to a document."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.keywords.screen import screen
from hadirector.config.keepalived.ldirectord.checks import Virtual, translate_checks
from hadirector.config.keepalived.ldirectord.keywords import DIRECTIVES, VIRTUAL
from hadirector.config.keepalived.ldirectord.names import Names, split_server
from hadirector.config.keepalived.ldirectord.servers import (
    Real,
    read_fallback,
    read_host,
    read_port,
    read_reals,
)
from hadirector.config.keepalived.node import Node, mapping, plain, scalar, sequence, text
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block, read_block
from hadirector.config.keepalived.translate.values import duration, endpoint, words
from hadirector.model.ipvs import ForwardingMethod

Keys = dict[str, Node | None]

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.:@\[\]-]+")
_PERSISTENCE_MAX: Final = 31 * 86400
_FLAGS: Final = {
    "flag-1": "fallback", "sh-fallback": "fallback", "mh-fallback": "fallback",
    "flag-2": "port", "sh-port": "port", "mh-port": "port",
}  # fmt: skip


def translate_document(
    root: Sequence[Statement], file: str, names: Names, report: Report, options: Options
) -> Node:
    """Return the configuration in the native form.

    ``root`` has the directives of the file, from `syntax.read_lines`.
    """
    kept = screen(root, DIRECTIVES, file, report, options)
    outer = Block(kept, file, report)
    servers = [
        node
        for each in outer.all("virtual", "virtual6")
        if (node := _virtual_server(each, outer, names, report, options)) is not None
    ]
    start = Place(file, 1, 1)
    stop = outer.last("cleanstop")
    entries: Keys = {
        "director": mapping(
            stop.keyword.place, {"on_stop": scalar("keep", stop.arguments[0].place)}
        )
        if stop is not None and stop.arguments[0].text == "no"
        else None,
        "virtual_servers": sequence(servers[0].place, servers) if servers else None,
    }
    return mapping(start, entries)


def _virtual_server(
    statement: Statement, outer: Block, names: Names, report: Report, options: Options
) -> Node | None:
    word = statement.arguments[0]
    block = read_block(statement, VIRTUAL, f"virtual {word.text}", report, options)
    is_ipv6 = statement.keyword.text == "virtual6"
    virtual = _read_place(statement, block, outer, names, ipv6=is_ipv6)
    if virtual is None:
        return None
    reals = read_reals(block, names)
    method = reals[0].method if reals else None
    fallback = read_fallback(block, names, ipv6=is_ipv6) or read_fallback(
        outer, names, ipv6=is_ipv6
    )
    checks = translate_checks(virtual, reals)
    shared = (
        checks[0] if checks and all(plain(each) == plain(checks[0]) for each in checks) else None
    )
    is_off = (kind := block.word("checktype")) is not None and kind.text == "off"
    return mapping(
        statement.keyword.place,
        {
            **_place_keys(virtual, block, statement, ipv6=is_ipv6),
            **_scheduling(block, statement.keyword.place),
            "forwarding": scalar(str(method), reals[0].place) if method else None,
            "on_failure": _on_failure(block, outer),
            "sorry_server": _sorry_server(fallback, virtual, method),
            "check": shared,
            "real_servers": sequence(
                statement.keyword.place,
                [
                    _real_server(real, virtual, method, None if shared else check, is_off=is_off)
                    for real, check in zip(reals, checks, strict=True)
                ],
            ),
        },
    )


def _read_place(
    statement: Statement, block: Block, outer: Block, names: Names, *, ipv6: bool
) -> Virtual | None:
    word, place = statement.arguments[0], statement.keyword.place
    if word.text.isdecimal():
        return Virtual(block, outer, place, word.text, None, None)
    server = split_server(word.text)
    if server is None or server.port is None or server.last or server.rest:
        message = f"wrong value (got {quote(word.text)}, expected HOST:PORT or a firewall mark)"
        block.fault(word.place, message)
        return None
    address = read_host(block, word.place, server.first, names, ipv6=ipv6)
    port = read_port(block, word.place, server.port, names)
    if address is None or port is None:
        return None
    given = block.word("protocol")
    protocol = given.text if given else "udp" if server.port in ("53", "domain") else "tcp"
    if protocol not in ("tcp", "udp") and given is not None:
        message = f"protocol: wrong value (got {quote(protocol)}, expected tcp or udp)"
        block.fault(given.place, message)
    return Virtual(block, outer, place, address, port, protocol)


def _place_keys(virtual: Virtual, block: Block, statement: Statement, *, ipv6: bool) -> Keys:
    word = statement.arguments[0]
    name = block.word("servicename")
    written = _NOT_IN_A_NAME.sub("-", name.text)[:64] if name else ""
    keys: Keys = {"name": scalar(written, name.place) if name and written else None}
    if virtual.port is None:
        family = scalar("ipv6", word.place) if ipv6 else None
        return {**keys, "fwmark": scalar(int(word.text), word.place), "family": family}
    protocol = block.word("protocol")
    place = protocol.place if protocol else word.place
    return {
        **keys,
        "address": scalar(endpoint(virtual.address, virtual.port), word.place),
        "protocol": scalar("udp", place) if virtual.protocol == "udp" else None,
    }


def _scheduling(block: Block, place: Place) -> Keys:
    scheduler = block.last("scheduler")
    persistent = block.last("persistent")
    seconds = block.number(persistent, 1, _PERSISTENCE_MAX) if persistent else None
    netmask = block.last("netmask")
    flags = block.last("schedflags")
    ops = block.word("ops")
    return {
        "scheduler": text(scheduler.arguments[0], scheduler.keyword)
        if scheduler
        else scalar("wrr", place),
        "scheduler_flags": _flags(block, flags) if flags else None,
        "one_packet": scalar(value=True, place=ops.place) if ops and ops.text == "yes" else None,
        "persistence": scalar(duration(seconds), persistent.arguments[0].place)
        if persistent and seconds
        else None,
        "persistence_prefix_length": _prefix_length(block, netmask)
        if netmask and persistent
        else None,
    }


def _flags(block: Block, statement: Statement) -> Node | None:
    word = statement.arguments[0]
    given = word.text.split(",")
    unknown = [flag for flag in given if flag not in _FLAGS]
    if unknown:
        block.wrong(statement, ", ".join(_FLAGS))
    return words(word.place, sorted({_FLAGS[flag] for flag in given if flag in _FLAGS}))


def _prefix_length(block: Block, statement: Statement) -> Node | None:
    word = statement.arguments[0]
    if word.text.isdecimal():
        length = block.number(statement, 1, 128)
        return scalar(length, word.place) if length else None
    try:
        return scalar(ipaddress.ip_network(f"0.0.0.0/{word.text}").prefixlen, word.place)
    except ValueError:
        block.wrong(statement, "a netmask without holes, such as 255.255.255.0")
        return None


def _on_failure(block: Block, outer: Block) -> Node | None:
    statement = block.last("quiescent") or outer.last("quiescent")
    if statement is None:
        message = "a failed real server is removed, as ldirectord does without quiescent"
        outer.note("quiescent", outer.statements[0].keyword.place, message)
        return None
    word = statement.arguments[0]
    if word.text not in ("yes", "no"):
        block.wrong(statement, "yes or no")
    return scalar("zero_weight", word.place) if word.text == "yes" else None


def _sorry_server(
    fallback: Real | None, virtual: Virtual, method: ForwardingMethod | None
) -> Node | None:
    if fallback is None:
        return None
    port = fallback.port if fallback.method is ForwardingMethod.NAT else None
    written = None if port == virtual.port else port
    address = scalar(endpoint(fallback.address, written), fallback.place, fallback.key)
    is_local = ipaddress.ip_address(fallback.address).is_loopback
    own = method is not None and fallback.method is not method and not is_local
    forwarding = scalar(str(fallback.method), fallback.place, fallback.key) if own else None
    return mapping(fallback.place, {"address": address, "forwarding": forwarding})


def _real_server(
    real: Real,
    virtual: Virtual,
    method: ForwardingMethod | None,
    check: Node | None,
    *,
    is_off: bool,
) -> Node:
    keeps_port = real.method is not ForwardingMethod.NAT or real.port == virtual.port
    address = endpoint(real.address, None if keeps_port else real.port)
    weight = 0 if is_off else real.weight
    return mapping(
        real.place,
        {
            "address": scalar(address, real.place, real.key),
            "forwarding": scalar(str(real.method), real.place, real.key)
            if real.method is not method
            else None,
            "weight": scalar(weight, real.place, real.key) if weight != 1 else None,
            "upper_threshold": scalar(real.upper, real.place, real.key) if real.upper else None,
            "lower_threshold": scalar(real.lower, real.place, real.key) if real.lower else None,
            "check": check,
        },
    )
