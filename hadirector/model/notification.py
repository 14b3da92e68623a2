"""The scripts that run for new states of instances, sync groups, pools and real servers. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from checks.script_runner.script import Script

Word = Literal["active", "backup", "fault", "stop", "up", "down", "quorum_up", "quorum_down"]
"""A state, as in the configuration."""

INSTANCE_WORDS: Final[tuple[Word, ...]] = ("active", "backup", "fault", "stop")
REAL_SERVER_WORDS: Final[tuple[Word, ...]] = ("up", "down")
POOL_WORDS: Final[tuple[Word, ...]] = (*REAL_SERVER_WORDS, "quorum_up", "quorum_down")

NotifiedObject = Literal["INSTANCE", "GROUP", "POOL", "REAL_SERVER"]
"""The types of objects. The first argument of a script is the type, as in keepalived."""


class NotifyScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script, and the states for which it runs.

    ``names_state`` is whether the script gets arguments that name the state. ``at_stop`` is whether
    it also runs for the state that follows from a stop of the director.
    """

    script: Script
    on: tuple[Word, ...]
    names_state: bool = True
    at_stop: bool = False


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """The scripts of one object, in the order in which they run for a state.

    The scripts of a pool with the words ``up`` and ``down`` run for each real server of the pool
    that has no scripts of its own. The name of a real server is VIRTUAL_SERVER/REAL_SERVER.
    """

    kind: NotifiedObject
    name: str
    scripts: tuple[NotifyScript, ...]
