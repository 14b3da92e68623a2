"""Translates the notify scripts of pools and real servers: quorum_up, notify_down and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.checker import Context
from hadirector.config.keepalived.translate.vrrp.commands import read_command
from hadirector.config.keepalived.translate.vrrp.users import user_keys

POOL_SCRIPTS: Final = {"quorum_up": "quorum_up", "quorum_down": "quorum_down"}
REAL_SERVER_SCRIPTS: Final = {"notify_up": "up", "notify_down": "down"}
"""The native state of each keyword."""


def pool_scripts(
    block: Block, states: Mapping[str, str], context: Context, *, at_stop: bool
) -> Node | None:
    """Return the notify scripts of a pool or a real server; None without a script.

    keepalived gives these scripts no arguments of its own. With ``at_stop`` (keyword `omega`),
    the scripts for down and lost quorum also run when the director stops.
    """
    scripts = list(_read(block, states, context, at_stop=at_stop))
    return sequence(scripts[0].place, scripts) if scripts else None


def _read(
    block: Block, states: Mapping[str, str], context: Context, *, at_stop: bool
) -> Iterator[Node]:
    for keyword, state in states.items():
        statement = block.last(keyword)
        command = None if statement is None else read_command(statement, block, context.options)
        if statement is None or command is None:
            continue
        place = statement.keyword.place
        runs_at_stop = at_stop and state.endswith("down")
        yield mapping(
            place,
            {
                **command.keys,
                **user_keys(command.user or context.user, context.options, place),
                "on": sequence(place, [scalar(state, place)]),
                "tell": scalar("nothing", place),
                "on_stop": scalar("down", place) if runs_at_stop else None,
            },
        )
