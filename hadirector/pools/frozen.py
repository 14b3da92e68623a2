"""The states of targets that weights are decided from during a pause. Pure.

A target keeps the state that it had when the pause began. A target without a verdict, such as the
target of a real server that a reload adds, follows its verdicts until its first pass: then it joins
its pool, and keeps this state.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.health.target import Targets, TargetsSnapshot, TargetState, restore


class FrozenTargets:
    """The frozen states, by the identity of the check. Without a pause there are none."""

    def __init__(self) -> None:
        self._states: dict[str, TargetState] = {}
        self.active = False

    def begin(self, states: Targets) -> None:
        """Freeze the targets that have a verdict. A pause that has begun already stays as it is."""
        if not self.active:
            self.active = True
            self._states = {
                identity: state
                for identity, state in states.items()
                if state.verdict is not Verdict.UNKNOWN
            }

    @property
    def states(self) -> Targets:
        """The frozen states."""
        return self._states

    def resume(
        self, snapshot: TargetsSnapshot | None, live: Targets, passing: Iterable[str]
    ) -> None:
        """Continue a pause of an earlier run with the states of its snapshot.

        Without a snapshot, the targets that are ``passing`` in the table are frozen.
        """
        if snapshot is None:
            found = {
                identity: replace(live[identity], verdict=Verdict.PASSING)
                for identity in passing
                if identity in live
            }
        else:
            known = [identity for identity in snapshot.verdicts if identity in live]
            found = restore(known, snapshot.verdicts, snapshot, ())
        self.begin(found)

    def end(self) -> None:
        """Follow the verdicts again."""
        self.active = False
        self._states = {}

    def view(self, live: Targets) -> Targets:
        """Return the states for the decision about weights: a live view."""
        if not self.active:
            return live
        for identity in self._states.keys() - live.keys():
            del self._states[identity]
        for identity in live.keys() - self._states.keys():
            if live[identity].verdict is Verdict.PASSING:
                self._states[identity] = live[identity]
        return ChainMap(self._states, dict(live) if not isinstance(live, dict) else live)
