"""The notify scripts of instances, sync groups, pools and real servers. Pure."""

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

    With ``names_state``, the script gets arguments that name the state. With ``at_stop``, it
    also runs when the director stops and the object therefore changes its state.
    """

    script: Script
    on: tuple[Word, ...]
    names_state: bool = True
    at_stop: bool = False


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """The notify scripts of one object, in the order in which they run.

    The scripts of a pool for the states ``up`` and ``down`` run for each real server of the
    pool without scripts of its own. The name of a real server is VIRTUAL_SERVER/REAL_SERVER.
    """

    kind: NotifiedObject
    name: str
    scripts: tuple[NotifyScript, ...]
