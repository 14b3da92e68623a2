"""The metrics of the receivers of alerts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from hadirector.status.alert_status import ReceiverStatus
from hadirector.status.families import counter_family, gauge_family

_LABELS = ("receiver",)


def alert_families(receivers: Sequence[ReceiverStatus]) -> Iterator[Metric]:
    """Yield the metrics of the receivers; none without a receiver."""
    if not receivers:
        return
    yield gauge_family(
        "alert_receiver_failing",
        "Whether the latest three attempts to deliver a message failed.",
        _LABELS,
        (((each.name,), each.failing) for each in receivers),
    )
    yield gauge_family(
        "alert_receiver_waiting",
        "Alerts and events that the receiver has not got yet.",
        _LABELS,
        (((each.name,), each.waiting) for each in receivers),
    )
    yield counter_family(
        "alert_messages",
        "Messages that the receiver has accepted.",
        _LABELS,
        (((each.name,), each.delivered) for each in receivers),
    )
    yield counter_family(
        "alert_attempts_failed",
        "Attempts to deliver a message that failed.",
        _LABELS,
        (((each.name,), each.failed_attempts) for each in receivers),
    )
    yield counter_family(
        "alert_messages_lost",
        "Messages that were given up after twelve attempts.",
        _LABELS,
        (((each.name,), each.lost) for each in receivers),
    )
