"""Parses the statement of an agent: one line (HAProxy's configuration manual, "agent-check").

``75%`` requests that percentage of the configured weight, and ``drain`` requests weight 0. ``up``
and ``ready`` request no weight. ``down``, ``failed``, ``stopped`` and ``maint`` mark the server as
unusable. Spaces or commas separate the words, and a comment follows ``#``. ``maxconn:30``, a limit
on connections for HAProxy, is ignored.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from checks.definition.check import REQUESTED_WEIGHT_MAX

_SEPARATORS = re.compile(r"[ \t,]+")
_PERCENT = re.compile(r"([0-9]{1,4})%")
_MAXCONN = re.compile(r"maxconn:[0-9]{1,10}")
_UP = frozenset({"up", "ready"})
_DOWN = frozenset({"down", "failed", "stopped", "maint"})


class Statement(NamedTuple):
    """Whether the server is usable, and the requested percentage of its weight."""

    usable: bool
    weight: int | None


def read_statement(text: str) -> Statement | None:
    """Parse the first line of a text; None if it is not a statement."""
    line = re.split(r"[\r\n]", text.strip(), maxsplit=1)[0]
    words = [word for word in _SEPARATORS.split(line.partition("#")[0].lower()) if word]
    usable, weight = True, None
    for word in words:
        if match := _PERCENT.fullmatch(word):
            weight = int(match[1])
        elif word == "drain":
            weight = 0
        elif word in _DOWN:
            usable = False
        elif word not in _UP and not _MAXCONN.fullmatch(word):
            return None
    if not words or (weight or 0) > REQUESTED_WEIGHT_MAX:
        return None
    return Statement(usable, weight)
