"""The hash tables of pools: one for each distinct decision, and the flows that they move."""

from __future__ import annotations

from functools import cached_property, lru_cache

from hadirector.dataplane.hash_tables import HashTable, hash_table, moved_share
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import DestinationKey, ServiceEntry
from hadirector.pools.decision import Judgement
from hadirector.pools.entries import wanted_entries

Weights = tuple[int | None, ...]


class Shape:
    """A pool in the kernel of a director. Two directors with the same shape have equal tables."""

    def __init__(self, server: VirtualServer, judgement: Judgement) -> None:
        self.weights = weights_of(judgement)
        self._server = server
        self._judgement = judgement

    @cached_property
    def entry(self) -> ServiceEntry:
        """The IPVS service."""
        (entry,) = wanted_entries(self._server, self._judgement).values()
        return entry

    @cached_property
    def table(self) -> HashTable:
        """The table that the kernel makes of it."""
        return hash_table(self.entry)

    @cached_property
    def serving(self) -> frozenset[DestinationKey]:
        """The real servers that get new connections."""
        derivations = self._judgement.derivations
        return frozenset(key for key, steps in derivations.items() if steps[-1].weight)

    @property
    def whole(self) -> bool:
        """Whether all real servers serve."""
        return all(self.weights)


@lru_cache(maxsize=5000)
def predict_moved(before: Shape, after: Shape) -> float:
    """Return the share of the flows that the model of `mh` expects to move between two shapes."""
    return moved_share(before.entry, after.entry) or 0.0


def weights_of(judgement: Judgement) -> Weights:
    """Return the weights of a pool in the order of its keys."""
    return tuple(steps[-1].weight for steps in judgement.derivations.values())
