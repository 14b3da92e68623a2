"""Builds the metric families of Prometheus from samples. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from checks.scheduling.lateness import ProbeLateness
from vrrp.model.lateness import LatenessHistogram

Sample = tuple[Sequence[str], float]
"""The values of the labels, and the value of the sample."""


def gauge_family(
    name: str, documentation: str, labels: Sequence[str], samples: Iterable[Sample]
) -> Metric:
    """Return a gauge with these samples."""
    family = GaugeMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def counter_family(
    name: str, documentation: str, labels: Sequence[str], samples: Iterable[Sample]
) -> Metric:
    """Return a counter with these samples. Its name gets the suffix ``_total``."""
    family = CounterMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def histogram_family(
    name: str,
    documentation: str,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], ProbeLateness | LatenessHistogram]],
) -> Metric:
    """Return a histogram with these samples."""
    family = HistogramMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, late in samples:
        family.add_metric(values, _buckets(late.bounds, late.counts), late.total)
    return family


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return the cumulative counts that Prometheus expects; the last bucket counts everything."""
    names = [*map(repr, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
