"""The users under which scripts run."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.statement import Place


class ScriptUser(Struct, frozen=True):
    """A user and a group for scripts, with their place.

    An empty group is the user's primary group.
    """

    name: str
    group: str
    place: Place


def read_user(words: Sequence[str], place: Place) -> ScriptUser:
    """Read a user from the words USER [[:]GROUP]."""
    user, *rest = words
    return ScriptUser(user, rest[0].lstrip(":") if rest else "", place)


def user_keys(user: ScriptUser | None, options: Options, place: Place) -> dict[str, Node]:
    """Return the keys of a user. If the file names no user, use the default user of keepalived."""
    if user is None:
        return {} if options.own_defaults else {"user": scalar(options.script_user, place)}
    group = {"group": scalar(user.group, user.place)} if user.group else {}
    return {"user": scalar(user.name, user.place), **group}
