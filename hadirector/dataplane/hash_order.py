"""Decides how the destinations of sh and mh come into the same order on every director.

Both schedulers build their table by walking the list of destinations (ip_vs_sh.c, ip_vs_mh.c): in
another order, 2 to 8 % of the clients of mh have another real server, and nearly all of sh. The
kernel adds at one end of its list and cannot move: what is in the wrong place is deleted and added
again, which its connections outlive (ip_vs_trash_get_dest).
"""

from __future__ import annotations

from collections.abc import Mapping

from hadirector.model.ipvs import Destination, DestinationKey

Pool = Mapping[DestinationKey, Destination]


def in_place(held: Pool, wanted: Pool) -> frozenset[DestinationKey]:
    """Pick those that can stay where they are, when all others are added after them in order.

    That is as much of the beginning of ``wanted`` as stands in this order in ``held``.
    """
    order = list(wanted)
    found = 0
    for key in held:
        if found < len(order) and key == order[found]:
            found += 1
    return frozenset(order[:found])


def moves(held: Pool, wanted: Pool) -> frozenset[DestinationKey]:
    """Pick those that have to be deleted and added again.

    They go in the order of ``wanted``, with what is new in between, after weights were given to
    what stays and before any is taken. None at all are moved if by that the only one that serves
    would be away for a moment: with one that serves the order means nothing, and a later pass finds
    more.
    """
    staying = in_place(held, wanted)
    moved = [key for key in wanted if key in held and key not in staying]
    serving = {key for key, each in held.items() if each.weight}
    serving |= {key for key in staying if wanted[key].weight}
    for key in wanted:
        if key in staying:
            continue
        if key in moved and serving == {key}:
            return frozenset()
        serving = serving | {key} if wanted[key].weight else serving - {key}
    return frozenset(moved)
