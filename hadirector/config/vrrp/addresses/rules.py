"""Judges the virtual addresses of VRRP instances."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.vrrp.addresses.schema import AddressSection
from hadirector.config.vrrp.transport import family, version
from hadirector.config.vrrp.virtual_mac import macvlan_name

# The count of addresses in an advertisement is one byte (RFC 9568 5.2.5).
VIRTUAL_ADDRESSES_MAX = {4: 255, 6: 89}
"""By family. An IPv6 advertisement of 89 addresses fills 1500 bytes with the IP header of 40, its
own of 8 and the 28 that authentication may add."""
UNADVERTISED_ADDRESSES_MAX = 1000


def address_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the addresses."""
    yield from duplicates(_claims(root))
    for index, instance in valid_items(root.vrrp):
        path = ("vrrp", index)
        yield from _number_findings(path, instance)
        yield from _family_findings((*path, "virtual_addresses"), instance)
        yield from _repeated_findings(path, instance)
        for place, section in _placed(path, instance):
            yield from _placement_findings(place, instance, section)


def _placed(path: Path, instance: VrrpSection) -> Iterator[tuple[Path, AddressSection]]:
    """Every address that is held, and where it stands in the file."""
    for place, section in enumerate(instance.virtual_addresses):
        yield (*path, "virtual_addresses", place), section
    for place, section in enumerate(instance.unadvertised_addresses):
        yield (*path, "unadvertised_addresses", place), section


def _claims(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        for path, section in _placed(("vrrp", index), instance):
            # A link-local address means another host on every link.
            linked = ipaddress.ip_address(section.host).is_link_local
            device = section.device or instance.interface
            value = (section.host, device if linked else None)
            yield Claim(path, value, f"address {section.host}")


def _repeated_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """An instance tells its addresses apart by their text: a link-local one stands once too."""
    devices: dict[str, str] = {}
    for place, section in _placed(path, instance):
        device = section.device or instance.interface
        linked = ipaddress.ip_address(section.host).is_link_local
        if linked and devices.setdefault(section.host, device) != device:
            yield Finding(place, f"{section.host} on two devices needs two instances")


def _number_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    count, most = len(instance.virtual_addresses), VIRTUAL_ADDRESSES_MAX[family(instance)]
    if not 1 <= count <= most:
        message = f"wrong number (got {count}, expected 1 to {most}, others unadvertised_addresses)"
        yield Finding((*path, "virtual_addresses"), message)
    count = len(instance.unadvertised_addresses)
    if count > UNADVERTISED_ADDRESSES_MAX:
        message = f"wrong number (got {count}, expected at most {UNADVERTISED_ADDRESSES_MAX})"
        yield Finding((*path, "unadvertised_addresses"), message)


def _family_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    for place, section in enumerate(instance.virtual_addresses):
        if version(section.address) != family(instance):
            expected = f"IPv{family(instance)} as before"
            message = f"mixed families (got {section.address}, expected {expected})"
            yield Finding((*path, place), message)
    if family(instance) == 6:
        first = instance.virtual_addresses[0]
        if not ipaddress.ip_address(first.host).is_link_local:
            # RFC 9568 5.2.9
            expected = "a link-local address in the first place, such as fe80::100"
            yield Finding((*path, 0), wrong(first.address, expected))


def _placement_findings(
    path: Path, instance: VrrpSection, section: AddressSection
) -> Iterator[Finding]:
    for key in sorted(section.model_fields_set - {"address"}):
        reason = _why_useless(section, key)
        if reason is not None:
            yield Finding((*path, key), f"{reason}; leave this out")
            return
    device = section.device or macvlan_name(instance) or instance.interface
    if section.label is not None and not section.label.startswith(device):
        expected = f"the name of the interface and what follows it, such as {device}:web"
        yield Finding((*path, "label"), wrong(shown(section.label), expected))


def _why_useless(section: AddressSection, key: str) -> str | None:
    """Why the kernel would take no notice of a key; None if it does."""
    address = ipaddress.ip_address(section.host)
    if address.is_loopback:
        return "a loopback address is every host's already, and put nowhere"
    if address.version == 6 and key == "label":
        return "IPv6 addresses have no labels"
    if address.version == 6 and key == "scope":
        return "the scope of an IPv6 address follows from the address"
    return None
