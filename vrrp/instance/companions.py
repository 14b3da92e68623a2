"""The instances of one sync group, moved together as `vrrp.router.sync_group` decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vrrp.router.event import TakeOver
from vrrp.router.sync_group import Member, decide

if TYPE_CHECKING:
    from vrrp.instance.instance import Instance


class SyncGroup:
    """The members of a group; an instance that is in none is by itself."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._instances = {each.configuration.name: each for each in instances}
        self._settling = False

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The members."""
        return tuple(self._instances.values())

    def settle(self) -> None:
        """Do what follows from the members' states, until nothing does."""
        if self._settling:
            return  # an event of ours has changed a member; the loop below sees it
        self._settling = True
        try:
            while events := decide(self._members()):
                if TakeOver() in events.values() and not self._still_wanted():
                    continue
                for name, event in events.items():
                    self._instances[name].handle(event)
        finally:
            self._settling = False

    def _members(self) -> list[Member]:
        return [each.member() for each in self._instances.values() if not each.leaving]

    def _still_wanted(self) -> bool:
        """Hear what waits in every member's socket: one may have wanted it for long, or slept."""
        for each in self._instances.values():
            each.drain()
        return all(each.wants_active for each in self._members())
