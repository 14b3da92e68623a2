"""Rules for VRRP instances, each alone and all together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.vrrp.addresses.rules import address_findings
from hadirector.config.vrrp.authentication import authentication_findings
from hadirector.config.vrrp.schema import VrrpSection
from hadirector.config.vrrp.transport import transport_findings
from hadirector.config.vrrp.virtual_mac import virtual_mac_findings

# Max Advertise Interval is 12 bits of centiseconds (RFC 9568 5.2.7).
CENTISECONDS_MAX = 4095


def vrrp_findings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield the faults of the instances."""
    yield from duplicates(_names(instances))
    yield from duplicates(_virtual_routers(instances))
    yield from address_findings(instances)
    yield from virtual_mac_findings(instances)
    for path, instance in instances:
        yield from _interval_findings((*path, "advert_interval"), instance)
        yield from _learning_findings(path, instance)
        yield from transport_findings(path, instance)
        yield from _version_findings(path, instance)
        yield from authentication_findings(path, instance)


def _names(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        yield Claim((*path, "name"), instance.name, f"name {quote(instance.name)}")


def _virtual_routers(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        # The same VRID in another address family is another virtual router (RFC 9568 5.2.3).
        value = (instance.interface, instance.virtual_router_id, instance.family)
        description = f"virtual_router_id {instance.virtual_router_id} on {instance.interface}"
        yield Claim((*path, "virtual_router_id"), value, description)


def _interval_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    seconds = instance.advert_interval
    if instance.version == 2:
        # RFC 3768 5.3.7: one byte of seconds.
        if not seconds.is_integer():
            yield Finding(path, wrong(f"{seconds:g}s", "whole seconds from 1 to 255 in version 2"))
        return
    centiseconds = round(seconds * 100)
    if abs(seconds * 100 - centiseconds) > 1e-6 or centiseconds > CENTISECONDS_MAX:
        yield Finding(path, wrong(f"{seconds:g}s", "10ms to 40.95s in steps of 10ms in version 3"))


def _learning_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    if instance.version == 2:
        for key in ("max_learned_interval", "clamp_learned_interval"):
            if key in instance.model_fields_set:
                yield Finding(
                    (*path, key), "version 2 does not learn the interval of a peer; leave this out"
                )
        return
    longest, own = instance.max_learned_interval, instance.advert_interval
    if longest is not None and longest < own:
        expected = f"at least advert_interval, which is {own:g}s"
        yield Finding((*path, "max_learned_interval"), wrong(f"{longest:g}s", expected))
    if "address_mismatch" in instance.model_fields_set:
        message = "version 3 accepts advertisements with other addresses; leave this out"
        yield Finding((*path, "address_mismatch"), message)


def _version_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    if instance.version == 2 and instance.family == 6:
        message = "version 2 does not exist over IPv6 (expected 3)"
        yield Finding((*path, "version"), message)
    if "checksum" in instance.model_fields_set and (instance.version, instance.family) != (3, 4):
        protocol = "version 2" if instance.version == 2 else "IPv6"
        message = f"{protocol} has only one form of checksum; leave this out"
        yield Finding((*path, "checksum"), message)
