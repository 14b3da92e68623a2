"""The parameters of a request for the metrics. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.core import Metric

from hadirector.status import exposition
from hadirector.status.metrics import EXTRA_SCOPES, SCOPES, Scope
from hadirector.status.report import Status

ACCEPT_OPENMETRICS: Final = "application/openmetrics-text"


class Scrape(NamedTuple):
    """The parameters of a scrape. Without ``scopes``, the default scopes apply."""

    scopes: tuple[Scope, ...] = ()
    openmetrics: bool = False

    @property
    def content_type(self) -> str:
        """The media type of the answer."""
        return exposition.OPENMETRICS_TYPE if self.openmetrics else exposition.CONTENT_TYPE

    def pieces(
        self,
        status: Status,
        default: tuple[Scope, ...] = SCOPES,
        own: Callable[[], Iterable[Metric]] = tuple,
    ) -> Iterator[bytes]:
        """Yield the text in pieces (`hadirector.status.exposition`).

        ``own`` are metrics of the process that answers. They belong to the scope ``director``.
        """
        scopes = self.scopes or default
        write = exposition.openmetrics_pieces if self.openmetrics else exposition.pieces
        return write(status, scopes, own() if "director" in scopes else ())


def read_scrape(scope: str | None, accept: str) -> Scrape:
    """Return the parameters of a scrape. Raises ValueError for an unknown scope."""
    names = [name.strip() for name in (scope or "").split(",") if name.strip()]
    known = SCOPES + EXTRA_SCOPES
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"unknown scope {unknown[0][:50]} (expected some of {', '.join(known)})")
    scopes = tuple(each for each in known if each in names)
    return Scrape(scopes, ACCEPT_OPENMETRICS in accept)
