"""Writes a status in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hadirector.metrics import families
from hadirector.status import Status

CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST


class _Moment(Collector):
    """What the library asks for the metrics of one status."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        """Give the metric families of the status."""
        return families(self._status)


def text(status: Status) -> bytes:
    """Write all metrics; of 10,000 real servers that takes a second, so do it in a thread."""
    return exposition.generate_latest(_Moment(status))
