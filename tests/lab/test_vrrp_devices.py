"""Virtual addresses with their own device, label and scope, on the real kernel."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from hadirector.lab.topology import Host
from tests.lab.speaking import FIRST, activate, change, lifetimes, settle
from tests.lab.wire import Wire
from vrrp.model.configuration import Placement
from vrrp.model.report import State
from vrrp.speaker import Speaker

pytestmark = pytest.mark.netns

NEAR, ELSEWHERE = "10.99.0.100/32", "10.97.0.100/24"
PLACED = msgspec.structs.replace(
    FIRST,
    virtual_addresses=(NEAR, ELSEWHERE),
    placements=(Placement(ELSEWHERE, device="service", label="service:web", scope=253),),
)


def add_device(host: Host) -> None:
    """Add a cable of this host: frames from ``service`` arrive at ``far``."""
    host.ip("link add service type veth peer name far", "link set far up", "link set service up")


async def test_an_address_stands_on_its_own_device_with_label_and_scope(
    speaker: Speaker, host: Host
) -> None:
    """It is removed from there when the instance releases its addresses."""
    add_device(host)
    await activate(speaker, PLACED)
    await settle(lambda: ELSEWHERE in lifetimes(host, "service"), "the address on the other device")
    assert lifetimes(host).keys() == {NEAR}
    shown = host.run("ip", "-4", "address", "show", "dev", "service").stdout
    assert "inet 10.97.0.100/24 scope link dynamic service:web" in shown
    await speaker.release_now()
    assert lifetimes(host) == lifetimes(host, "service") == {}


async def test_an_address_is_announced_on_its_own_device(speaker: Speaker, host: Host) -> None:
    """With the MAC of that device, and on no other device."""
    add_device(host)
    with Wire(host, "far") as wire:
        await activate(speaker, PLACED)
        await settle(lambda: wire.arp("10.97.0.100"), "gratuitous ARP")
        hardware = host.run("cat", "/sys/class/net/service/address").stdout.strip()
        assert wire.arp("10.97.0.100")[0].sender == bytes.fromhex(hardware.replace(":", ""))
        assert wire.arp("10.99.0.100") == []


async def test_a_device_that_disappears_takes_only_its_own_addresses(
    speaker: Speaker, host: Host
) -> None:
    """The instance stays ACTIVE, reports the missing address, and adds and announces it later."""
    await activate(speaker, PLACED)
    await settle(lambda: lifetimes(host).keys(), expected={NEAR})

    def errors() -> int:
        return speaker.statuses()[0].counters.get("address_errors", 0)

    for _ in range(2):
        before = errors()
        await settle(lambda: errors() > before, "another address error")  # noqa: B023  (awaited in its round)
        add_device(host)
        with Wire(host, "far") as wire:
            await settle(
                lambda: ELSEWHERE in lifetimes(host, "service"), "the address on the new device"
            )
            await settle(lambda: wire.arp("10.97.0.100"), "gratuitous ARP")
        await change(host, "link delete service")
    (status,) = speaker.statuses()
    assert status.state is State.ACTIVE
    assert lifetimes(host).keys() == {NEAR}


async def test_a_start_removes_leftover_addresses_from_every_device(
    speaker: Speaker, host: Host
) -> None:
    """A killed process left them, and this one is not ACTIVE. Foreign addresses stay."""
    add_device(host)
    host.ip(
        f"address add {NEAR} dev eth0 valid_lft 60 preferred_lft 60",
        f"address add {ELSEWHERE} dev service valid_lft 60 preferred_lft 60",
        "address add 10.97.0.7/24 dev service valid_lft 60 preferred_lft 60",
    )
    await speaker.configure([msgspec.structs.replace(PLACED, advert_interval=10.0)])
    await settle(
        lambda: not host.holds("10.99.0.100") and not host.holds("10.97.0.100"),
        "both addresses released",
    )
    assert host.holds("10.97.0.7")


async def test_an_address_moves_to_another_device_by_a_reload(speaker: Speaker, host: Host) -> None:
    """It leaves the old device, and the instance stays ACTIVE. A new label replaces the old one."""
    add_device(host)
    await activate(speaker, PLACED)
    await settle(lambda: ELSEWHERE in lifetimes(host, "service"), "the address on the other device")
    labelled = (Placement(ELSEWHERE, label="eth0:web"),)
    await speaker.configure([msgspec.structs.replace(PLACED, placements=labelled)])
    await settle(lambda: lifetimes(host).keys(), expected={NEAR, ELSEWHERE})
    assert lifetimes(host, "service") == {}
    relabelled = (Placement(ELSEWHERE, label="eth0:mail"),)
    await speaker.configure([msgspec.structs.replace(PLACED, placements=relabelled)])
    await settle(
        lambda: "eth0:mail" in host.run("ip", "-4", "address", "show", "dev", "eth0").stdout,
        "the label",
    )
    assert speaker.statuses()[0].counters["transitions"] == 2


async def test_an_address_removed_from_its_own_device_is_restored(
    speaker: Speaker, host: Host
) -> None:
    add_device(host)
    await activate(speaker, PLACED)
    await settle(lambda: ELSEWHERE in lifetimes(host, "service"), "the address on the other device")
    await change(host, f"address delete {ELSEWHERE} dev service")
    await settle(lambda: ELSEWHERE in lifetimes(host, "service"), "the address on the other device")
    assert speaker.statuses()[0].counters["addresses_removed"] == 1


async def test_a_device_that_is_down_for_a_while_has_its_addresses_announced_again(
    speaker: Speaker, host: Host
) -> None:
    """The switches behind it forget them with its carrier, and so does IPv6 itself."""
    both = ("2001:db8:97::100/64", ELSEWHERE)
    placed = msgspec.structs.replace(
        PLACED,
        virtual_addresses=(NEAR,),
        unadvertised_addresses=both,
        placements=tuple(Placement(each, device="service") for each in both),
    )
    add_device(host)
    await activate(speaker, placed)
    await settle(
        lambda: host.holds("10.97.0.100") and host.holds("2001:db8:97::100"),
        "both addresses on the new device",
    )
    await change(host, "link set service down")
    await asyncio.sleep(0.2)  # long enough for the kernel's event to arrive
    with Wire(host, "far") as wire:
        await change(host, "link set service up")
        await settle(lambda: wire.arp("10.97.0.100"), "gratuitous ARP")
    await settle(
        lambda: host.holds("10.97.0.100") and host.holds("2001:db8:97::100"),
        "both addresses on the new device",
    )
    assert "addresses_removed" not in speaker.statuses()[0].counters
