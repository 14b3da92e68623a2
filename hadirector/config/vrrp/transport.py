"""Rules for the transport of advertisements: unicast, source and group."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.addresses import ip_version
from hadirector.config.vrrp.schema import UnicastSection, VrrpSection

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def transport_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield the faults of the transport."""
    yield from _multicast_findings(path, instance)
    unicast = instance.unicast
    if unicast is None:
        if instance.transport == "udp":
            message = "transport udp needs the section unicast with source and peers"
            yield Finding((*path, "transport"), message)
        return
    place = (*path, "unicast")
    if not unicast.peers:
        yield Finding(
            (*place, "peers"), "the list is empty (expected the addresses of the other directors)"
        )
    yield from duplicates(_claims(place, unicast))
    if unicast.source is not None:
        yield from _source_findings((*place, "source"), instance, unicast.source)
    if instance.transport == "udp":
        yield from _udp_findings(path, instance, unicast)
    else:
        yield from _protocol_112_findings(path, instance, unicast)


def _claims(place: Path, unicast: UnicastSection) -> list[Claim]:
    claims = []
    if unicast.source is not None:
        description = f"address {unicast.source}; the source is not a peer"
        claims.append(Claim((*place, "source"), unicast.source, description))
    for index, peer in enumerate(unicast.peers):
        claims.append(Claim((*place, "peers", index), peer, f"address {peer}"))
    return claims


def _source_findings(path: Path, instance: VrrpSection, source: str) -> Iterator[Finding]:
    virtual = {address.host for address in instance.virtual_addresses}
    # The address owner (priority 255) has the virtual address as its own (RFC 9568 1.7).
    if source in virtual and instance.priority != 255:
        expected = "an address that only this director has, not a virtual address"
        yield Finding(path, wrong(source, expected))


def _multicast_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield the faults of source and group."""
    given = {"source": instance.source, "group": instance.group}
    for key, address in given.items():
        if address is None:
            continue
        place, value = (*path, key), ipaddress.ip_address(address)
        if instance.unicast is not None:
            has = "already has a source" if key == "source" else "uses no multicast group"
            yield Finding(place, f"the section unicast {has}; leave this out")
        elif value.version != instance.family:
            expected = f"an IPv{instance.family} address like the virtual addresses"
            yield Finding(place, wrong(address, expected))
        elif key == "source" and value.version == 6 and not value.is_link_local:
            expected = "a link-local address of the interface (RFC 9568 5.1.2.1)"
            yield Finding(place, wrong(address, expected))
        elif key == "source":
            yield from _source_findings(place, instance, address)


def _protocol_112_findings(
    path: Path, instance: VrrpSection, unicast: UnicastSection
) -> Iterator[Finding]:
    if "transport" in instance.model_fields_set:
        message = "transport multicast contradicts the section unicast; remove one of them"
        yield Finding((*path, "transport"), message)
    if unicast.port is not None:
        message = "protocol 112 has no ports; leave this out, or add transport: udp"
        yield Finding((*path, "unicast", "port"), message)
    for claim in _claims((*path, "unicast"), unicast):
        address = str(claim.value)
        if ip_version(address) != instance.family:
            expected = f"an IPv{instance.family} address like the virtual addresses"
            yield Finding(claim.path, wrong(address, expected))


def _udp_findings(path: Path, instance: VrrpSection, unicast: UnicastSection) -> Iterator[Finding]:
    if instance.family == 6:
        yield Finding((*path, "transport"), "transport udp works over IPv4 only")
    if instance.death_certificates is not None:
        message = "transport udp has no death certificates; leave this out"
        yield Finding((*path, "death_certificates"), message)
    if unicast.source is None:
        message = "source is missing: transport udp needs the address of this director"
        yield Finding((*path, "unicast"), message)
    if unicast.ttl_min is not None:
        message = "the TTL of a UDP datagram is not visible; leave this out"
        yield Finding((*path, "unicast", "ttl_min"), message)
    enforced = instance.auth_hmac is not None and instance.auth_hmac.mode == "enforce"
    for claim in _claims((*path, "unicast"), unicast):
        address = str(claim.value)
        if ip_version(address) == 6:
            expected = "an IPv4 address: transport udp works over IPv4 only"
            yield Finding(claim.path, wrong(address, expected))
        elif not enforced and ipaddress.ip_address(address) not in _LOOPBACK:
            expected = "an address in 127.0.0.0/8; other addresses need auth_hmac in mode enforce"
            yield Finding(claim.path, wrong(address, expected))
