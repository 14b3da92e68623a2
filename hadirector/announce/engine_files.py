"""Writes the file of a routing engine that announces the addresses of a configuration. Pure.

The file imports nothing, and exports only the addresses of our two devices that a prefix list has.
The origin is IGP: BGP compares the origin before it divides connections, and the engines have
different defaults (RFC 4271 9.1.2.2). Graceful restart is off: with it, a router would keep a dead
next hop. The community 65535:0 marks the addresses of a reluctant director (RFC 8326).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hadirector.model.announcement import Announcement

RELUCTANT_METRIC = 1000
"""The MED of the addresses of a reluctant director."""


class Peering(msgspec.Struct, frozen=True, kw_only=True):
    """The BGP sessions of a director.

    ``neighbor_asn`` is None for any other AS number than ``asn``. The BFD interval is in
    milliseconds.
    """

    asn: int
    neighbors: tuple[str, ...]
    router_id: str
    neighbor_asn: int | None = None
    bfd_interval: int = 100
    bfd_multiplier: int = 3


def bird_file(announcement: Announcement, peering: Peering) -> Iterator[str]:
    """Yield the lines of a bird.conf for BIRD 2."""
    yield "# BIRD 2: announces the addresses of hadirector. Printed by hadirector announce-config."
    yield f"router id {peering.router_id};"
    yield "protocol device { scan time 10; }"
    devices = f'"{announcement.device}", "{announcement.reluctant_device}"'
    yield "protocol direct hadirector {"
    yield from ("  ipv4;", "  ipv6;", f"  interface {devices};", "}")
    interval = f"interval {peering.bfd_interval} ms; multiplier {peering.bfd_multiplier};"
    yield f'protocol bfd {{ interface "*" {{ {interval} }}; }}'
    for version in (4, 6):
        yield from _bird_filter(announcement, version)
    remote = "external" if peering.neighbor_asn is None else f"as {peering.neighbor_asn}"
    for number, neighbor in enumerate(peering.neighbors, start=1):
        version = 6 if ":" in neighbor else 4
        yield f"protocol bgp router{number} {{"
        yield f"  local as {peering.asn};"
        yield f"  neighbor {neighbor} {remote};"
        yield from ("  bfd on;", "  graceful restart off;")
        # The defaults are 120 s and 60 to 300 s, which is long after a router was restarted.
        yield "  connect retry time 5; connect delay time 1; error wait time 1, 10;"
        yield f"  ipv{version} {{ import none; export filter hadirector_ipv{version}; }};"
        yield "}"


def _bird_filter(announcement: Announcement, version: int) -> Iterator[str]:
    addresses = _addresses(announcement, version)
    yield f"filter hadirector_ipv{version} {{"
    if addresses:
        prefixes = ", ".join(f"{each}/{_bits(version)}" for each in addresses)
        yield f"  if source != RTS_DEVICE || net !~ [ {prefixes} ] then reject;"
        yield f'  if ifname = "{announcement.reluctant_device}" then {{'
        yield f"    bgp_med = {RELUCTANT_METRIC};"
        yield "    bgp_community.add((65535, 0));"
        yield "  }"
        yield from ("  bgp_origin = ORIGIN_IGP;", "  accept;")
    else:
        yield "  reject;"
    yield "}"


def frr_file(announcement: Announcement, peering: Peering) -> Iterator[str]:
    """Yield the lines of a frr.conf. zebra, bgpd and bfdd must run."""
    yield "! FRR: announces the addresses of hadirector. Printed by hadirector announce-config."
    for version, word in ((4, "ip"), (6, "ipv6")):
        yield from _frr_lists(announcement, version, word)
    yield from ("route-map hadirector-in deny 10", "!")
    yield from ("bfd", " profile hadirector", f"  detect-multiplier {peering.bfd_multiplier}")
    yield f"  receive-interval {peering.bfd_interval}"
    yield from (f"  transmit-interval {peering.bfd_interval}", " exit", "exit", "!")
    remote = "external" if peering.neighbor_asn is None else str(peering.neighbor_asn)
    yield f"router bgp {peering.asn}"
    yield f" bgp router-id {peering.router_id}"
    yield from (" bgp graceful-restart-disable", " no bgp default ipv4-unicast")
    for neighbor in peering.neighbors:
        yield f" neighbor {neighbor} remote-as {remote}"
        yield f" neighbor {neighbor} timers connect 5"
        yield f" neighbor {neighbor} bfd"
        yield f" neighbor {neighbor} bfd profile hadirector"
    for version in (4, 6):
        yield from _frr_family(version, peering.neighbors)
    yield "!"


def _frr_lists(announcement: Announcement, version: int, word: str) -> Iterator[str]:
    name = f"hadirector-ipv{version}"
    addresses = _addresses(announcement, version)
    for number, address in enumerate(addresses, start=1):
        yield f"{word} prefix-list {name} seq {5 * number} permit {address}/{_bits(version)}"
    if not addresses:
        yield f"{word} prefix-list {name} seq 5 deny any"
    yield f"route-map {name}-connected permit 10"
    yield f" match {word} address prefix-list {name}"
    yield from (f" match interface {announcement.device}", " set origin igp")
    yield f"route-map {name}-connected permit 20"
    yield f" match {word} address prefix-list {name}"
    yield from (f" match interface {announcement.reluctant_device}", " set origin igp")
    yield from (f" set metric {RELUCTANT_METRIC}", " set community 65535:0")
    yield f"route-map {name}-out permit 10"
    yield from (f" match {word} address prefix-list {name}", "!")


def _frr_family(version: int, neighbors: Sequence[str]) -> Iterator[str]:
    own = [each for each in neighbors if (":" in each) == (version == 6)]
    if not own:
        return
    name = f"hadirector-ipv{version}"
    yield f" address-family ipv{version} unicast"
    yield f"  redistribute connected route-map {name}-connected"
    for neighbor in own:
        yield f"  neighbor {neighbor} activate"
        yield f"  neighbor {neighbor} route-map hadirector-in in"
        yield f"  neighbor {neighbor} route-map {name}-out out"
    yield " exit-address-family"


def _addresses(announcement: Announcement, version: int) -> list[str]:
    return [each for each in announcement.addresses if (":" in each) == (version == 6)]


def _bits(version: int) -> int:
    return 128 if version == 6 else 32
