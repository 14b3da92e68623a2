"""The facts about a type of probe that the rest of the program needs.

Each type in `checks.definition.options` declares its traits. No trait has a default, so that a new
type cannot get a wrong value by omission.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

NO_PORT: Final = 0
"""The port of a probe that tests a host and not a port."""

TLS_COST: Final = 10
"""The cost of a probe over TLS of any type, because the handshake dominates."""

Transport = Literal["tcp", "udp"]


class PathEvidence(StrEnum):
    """Whether a result is evidence of the network path from this host to the target.

    PROOF: an answer of any kind proves that the path works. UNCLEAR: a failure may be a fault of
    the path, and a pass does not prove that the path works. NONE: the probe uses no network.
    """

    PROOF = "proof"
    UNCLEAR = "unclear"
    NONE = "none"


class Traits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The facts about one type of probe. A composite probe has own traits, apart from its members.

    ``default_port`` is the usual port of the protocol, None if the port must be given, and
    NO_PORT if the probe tests a host. ``cost`` is the processor time of one probe without TLS,
    as a multiple of the time of a TCP probe. ``tls`` is whether the probe uses TLS, or the name
    of the option that decides this. ``transport`` is the protocol of packets to the target's
    port, None if there are no such packets. ``tests_service`` is True if the probe tests the
    service that clients use, so that it can also be sent through IPVS. ``unused_keys`` are keys
    of a check that have no effect with this type.
    """

    default_port: int | None
    cost: int
    tls: bool | str
    transport: Transport | None
    path_evidence: PathEvidence
    tests_service: bool
    unused_keys: frozenset[str]


NO_WEIGHT: Final = frozenset({"weight_step", "weight_max"})
"""The unused keys of a type whose targets request no weight."""

ROUTE_KEYS: Final = frozenset({"source", "interface", "mark", "via"})
"""The unused keys of a type whose packets, if any, are not sent by this program."""


def tcp_service_traits(*, default_port: int | None, cost: int, tls: bool | str) -> Traits:
    """Return the traits of a type that tests a TCP service, and whose targets request no weight."""
    return Traits(
        default_port=default_port,
        cost=cost,
        tls=tls,
        transport="tcp",
        path_evidence=PathEvidence.PROOF,
        tests_service=True,
        unused_keys=NO_WEIGHT,
    )


COMPOSITE_TRAITS = Traits(
    default_port=None,
    cost=0,
    tls=False,
    transport=None,
    path_evidence=PathEvidence.NONE,
    tests_service=False,
    unused_keys=frozenset(),
)
"""The traits of a composite probe itself. `checks.definition.queries` includes its members."""
