"""The keys of discovery sources, and of the limits on their changes."""

from __future__ import annotations

from typing import Annotated, Literal

from hadirector.config.keys.addresses import ENDPOINT, Endpoint
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath, Name
from hadirector.config.keys.readers import PERCENTAGE, choice, duration, integer, text
from hadirector.config.keys.section import Section
from hadirector.config.keys.urls import URL, TrustedFile
from hadirector.model import discovery

_DOMAIN = text(r"[!-~]{1,1000}", "a domain name", "domain name")
_KEY = text(r"[!-~]{1,1000}", "a key of etcd", "key")
_SERVICE = text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", "a name of letters, digits and ._-", "name")


class SourceSection(Section):
    """A source of the real servers of pools."""

    model = discovery.Source

    name: Annotated[Name, Key("The name in `from`, in commands and in logs.")]
    type: Annotated[
        Literal["file", "http", "dns", "etcd", "kubernetes", "consul"],
        choice(("file", "http", "dns", "etcd", "kubernetes", "consul")),
        Key("How the source is read."),
    ]
    path: Annotated[
        FilePath | None, Key("With `file`: the file. A change is read at once.", default="")
    ] = None
    url: Annotated[
        Annotated[str, URL] | None,
        Key(
            "With `http`: the address of the document, `http://` or `https://`. With `etcd`,"
            " `kubernetes` and `consul`: the address of the server, without a path.",
            default="",
        ),
    ] = None
    domain: Annotated[
        Annotated[str, _DOMAIN] | None,
        Key("With `dns`: the domain name whose records are the members.", default=""),
    ] = None
    key: Annotated[
        Annotated[str, _KEY] | None,
        Key("With `etcd`: the key whose value is the document.", default=""),
    ] = None
    prefix: Annotated[
        Annotated[str, _KEY] | None,
        Key(
            "With `etcd`, instead of `key`: the beginning of the keys whose values are one member"
            " each, as an item of `members` in our own format.",
            default="",
        ),
    ] = None
    service: Annotated[
        Annotated[str, _SERVICE] | None,
        Key("With `kubernetes` and `consul`: the name of the service.", default=""),
    ] = None
    namespace: Annotated[str, _SERVICE, Key("With `kubernetes`: the namespace of the service.")] = (
        "default"
    )
    format: Annotated[
        Literal["members", "prometheus", "endpoint_slices", "overrides"],
        choice(("members", "prometheus", "endpoint_slices", "overrides")),
        Key(
            "With `file`, `http` and `key`: the form of the document. `members` is our own,"
            " `prometheus` that of file_sd and http_sd, and `endpoint_slices` an EndpointSliceList"
            " of Kubernetes. `overrides` is a document of overrides for a fleet, for one source."
        ),
    ] = "members"
    poll: Annotated[
        float,
        duration("1s", "1h"),
        Key(
            "With `file` and `http`: the time between two readings. After failures it grows to"
            " 60 s."
        ),
    ] = 10.0
    wait: Annotated[
        float,
        duration("0s", "5m"),
        Key(
            "With `http`: how long the server may hold a request until the document changes"
            " (`Prefer: wait=N`, RFC 7240). If the server answers at once, `poll` applies.",
            default="not used",
        ),
    ] = 0.0
    timeout: Annotated[
        float, duration("100ms", "60s"), Key("The time in which a reading must end.")
    ] = 3.0
    token_file: Annotated[
        FilePath | None,
        Key(
            "With a `url`: a file with the token that each request carries. It is read for each"
            " request.",
            default="none",
        ),
    ] = None
    ca_file: TrustedFile = None
    port: Annotated[
        int,
        integer(0, 65535),
        Key(
            "With `dns`: the port of the members, which SRV records name themselves.",
            default="that of the virtual server",
        ),
    ] = 0
    port_name: Annotated[
        str,
        _SERVICE,
        Key(
            "With `kubernetes` and the format `endpoint_slices`: the name of the port, if there"
            " are several.",
            default="the only port",
        ),
    ] = ""
    records: Annotated[
        Literal["addresses", "srv"],
        choice(("addresses", "srv")),
        Key(
            "With `dns`: which records are the members. An SRV record gives the port, the weight"
            " and, by its priority, the backup tier."
        ),
    ] = "addresses"
    family: Annotated[
        Literal["any", "ipv4", "ipv6"],
        choice(("any", "ipv4", "ipv6")),
        Key("With `dns` and `kubernetes`: which addresses are members."),
    ] = "any"
    nameserver: Annotated[
        Endpoint | None,
        ENDPOINT,
        Key("With `dns`: the server that is asked.", default="those of `/etc/resolv.conf`"),
    ] = None


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
