"""Virtual addresses on a real interface: kept, removed, and of two instances."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import msgspec
import pytest
from pyroute2 import netns

from hadirector.lab.topology import Host
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.lab.speaking import FIRST, activate, lifetimes, settle
from vrrp.addresses.addresses import remove
from vrrp.model.report import State
from vrrp.speaker import Speaker

pytestmark = pytest.mark.netns

SECOND = msgspec.structs.replace(
    FIRST, name="second", virtual_router_id=52, virtual_addresses=("10.99.0.200/24",)
)


async def test_instances_share_an_interface_and_release_only_their_own(
    speaker: Speaker, host: Host
) -> None:
    """Two VRIDs share a socket.

    An instance that is no longer configured releases its own address.
    """
    await activate(speaker, FIRST, SECOND)
    everything = {"10.99.0.100/32", "10.99.0.101/32", "10.99.0.200/24"}
    await settle(lambda: lifetimes(host).keys(), expected=everything)
    await speaker.configure([FIRST])
    assert lifetimes(host).keys() == {"10.99.0.100/32", "10.99.0.101/32"}
    assert host.holds("10.99.0.1")


async def test_a_changed_address_list_is_applied_in_place(speaker: Speaker, host: Host) -> None:
    """Addresses that stay are held throughout, removed ones go, new ones come."""
    await activate(speaker, FIRST)
    changed = msgspec.structs.replace(FIRST, virtual_addresses=("10.99.0.101/32", "10.99.0.102/32"))
    await speaker.configure([changed])
    assert speaker.statuses()[0].state is State.ACTIVE
    await settle(lambda: lifetimes(host).keys(), expected={"10.99.0.101/32", "10.99.0.102/32"})


async def test_a_kept_address_stays_for_a_minute_after_the_process(
    speaker: Speaker, host: Host
) -> None:
    """The peers get no priority 0, and the lifetime is extended."""
    await activate(speaker, FIRST)
    await settle(lambda: len(lifetimes(host)), expected=2)
    assert all(seconds <= 3 for seconds in lifetimes(host).values())
    await speaker.stop(keep=True)
    assert speaker.statuses() == []
    assert all(seconds >= 58 for seconds in lifetimes(host).values())
    assert len(lifetimes(host)) == 2


async def test_more_addresses_than_are_changed_at_once_are_all_added_and_removed(
    speaker: Speaker, host: Host
) -> None:
    many = {f"10.98.0.{number}/32" for number in range(1, 41)}
    await activate(speaker, msgspec.structs.replace(FIRST, virtual_addresses=tuple(sorted(many))))
    await settle(lambda: lifetimes(host).keys(), expected=many)
    await speaker.stop()
    assert lifetimes(host) == {}


async def test_release_now_removes_the_addresses(speaker: Speaker, host: Host) -> None:
    """They are gone when it returns."""
    await activate(speaker, FIRST, SECOND)
    await settle(lambda: len(lifetimes(host)), expected=3)
    await speaker.release_now()
    assert lifetimes(host) == {}


async def test_remove_deletes_our_addresses_and_keeps_permanent_ones(host: Host) -> None:
    """The director calls it when the vrrp process does not return."""
    host.ip(
        "address add 10.99.0.100/32 dev eth0 valid_lft 60 preferred_lft 60",
        "address add 10.99.0.101/32 dev eth0",
    )
    netns.pushns(host.namespace)
    try:
        three = (*FIRST.virtual_addresses, "10.99.0.102/32")
        await remove(msgspec.structs.replace(FIRST, virtual_addresses=three))
        await remove(msgspec.structs.replace(FIRST, interface="eth7"))
        await remove(msgspec.structs.replace(FIRST, virtual_addresses=("127.0.0.9/32",)))
    finally:
        netns.popns()
    assert not host.holds("10.99.0.100")
    assert host.holds("10.99.0.101")


async def test_an_address_whose_lifetime_ended_during_a_freeze_does_not_count_as_removed(
    host: Host, tmp_path: Path
) -> None:
    """The router listens first, and takes the address again without an advertisement."""
    router = VrrpRouter(host, tmp_path)
    router.wait_for("ACTIVE")
    await settle(lambda: host.holds(VIRTUAL_ADDRESS), "the address")
    router.process.send_signal(signal.SIGSTOP)
    # The lifetime is 3 s; the kernel may be 1.3 s late.
    await settle(lambda: not host.holds(VIRTUAL_ADDRESS), "the address released")
    woken = asyncio.get_running_loop().time()
    router.process.send_signal(signal.SIGCONT)
    assert router.wait_for("BACKUP")["reason"] == "the process was stalled"
    assert not host.holds(VIRTUAL_ADDRESS)
    # Priority 100, interval 0.1 s: it listens for an interval and the skew time, 160.9 ms.
    assert router.wait_for("ACTIVE")["at"] - woken >= 0.16
    await settle(lambda: host.holds(VIRTUAL_ADDRESS), "the address")
    assert "addresses_removed" not in router.status()["counters"]


async def test_unadvertised_addresses_move_with_the_advertised_ones(
    speaker: Speaker, host: Host
) -> None:
    """Of either family. A peer that lists only the advertised ones agrees."""
    others = ("10.99.0.102/32", "2001:db8:99::100/128")
    await activate(speaker, msgspec.structs.replace(FIRST, unadvertised_addresses=others))
    everything = ("10.99.0.100", "10.99.0.101", "10.99.0.102", "2001:db8:99::100")
    await settle(lambda: all(host.holds(each) for each in everything), "all addresses")
    await speaker.configure([FIRST])
    await settle(
        lambda: not any(host.holds(each) for each in everything[2:]), "only the first two addresses"
    )
    assert all(host.holds(each) for each in everything[:2])
    await speaker.release_now()
    assert not any(host.holds(each) for each in everything)


async def test_a_virtual_address_that_is_its_subnets_primary_takes_no_other_with_it(
    speaker: Speaker, host: Host
) -> None:
    """Linux deletes the secondary addresses of a subnet with its primary one, unless
    promote_secondaries is set.

    It also does so when the lifetime of the primary ends.
    """
    host.sysctl({"net.ipv4.conf.all.promote_secondaries": "0"})
    host.sysctl({"net.ipv4.conf.eth0.promote_secondaries": "0"})
    primary = msgspec.structs.replace(FIRST, virtual_addresses=("10.98.0.100/24",))
    await activate(speaker, primary)
    await settle(lambda: host.holds("10.98.0.100"), "the new address")
    host.ip("address add 10.98.0.5/24 dev eth0")
    secondary = host.run("ip", "address", "show", "dev", "eth0", "secondary").stdout
    assert "10.98.0.5/24" in secondary
    await speaker.release_now()
    assert not host.holds("10.98.0.100")
    assert host.holds("10.98.0.5")
