"""Translates the settings of the IPVS service: scheduler, flags, persistence and forwarding."""

from __future__ import annotations

import ipaddress
from typing import Final

from hadirector.config.keepalived.node import Node, scalar, text
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.real_servers import Surroundings
from hadirector.config.keepalived.translate.values import duration, words

_PERSISTENCE_DEFAULT: Final = 360
_PERSISTENCE_MAX: Final = 31 * 86400
_FLAGS: Final = {
    "flag-1": "fallback",
    "flag-2": "port",
    "sh-fallback": "fallback",
    "sh-port": "port",
    "mh-fallback": "fallback",
    "mh-port": "port",
}

Keys = dict[str, Node | None]


def service_keys(around: Surroundings) -> Keys:
    """Return the keys of a virtual server that define its IPVS services."""
    block = around.block
    scheduler = block.last("lb_algo", "lvs_sched")
    return {
        "scheduler": _text(scheduler),
        "scheduler_flags": _flags(block, scheduler),
        "one_packet": _one_packet(around),
        "forwarding": around.forwarding.node,
        "tunnel": around.forwarding.tunnel,
        **_persistence(around),
    }


def _text(statement: Statement | None) -> Node | None:
    return text(statement.arguments[0], statement.keyword) if statement else None


def _flags(block: Block, scheduler: Statement | None) -> Node | None:
    name = scheduler.arguments[0].text if scheduler else "wlc"
    given = block.all(*_FLAGS)
    if name not in ("sh", "mh"):
        for each in given:
            message = f"{each.keyword.text} has no effect with the scheduler {name}"
            block.note("scheduler flag", each.keyword.place, message)
        return None
    counted = [each for each in given if _counts(each, scheduler, name)]
    for each in given:
        if each not in counted:
            message = (
                f"{each.keyword.text} has an effect only below lvs_sched {name}: it is left out"
            )
            block.note("scheduler flag", each.keyword.place, message)
    found = sorted({_FLAGS[each.keyword.text] for each in counted})
    if "fallback" not in found and scheduler is not None:
        message = (
            f"with {name}, hadirector always keeps a failed real server at weight 0 and sends its"
            " clients to another server (the flag fallback)"
        )
        block.note("fallback", scheduler.arguments[0].place, message)
    return words(counted[0].keyword.place, found) if found else None


def _counts(flag: Statement, scheduler: Statement | None, name: str) -> bool:
    keyword = flag.keyword
    if keyword.text.startswith("flag-"):
        return True
    below = scheduler is not None and keyword.place > scheduler.keyword.place
    return below and keyword.text.startswith(f"{name}-")


def _one_packet(around: Surroundings) -> Node | None:
    statement = around.block.last("ops")
    if statement is None:
        return None
    place = statement.keyword.place
    if not around.service.is_mark and around.protocol != "udp":
        message = "ops has an effect only with protocol UDP and is left out, as in keepalived"
        around.block.note("ops", place, message)
        return None
    return scalar(value=True, place=place)


def _persistence(around: Surroundings) -> Keys:
    block = around.block
    granularity = block.last("persistence_granularity")
    timeout = _timeout(block)
    if timeout is None and granularity is not None:
        timeout = _default_timeout(granularity)
    if timeout is None and around.has_all_ports:
        message = "all ports need persistence: keepalived and hadirector use 360 s"
        block.note("port 0", around.place, message)
        timeout = scalar(duration(_PERSISTENCE_DEFAULT), around.place)
    return {
        "persistence": timeout,
        "persistence_prefix_length": _prefix_length(block, granularity),
        "persistence_engine": _text(block.last("persistence_engine")),
    }


def _timeout(block: Block) -> Node | None:
    statement = block.last("persistence_timeout")
    if statement is None:
        return None
    if not statement.arguments:
        return _default_timeout(statement)
    word = statement.arguments[0]
    if word.text.strip("0") == "":
        message = "keepalived ignores the timeout 0, so persistence is off"
        block.note("persistence_timeout 0", word.place, message)
        return None
    seconds = block.number(statement, 1, _PERSISTENCE_MAX)
    return None if seconds is None else scalar(duration(seconds), word.place)


def _default_timeout(statement: Statement) -> Node:
    return scalar(duration(_PERSISTENCE_DEFAULT), statement.keyword.place)


def _prefix_length(block: Block, statement: Statement | None) -> Node | None:
    if statement is None:
        return None
    word = statement.arguments[0]
    if "." not in word.text:
        length = block.number(statement, 1, 128)
    else:
        try:
            length = ipaddress.ip_network(f"0.0.0.0/{word.text}").prefixlen or None
        except ValueError:
            block.wrong(statement, "a netmask without holes, such as 255.255.255.0")
            length = None
    return None if length is None else scalar(length, word.place, statement.keyword.place)
