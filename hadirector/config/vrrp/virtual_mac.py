"""Rules for the macvlan interfaces of virtual MACs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.vrrp.schema import VrrpSection


def virtual_mac_findings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield macvlan names that occur twice, and virtual MACs that are not possible."""
    yield from duplicates(_claims(instances))
    interfaces = {instance.interface for _, instance in instances}
    for path, instance in instances:
        name = instance.macvlan
        if name is not None:
            yield from _findings((*path, "virtual_mac"), instance, name, interfaces)


def _claims(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        name = instance.macvlan
        if name is not None:
            description = f"macvlan {name} (choose another name for one of them)"
            yield Claim((*path, "virtual_mac"), name, description)


def _findings(
    path: Path, instance: VrrpSection, name: str, interfaces: set[str]
) -> Iterator[Finding]:
    if instance.transport == "udp":
        yield Finding(path, "advertisements over UDP have no virtual MAC; leave this out")
    if name in interfaces:
        expected = "a name for a new interface, not the interface of an instance"
        yield Finding(path, wrong(quote(name), expected))
