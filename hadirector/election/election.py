"""The director's side of the vrrp process: what it is told, and what happens when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.election.withheld import withheld_addresses
from hadirector.model.policy import VISIBILITY_OF_BACKENDS
from hadirector.processes.handoff import Handoff
from hadirector.processes.messages import ConfigureVrrp, FromVrrp, HandOver, Stop, TrackedValues
from hadirector.processes.supervisor import Child
from vrrp.addresses.addresses import AddressError, remove
from vrrp.addresses.macvlan import lower_leftover
from vrrp.addresses.routes import RouteError
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.report import InstanceStatus, State, Transition

RESUME_INTERVALS = 2


class ResumeOverdue(msgspec.Struct, frozen=True):
    """The vrrp process died while ``instance`` was ACTIVE, and has not taken it up again in time.

    ``death`` counts the deaths, so that an old alarm does not hit a new life.
    """

    instance: str
    death: int


class Election:
    """Runs the vrrp process and knows the state of each instance.

    An ACTIVE instance whose process dies keeps its addresses for two advertisement intervals: a new
    process that is back by then goes on as if nothing had been. After that the addresses are
    removed here, because a peer is about to take them.
    """

    def __init__(
        self,
        instances: tuple[InstanceConfiguration, ...],
        yielding: frozenset[str],
        tell: Callable[[Any], Awaitable[None]],
        *,
        realtime: bool = False,
    ) -> None:
        self.instances = {instance.name: instance for instance in instances}
        self.realtime = realtime
        self.yielding = yielding
        self.tracked: dict[TrackedKey, int] = {}
        self.states: dict[str, State] = {}
        self.statuses: dict[str, InstanceStatus] = {}
        self.child: Child[FromVrrp] = Child(
            "vrrp", "hadirector.processes.vrrp_process", FromVrrp, tell
        )
        # Each with the death that interrupted it, until it is taken up again or given up.
        self._interrupted: dict[str, int] = {}
        self._deaths = 0
        self._begun = False
        self._may_start = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def withheld(self) -> frozenset[str]:
        """The virtual addresses that are not ours to serve now."""
        return withheld_addresses(self.instances.values(), self.states)

    @property
    def begun(self) -> bool:
        """Whether ``begin`` has been called."""
        return self._begun

    def begin(self) -> None:
        """Take part in elections from now on, as soon as there is anything to elect."""
        self._begun = True
        if self.instances:
            self._may_start.set()

    async def run(self) -> None:
        """Run the vrrp process, from ``begin`` until it ends after ``stop``."""
        await self._may_start.wait()
        await self.child.run()

    def adopt(self, handoff: Handoff) -> None:
        """Go on with a vrrp process that runs already."""
        self.child.adopt(handoff)
        self.states = dict(handoff.states)
        self._may_start.set()

    def hand_on(self) -> Handoff | None:
        """Describe the vrrp process for the program that takes our place."""
        return self.child.hand_off(self.states)

    def stop(self, *, keep: bool) -> None:
        """Order the process to hand over and end, or to leave the addresses where they are."""
        self.child.stop(Stop(keep=keep))
        self._may_start.set()

    def configure(
        self, instances: tuple[InstanceConfiguration, ...], *, realtime: bool = False
    ) -> None:
        """Change to these instances, and to this way of scheduling the process."""
        self.instances = {instance.name: instance for instance in instances}
        for known in (self.states, self.statuses, self._interrupted):
            for name in known.keys() - self.instances.keys():
                del known[name]
        self.realtime = realtime
        self.configure_child()
        if self._begun:
            self.begin()

    def hand_over(self, instance: str, *, undo: bool) -> None:
        """Give an instance to its peers until undone."""
        self.yielding = self.yielding - {instance} if undo else self.yielding | {instance}
        self.child.send(HandOver(instance, undo))

    def priority(self, instance: str) -> int:
        """The priority in force as last reported, a second ago at most."""
        status = self.statuses.get(instance)
        return self.instances[instance].priority if status is None else status.priority

    def track(self, values: Mapping[TrackedKey, int]) -> None:
        """Tell the process which of the objects tracked have other values now."""
        changed = {key: value for key, value in values.items() if self.tracked.get(key) != value}
        self.tracked.update(changed)
        if changed:
            self.child.send(TrackedValues(changed))

    def track_visibility(self, *, blind: bool) -> None:
        """Tell the process whether this director is blind, on which priorities may depend."""
        self.track({VISIBILITY_OF_BACKENDS: int(not blind)})

    def configure_child(self) -> None:
        """Tell the process what to run and what to go on with."""
        instances = tuple(self.instances.values())
        keys = {tracked.key for instance in instances for tracked in instance.track}
        self.tracked = {key: value for key, value in self.tracked.items() if key in keys}
        resume = frozenset(self._interrupted)
        self.child.send(
            ConfigureVrrp(instances, resume, self.yielding, self.realtime, self.tracked)
        )

    def child_died(self) -> list[tuple[float, ResumeOverdue]]:
        """Give what was ACTIVE a short time to be taken up again, once for however many deaths.

        Returns the events that must come back here, each with its delay in seconds.
        """
        self._deaths += 1
        overdue: list[tuple[float, ResumeOverdue]] = []
        for name, instance in self.instances.items():
            if self.states.get(name) is not State.ACTIVE:
                self._enter(name, State.INITIALIZE, "vrrp_process_died")
            elif name not in self._interrupted:
                self._interrupted[name] = self._deaths
                delay = RESUME_INTERVALS * instance.advert_interval
                overdue.append((delay, ResumeOverdue(name, self._deaths)))
        return overdue

    async def handle(self, event: Transition | InstanceStatus | ResumeOverdue) -> bool:
        """Follow what the vrrp process reports, or act on its failing to come back.

        Returns whether a state has changed.
        """
        if event.instance not in self.instances:
            return False  # no longer configured, and on its way out
        match event:
            case Transition():
                return self._follow(event.instance, event.state, event.reason)
            case InstanceStatus():
                self.statuses[event.instance] = event
                # The periodic truth heals a transition whose report was dropped.
                return self._follow(event.instance, event.state, "status")
            case ResumeOverdue():
                return await self._give_up(event)

    def _follow(self, instance: str, state: State, reason: str) -> bool:
        self._interrupted.pop(instance, None)
        return self._enter(instance, state, reason)

    async def _give_up(self, overdue: ResumeOverdue) -> bool:
        """Remove the addresses of an instance that nobody has taken up again."""
        if self._interrupted.get(overdue.instance) != overdue.death:
            return False
        del self._interrupted[overdue.instance]
        instance = self.instances[overdue.instance]
        try:
            await remove(instance)
            await lower_leftover(instance)
        except (AddressError, RouteError, OSError) as error:
            # Their lifetime ends them all the same.
            self._log.error("addresses_not_removed", error=str(error))
        return self._enter(instance.name, State.INITIALIZE, "vrrp_process_not_back_in_time")

    def _enter(self, instance: str, state: State, reason: str) -> bool:
        previous = self.states.get(instance, State.INITIALIZE)
        self.states[instance] = state
        if previous is state:
            return False
        if instance in self.statuses:
            self.statuses[instance] = replace(self.statuses[instance], state=state)
        self._log.info(
            "vrrp_state_changed",
            instance=instance,
            previous=previous.value,
            state=state.value,
            reason=reason,
        )
        return True
