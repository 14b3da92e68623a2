"""The macvlan of a virtual MAC on the real kernel: created, kept, taken over, and removed."""

from __future__ import annotations

import re

import msgspec
import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.speaking import FIRST, activate, lifetimes, settle
from tests.lab.wire import Wire
from vrrp.addresses.macvlan import bring_leftover_down
from vrrp.model.configuration import InstanceConfiguration, Placement, Unicast
from vrrp.model.report import State
from vrrp.protocol.packet import Address
from vrrp.speaker import Speaker
from vrrp.transport.virtual_mac import VirtualMacPath

pytestmark = pytest.mark.netns

VIRTUAL = msgspec.structs.replace(FIRST, virtual_mac="vrrp4-51")
VIRTUAL_MAC = bytes.fromhex("00005e000133")
IPV6 = InstanceConfiguration(
    name="six",
    interface="eth0",
    virtual_router_id=51,
    virtual_addresses=("fe80::99:100/128", "2001:db8:99::100/128"),
    advert_interval=0.05,
    virtual_mac="vrrp6-51",
)
BOTH = {"10.99.0.100/32", "10.99.0.101/32"}


def shown(host: Host, device: str = "vrrp4-51") -> str:
    """Return what ip-link prints for an interface, or nothing if it does not exist."""
    return host.run("ip", "-o", "-d", "link", "show", device, check=False).stdout


def is_up(host: Host, device: str = "vrrp4-51") -> bool:
    flags = re.search(r"<(.*?)>", shown(host, device))
    return flags is not None and "UP" in flags[1].split(",")


def held(host: Host) -> set[str]:
    """Return the addresses with a lifetime on the macvlan."""
    listed = host.run("ip", "-4", "address", "show", "dev", "vrrp4-51", "dynamic", check=False)
    return set(re.findall(r"inet (\S+)", listed.stdout))


async def test_the_macvlan_exists_and_is_down_until_the_instance_is_active(
    speaker: Speaker, host: Host
) -> None:
    """It is removed with the instance."""
    await speaker.configure([msgspec.structs.replace(VIRTUAL, advert_interval=0.5)])
    await settle(lambda: "macvlan mode bridge" in shown(host), "the macvlan in mode bridge")
    assert "link/ether 00:00:5e:00:01:33 " in shown(host)
    assert not is_up(host)
    await settle(lambda: held(host), expected=BOTH)
    assert is_up(host)
    assert lifetimes(host) == {}
    await speaker.release_now()
    assert shown(host) == ""


async def test_the_addresses_stand_when_the_first_advertisement_leaves(
    speaker: Speaker, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advertisement turns the switches to this host: it must answer from then on."""
    standing: list[set[str]] = []
    send = VirtualMacPath.send

    def look_and_send(path: VirtualMacPath, payload: bytes, destination: Address) -> None:
        if not standing:
            standing.append(held(host))
        send(path, payload, destination)

    monkeypatch.setattr(VirtualMacPath, "send", look_and_send)
    await activate(speaker, VIRTUAL)
    assert standing == [BOTH]


async def test_no_address_is_derived_from_the_virtual_mac(speaker: Speaker, host: Host) -> None:
    """RFC 9568 7.4: no link-local address, and none from a router advertisement."""
    await activate(speaker, IPV6)
    await settle(lambda: host.holds("2001:db8:99::100"), "the IPv6 address")
    addresses = host.run("ip", "-6", "-o", "address", "show", "dev", "vrrp6-51").stdout
    assert sorted(re.findall(r"inet6 (\S+)", addresses)) == [
        "2001:db8:99::100/128",
        "fe80::99:100/64",
    ]
    settings = "/proc/sys/net/ipv6/conf/vrrp6-51"
    for name, value in {"addr_gen_mode": "1", "accept_ra": "0", "autoconf": "0"}.items():
        assert host.run("cat", f"{settings}/{name}").stdout.strip() == value


@pytest.mark.parametrize(
    "command",
    [
        "link add vrrp4-51 type bridge",
        "link add vrrp4-51 link eth0 type macvlan mode private",
        "link add vrrp4-51 link eth0 address 00:00:5e:00:01:33 type macvlan mode private",
    ],
)
async def test_a_foreign_interface_of_that_name_is_kept_and_reported(
    speaker: Speaker, host: Host, command: str
) -> None:
    """The instance is in FAULT until the name is free."""
    host.ip(command)
    before = shown(host)
    await speaker.configure([VIRTUAL])
    await settle(lambda: speaker.statuses()[0].fault, expected="virtual_mac_unusable")
    assert speaker.statuses()[0].state is State.INITIALIZE
    assert speaker.statuses()[0].counters["virtual_mac_errors"] >= 1
    assert shown(host) == before
    host.ip("link delete vrrp4-51")
    await settle(lambda: held(host), expected=BOTH)


async def test_a_macvlan_that_an_operator_deletes_is_created_again(
    speaker: Speaker, host: Host
) -> None:
    await activate(speaker, VIRTUAL)
    await settle(lambda: held(host), expected=BOTH)
    host.ip("link delete vrrp4-51")
    await settle(lambda: held(host), expected=BOTH)
    assert is_up(host)
    host.ip("link set vrrp4-51 down")
    await settle(lambda: is_up(host) and held(host) == BOTH, "the macvlan up with both addresses")


async def test_the_macvlan_goes_and_returns_with_its_lower_interface(
    speaker: Speaker, host: Host
) -> None:
    await activate(speaker, VIRTUAL)
    await settle(lambda: held(host), expected=BOTH)
    host.ip("link delete eth0")
    await settle(lambda: speaker.statuses()[0].state, expected=State.INITIALIZE)
    assert shown(host) == ""
    host.ip(
        "link add eth0 type veth peer name far",
        "link set far up",
        "address add 10.99.0.1/24 dev eth0",
        "link set eth0 up",
    )
    await settle(lambda: held(host), expected=BOTH)


async def test_a_reload_adds_and_removes_the_macvlan(speaker: Speaker, host: Host) -> None:
    """The addresses move, and nothing is left."""
    await activate(speaker, FIRST)
    await settle(lambda: lifetimes(host).keys(), expected=BOTH)
    await activate(speaker, VIRTUAL)
    await settle(lambda: held(host), expected=BOTH)
    assert lifetimes(host) == {}
    await activate(speaker, FIRST)
    await settle(lambda: lifetimes(host).keys(), expected=BOTH)
    assert shown(host) == ""


async def test_the_macvlan_stays_up_for_a_process_that_resumes(
    speaker: Speaker, host: Host
) -> None:
    await activate(speaker, VIRTUAL)
    await settle(lambda: held(host), expected=BOTH)
    before = shown(host)
    await speaker.stop(keep=True)
    assert shown(host) == before
    assert all(seconds >= 58 for seconds in lifetimes(host, "vrrp4-51").values())
    await bring_leftover_down(VIRTUAL)
    assert not is_up(host)


async def test_an_address_with_a_device_of_its_own_stands_there(
    speaker: Speaker, host: Host
) -> None:
    """``device`` takes precedence over the macvlan."""
    placed = (Placement("10.99.0.101/32", device="eth0"),)
    await activate(speaker, msgspec.structs.replace(VIRTUAL, placements=placed))
    await settle(lambda: held(host), expected={"10.99.0.100/32"})
    await settle(lambda: lifetimes(host).keys(), expected={"10.99.0.101/32"})


async def test_unicast_leaves_by_the_interface_and_the_announcement_by_the_macvlan(
    speaker: Speaker, network: Network, host: Host
) -> None:
    """The virtual MAC is of no use to a router beyond the link."""
    with Wire(network.host("peer", "10.99.0.2/24")) as wire:
        unicast = Unicast(source="10.99.0.1", peers=("10.99.0.2",))
        await activate(speaker, msgspec.structs.replace(VIRTUAL, transport=unicast))
        await settle(lambda: wire.arp("10.99.0.100"), "gratuitous ARP")
        assert wire.arp("10.99.0.100")[0].sender == VIRTUAL_MAC
        own = host.run("cat", "/sys/class/net/eth0/address").stdout.strip().replace(":", "")
        assert {each.sender.hex() for each in wire.advertisements("10.99.0.1")} == {own}
