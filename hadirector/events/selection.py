"""Selects events by their name and by the object that they concern. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Selection(NamedTuple):
    """The events that a follower wants: by the name of the event, and by an object in a field."""

    name: str = ""
    about: str = ""

    def includes(self, name: str, fields: Mapping[str, object]) -> bool:
        """Return whether an event belongs to the selection."""
        return (not self.name or name == self.name) and (
            not self.about or _concerns(self.about, fields)
        )


def _concerns(name: str, fields: Mapping[str, object]) -> bool:
    """Return whether an event is about VIRTUAL_SERVER, VIRTUAL_SERVER/REAL_SERVER or INSTANCE."""
    first, slash, second = name.partition("/")
    if slash:
        return fields.get("virtual_server") == first and fields.get("real_server") == second
    return first in (fields.get("virtual_server"), fields.get("instance"))
