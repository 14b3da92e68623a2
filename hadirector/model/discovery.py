"""Discovery: where the real servers of a pool come from if the file does not name them. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hadirector.model.ipvs import endpoint

SourceType = Literal["file", "http", "dns", "etcd", "kubernetes", "consul"]
SourceFormat = Literal["members", "prometheus", "endpoint_slices", "overrides"]
OVERRIDES_FORMAT: Final = "overrides"
"""The format of a document that has overrides, and no members."""
DnsRecords = Literal["addresses", "srv"]
Family = Literal["any", "ipv4", "ipv6"]
MEMBERS_MAX = 10_000
"""Members of one source."""


class Member(msgspec.Struct, frozen=True, order=True, gc=False):
    """A real server, as a source names it.

    Port 0 stands for the port of the virtual server. ``identity`` is the id that the source has for
    it, or empty. Without a ``weight`` or ``tier``, the configured ones apply. A ``leaving`` member
    is about to stop: it gets no new connections.
    """

    address: str
    port: int = 0
    identity: str = ""
    weight: int | None = None
    tier: int | None = None
    leaving: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """The address and the port."""
        return self.address, self.port

    def __str__(self) -> str:
        return endpoint(self.address, self.port) if self.port else self.address


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source of members. Durations are in seconds.

    ``location`` is a path, a URL or a domain name. ``poll`` is the time between two readings, and
    ``timeout`` the deadline of one. With ``wait``, an HTTP server may hold a request that long.

    etcd has one document in ``key``, or one member in each key that begins with ``prefix``.
    """

    name: str
    type: SourceType
    location: str
    format: SourceFormat = "members"
    poll: float = 10.0
    timeout: float = 3.0
    wait: float = 0.0
    token_file: str | None = None
    ca_file: str | None = None
    port: int = 0
    port_name: str = ""
    records: DnsRecords = "addresses"
    family: Family = "any"
    nameserver: tuple[str, int] | None = None
    key: str | None = None
    prefix: str | None = None
    namespace: str = "default"
    service: str = ""

    @property
    def place(self) -> str:
        """Where the members are, for people."""
        if self.type == "kubernetes":
            return f"{self.location} {self.namespace}/{self.service}"
        return " ".join(filter(None, (self.location, self.key, self.prefix, self.service)))


class AdmissionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on the changes that a source makes to a pool. Durations are in seconds.

    A snapshot with fewer than ``minimum`` percent of the accepted members is not taken. At most
    ``pace_percent`` of the members become absent within ``pace_seconds``. New members wait for
    ``settle``, so that they come together. An absent member stays for ``absent_hold`` at least.
    """

    minimum: int = 50
    pace_percent: int = 20
    pace_seconds: float = 60.0
    settle: float = 0.0
    absent_hold: float = 600.0
