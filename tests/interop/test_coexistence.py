"""A minute of calm beside keepalived and FRR, in every kind and both roles, all at the same time.

Advertisements go once a second. The higher priority is ACTIVE after the start, and that is all that
ever happens.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from hadirector.lab.frr import Frr
from hadirector.lab.routers import Keepalived, VrrpRouter, wait_until
from hadirector.lab.topology import Host, Network

pytestmark = [
    pytest.mark.netns,
    pytest.mark.keepalived,
    pytest.mark.frr,
    pytest.mark.timeout(240),
]

CALM_SECONDS = 60.0
BETTER, WORSE = 200, 100
# The hosts have the link-local address they are given, and no other.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1"}


class Family(NamedTuple):
    ours: str
    theirs: str
    virtual_addresses: tuple[str, ...]


V4 = Family("10.99.0.1/24", "10.99.0.2/24", ("10.99.0.100/32",))
V6 = Family("fe80::1/64", "fe80::2/64", ("fe80::99:100/128", "2001:db8:99::100/128"))


class Kind(NamedTuple):
    """A way to speak with keepalived: our options, and what its instance says beyond the usual."""

    family: Family = V4
    version: int = 3
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
}
FRR: Final = {"FRR": V4, "FRR over IPv6": V6}


class Pair(NamedTuple):
    """Our router and another one, each on a host of a network of their own."""

    what: str
    we_are_better: bool
    ours: VrrpRouter
    theirs: Keepalived | Frr

    def settled(self) -> bool:
        """Whether the better one holds the addresses, and it alone."""
        address = self.ours.addresses[0].partition("/")[0]
        theirs = self.theirs
        they_hold = theirs.holds() if isinstance(theirs, Frr) else theirs.host.holds(address)
        we_hold = self.ours.host.holds(address)
        return (we_hold, they_hold) == (self.we_are_better, not self.we_are_better)

    def transitions(self) -> list[int]:
        """How often each of them has entered each state."""
        routers = (self.ours, self.theirs)
        return [router.entered(state) for router in routers for state in ("BACKUP", "ACTIVE")]

    def strange(self) -> list[str]:
        """What our router has counted that it should not have seen."""
        counters = self.ours.status()["counters"]
        return [each for each in counters if each.startswith(("dropped", "address_list"))]


class Lab:
    """Networks that all are there at the same time."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory

    def _hosts(self, ours: str, *theirs: str) -> tuple[Host, Host]:
        network = self._stack.enter_context(Network())
        return (
            network.host("ours", ours, sysctls=GIVEN),
            network.host("theirs", *theirs, sysctls=GIVEN),
        )

    def with_keepalived(self, what: str, kind: Kind, *, we_are_better: bool) -> Pair:
        our_host, their_host = self._hosts(kind.family.ours, kind.family.theirs)
        addresses = kind.family.virtual_addresses
        theirs = Keepalived(
            their_host,
            self._directory,
            priority=WORSE if we_are_better else BETTER,
            version=kind.version,
            advert_interval=1.0,
            extra=kind.theirs,
            addresses=addresses,
        )
        ours = VrrpRouter(
            our_host,
            self._directory,
            *kind.ours,
            priority=BETTER if we_are_better else WORSE,
            version=kind.version,
            advert_interval=1.0,
            addresses=addresses,
        )
        return Pair(what, we_are_better, ours, theirs)

    def with_frr(self, what: str, family: Family, *, we_are_better: bool) -> Pair:
        link_local = family.theirs if family is V6 else ""  # it goes to an interface of FRR's own
        our_host, their_host = self._hosts(family.ours, *([] if link_local else [family.theirs]))
        theirs = Frr(
            their_host,
            Path(self._stack.enter_context(tempfile.TemporaryDirectory())),
            priority=WORSE if we_are_better else BETTER,
            advert_interval=1.0,
            addresses=family.virtual_addresses,
            link_local=link_local,
        )
        ours = VrrpRouter(
            our_host,
            self._directory,
            priority=BETTER if we_are_better else WORSE,
            advert_interval=1.0,
            addresses=family.virtual_addresses,
        )
        return Pair(what, we_are_better, ours, theirs)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, tmp_path)


def test_nothing_moves_in_a_minute_of_calm(lab: Lab) -> None:
    """No takeover, no drop, no difference in the addresses."""
    pairs = [
        *(
            lab.with_keepalived(f"{what}, we are better: {better}", kind, we_are_better=better)
            for what, kind in KEEPALIVED.items()
            for better in (True, False)
        ),
        *(
            lab.with_frr(f"{what}, we are better: {better}", family, we_are_better=better)
            for what, family in FRR.items()
            for better in (True, False)
        ),
    ]
    wait_until(
        lambda: all(pair.settled() for pair in pairs),
        20.0,
        "every election decided",
    )
    before = {pair.what: pair.transitions() for pair in pairs}
    time.sleep(CALM_SECONDS)
    assert {pair.what: pair.transitions() for pair in pairs} == before
    assert [pair.what for pair in pairs if not pair.settled()] == []
    assert {pair.what: pair.strange() for pair in pairs if pair.strange()} == {}
