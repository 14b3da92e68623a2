"""Translates the notify scripts of instances and sync groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.commands import read_command
from hadirector.config.keepalived.translate.vrrp.defaults import Defaults
from hadirector.config.keepalived.translate.vrrp.users import user_keys

_STATES: Final = {
    "notify_master": "active",
    "notify_backup": "backup",
    "notify_fault": "fault",
    "notify_stop": "stop",
    "notify": None,
}
"""The state of each keyword: None stands for every state. keepalived runs `notify` last."""


def read_notify(block: Block, here: Defaults, options: Options) -> Node | None:
    """Return the notify scripts of an instance or a group; None without a script."""
    scripts = list(_read_scripts(block, here, options))
    return sequence(scripts[0].place, scripts) if scripts else None


def _read_scripts(block: Block, here: Defaults, options: Options) -> Iterator[Node]:
    for keyword, state in _STATES.items():
        statement = block.last(keyword)
        command = None if statement is None else read_command(statement, block, options)
        if statement is None or command is None:
            continue
        place = statement.keyword.place
        keys = {**command.keys, **user_keys(command.user or here.script_user, options, place)}
        if state is not None:
            keys["on"] = sequence(place, [scalar(state, place)])
            keys["tell"] = scalar("nothing", place)
        yield mapping(place, keys)
