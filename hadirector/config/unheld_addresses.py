"""Finds the virtual servers whose address no VRRP instance has and no group announces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from hadirector.config.document.finding import Path
from hadirector.config.schema import Root
from hadirector.model.configuration import UnheldAddress


def unheld_addresses(root: Root, place: Callable[[Path], str]) -> tuple[UnheldAddress, ...]:
    """Return each such address once, in the order of the file.

    ``place`` returns the place of a path. A virtual server with a firewall mark has no address.
    An interface of the host may have the address; that is checked on the host.
    """
    held = dict(_held_addresses(root))
    static = {address.host for address in root.static.addresses} if root.static else set()
    if root.announce is not None:
        groups = root.announce.placed_groups
        static |= {address for _, group in groups for address in group.addresses}
    found: dict[str, UnheldAddress] = {}
    for path, server in root.servers:
        for key in server.keys:
            if key.firewall_mark or any(key.address in each for each in (held, static, found)):
                continue
            similar = ""
            for close in get_close_matches(key.address, held, n=1):
                instance, held_at = held[close]
                similar = f"; the VRRP instance {instance} ({place(held_at)}) holds {close}"
            where = "address" if server.address is not None else "addresses"
            found[key.address] = UnheldAddress(
                address=key.address,
                place=place((*path, where)),
                similar=similar,
            )
    return tuple(found.values())


def _held_addresses(root: Root) -> Iterator[tuple[str, tuple[str, Path]]]:
    """Yield each address of each instance, with the name of the instance and the path."""
    for path, instance in root.instances:
        lists = {
            "virtual_addresses": instance.virtual_addresses,
            "unadvertised_addresses": instance.unadvertised_addresses,
        }
        for name, addresses in lists.items():
            for index, address in enumerate(addresses):
                held = address.address.partition("/")[0]
                yield held, (instance.name, (*path, name, index))
