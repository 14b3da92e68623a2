"""Which addresses are added, and when a removed address is restored at once."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from ipaddress import IPv4Interface
from typing import cast

import pytest

from vrrp.addresses.address_reconciler import RESTORED_MAX, AddressReconciler, DeviceState
from vrrp.addresses.addresses import AddressError, Target
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.netlink.rtnetlink import InterfaceAddress, VirtualAddress
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket

ADDRESS = VirtualAddress(IPv4Interface("10.99.0.100/32"), "eth0")
ELSEWHERE = VirtualAddress(IPv4Interface("10.99.0.101/32"), "eth1")
TARGET = (7, ADDRESS)
GONE = InterfaceAddress(7, ADDRESS.address, permanent=False, tentative=False)


class Kernel:
    """A kernel that accepts every address."""

    def __init__(self) -> None:
        self.addresses: set[Target] = set()

    def renew(self, targets: Sequence[Target], lifetime: int) -> list[int]:
        self.addresses |= set(targets)
        return [0] * len(targets)

    def restore(self, index: int, address: VirtualAddress, lifetime: int) -> int:
        stands = (index, address) in self.addresses
        self.addresses.add((index, address))
        return errno.EEXIST if stands else 0


def no_routes() -> RouteReconciler:
    return RouteReconciler((), lambda item: None, lambda error: None)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
async def holder(kernel: Kernel) -> AddressReconciler:
    """A reconciler that holds its address on interface 7."""
    made = AddressReconciler([ADDRESS], 5, lambda: None, lambda error: None, no_routes())
    made.update_device(cast("RtnetlinkSocket", kernel), "eth0", DeviceState(7))
    made.hold()
    assert kernel.addresses == {TARGET}
    return made


async def test_a_removed_address_is_restored(holder: AddressReconciler, kernel: Kernel) -> None:
    kernel.addresses.clear()
    assert holder.restore(GONE)
    assert kernel.addresses == {TARGET}


async def test_an_address_that_is_present_again_needs_no_restoring(
    holder: AddressReconciler,
) -> None:
    """The event of our own release may come after the next acquisition."""
    assert not holder.restore(GONE)


async def test_an_address_that_is_not_held_is_not_restored(
    holder: AddressReconciler, kernel: Kernel
) -> None:
    kernel.addresses.clear()
    assert not holder.restore(GONE._replace(interface=8))
    assert not holder.restore(GONE._replace(address=ELSEWHERE.address))
    holder.release()
    assert not holder.restore(GONE)
    assert kernel.addresses == set()


async def test_after_a_stall_no_address_is_restored(
    holder: AddressReconciler, kernel: Kernel
) -> None:
    """An address not renewed for over a second may have ended by its lifetime."""
    kernel.addresses.clear()
    holder._renewed_at -= 1.1
    assert not holder.restore(GONE)
    assert kernel.addresses == set()


async def test_the_number_of_restored_addresses_between_renewals_is_limited(
    holder: AddressReconciler, kernel: Kernel
) -> None:
    for _ in range(RESTORED_MAX):
        kernel.addresses.clear()
        assert holder.restore(GONE)
    kernel.addresses.clear()
    assert not holder.restore(GONE)


async def run_for_a_moment(holder: AddressReconciler) -> None:
    task = asyncio.create_task(holder.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))


async def test_a_missing_device_does_not_affect_other_addresses(kernel: Kernel) -> None:
    """The failure is reported, and the address is added as soon as the device exists."""
    told: list[str] = []
    acquired: list[None] = []

    def failed(error: AddressError) -> None:
        told.append(str(error))

    made = AddressReconciler(
        [ADDRESS, ELSEWHERE], 5, lambda: acquired.append(None), failed, no_routes()
    )
    made.update_device(cast("RtnetlinkSocket", kernel), "eth0", DeviceState(7))
    made.hold()
    await run_for_a_moment(made)
    assert made.held == [ADDRESS]
    assert told == ["cannot add 10.99.0.101/32: there is no interface eth1"]
    made.update_device(cast("RtnetlinkSocket", kernel), "eth1", DeviceState(8))
    await run_for_a_moment(made)
    assert kernel.addresses == {TARGET, (8, ELSEWHERE)}
    assert made.held == [ADDRESS, ELSEWHERE]
    assert len(told) == 1
    assert acquired


async def test_a_foreign_address_is_foreign_on_its_own_device_only(kernel: Kernel) -> None:
    """The same address without a lifetime on another device has no effect."""
    made = AddressReconciler([ADDRESS, ELSEWHERE], 5, lambda: None, lambda error: None, no_routes())
    everything = frozenset({ADDRESS.address, ELSEWHERE.address})
    made.update_device(cast("RtnetlinkSocket", kernel), "eth0", DeviceState(7))
    made.update_device(cast("RtnetlinkSocket", kernel), "eth1", DeviceState(8, everything))
    made.hold()
    assert kernel.addresses == {TARGET}
    assert made.held == [ADDRESS, ELSEWHERE]
