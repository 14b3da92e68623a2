"""Judges VRRP instances, each by itself and all together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.errors import shown
from hadirector.config.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.schema import Root, VrrpSection, whole_ones

# The count of addresses in an advertisement is one byte (RFC 9568 5.2.5).
VIRTUAL_ADDRESSES_MAX = {4: 255, 6: 89}
"""By family. An IPv6 advertisement of 89 addresses fills 1500 bytes with the IP header of 40, its
own of 8 and the 28 that authentication may add."""
# Max Advertise Interval is 12 bits of centiseconds (RFC 9568 5.2.7).
CENTISECONDS_MAX = 4095
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def vrrp_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the instances."""
    yield from duplicates(_names(root))
    yield from duplicates(_virtual_routers(root))
    yield from duplicates(_virtual_addresses(root))
    for index, instance in whole_ones(root.vrrp):
        path = ("vrrp", index)
        yield from _interval_findings(path, instance)
        yield from _address_findings(path, instance)
        yield from _transport_findings(path, instance)
        yield from _version_findings(path, instance)
        yield from _authentication_findings(path, instance)


def _names(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        yield Claim(("vrrp", index, "name"), instance.name, f"name {shown(instance.name)}")


def _virtual_routers(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        # The same VRID of another family is another virtual router (RFC 9568 5.2.3).
        family = _family(instance)
        words = f"virtual_router_id {instance.virtual_router_id} on {instance.interface}"
        value = (instance.interface, instance.virtual_router_id, family)
        yield Claim(("vrrp", index, "virtual_router_id"), value, words)


def _virtual_addresses(root: Root) -> Iterator[Claim]:
    for index, instance in whole_ones(root.vrrp):
        for place, address in enumerate(instance.virtual_addresses):
            host = address.partition("/")[0]
            # A link-local address means another host on every link.
            linked = ipaddress.ip_address(host).is_link_local
            value = (host, instance.interface if linked else None)
            yield Claim(("vrrp", index, "virtual_addresses", place), value, f"address {host}")


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
    if instance.version == 2 and _family(instance) == 6:
        message = "version 2 does not exist over IPv6 (expected 3)"
        yield Finding((*path, "version"), message)
    if "checksum" in instance.model_fields_set and (instance.version, _family(instance)) != (3, 4):
        which = "version 2" if instance.version == 2 else "IPv6"
        message = f"{which} has only one form of checksum; leave this out"
        yield Finding((*path, "checksum"), message)


def _address_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    path = (*path, "virtual_addresses")
    count, most = len(instance.virtual_addresses), VIRTUAL_ADDRESSES_MAX[_family(instance)]
    if not 1 <= count <= most:
        message = f"wrong number (got {count}, expected 1 to {most} addresses)"
        yield Finding(path, message)
    for place, address in enumerate(instance.virtual_addresses):
        if _version(address) != _family(instance):
            message = f"mixed families (got {address}, expected IPv{_family(instance)} as before)"
            yield Finding((*path, place), message)
    if (
        _family(instance) == 6
        and not ipaddress.ip_interface(instance.virtual_addresses[0]).is_link_local
    ):
        # RFC 9568 5.2.9
        expected = "a link-local address in the first place, such as fe80::100"
        yield Finding((*path, 0), wrong(instance.virtual_addresses[0], expected))


def _family(instance: VrrpSection) -> int:
    return _version(instance.virtual_addresses[0]) if instance.virtual_addresses else 4


def _version(address: str) -> int:
    return 6 if ":" in address else 4


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


def _transport_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    unicast = instance.unicast
    if instance.transport == "multicast":
        if unicast is not None:
            message = "unicast without transport: udp is not supported by this version yet"
            yield Finding((*path, "unicast"), message)
        return
    if unicast is None:
        yield Finding((*path, "transport"), "transport udp needs unicast: {source, peers}")
        return
    if _family(instance) == 6:
        yield Finding((*path, "transport"), "transport udp speaks IPv4 only")
    enforced = instance.auth_hmac is not None and instance.auth_hmac.mode == "enforce"
    path = (*path, "unicast")
    if not unicast.peers:
        yield Finding((*path, "peers"), "the list is empty (expected the other directors)")
    claims = [Claim((*path, "source"), unicast.source, "address, the source is no peer")]
    for index, peer in enumerate(unicast.peers):
        claims.append(Claim((*path, "peers", index), peer, f"address {peer}"))
    yield from duplicates(claims)
    for claim in claims:
        address = str(claim.value)
        if _version(address) == 6:
            yield Finding(claim.path, wrong(address, "an IPv4 address: udp speaks IPv4 only"))
        elif not enforced and ipaddress.ip_address(address) not in _LOOPBACK:
            expected = "an address in 127.0.0.0/8; beyond it udp needs auth_hmac in mode enforce"
            yield Finding(claim.path, wrong(address, expected))
