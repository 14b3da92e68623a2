"""The fixed parts of a fleet: its directors, pools, checks and groups of addresses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from checks.definition.check import CheckDefinition, Route, Timing
from checks.definition.options import TcpProbe
from checks.definition.template import CheckTemplate
from hadirector.model.announcement import AnnouncedGroup
from hadirector.model.configuration import (
    Configuration,
    DiscoveredServers,
    OnFailure,
    RealServer,
    VirtualServer,
)
from hadirector.model.discovery import AdmissionPolicy, Member
from hadirector.model.ipvs import (
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
)
from hadirector.model.policy import HealthyMinimum
from hadirector.sources.admission import Accepted, AcceptedMember
from hadirector.sources.expansion import PoolSource, expand

TIMING: Final = Timing(interval=2.0, timeout=1.0, rise=2, fall=2, fast_interval=0.5)
ADMISSION: Final = AdmissionPolicy(settle=10.0)
SOURCE: Final = "members"
NEWCOMER: Final = 250
"""The number of the server that may join a pool."""
_TEMPLATE: Final = CheckTemplate(
    type="tcp", digest="0", probe=TcpProbe(), timing=TIMING, route=Route()
)


class Size(NamedTuple):
    """The size of a fleet. The number of targets is a multiple of the members of a pool."""

    directors: int
    targets: int
    members: int = 25
    groups: int = 20


LARGE: Final = Size(64, 10_000)
SMALL: Final = Size(20, 200, 20, 2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is: the number of its pool, its key there, and its check."""

    pool: int
    key: DestinationKey
    check: CheckDefinition


@dataclass(frozen=True, eq=False)
class Layout:
    """What all directors are configured with, and what is derived from it."""

    size: Size
    names: tuple[str, ...]
    servers: tuple[VirtualServer, ...]
    members: tuple[tuple[Member, ...], ...]
    accepted: tuple[Accepted, ...]
    places: dict[str, Place]
    targets: tuple[str, ...]
    groups: tuple[AnnouncedGroup, ...]

    def group_of(self, pool: int) -> int:
        """Return the number of the group that depends on a pool."""
        return pool % len(self.groups)


@lru_cache(maxsize=4)
def build_layout(size: Size) -> Layout:
    """Build the configuration of a fleet. Every pool has one more server that may join later."""
    pools = range(size.targets // size.members)
    members = [tuple(_member(pool, number) for number in range(size.members)) for pool in pools]
    accepted = [Accepted(tuple(map(AcceptedMember, of_pool))) for of_pool in members]
    bare = [_virtual_server(pool) for pool in pools]
    servers = [expand_pool(server, known) for server, known in zip(bare, accepted, strict=True)]
    places = {}
    targets = []
    for pool, server in enumerate(servers):
        for each in (*server.real_servers, *_newcomer(bare[pool], pool).real_servers):
            assert each.check is not None
            places[each.check.identity] = Place(pool, each.key, each.check)
        targets += [each.check.identity for each in server.real_servers if each.check]
    groups = [
        AnnouncedGroup(
            name=f"group{number}",
            addresses=(f"203.0.113.{number + 1}",),
            pools=tuple(server.name for server in servers[number :: size.groups]),
        )
        for number in range(size.groups)
    ]
    return Layout(
        size,
        tuple(f"lb{number}" for number in range(size.directors)),
        tuple(servers),
        tuple(members),
        tuple(accepted),
        places,
        tuple(targets),
        tuple(groups),
    )


def expand_pool(server: VirtualServer, accepted: Accepted) -> VirtualServer:
    """Return a pool with its accepted members as real servers."""
    configuration = Configuration(name="lb", virtual_servers=(server,))
    pools = {PoolSource(server.name, SOURCE): accepted}
    return expand(configuration, pools).virtual_servers[0]


def new_member(pool: int) -> Member:
    """Return the server that may join a pool."""
    return _member(pool, NEWCOMER)


def _newcomer(server: VirtualServer, pool: int) -> VirtualServer:
    return expand_pool(server, Accepted((AcceptedMember(_member(pool, NEWCOMER)),)))


def _member(pool: int, number: int) -> Member:
    return Member(f"10.{pool >> 8}.{pool & 255}.{number + 1}", 80)


def _virtual_server(pool: int) -> VirtualServer:
    template = RealServer(key=DestinationKey("", 80), weight=100, source=SOURCE)
    return VirtualServer(
        name=f"pool{pool}",
        keys=(ServiceKey(Protocol.TCP, "203.0.113.1", 1000 + pool),),
        service=Service("mh", frozenset({SchedulerFlag.FALLBACK, SchedulerFlag.PORT})),
        forwarding=ForwardingMethod.DR,
        on_failure=OnFailure.ZERO_WEIGHT,
        min_healthy=HealthyMinimum(percent=50),
        discovered=(DiscoveredServers(source=SOURCE, template=template, check=_TEMPLATE),),
        admission=ADMISSION,
    )
