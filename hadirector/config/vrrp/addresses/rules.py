"""Rules for the virtual addresses of VRRP instances."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.addresses import ip_version
from hadirector.config.keys.section import Placed
from hadirector.config.static.schema import StaticAddressSection
from hadirector.config.vrrp.addresses.schema import AddressSection
from hadirector.config.vrrp.schema import VrrpSection

# The count of addresses in an advertisement is one byte (RFC 9568 5.2.5).
VIRTUAL_ADDRESSES_MAX = {4: 255, 6: 89}
"""By IP version. An IPv6 advertisement of 89 addresses fills 1500 bytes: 40 bytes of IP header, 8
bytes of VRRP header, the addresses, and the 28 bytes that authentication may add."""
UNADVERTISED_ADDRESSES_MAX = 1000

AnyAddressSection = AddressSection | StaticAddressSection


def address_findings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield the faults of the virtual addresses."""
    yield from duplicates(_claims(instances))
    for path, instance in instances:
        yield from _count_findings(path, instance)
        yield from _family_findings((*path, "virtual_addresses"), instance)
        yield from _repeated_findings(path, instance)
        for place, address in instance.held_addresses:
            device = address.device or instance.macvlan or instance.interface
            yield from placement_findings((*path, *place), address, device)


def address_warnings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Warn if the first IPv6 address of an instance is not link-local (RFC 9568 5.2.9)."""
    for path, instance in instances:
        first = instance.virtual_addresses[0] if instance.virtual_addresses else None
        if first is None or instance.family == 4 or instance.unicast is not None:
            continue
        if not ipaddress.ip_address(first.host).is_link_local:
            message = (
                f"{first.host} is not link-local: RFC 9568 expects a link-local address as the"
                " first address, such as fe80::100, and other routers than hadirector and"
                " keepalived may drop the advertisements"
            )
            yield Finding((*path, "virtual_addresses", 0), message)


def _claims(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        for place, address in instance.held_addresses:
            # A link-local address belongs to a different host on each link.
            link_local = ipaddress.ip_address(address.host).is_link_local
            device = address.device or instance.interface
            value = (address.host, device if link_local else None)
            yield Claim((*path, *place), value, f"address {address.host}")


def _repeated_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield link-local addresses that an instance has on two devices.

    An instance identifies its addresses by their text alone.
    """
    devices: dict[str, str] = {}
    for place, address in instance.held_addresses:
        device = address.device or instance.interface
        link_local = ipaddress.ip_address(address.host).is_link_local
        if link_local and devices.setdefault(address.host, device) != device:
            message = f"{address.host} on a second device needs a second instance"
            yield Finding((*path, *place), message)


def _count_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    count, most = len(instance.virtual_addresses), VIRTUAL_ADDRESSES_MAX[instance.family]
    if count > most:
        message = (
            f"wrong number (got {count}, expected at most {most}; put further addresses into"
            " unadvertised_addresses)"
        )
        yield Finding((*path, "virtual_addresses"), message)
    count = len(instance.unadvertised_addresses)
    if count > UNADVERTISED_ADDRESSES_MAX:
        message = f"wrong number (got {count}, expected at most {UNADVERTISED_ADDRESSES_MAX})"
        yield Finding((*path, "unadvertised_addresses"), message)


def _family_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    for place, section in enumerate(instance.virtual_addresses):
        if ip_version(section.address) != instance.family:
            expected = f"IPv{instance.family} like the first address"
            message = f"mixed address families (got {section.address}, expected {expected})"
            yield Finding((*path, place), message)


def placement_findings(path: Path, address: AnyAddressSection, device: str) -> Iterator[Finding]:
    """Yield the keys of an address that have no effect, and a label that the kernel refuses."""
    for key in sorted(address.model_fields_set - {"address"}):
        reason = _reason_without_effect(address, key)
        if reason is not None:
            yield Finding((*path, key), f"{reason}; leave this out")
            return
    if address.label is not None and not address.label.startswith(device):
        expected = f"a label that begins with the name of the interface, such as {device}:web"
        yield Finding((*path, "label"), wrong(quote(address.label), expected))


def _reason_without_effect(section: AnyAddressSection, key: str) -> str | None:
    """Return why a key would have no effect in the kernel; None if it has an effect."""
    address = ipaddress.ip_address(section.host)
    if address.is_loopback:
        return "every host has the loopback addresses already, so this address is not added"
    if address.version == 6 and key == "label":
        return "IPv6 addresses have no labels"
    if address.version == 6 and key == "scope":
        return "the kernel derives the scope of an IPv6 address from the address"
    return None
