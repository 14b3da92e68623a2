"""Converts the pair of a status to Prometheus metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from hadirector.status.families import counter_family, gauge_family
from hadirector.status.pair_summary import PairSummary
from hadirector.status.suspicion_status import SuspicionStatus


def pair_families(pair: PairSummary) -> Iterator[Metric]:
    """Yield the metrics of a pair. An unknown value of a peer has no sample."""
    peers = pair.peers
    yield gauge_family(
        "pair_peer_reached",
        "Whether the peer answers over the pair link.",
        ("peer",),
        (((peer.name,), peer.reached) for peer in peers),
    )
    yield gauge_family(
        "pair_peer_ready",
        "Whether the peer could take over. A peer that does not answer has no sample.",
        ("peer",),
        (((peer.name,), peer.ready) for peer in peers if peer.ready is not None),
    )
    yield gauge_family(
        "pair_peer_age_seconds",
        "Age of the latest state of the peer.",
        ("peer",),
        (((peer.name,), peer.age) for peer in peers if peer.age is not None),
    )
    yield gauge_family(
        "pair_peer_clock_skew_seconds",
        "How far the clock of the peer is ahead.",
        ("peer",),
        (((peer.name,), peer.clock_skew) for peer in peers if peer.reached),
    )
    yield gauge_family(
        "pair_differences",
        "Lasting differences between this director and the peer, by kind.",
        ("peer", "kind"),
        (((peer.name, kind), count) for peer in peers for kind, count in peer.differences.items()),
    )
    yield counter_family(
        "pair_answers_refused",
        "Total number of refused answers of the peer, by reason.",
        ("peer", "reason"),
        (((peer.name, reason), count) for peer in peers for reason, count in peer.refusals.items()),
    )
    yield gauge_family(
        "pair_split_brains",
        "VRRP instances for which two directors of the pair are ACTIVE.",
        (),
        [((), len(pair.split_brains))],
    )


def suspicion_families(status: SuspicionStatus) -> Iterator[Metric]:
    """Yield the metric of suspicions."""
    yield counter_family(
        "suspicions",
        "Total number of suspicions: sent to peers, or of peers and probed, or refused.",
        ("kind",),
        [(("sent",), status.sent), (("probed",), status.probed), (("refused",), status.refused)],
    )
