"""Lists the interfaces that a configuration cannot do without, and where it names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from hadirector.config.document.finding import Path
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root
from hadirector.model.configuration import NeededInterface


class _Mention(NamedTuple):
    path: Path
    name: str
    needed_by: str


def needed_interfaces(root: Root, place: Callable[[Path], str]) -> tuple[NeededInterface, ...]:
    """List them in the order of the file; ``place`` says where the value of a path stands."""
    return tuple(
        NeededInterface(name=name, needed_by=needed_by, place=place(path))
        for path, name, needed_by in _mentions(root)
    )


def _mentions(root: Root) -> Iterator[_Mention]:
    for index, instance in valid_items(root.vrrp):
        path: Path = ("vrrp", index)
        needed_by = f"VRRP instance {instance.name}"
        yield _Mention((*path, "interface"), instance.interface, needed_by)
        for number, tracked in valid_items(instance.track):
            if tracked.interface is not None:
                place = (*path, "track", number, "interface")
                yield _Mention(place, tracked.interface, needed_by)
    if root.sync_daemon is not None:
        yield _Mention(("sync_daemon", "interface"), root.sync_daemon.interface, "sync_daemon")
