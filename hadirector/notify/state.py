"""The states of objects with notify scripts, and the arguments that describe a state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from hadirector.model.notification import NotifiedObject, Word
from vrrp.model.report import State

INSTANCE_STATES: Final[Mapping[State, Word]] = {
    State.ACTIVE: "active",
    State.BACKUP: "backup",
    State.INITIALIZE: "fault",
}
"""The word for each state of an instance or a group. When it ends, the word is ``stop``."""

NAMES: Final[Mapping[Word, str]] = {
    "active": "MASTER",
    "backup": "BACKUP",
    "fault": "FAULT",
    "stop": "STOP",
    "up": "UP",
    "down": "DOWN",
    "quorum_up": "QUORUM_UP",
    "quorum_down": "QUORUM_DOWN",
}
"""The names of the states for scripts. Those of instances and groups are the names of keepalived
(lib/notify.c)."""

END: Final[Mapping[Word, Word]] = {
    "active": "stop",
    "backup": "stop",
    "fault": "stop",
    "up": "down",
    "quorum_up": "quorum_down",
}
"""The state that follows when an object ends, by its current state."""


class Subject(NamedTuple):
    """An object with notify scripts. The name of a real server is VIRTUAL_SERVER/REAL_SERVER."""

    kind: NotifiedObject
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def pool(self) -> str:
        """The virtual server of a pool or a real server; empty for an instance or a sync group."""
        return self.name.partition("/")[0] if self.kind in ("POOL", "REAL_SERVER") else ""


class NewState(msgspec.Struct, frozen=True):
    """The state of an object, as its scripts receive it.

    ``number`` is the priority of an instance or a sync group, the weight of a real server, or
    the total weight of the passing real servers of a pool. ``address`` and ``port`` are the
    target of a real server; port 0 stands for the port of each connection.
    """

    subject: Subject
    word: Word
    number: int
    pool: str = ""
    address: str = ""
    port: int = 0

    @property
    def after_end(self) -> NewState:
        """The state that an object has after it was removed or stopped."""
        return replace(self, word=END[self.word])

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of a script that name the state: TYPE NAME STATE NUMBER."""
        return (*self.subject, NAMES[self.word], str(self.number))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that describe the state."""
        kind, name = self.subject
        variables = {"TYPE": kind, "NAME": name, "STATE": NAMES[self.word]}
        if not self.pool:
            variables["PRIORITY"] = str(self.number)
        else:
            variables |= {"POOL": self.pool, "WEIGHT": str(self.number)}
        if self.address:
            variables |= {"ADDRESS": self.address, "PORT": str(self.port)}
        return {f"HADIRECTOR_{variable}": value for variable, value in variables.items()}


def group_state(members: Iterable[State]) -> State:
    """Return the state of a sync group: ACTIVE if all members are, INITIALIZE if any member is."""
    states = set(members)
    if State.INITIALIZE in states:
        return State.INITIALIZE
    return State.ACTIVE if states == {State.ACTIVE} else State.BACKUP
