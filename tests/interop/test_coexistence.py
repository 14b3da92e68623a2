"""A minute of calm beside keepalived and FRR, in every kind and both roles, all at the same time.

The advertisement interval is 1 s. The higher priority is ACTIVE after the start, and nothing else
happens.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pytest

from hadirector.lab.topology import Network
from tests.lab.frr import Frr
from tests.lab.routers import Keepalived, VrrpRouter
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    pytest.mark.keepalived,
    pytest.mark.frr,
    pytest.mark.timeout(240),
]

CALM_SECONDS = 60.0
PRIORITIES = (200, 150, 100, 50)
# The kernel gives the hosts no link-local address; the test does.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1"}


class Family(NamedTuple):
    host_address: str
    virtual_addresses: tuple[str, ...]


V4 = Family("10.99.0.{}/24", ("10.99.0.100/32",))
V6 = Family("fe80::{}/64", ("fe80::99:100/128", "2001:db8:99::100/128"))


class Kind(NamedTuple):
    """A kind of advertisement: our options, and the additional lines of keepalived's instance."""

    family: Family = V4
    version: Literal[2, 3] = 3
    ours: tuple[str, ...] = ()
    theirs: str = ""


KEEPALIVED: Final = {
    "version 2": Kind(version=2),
    "version 2 with a password": Kind(
        version=2,
        ours=("--password", "abc"),
        theirs="authentication {\n auth_type PASS\n auth_pass abc\n }",
    ),
    "version 3": Kind(),
    "version 3 over IPv6": Kind(family=V6),
    "unicast": Kind(
        ours=("--unicast-source", "10.99.0.1", "--unicast-peer", "10.99.0.2"),
        theirs="unicast_src_ip 10.99.0.2\n unicast_peer {\n 10.99.0.1\n }",
    ),
    "its virtual MAC": Kind(theirs="use_vmac"),
    "its virtual MAC over IPv6": Kind(family=V6, theirs="use_vmac"),
    "both have the virtual MAC": Kind(ours=("--virtual-mac",), theirs="use_vmac"),
}

FRR_KINDS: Final = {"IPv4": Kind(), "IPv6": Kind(family=V6)}

Router = VrrpRouter | Keepalived | Frr


class Member(NamedTuple):
    """A router, and the last part of its host's address."""

    name: Literal["ours", "keepalived", "frr"]
    number: int


OURS, THEIRS, FRR, OURS_TOO = (
    Member("ours", 1),
    Member("keepalived", 2),
    Member("frr", 3),
    Member("ours", 4),
)
COMPANIES: Final = (
    *(
        (members, what, kind)
        for what, kind in KEEPALIVED.items()
        for members in ((OURS, THEIRS), (THEIRS, OURS))
    ),
    *(
        (members, what, kind)
        for what, kind in FRR_KINDS.items()
        for members in ((OURS, FRR), (FRR, OURS), (OURS, THEIRS, FRR, OURS_TOO))
    ),
    ((THEIRS, OURS, OURS_TOO), "IPv4", Kind()),
    ((OURS, FRR), "both have the virtual MAC", Kind(ours=("--virtual-mac",))),
    ((FRR, OURS), "both have the virtual MAC", Kind(ours=("--virtual-mac",))),
)


class Company(NamedTuple):
    """The routers of one virtual router, the highest priority first."""

    what: str
    address: str
    routers: tuple[Router, ...]

    def settled(self) -> bool:
        """Whether the router of the highest priority, and no other, holds the addresses."""
        holders = [
            router
            for router in self.routers
            if (router.holds() if isinstance(router, Frr) else router.host.holds(self.address))
        ]
        return holders == [self.routers[0]]

    def transitions(self) -> list[int]:
        """Return the number of entries of each router to each state."""
        return [router.entered(state) for router in self.routers for state in ("BACKUP", "ACTIVE")]

    def strange(self) -> list[str]:
        """Return the counters of our routers that should be zero."""
        ours = [router for router in self.routers if isinstance(router, VrrpRouter)]
        counted = [name for router in ours for name in router.status()["counters"]]
        return [name for name in counted if name.startswith(("dropped", "address_list"))]


class Lab:
    """Networks that exist at the same time."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory

    def company(self, members: Sequence[Member], what: str, kind: Kind) -> Company:
        """Start routers on their own network, the highest priority first."""
        network = self._stack.enter_context(Network())
        routers = tuple(
            self._router(network, member, kind, priority)
            for member, priority in zip(members, PRIORITIES, strict=False)
        )
        names = ", ".join(member.name for member in members)
        address = kind.family.virtual_addresses[0].partition("/")[0]
        return Company(f"{names}: {what}", address, routers)

    def _router(self, network: Network, member: Member, kind: Kind, priority: int) -> Router:
        own, addresses = kind.family.host_address, kind.family.virtual_addresses
        own = own.format(member.number)
        name = f"{member.name}{member.number}"
        if member.name == "frr":
            return self._frr(network, name, own, addresses, priority)
        host = network.host(name, own, sysctls=GIVEN)
        if member.name == "keepalived":
            return Keepalived(
                host,
                self._directory,
                priority=priority,
                version=kind.version,
                advert_interval=1.0,
                extra=kind.theirs,
                addresses=addresses,
            )
        return VrrpRouter(
            host,
            self._directory,
            *kind.ours,
            priority=priority,
            version=kind.version,
            advert_interval=1.0,
            addresses=addresses,
        )

    def _frr(
        self, network: Network, name: str, own: str, addresses: Sequence[str], priority: int
    ) -> Frr:
        """Over IPv6 FRR's own address goes to an interface of its own."""
        six = ":" in own
        return Frr(
            network.host(name, *([] if six else [own]), sysctls=GIVEN),
            Path(self._stack.enter_context(tempfile.TemporaryDirectory())),
            priority=priority,
            advert_interval=1.0,
            addresses=addresses,
            link_local=own if six else "",
        )


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, tmp_path)


def test_nothing_moves_in_a_minute_of_calm(lab: Lab) -> None:
    """No takeover, no drop, no difference in the addresses."""
    companies = [lab.company(*each) for each in COMPANIES]
    eventually(
        lambda: all(company.settled() for company in companies), 30.0, "every election decided"
    )
    before = {company.what: company.transitions() for company in companies}
    assert len(before) == len(companies)
    time.sleep(CALM_SECONDS)
    assert {company.what: company.transitions() for company in companies} == before
    assert [company.what for company in companies if not company.settled()] == []
    assert {each.what: each.strange() for each in companies if each.strange()} == {}
