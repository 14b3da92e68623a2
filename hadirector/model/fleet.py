"""The store to which the directors of a fleet write their summaries. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec


class SummaryStore(msgspec.Struct, frozen=True, kw_only=True):
    """A web server that accepts PUT, or etcd. Durations are in seconds.

    With etcd, the key is ``prefix`` and the name of the director. A summary counts as current for
    ``lifetime``.
    """

    type: Literal["http", "etcd"]
    url: str
    prefix: str = "/hadirector/summaries/"
    interval: float = 5.0
    lifetime: float = 20.0
    timeout: float = 3.0
    token_file: str | None = None
    ca_file: str | None = None
