"""Decides how long a director still takes packets after it has withdrawn its addresses. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from hadirector.model.announcement import Hold

ESTIMATION_SECONDS: Final = 2.0
"""IPVS updates the counters that it reports at this interval (ip_vs_est.c, estimation_timer). A
packet is therefore seen up to this time later."""


class HoldState(msgspec.Struct, frozen=True):
    """When the hold began, the latest count of packets, and when the count last changed."""

    began: float
    packets: int | None = None
    changed_at: float = 0.0


def observe(
    state: HoldState, hold: Hold, packets: int | None, now: float
) -> tuple[HoldState, str | None]:
    """Record a count of packets; return the reason why the hold has ended, or None.

    ``packets`` is None if it cannot be read. Times are in monotonic seconds.
    """
    if now - state.began >= hold.most:
        return state, f"packets still came after {hold.most:g} s"
    if packets is None or packets != state.packets:
        return HoldState(state.began, packets, now), None
    if now - state.changed_at >= hold.quiet + ESTIMATION_SECONDS:
        return state, f"no packet came for {hold.quiet:g} s"
    return state, None
