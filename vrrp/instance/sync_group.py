"""A sync group of running instances, which change state together (`vrrp.router.sync_group`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vrrp.router.event import Event, GroupBecomesActive
from vrrp.router.sync_group import MemberStatus, decide


class Member(Protocol):
    """The methods of an instance that its sync group uses."""

    @property
    def name(self) -> str:
        """The name of the instance."""

    @property
    def stopping(self) -> bool:
        """Whether the instance is stopping, so that it no longer belongs to the group."""

    def member_status(self) -> MemberStatus:
        """Return the state of the instance, from which the group decides what its members do."""

    def apply(self, event: Event) -> None:
        """Pass one event of the group to the router, and perform its actions."""

    def drain(self) -> None:
        """Handle the packets that already wait in the receive queue of the socket."""

    def hand_over(self, *, undo: bool) -> None:
        """Hand over to a peer; with ``undo``, use the configured priority again."""


class SyncGroup:
    """The members of a sync group. An instance without a configured group forms its own group."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = {member.name: member for member in members}
        self._settling = False

    def settle(self) -> None:
        """Decide the next event of each member and apply it, until no member has to change."""
        if self._settling:
            return  # `_all_ready` made a member handle a packet; the loop below sees its state
        self._settling = True
        try:
            while events := decide(self._statuses()):
                if GroupBecomesActive() in events.values() and not self._all_ready():
                    continue
                for name, event in events.items():
                    self._members[name].apply(event)
        finally:
            self._settling = False

    def hand_over(self, *, undo: bool) -> None:
        """Hand all members over to a peer, or undo a handover."""
        for member in self._members.values():
            member.hand_over(undo=undo)

    def _statuses(self) -> list[MemberStatus]:
        members = self._members.values()
        return [member.member_status() for member in members if not member.stopping]

    def _all_ready(self) -> bool:
        """Handle the waiting packets of all members; return whether all are still ready.

        A member may have been ready for a long time, or this process may have been stalled.
        """
        for member in self._members.values():
            member.drain()
        return all(status.ready for status in self._statuses())
