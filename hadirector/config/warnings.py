"""Finds risks in a valid configuration that the operator should know."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hadirector.config.announce.rules import announce_warnings
from hadirector.config.document.finding import Finding, Path, prefix_path
from hadirector.config.schema import Root
from hadirector.config.vrrp.addresses.rules import address_warnings
from hadirector.config.vrrp.unfenced_roles import unfenced_role_warnings


def warnings(root: Root, place: Callable[[Path], str]) -> tuple[str, ...]:
    """Return the warnings as lines with their places. ``place`` returns the place of a path."""
    return tuple(
        f"{place(found.path)}: {prefix_path(found.path, found.message)}"
        for found in _warnings(root)
    )


def _warnings(root: Root) -> Iterator[Finding]:
    yield from address_warnings(root.instances)
    yield from unfenced_role_warnings(root.instances)
    if root.announce is not None:
        yield from announce_warnings(root.announce, root.servers)
