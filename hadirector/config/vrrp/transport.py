"""Judges how a VRRP instance's advertisements travel."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.schema import UnicastSection, VrrpSection

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def family(instance: VrrpSection) -> int:
    """The IP version of the first virtual address; 4 when there is none."""
    addresses = instance.virtual_addresses
    return version(addresses[0].address) if addresses else 4


def version(address: str) -> int:
    """The IP version of an address."""
    return 6 if ":" in address else 4


def transport_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Find what is wrong with transport and unicast."""
    unicast = instance.unicast
    if unicast is None:
        if instance.transport == "udp":
            yield Finding((*path, "transport"), "transport udp needs unicast: {source, peers}")
        return
    place = (*path, "unicast")
    if not unicast.peers:
        yield Finding((*place, "peers"), "the list is empty (expected the other directors)")
    yield from duplicates(_claims(place, unicast))
    yield from _source_findings(place, instance, unicast)
    if instance.transport == "udp":
        yield from _udp_findings(path, instance, unicast)
    else:
        yield from _protocol_112_findings(path, instance, unicast)


def _claims(place: Path, unicast: UnicastSection) -> list[Claim]:
    claims = [Claim((*place, "source"), unicast.source, "address, the source is no peer")]
    for index, peer in enumerate(unicast.peers):
        claims.append(Claim((*place, "peers", index), peer, f"address {peer}"))
    return claims


def _source_findings(
    place: Path, instance: VrrpSection, unicast: UnicastSection
) -> Iterator[Finding]:
    virtual = {each.host for each in instance.virtual_addresses}
    if unicast.source in virtual and instance.priority != 255:
        expected = "an address of this director alone, not a virtual one"
        yield Finding((*place, "source"), wrong(unicast.source, expected))


def _protocol_112_findings(
    path: Path, instance: VrrpSection, unicast: UnicastSection
) -> Iterator[Finding]:
    if "transport" in instance.model_fields_set:
        yield Finding((*path, "transport"), "unicast is no multicast; leave one of them out")
    if unicast.port is not None:
        message = "protocol 112 has no ports; leave this out, or add transport: udp"
        yield Finding((*path, "unicast", "port"), message)
    for claim in _claims((*path, "unicast"), unicast):
        address = str(claim.value)
        if version(address) != family(instance):
            expected = f"an IPv{family(instance)} address like the virtual addresses"
            yield Finding(claim.path, wrong(address, expected))


def _udp_findings(path: Path, instance: VrrpSection, unicast: UnicastSection) -> Iterator[Finding]:
    if family(instance) == 6:
        yield Finding((*path, "transport"), "transport udp speaks IPv4 only")
    if unicast.ttl_min is not None:
        message = "udp does not show the TTL; leave this out"
        yield Finding((*path, "unicast", "ttl_min"), message)
    enforced = instance.auth_hmac is not None and instance.auth_hmac.mode == "enforce"
    for claim in _claims((*path, "unicast"), unicast):
        address = str(claim.value)
        if version(address) == 6:
            yield Finding(claim.path, wrong(address, "an IPv4 address: udp speaks IPv4 only"))
        elif not enforced and ipaddress.ip_address(address) not in _LOOPBACK:
            expected = "an address in 127.0.0.0/8; beyond it udp needs auth_hmac in mode enforce"
            yield Finding(claim.path, wrong(address, expected))
