"""Describes changes of the state of an instance. Pure."""

from __future__ import annotations

from vrrp.model.report import Transition


def describe_takeover(transition: Transition) -> dict[str, str | float]:
    """Return the peer that was ACTIVE before, and its silence in seconds, if they are known."""
    if transition.peer is None or transition.silence is None:
        return {}
    return {"peer": transition.peer, "silence": round(transition.silence, 4)}
