"""What an agent says of its server, in one line (HAProxy's configuration manual, "agent-check").

``75%`` asks for that part of the configured weight, ``drain`` for no new connections; ``up`` and
``ready`` ask for nothing; ``down``, ``failed``, ``stopped`` and ``maint`` say that it must not be
used. Words are separated by blanks or commas; what follows a ``#`` is for people. The number of
connections that HAProxy reads in ``maxconn:30`` is passed over: IPVS has no such limit for us.
"""

from __future__ import annotations

import re
from typing import NamedTuple

WEIGHT_PERCENT_MAX = 1000

_SEPARATORS = re.compile(r"[ \t,]+")
_PERCENT = re.compile(r"([0-9]{1,4})%")
_MAXCONN = re.compile(r"maxconn:[0-9]{1,10}")
_UP = frozenset({"up", "ready"})
_DOWN = frozenset({"down", "failed", "stopped", "maint"})


class Statement(NamedTuple):
    """What was said: whether the server may be used, and for which percentage of its weight."""

    usable: bool
    weight: int | None


def read_statement(text: str) -> Statement | None:
    """Read the first line of a text; None when that is no statement."""
    line = re.split(r"[\r\n]", text.strip(), maxsplit=1)[0]
    words = [each for each in _SEPARATORS.split(line.partition("#")[0].lower()) if each]
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
    if not words or (weight or 0) > WEIGHT_PERCENT_MAX:
        return None
    return Statement(usable, weight)
