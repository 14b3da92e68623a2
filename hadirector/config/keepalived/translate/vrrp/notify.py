"""Translates notify scripts."""

from __future__ import annotations

from hadirector.config.keepalived.node import Node, mapping
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.commands import read_command
from hadirector.config.keepalived.translate.vrrp.defaults import Defaults
from hadirector.config.keepalived.translate.vrrp.users import user_node


def read_notify(block: Block, here: Defaults, options: Options) -> Node | None:
    """Return the notify script of an instance or a group; None without a script."""
    statement = block.last("notify")
    command = None if statement is None else read_command(statement, block, options)
    if statement is None or command is None:
        return None
    user = command.user or here.script_user
    place = statement.keyword.place
    return mapping(place, {**command.keys, "user": user_node(user, options, place)})
