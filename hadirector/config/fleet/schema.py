"""The keys of the store to which a director writes its summary, for its fleet."""

from __future__ import annotations

from typing import Annotated, Literal

from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath
from hadirector.config.keys.readers import choice, duration, text
from hadirector.config.keys.section import Section
from hadirector.config.keys.urls import URL, TrustedFile
from hadirector.model import fleet

_PREFIX = text(r"[!-~]{1,900}/", "the beginning of keys, with / at its end", "beginning of keys")


class FleetSection(Section):
    """The store of summaries. An inventory of a fleet has the same keys."""

    model = fleet.SummaryStore

    type: Annotated[
        Literal["http", "etcd"],
        choice(("http", "etcd")),
        Key(
            "How the summary is written. `http`: `PUT` to the URL with `/NAME` at its end. `etcd`:"
            " a key with a lease."
        ),
    ]
    url: Annotated[str, URL, Key("The address of the server.")]
    prefix: Annotated[
        str,
        _PREFIX,
        Key("With `etcd`: the beginning of the key. The name of the director follows."),
    ] = "/hadirector/summaries/"
    interval: Annotated[float, duration("1s", "1m"), Key("The time between two summaries.")] = 5.0
    lifetime: Annotated[
        float,
        duration("5s", "10m"),
        Key("How long a summary counts as current, and the time of the lease in etcd."),
    ] = 20.0
    timeout: Annotated[
        float, duration("100ms", "60s"), Key("The time in which a request must end.")
    ] = 3.0
    token_file: Annotated[
        FilePath | None, Key("A file with the token that each request carries.", default="none")
    ] = None
    ca_file: TrustedFile = None
