"""A pair with a real FRR 8.4.4 vrrpd: version 3, both families, both roles.

FRR counts in whole centiseconds: with priority 100 at 10 cs its skew time is 6 cs instead of 6.09.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from hadirector.lab.topology import Network
from tests.lab.frr import Frr
from tests.lab.routers import Heard, Listener, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.frr]

# RFC 9568 6.1, interval 0.1 s, priority 100; the smaller ones are FRR's.
SKEW_100, SKEW_100_OF_FRR = 0.0609, 0.06
DOWN_100, DOWN_100_OF_FRR = 0.3609, 0.36
SLACK = 0.2  # scheduling on a busy machine with two cores


class Family(NamedTuple):
    """The addresses of one family. FRR always has the virtual MAC; ours has it where configured.

    Over IPv6 the first advertisement of FRR is lost, because its link-local source address is not
    ready. The second one comes an interval later.
    """

    number: Literal[4, 6]
    our_address: str
    their_address: str
    third_address: str
    virtual_addresses: tuple[str, ...]
    lost_at_first: float
    our_options: tuple[str, ...] = ()


V4 = Family(4, "10.99.0.1/24", "10.99.0.2/24", "10.99.0.3/24", ("10.99.0.100/32",), 0.0)
V6 = Family(
    6, "fe80::1/64", "fe80::2/64", "fe80::3/64", ("fe80::99:100/128", "2001:db8:99::100/128"), 0.1
)
V4_VIRTUAL_MAC = V4._replace(our_options=("--virtual-mac",))
# The kernel gives the hosts no link-local address; the test does.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1"}


class Lab:
    """Our host, FRR's host, and a third host that listens."""

    def __init__(self, network: Network, family: Family, directory: Path) -> None:
        self.family = family
        self.our_host = network.host("ours", family.our_address, sysctls=GIVEN)
        # Over IPv6 FRR has its address on its own interface.
        theirs = [family.their_address] if family.number == 4 else []
        self.their_host = network.host("theirs", *theirs, sysctls=GIVEN)
        self.third_host = network.host("third", family.third_address, sysctls=GIVEN)
        self._directory = directory

    def ours(self, priority: int) -> VrrpRouter:
        return VrrpRouter(
            self.our_host,
            self._directory,
            *self.family.our_options,
            priority=priority,
            addresses=self.family.virtual_addresses,
        )

    def frr(self, priority: int) -> Frr:
        return Frr(
            self.their_host,
            self._directory,
            priority=priority,
            addresses=self.family.virtual_addresses,
            link_local=self.family.their_address if self.family.number == 6 else "",
        )

    def we_hold(self) -> bool:
        """Return whether our host holds all addresses. To hold only some of them is a failure."""
        addresses = [each.partition("/")[0] for each in self.family.virtual_addresses]
        return all(self.our_host.holds(each) for each in addresses)

    def wait_for_us(self, frr: Frr) -> None:
        eventually(lambda: self.we_hold() and not frr.holds(), 5.0, "we hold alone")

    def wait_for(self, frr: Frr) -> None:
        eventually(lambda: frr.holds() and not self.we_hold(), 5.0, "FRR holds alone")


@pytest.fixture(params=[V4, V6, V4_VIRTUAL_MAC], ids=["ipv4", "ipv6", "virtual-mac"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Network() as network, tempfile.TemporaryDirectory() as directory:
        yield Lab(network, request.param, Path(directory))


class Wire:
    """The advertisements that the third host receives."""

    def __init__(self, listener: Listener, family: Family) -> None:
        self._listener = listener
        self._ours = family.our_address.partition("/")[0]
        self._theirs = family.their_address.partition("/")[0]

    def ours(self) -> list[Heard]:
        return [each for each in self._listener.heard() if each.source == self._ours]

    def theirs(self) -> list[Heard]:
        return [each for each in self._listener.heard() if each.source == self._theirs]

    def first_of_theirs_after(self, at: float) -> Heard:
        def found() -> list[Heard]:
            return [each for each in self.theirs() if each.at > at]

        eventually(found, 5.0, "an advertisement of FRR")
        return found()[0]


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    with Listener(lab.third_host, lab.family.number) as listener:
        yield Wire(listener, lab.family)


def test_the_higher_priority_wins_the_election_when_it_is_ours(lab: Lab) -> None:
    """Both start together and FRR follows, so it accepts our advertisements."""
    frr = lab.frr(100)
    ours = lab.ours(200)
    frr.wait_for_backup()
    ours.wait_for("ACTIVE")
    lab.wait_for_us(frr)
    time.sleep(2 * DOWN_100 + SLACK)
    assert lab.we_hold()
    assert not frr.holds()
    assert len(ours.became("ACTIVE")) == 1


def test_the_higher_priority_wins_the_election_when_it_is_frr(lab: Lab) -> None:
    """Both start together and ours follows: it drops no advertisement, and none differs."""
    frr = lab.frr(200)
    ours = lab.ours(100)
    lab.wait_for(frr)
    ours.wait_for("BACKUP")
    time.sleep(2 * DOWN_100 + SLACK)
    status = ours.status()
    assert status["state"] == "BACKUP"
    assert status["active_router"] == lab.family.their_address.partition("/")[0]
    strange = ("dropped", "address_list", "checksum")
    assert not [name for name in status["counters"] if name.startswith(strange)]
    assert frr.entered("ACTIVE") == 1


def test_we_preempt_an_frr_of_lower_priority(lab: Lab) -> None:
    """FRR releases its interface when it receives our advertisement."""
    frr = lab.frr(100)
    lab.wait_for(frr)
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    lab.wait_for_us(frr)
    assert frr.entered("BACKUP") == 2


def test_frr_of_higher_priority_preempts_us(lab: Lab) -> None:
    """Ours becomes BACKUP and releases the addresses when it receives FRR's advertisement."""
    ours = lab.ours(100)
    ours.wait_for("ACTIVE")
    frr = lab.frr(200)
    assert ours.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    lab.wait_for(frr)


def test_a_graceful_stop_of_frr_costs_the_skew_time(lab: Lab, wire: Wire) -> None:
    """After its priority 0, ours takes over one skew time later (RFC 9568 6.4.2)."""
    frr = lab.frr(200)
    lab.wait_for(frr)
    ours = lab.ours(100)
    ours.wait_for("BACKUP")
    wire.first_of_theirs_after(time.monotonic())
    frr.stop()
    assert ours.wait_for("ACTIVE")["reason"] == "the active router sent priority 0"
    resignation = next(each for each in wire.theirs() if each.priority == 0)
    gap = wire.ours()[0].at - resignation.at
    assert SKEW_100 - 0.001 <= gap <= SKEW_100 + SLACK
    lab.wait_for_us(frr)


def test_a_graceful_stop_of_ours_leaves_no_moment_without_a_holder(lab: Lab, wire: Wire) -> None:
    """FRR takes over one skew time after our priority 0. Until then our host answers."""
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    frr = lab.frr(100)
    frr.wait_for_backup()
    time.sleep(0.2)
    ours.stop()
    lab.wait_for(frr)
    resignation = next(each for each in wire.ours() if each.priority == 0)
    successor = wire.first_of_theirs_after(resignation.at)
    gap = successor.at - resignation.at - lab.family.lost_at_first
    assert SKEW_100_OF_FRR - 0.011 <= gap <= SKEW_100 + SLACK
    assert ours.became("INITIALIZE")[-1]["at"] > successor.at


def test_a_crash_of_frr_costs_the_active_down_interval(lab: Lab, wire: Wire) -> None:
    """From its last advertisement to our first one: 3 intervals and the skew time."""
    frr = lab.frr(200)
    lab.wait_for(frr)
    ours = lab.ours(100)
    ours.wait_for("BACKUP")
    wire.first_of_theirs_after(time.monotonic())
    frr.crash()
    ours.wait_for("ACTIVE")
    gap = wire.ours()[0].at - wire.theirs()[-1].at
    assert DOWN_100 - 0.001 <= gap <= DOWN_100 + SLACK
    assert lab.we_hold()


def test_after_a_crash_of_ours_frr_takes_over(lab: Lab, wire: Wire) -> None:
    """In time. The kernel removes our addresses at the end of their lifetime."""
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    frr = lab.frr(100)
    frr.wait_for_backup()
    time.sleep(0.2)
    ours.crash()
    last = wire.ours()[-1]
    gap = wire.first_of_theirs_after(last.at).at - last.at - lab.family.lost_at_first
    assert DOWN_100_OF_FRR - 0.011 <= gap <= DOWN_100 + SLACK
    lab.wait_for(frr)
