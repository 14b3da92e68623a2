"""When an address that is gone is put back at once, and when it is not."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from ipaddress import IPv4Interface
from typing import cast

import pytest

from vrrp.address_holder import RESTORED_MAX, AddressHolder
from vrrp.address_socket import AddressSocket
from vrrp.rtnetlink import Interface, Standing

ADDRESS = IPv4Interface("10.99.0.100/32")
GONE = Standing(7, ADDRESS, permanent=False, tentative=False)


class Kernel:
    """Holds what it is told to hold."""

    def __init__(self) -> None:
        self.addresses: set[Interface] = set()

    def renew(self, index: int, addresses: Sequence[Interface], lifetime: int) -> list[int]:
        self.addresses |= set(addresses)
        return [0] * len(addresses)

    def restore(self, index: int, address: Interface, lifetime: int) -> int:
        stands = address in self.addresses
        self.addresses.add(address)
        return errno.EEXIST if stands else 0


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
async def holder(kernel: Kernel) -> AddressHolder:
    """One that holds its address on interface 7."""
    made = AddressHolder([ADDRESS], 1.0, lambda: None, lambda error: None)
    made.place(cast("AddressSocket", kernel), 7, frozenset())
    made.hold()
    assert kernel.addresses == {ADDRESS}
    return made


async def test_a_held_address_is_put_back(holder: AddressHolder, kernel: Kernel) -> None:
    kernel.addresses.clear()
    assert holder.restore(GONE)
    assert kernel.addresses == {ADDRESS}


async def test_one_that_stands_again_already_was_not_taken(holder: AddressHolder) -> None:
    """The event of our own release may come after the next acquisition."""
    assert not holder.restore(GONE)


async def test_what_is_not_held_here_is_none_of_ours(holder: AddressHolder, kernel: Kernel) -> None:
    kernel.addresses.clear()
    assert not holder.restore(GONE._replace(interface=8))
    assert not holder.restore(GONE._replace(address=IPv4Interface("10.99.0.101/32")))
    holder.let_go()
    assert not holder.restore(GONE)
    assert kernel.addresses == set()


async def test_after_a_stall_the_router_has_the_first_word(
    holder: AddressHolder, kernel: Kernel
) -> None:
    """An address not renewed for over a second may have ended by its lifetime."""
    kernel.addresses.clear()
    holder._renewed_at -= 1.1
    assert not holder.restore(GONE)
    assert kernel.addresses == set()


async def test_a_thief_without_end_is_met_by_the_refresh_only(
    holder: AddressHolder, kernel: Kernel
) -> None:
    for _ in range(RESTORED_MAX):
        kernel.addresses.clear()
        assert holder.restore(GONE)
    kernel.addresses.clear()
    assert not holder.restore(GONE)
