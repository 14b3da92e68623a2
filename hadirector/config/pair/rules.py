"""Rules for the pair link: its directors are different ones, and there is a peer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.pair.schema import PairSection
from hadirector.model.pair import Pair

PEERS_MAX: Final = 8
"""Most directors in the list. Each of them asks all others every second."""


def pair_findings(path: Path, pair: PairSection) -> Iterator[Finding]:
    """Yield the faults in the combination of the keys."""
    peers = (*path, "peers")
    if not 1 <= (count := len(pair.peers)) <= PEERS_MAX:
        yield Finding(peers, wrong(f"{count} peers", f"1 to {PEERS_MAX}"))
    for key in ("name", "address", "certificate"):
        yield from duplicates(
            Claim((*peers, index, key), value, f"{key} {quote(str(value))}")
            for index, peer in enumerate(pair.peers)
            for value in (getattr(peer, key),)
        )


def own_findings(path: Path, pair: Pair, name: str) -> Iterator[Finding]:
    """Yield the faults of the link of the director with this name."""
    if not pair.peers:
        message = f"the list names no director besides this one, {name} (add the other director)"
        yield Finding((*path, "peers"), message)
    for peer in pair.peers:
        if peer.where == pair.where:
            message = (
                f"{pair.where} is also the address of the peer {peer.name}; the name of this"
                f" director is {name}"
            )
            yield Finding((*path, "listen"), message)
