"""The keys of discovery sources, and of the limits on their changes."""

from __future__ import annotations

from typing import Annotated, Literal

from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath, Name
from hadirector.config.keys.readers import PERCENTAGE, choice, duration, integer, text
from hadirector.config.keys.section import Section
from hadirector.model import discovery

_LOCATION = text(r"[!-~]{1,1000}", "a URL or a domain name", "URL or domain name")


class SourceSection(Section):
    """A source of the real servers of pools."""

    model = discovery.Source

    name: Annotated[Name, Key("The name in `from`, in commands and in logs.")]
    type: Annotated[
        Literal["file", "http", "dns"],
        choice(("file", "http", "dns")),
        Key("How the source is read."),
    ]
    path: Annotated[
        FilePath | None, Key("With `file`: the file. A change is read at once.", default="")
    ] = None
    url: Annotated[
        Annotated[str, _LOCATION] | None,
        Key("With `http`: the address of the document, `http://` or `https://`.", default=""),
    ] = None
    domain: Annotated[
        Annotated[str, _LOCATION] | None,
        Key("With `dns`: the domain name whose A and AAAA records are the members.", default=""),
    ] = None
    format: Annotated[
        Literal["members", "prometheus", "endpoint_slices"],
        choice(("members", "prometheus", "endpoint_slices")),
        Key(
            "With `file` and `http`: the form of the document. `members` is our own,"
            " `prometheus` that of file_sd and http_sd, and `endpoint_slices` an EndpointSliceList"
            " of Kubernetes."
        ),
    ] = "members"
    poll: Annotated[
        float,
        duration("1s", "1h"),
        Key("The time between two readings. After failures it grows to 60 s."),
    ] = 10.0
    timeout: Annotated[
        float, duration("100ms", "60s"), Key("The time in which a reading must end.")
    ] = 3.0
    token_file: Annotated[
        FilePath | None,
        Key("With `http`: a file with the token that the request carries.", default="none"),
    ] = None
    ca_file: Annotated[
        FilePath | None,
        Key(
            "With `https://`: the certificates (PEM) that are trusted.",
            default="the trusted certificates of the host",
        ),
    ] = None
    port: Annotated[
        int,
        integer(0, 65535),
        Key("With `dns`: the port of the members.", default="that of the virtual server"),
    ] = 0


class AdmissionSection(Section):
    """The limits on what a source can change at once in a pool."""

    model = discovery.AdmissionPolicy

    minimum: Annotated[
        int,
        PERCENTAGE,
        Key(
            "A list with fewer servers than this part of the accepted ones is not taken, until an"
            " operator accepts it.",
            default="`50%`",
        ),
    ] = 50
    pace: Annotated[
        int,
        PERCENTAGE,
        Key(
            "The part of the servers that can become absent within `pace_window`.",
            default="`20%`",
            field="pace_percent",
        ),
    ] = 20
    pace_window: Annotated[
        float, duration("1s", "1h"), Key("The time for `pace`.", field="pace_seconds")
    ] = 60.0
    settle: Annotated[
        float | None,
        duration("0s", "10m"),
        Key("How long new servers wait for others.", default="0; with `sh` and `mh` `10s`"),
    ] = None
    absent_hold: Annotated[
        float | None,
        duration("0s", "168h"),
        Key(
            "How long an absent server stays in the table with weight 0 at least. It also stays"
            " until its connections have ended.",
            default="`10m`; with `sh` and `mh` `24h`",
        ),
    ] = None
