"""Decides how the destinations of the schedulers sh and mh get the same order on all directors.

Both schedulers build their hash table from the list of destinations (ip_vs_sh.c, ip_vs_mh.c). If
two directors had different orders, a takeover would move 2 to 8 % of the clients of mh, and nearly
all clients of sh, to another real server. The kernel adds destinations at one end of its list and
cannot move them. A destination in the wrong position is therefore deleted and added again. Its
connections survive (ip_vs_trash_get_dest).
"""

from __future__ import annotations

from collections.abc import Mapping

from hadirector.model.ipvs import Destination, DestinationKey

Destinations = Mapping[DestinationKey, Destination]


def staying_destinations(actual: Destinations, wanted: Destinations) -> frozenset[DestinationKey]:
    """Return the destinations that can stay if all others are then added after them, in order.

    They are the longest prefix of ``wanted`` whose keys are in ``actual`` in the same order.
    """
    order = list(wanted)
    count = 0
    for key in actual:
        if count < len(order) and key == order[count]:
            count += 1
    return frozenset(order[:count])


def moves(actual: Destinations, wanted: Destinations) -> frozenset[DestinationKey]:
    """Return the destinations that must be deleted and added again to correct the order.

    The caller moves them in the order of ``wanted``, together with new destinations. It raises
    the weights of other destinations before, and lowers weights after that. If a move would
    remove the only destination with a weight for a moment, nothing is moved. The order has no
    effect while only one destination has a weight, and a later reconciliation moves the others.
    """
    staying = staying_destinations(actual, wanted)
    moved = [key for key in wanted if key in actual and key not in staying]
    serving = {key for key, destination in actual.items() if destination.weight}
    serving |= {key for key in staying if wanted[key].weight}
    for key in wanted:
        if key in staying:
            continue
        if key in moved and serving == {key}:
            return frozenset()
        serving = serving | {key} if wanted[key].weight else serving - {key}
    return frozenset(moved)
