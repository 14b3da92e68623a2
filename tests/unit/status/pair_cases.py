"""The codes of the problems of a pair."""

from __future__ import annotations

from hadirector.pair.problems import MEANINGS
from hadirector.status.verdict import Level

OF_THE_PAIR = {meaning.code: meaning.level for meaning in MEANINGS.values()} | {
    "split_brain": Level.CRITICAL,
    "pair_peer_lost": Level.DEGRADED,
    "pair_peer_refused": Level.DEGRADED,
    "pair_peer_unready": Level.DEGRADED,
}
"""The codes of `hadirector.pair.problems`, with their levels."""
