"""Judges VRRP instances, each by itself and all together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.errors import shown
from hadirector.config.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.section import whole_ones
from hadirector.config.transport_rules import family, transport_findings, version

# The count of addresses in an advertisement is one byte (RFC 9568 5.2.5).
VIRTUAL_ADDRESSES_MAX = {4: 255, 6: 89}
"""By family. An IPv6 advertisement of 89 addresses fills 1500 bytes with the IP header of 40, its
own of 8 and the 28 that authentication may add."""
# Max Advertise Interval is 12 bits of centiseconds (RFC 9568 5.2.7).
CENTISECONDS_MAX = 4095

UNADVERTISED_ADDRESSES_MAX = 1000


def vrrp_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the instances."""
    yield from duplicates(_names(root))
    yield from duplicates(_virtual_routers(root))
    yield from duplicates(_virtual_addresses(root))
    for index, instance in whole_ones(root.vrrp):
        path = ("vrrp", index)
        yield from _interval_findings(path, instance)
        yield from _address_findings(path, instance)
        yield from transport_findings(path, instance)
        yield from _version_findings(path, instance)
        yield from _authentication_findings(path, instance)


def _names(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        yield Claim(("vrrp", index, "name"), instance.name, f"name {shown(instance.name)}")


def _virtual_routers(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        # The same VRID of another family is another virtual router (RFC 9568 5.2.3).
        words = f"virtual_router_id {instance.virtual_router_id} on {instance.interface}"
        value = (instance.interface, instance.virtual_router_id, family(instance))
        yield Claim(("vrrp", index, "virtual_router_id"), value, words)


def _virtual_addresses(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        listed = [("virtual_addresses", *each) for each in enumerate(instance.virtual_addresses)]
        others = enumerate(instance.unadvertised_addresses)
        listed += [("unadvertised_addresses", *each) for each in others]
        for key, place, address in listed:
            host = address.partition("/")[0]
            # A link-local address means another host on every link.
            linked = ipaddress.ip_address(host).is_link_local
            value = (host, instance.interface if linked else None)
            yield Claim(("vrrp", index, key, place), value, f"address {host}")


def _interval_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    path = (*path, "advert_interval")
    seconds = instance.advert_interval
    if instance.version == 2:
        # RFC 3768 5.3.7: one byte of seconds.
        if not seconds.is_integer():
            yield Finding(path, wrong(f"{seconds:g}s", "whole seconds from 1 to 255 in version 2"))
        return
    centiseconds = round(seconds * 100)
    if abs(seconds * 100 - centiseconds) > 1e-6 or centiseconds > CENTISECONDS_MAX:
        yield Finding(path, wrong(f"{seconds:g}s", "10ms to 40.95s in steps of 10ms in version 3"))


def _version_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    if instance.version == 2 and family(instance) == 6:
        message = "version 2 does not exist over IPv6 (expected 3)"
        yield Finding((*path, "version"), message)
    if "checksum" in instance.model_fields_set and (instance.version, family(instance)) != (3, 4):
        which = "version 2" if instance.version == 2 else "IPv6"
        message = f"{which} has only one form of checksum; leave this out"
        yield Finding((*path, "checksum"), message)


def _address_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    path = (*path, "virtual_addresses")
    count, most = len(instance.virtual_addresses), VIRTUAL_ADDRESSES_MAX[family(instance)]
    if not 1 <= count <= most:
        message = f"wrong number (got {count}, expected 1 to {most}, others unadvertised_addresses)"
        yield Finding(path, message)
    count = len(instance.unadvertised_addresses)
    if count > UNADVERTISED_ADDRESSES_MAX:
        message = f"wrong number (got {count}, expected at most {UNADVERTISED_ADDRESSES_MAX})"
        yield Finding((*path[:-1], "unadvertised_addresses"), message)
    for place, address in enumerate(instance.virtual_addresses):
        if version(address) != family(instance):
            message = f"mixed families (got {address}, expected IPv{family(instance)} as before)"
            yield Finding((*path, place), message)
    if (
        family(instance) == 6
        and not ipaddress.ip_interface(instance.virtual_addresses[0]).is_link_local
    ):
        # RFC 9568 5.2.9
        expected = "a link-local address in the first place, such as fe80::100"
        yield Finding((*path, 0), wrong(instance.virtual_addresses[0], expected))


def _authentication_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    hmac = instance.auth_hmac
    if instance.authentication is not None:
        if instance.version == 3:
            message = "version 3 has no passwords; use auth_hmac"
            yield Finding((*path, "authentication"), message)
        elif hmac is not None:
            message = "beside auth_hmac a password adds nothing; leave this out"
            yield Finding((*path, "authentication"), message)
    if hmac is None:
        return
    path = (*path, "auth_hmac")
    yield from duplicates(
        Claim((*path, "keys", index, "id"), key.id, f"key id {key.id}")
        for index, key in enumerate(hmac.keys)
    )
    ids = [key.id for key in hmac.keys]
    if hmac.send_key not in ids:
        known = f"the id of one of the keys: {', '.join(map(str, ids)) or 'there are none'}"
        yield Finding((*path, "send_key"), wrong(str(hmac.send_key), known))
