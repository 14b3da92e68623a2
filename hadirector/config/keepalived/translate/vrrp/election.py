"""Translates the keys about the election: version, priority, interval and preemption."""

from __future__ import annotations

from hadirector.config.keepalived.node import Node, mapping, scalar
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.vrrp.facts import OWNER, Facts
from hadirector.config.keepalived.translate.vrrp.values import (
    decimal,
    duration,
    duration_node,
    whole_node,
)


def election_keys(facts: Facts) -> dict[str, Node | None]:
    """Return the keys of the election."""
    block = facts.block
    vrid = block.last("virtual_router_id")
    return {
        "virtual_router_id": whole_node(vrid.arguments[0], vrid.keyword) if vrid else None,
        "version": _version(facts),
        "priority": _priority(facts),
        "advert_interval": _interval(facts),
        "preempt": _preempt(facts),
        "down_timer_adverts": _down_timer(facts),
        "start_delay": _start_delay(facts),
        "address_mismatch": _address_mismatch(facts),
    }


def _version(facts: Facts) -> Node | None:
    word = facts.block.word("version")
    if word is None and facts.options.own_defaults and facts.version == 3:
        return None
    return scalar(facts.version, word.place if word else facts.place)


def _priority(facts: Facts) -> Node | None:
    found = facts.block.last("priority")
    if found is not None:
        return whole_node(found.arguments[0], found.keyword)
    if facts.priority is None:
        return None
    if facts.priority == OWNER:
        message = "state MASTER without a priority means priority 255, as in keepalived"
        facts.block.note("priority", facts.place, message)
    return scalar(facts.priority, facts.place)


def _interval(facts: Facts) -> Node | None:
    found = facts.block.last("advert_int")
    if found is None:
        return None
    word = found.arguments[0]
    given = decimal(word)
    if given is None:
        return scalar(word.text, word.place, found.keyword.place)
    if facts.interval != given:
        message = (
            f"advert_int: {word.text} is {duration(facts.interval)} in version {facts.version},"
            " as in keepalived"
        )
        facts.block.note("advert_int", word.place, message)
    return scalar(duration(facts.interval), word.place, found.keyword.place)


def _preempt(facts: Facts) -> Node | None:
    """Return how the instance preempts. keepalived voids some values."""
    words = [each for each in facts.block.statements if each.keyword.text in _PREEMPT]
    last = words[-1] if words else None
    delay = facts.block.last("preempt_delay")
    has_delay = delay is not None and decimal(delay.arguments[0]) != 0
    keeps_active = last is not None and last.keyword.text == "nopreempt"
    void = "priority 255" if facts.is_owner else "state MASTER" if facts.master else None
    if last is not None and keeps_active and void is not None:
        _note_void(facts, last, f"{void} overrides it, as in keepalived: the instance preempts")
        keeps_active = False
    if delay is not None and has_delay:
        reason = (
            "state MASTER"
            if facts.master
            else "strict mode"
            if facts.strict
            else "nopreempt"
            if keeps_active
            else None
        )
        if reason is not None:
            _note_void(facts, delay, f"{reason} overrides it, as in keepalived")
        else:
            word = delay.arguments[0]
            place = delay.keyword.place
            return mapping(place, {"delay": duration_node(word, delay.keyword)})
    if last is None:
        return None
    return scalar(not keeps_active, last.keyword.place)


_PREEMPT = ("preempt", "nopreempt")


def _note_void(facts: Facts, statement: Statement, message: str) -> None:
    keyword = statement.keyword
    facts.block.note(keyword.text, keyword.place, f"{keyword.text}: {message}")


def _down_timer(facts: Facts) -> Node | None:
    word = facts.block.word("down_timer_adverts") or facts.here.down_timer_adverts
    if word is None or word.text == "3":
        return None
    if facts.strict:
        message = "down_timer_adverts: it has no effect in strict mode, as in keepalived"
        facts.block.note("down_timer_adverts", word.place, message)
        return None
    return whole_node(word)


def _start_delay(facts: Facts) -> Node | None:
    word = facts.anywhere.start_delay
    return None if word is None or decimal(word) == 0 else duration_node(word, word)


def _address_mismatch(facts: Facts) -> Node | None:
    """Return how to treat other addresses. keepalived accepts them since 2.3.3."""
    if facts.version == 3 or facts.options.own_defaults:
        return None
    return scalar("accept", facts.place)
