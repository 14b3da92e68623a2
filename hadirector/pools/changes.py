"""Compares two decisions about a pool, and returns the events to log. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from hadirector.events.event_log import NAMED_MAX
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.pools.candidate import Derivation
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts


class Change(NamedTuple):
    """One event to log: its level, name and fields."""

    level: Literal["info", "warning"]
    event: str
    fields: dict[str, Any]


def pool_changes(
    server: VirtualServer, before: Judgement | None, now: Judgement, had_quorum: bool | None
) -> Iterator[Change]:
    """Yield the events of a pool: its quorum, and its held, flapping and outgoing real servers."""
    if now.quorum is not None and now.quorum is not had_quorum:
        yield Change(
            "info" if now.quorum else "warning",
            "quorum_reached" if now.quorum else "quorum_lost",
            {
                "virtual_server": server.name,
                "passing": now.passing,
                "quorum": server.quorum,
            },
        )
    if now.held != (() if before is None else before.held):
        yield Change(
            "warning",
            "failing_servers_held" if now.held else "failing_servers_released",
            {
                "virtual_server": server.name,
                "would_be_removed": [str(key) for key in now.held[:NAMED_MAX]],
                "count": len(now.held),
                "unseen": len(now.unseen),
            },
        )
    for key in now.flapping.keys() - ({} if before is None else before.flapping).keys():
        yield Change(
            "warning",
            "server_flapping",
            {"virtual_server": server.name, "real_server": str(key)},
        )
    yield from _outgoing_changes(server, before, now)


def _outgoing_changes(
    server: VirtualServer, before: Judgement | None, now: Judgement
) -> Iterator[Change]:
    held = () if before is None else _serving_keys(before)
    holds = _serving_keys(now)
    if held == holds:
        return
    named = holds or held
    yield Change(
        "info",
        "outgoing_servers_held" if holds else "outgoing_servers_released",
        {
            "virtual_server": server.name,
            "real_servers": [str(key) for key in named[:NAMED_MAX]],
            "count": len(named),
            "reason": now.hold.reason,
        },
    )


def _serving_keys(judgement: Judgement) -> tuple[DestinationKey, ...]:
    outgoing = judgement.hold.outgoing
    return () if outgoing is None else outgoing.serving_keys


def weight_changes(
    server: VirtualServer, before: Judgement, now: Judgement, facts: Facts
) -> Iterator[dict[str, object]]:
    """Yield the fields of an event for each real server whose reasons for its weight changed."""
    for real_server in server.real_servers:
        steps = now.derivations[real_server.key]
        known = before.derivations.get(real_server.key)
        if steps == known or (known and _reasons(steps) == _reasons(known)):
            continue
        reason = "; ".join(step.reason for step in steps)
        result = facts.target(real_server.check).result if real_server.check else None
        yield {
            "virtual_server": server.name,
            "real_server": real_server.name,
            "weight": steps[-1].weight,
            "reason": f"{reason} ({result.summary})" if result else reason,
        }


def _reasons(steps: Derivation) -> list[object]:
    """Return the configured weight and the reasons. A step of a slow start does not change them."""
    return [steps[0], *(step.reason for step in steps)]
