"""Builds the pair link from the section ``pair``."""

from __future__ import annotations

from hadirector.config.keys.build import build_struct
from hadirector.config.pair.schema import PairSection
from hadirector.model.pair import Pair, PairPeer


def pair_link(section: PairSection, own_name: str) -> Pair:
    """Return the link of the director with this name. Its own entry is left out of the peers."""
    peers = tuple(
        build_struct(PairPeer, each, address=each.address.address, port=each.address.port)
        for each in section.peers
        if each.name != own_name
    )
    address, port = section.listen
    return build_struct(Pair, section, address=address, port=port, peers=peers)
