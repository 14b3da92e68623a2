"""The pair of a director, as its status and its metrics show it. Pure.

The whole report of the pair is `hadirector.pair.report`.
"""

from __future__ import annotations

import msgspec

from hadirector.status.verdict import Problem


class PeerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A peer. ``ready`` is whether it could take over, None if it does not answer over the link.

    ``age`` is the age of its latest state in seconds, None without one. ``differences`` counts the
    lasting differences by kind, and ``refusals`` the refused answers by reason.
    """

    name: str
    reached: bool
    ready: bool | None = None
    age: float | None = None
    clock_skew: float = 0.0
    differences: dict[str, int] = {}
    refusals: dict[str, int] = {}


class PairSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The pair. ``split_brains`` are the instances for which two directors are ACTIVE.

    ``standby`` describes whether the peers could take over. The ``problems`` of the pair are a part
    of the verdict on the director.
    """

    name: str
    standby: str
    peers: tuple[PeerSummary, ...]
    split_brains: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
