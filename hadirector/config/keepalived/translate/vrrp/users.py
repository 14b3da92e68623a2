"""The users of scripts."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.statement import Place
from hadirector.config.keepalived.translate.block import Block


class ScriptUser(Struct, frozen=True):
    """A user of scripts, and the place of the word."""

    name: str
    place: Place


def read_user(words: Sequence[str], place: Place, block: Block) -> ScriptUser:
    """Return the user of the words USER [[:]GROUP]."""
    user, *rest = words
    group = rest[0].lstrip(":") if rest else ""
    if group not in ("", user):
        message = f"the group {group} is left out: scripts have the groups of {user}"
        block.note("group", place, message)
    return ScriptUser(user, place)


def user_node(user: ScriptUser | None, options: Options, place: Place) -> Node | None:
    """Make the node of a user: of keepalived's default user if the file names no user."""
    if user is not None:
        return scalar(user.name, user.place)
    return None if options.own_defaults else scalar(options.script_user, place)
