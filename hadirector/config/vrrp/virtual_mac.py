"""Judges the interfaces of virtual MACs."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.vrrp.transport import family
from vrrp.model.configuration import virtual_mac_interface


def macvlan_name(instance: VrrpSection) -> str | None:
    """What the macvlan of an instance is called; None if it has none."""
    if instance.virtual_mac is None:
        return None
    usual = virtual_mac_interface(family(instance), instance.virtual_router_id)
    return instance.virtual_mac.name or usual


def virtual_mac_findings(root: Root) -> Iterator[Finding]:
    """Find two that would have one name, and those that cannot be."""
    yield from duplicates(_claims(root))
    interfaces = {instance.interface for _, instance in valid_items(root.vrrp)}
    for index, instance in valid_items(root.vrrp):
        path = ("vrrp", index, "virtual_mac")
        name = macvlan_name(instance)
        if name is not None:
            yield from _findings(path, instance, name, interfaces)


def _claims(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        name = macvlan_name(instance)
        if name is not None:
            words = f"macvlan {name} (give one of them another name)"
            yield Claim(("vrrp", index, "virtual_mac"), name, words)


def _findings(
    path: Path, instance: VrrpSection, name: str, interfaces: set[str]
) -> Iterator[Finding]:
    if instance.transport == "udp":
        yield Finding(path, "UDP advertisements have no virtual MAC; leave this out")
    if name in interfaces:
        expected = "the name of an interface to be made, no instance's interface"
        yield Finding(path, wrong(shown(name), expected))
