"""Computes which share of the flows a router moves when one of several directors changes. Pure.

The router divides the flows by ECMP, equally between all directors. A moved flow breaks if its new
director selects another real server than the one at its beginning. The hash of the router and the
hash of the director are independent, so the shares multiply.
"""

from __future__ import annotations

from typing import NamedTuple


class BrokenShares(NamedTuple):
    """The share of the flows that break, from 0 to 1, by the kind of the router's ECMP.

    ``threshold_least`` holds for the director in the middle of the router's list, and
    ``threshold_most`` for the first and the last one.
    """

    resilient: float
    threshold_least: float
    threshold_most: float


def broken_shares(moved_share: float, directors: int) -> BrokenShares:
    """Return the share that breaks if one of ``directors`` is lost, or if the last one returns.

    ``moved_share`` is the part of the flows that get another real server since their beginning. The
    number of directors includes the one that changes, and is at least 2.
    """
    return BrokenShares(
        moved_share / directors,
        moved_share * threshold_rerouted_share(directors, directors // 2),
        moved_share * threshold_rerouted_share(directors, 0),
    )


def threshold_rerouted_share(directors: int, position: int) -> float:
    """Return the share of the flows that change their director with hash-threshold ECMP.

    Each director has an equal interval of the hash values, in the order of the router's list
    (RFC 2992). When the director at ``position``, from 0, is lost or returns, the others get other
    intervals as well.
    """
    intervals = directors * (directors - 1)
    before = sum(directors - 1 - index for index in range(position))
    after = sum(range(position + 1, directors))
    return 1 - (before + after) / intervals
