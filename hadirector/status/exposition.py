"""Writes a status in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hadirector.status.metrics import families
from hadirector.status.report import Status

CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST


class _Family(Collector):
    """What the library asks for one metric."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """Give it."""
        yield self._family


def text(status: Status) -> bytes:
    """Write all metrics. With 10,000 real servers that takes a second, so do it in a thread.

    It goes metric by metric: to put 10 MB together from 100,000 lines at once would keep all other
    threads waiting.
    """
    return b"".join(exposition.generate_latest(_Family(each)) for each in families(status))
