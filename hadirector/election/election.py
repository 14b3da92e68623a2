"""Controls the vrrp process: sends orders, handles reports, and recovers from a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.election.forms import held_out_status, taken_back, without_preemption
from hadirector.election.frozen import FrozenRoles, freeze_roles
from hadirector.election.held_ports import HeldPorts
from hadirector.election.transitions import describe_takeover
from hadirector.election.withheld import withheld_addresses
from hadirector.model.policy import VISIBILITY_OF_BACKENDS
from hadirector.processes.handoff import Handoff
from hadirector.processes.messages import (
    ConfigureVrrp,
    FromVrrp,
    RequestHandover,
    Stop,
    TrackedValues,
)
from hadirector.processes.supervisor import Child
from vrrp.addresses.addresses import AddressError, remove
from vrrp.addresses.macvlan import bring_leftover_down
from vrrp.addresses.routes import RouteError
from vrrp.addresses.static_resources import remove_static_items
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.report import InstanceStatus, State, Transition
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems

RESUME_INTERVALS = 2
REPORT_SECONDS_MAX = 2.0
"""How late the latest report of a living vrrp process is: it reports every second."""


class ResumeOverdue(msgspec.Struct, frozen=True):
    """Message: the time in which a new vrrp process could resume an ACTIVE instance is over.

    ``crash`` is the number of the crash. A message about an earlier crash has no effect.
    """

    instance: str
    crash: int


class Election:
    """Runs the vrrp process, and keeps the state of each instance.

    If the process crashes while an instance is ACTIVE, its addresses stay for two advertisement
    intervals. A new process that starts within this time resumes the instance. After that time
    the director removes the addresses, because a peer is about to acquire them.

    If the latest report of the instance is older than that, this director was suspended and a
    peer may have the addresses already. Then nothing is resumed, and the director removes the
    addresses at once.
    """

    def __init__(
        self,
        instances: tuple[InstanceConfiguration, ...],
        yielding: frozenset[str],
        put_message: Callable[[Any], Awaitable[None]],
        *,
        static: StaticItems = NO_STATIC_ITEMS,
        realtime: bool = False,
        observing: bool = False,
    ) -> None:
        self.observing = observing
        self.instances = {instance.name: instance for instance in instances}
        self.static = static
        self.realtime = realtime
        self.yielding = yielding
        self.tracked: dict[TrackedKey, int] = {}
        self.states: dict[str, State] = {}
        self.statuses: dict[str, InstanceStatus] = {}
        module = "observer_process" if observing else "vrrp_process"
        self.child: Child[FromVrrp] = Child(
            "vrrp", f"hadirector.processes.{module}", FromVrrp, put_message
        )
        self._ports = HeldPorts()
        self._since: dict[str, float] = {}
        # The number of the crash by instance, until the instance is resumed or given up.
        self._interrupted: dict[str, int] = {}
        # The instances among them that a new process must not resume.
        self._too_old: set[str] = set()
        self._reported_at: dict[str, float] = {}
        self._crashes = 0
        self._frozen: FrozenRoles | None = None
        self._withheld_values: dict[TrackedKey, int] = {}
        self._preempts = True
        self._taken_back: frozenset[str] = frozenset()
        # The instances of an adopted process that have not reported since a start with a pause.
        self._unreported: set[str] = set()
        self._begun = self._adopted = False
        self._may_start = asyncio.Event()
        self._start_for_static_items()
        self._log = structlog.get_logger()

    @property
    def withheld(self) -> frozenset[str]:
        """The virtual addresses that this director must not serve now, because it is not ACTIVE."""
        return withheld_addresses(self.instances.values(), self.states)

    def current_statuses(self, now: float, held_out: str = "") -> tuple[InstanceStatus, ...]:
        """Return the latest status of each instance, with its age and its configured priority.

        ``now`` is in monotonic seconds. The state of an adopted process has no age. Before
        the elections begin, no vrrp process reports; the fault of each instance is then
        ``held_out``, the reason for the wait.
        """
        if not (self._begun or self._adopted):
            return tuple(
                held_out_status(each, held_out, yielding=each.name in self.yielding)
                for each in self.instances.values()
            )
        return tuple(
            replace(
                status,
                state_age=max(0.0, now - self._since[name]) if name in self._since else None,
                configured_priority=self.instances[name].priority,
            )
            for name, status in self.statuses.items()
        )

    @property
    def begun(self) -> bool:
        """Whether ``begin`` has been called."""
        return self._begun

    @property
    def adopted(self) -> bool:
        """Whether this director continues with the vrrp process of an earlier program."""
        return self._adopted

    def begin(self) -> None:
        """Take part in elections from now on. The vrrp process starts if there is an instance."""
        self._begun = True
        if self._may_start.is_set():
            self.configure_child()  # it runs already, because of static items
        elif self.instances:
            self._may_start.set()

    def _start_for_static_items(self) -> None:
        """Let the vrrp process start before the elections begin, if there are static items."""
        if self.static != NO_STATIC_ITEMS:
            self._may_start.set()

    async def run(self) -> None:
        """Run the vrrp process from `begin`, or at once with static items, until `stop`."""
        await self._may_start.wait()
        try:
            await self.child.run()
        finally:
            self._ports.release()

    def adopt(self, handoff: Handoff) -> None:
        """Continue with a vrrp process that an earlier program has started."""
        self.child.adopt(handoff)
        self._adopted = True
        self.states = dict(handoff.states)
        if self._frozen is not None:
            self._unreported = self.states.keys() & self.instances.keys()
        self._reported_at = dict.fromkeys(self.states, monotonic())
        self._may_start.set()

    def hand_off(self) -> Handoff | None:
        """Return the description of the vrrp process for the program that replaces this program."""
        return self.child.hand_off(self.states)

    def stop(self, *, keep: bool) -> None:
        """Order the vrrp process to hand over and exit. With ``keep`` the addresses stay."""
        self.child.stop(Stop(keep=keep))
        self._may_start.set()

    def configure(
        self,
        instances: tuple[InstanceConfiguration, ...],
        *,
        static: StaticItems = NO_STATIC_ITEMS,
        realtime: bool = False,
    ) -> None:
        """Replace the instances and static items, and switch realtime scheduling on or off."""
        self.instances = {instance.name: instance for instance in instances}
        self.static = static
        self._unreported &= self.instances.keys()
        for known in (
            self.states,
            self.statuses,
            self._interrupted,
            self._since,
            self._reported_at,
        ):
            for name in known.keys() - self.instances.keys():
                del known[name]
        self.realtime = realtime
        self.configure_child()
        self._start_for_static_items()
        if self._begun and self.instances:
            self._may_start.set()

    def hand_over(self, instance: str, *, undo: bool) -> None:
        """Hand an instance over to a peer, or undo a handover.

        A restarted process gets the order again.
        """
        self.yielding = self.yielding - {instance} if undo else self.yielding | {instance}
        self.child.send(RequestHandover(instance, undo))

    def priority(self, instance: str) -> int:
        """Return the effective priority from the latest report, which is at most a second old."""
        status = self.statuses.get(instance)
        return self.instances[instance].priority if status is None else status.priority

    def track(self, values: Mapping[TrackedKey, int]) -> None:
        """Send the changed values of tracked objects to the vrrp process."""
        changed = {key: value for key, value in values.items() if self.tracked.get(key) != value}
        if self._frozen is not None:
            self._withheld_values.update(values)
            # A first value is no change of a role: without it, an instance cannot start.
            changed = {key: value for key, value in changed.items() if key not in self.tracked}
        self.tracked.update(changed)
        if changed:
            self.child.send(TrackedValues(changed))

    def freeze(self) -> None:
        """Freeze the roles (`hadirector.election.frozen`). Values of tracked objects wait."""
        if self._frozen is None:
            self._frozen = freeze_roles(self.instances.values(), self.statuses)
            self.configure_child()

    def unfreeze(self) -> None:
        """Decide about roles again, with the current values of tracked objects."""
        if self._frozen is not None:
            self._frozen = None
            self._unreported.clear()
            self.tracked.update(self._withheld_values)
            self._withheld_values = {}
            self.configure_child()

    def allow_preemption(self, *, allowed: bool) -> None:
        """Let the instances preempt as configured, or let none of them preempt."""
        if self._preempts is not allowed:
            self._preempts = allowed
            self.configure_child()

    def take_back(self, instances: frozenset[str]) -> None:
        """Let these instances take their addresses from any peer, and no others."""
        if self._taken_back != instances:
            self._taken_back = instances
            self.configure_child()

    def track_visibility(self, *, blind: bool) -> None:
        """Send to the vrrp process whether this director is blind, which may lower priorities."""
        self.track({VISIBILITY_OF_BACKENDS: int(not blind)})

    def configure_child(self) -> None:
        """Send the instances, the interrupted instances and all tracked values to a new process."""
        if self._unreported:
            return  # the adopted process keeps its frozen instances until their first report
        instances = tuple(self.instances.values())
        keys = {tracked.key for instance in instances for tracked in instance.track}
        self.tracked = {key: value for key, value in self.tracked.items() if key in keys}
        if not self.observing:
            self._ports.hold(instances)
        resume = frozenset(self._interrupted) - self._too_old
        self.child.send(
            ConfigureVrrp(
                tuple(map(self._present_form, instances)),
                resume,
                self.yielding,
                self.realtime,
                self.tracked,
                self.static,
                begun=self._begun or self._adopted,
            )
        )

    def _present_form(self, instance: InstanceConfiguration) -> InstanceConfiguration:
        """Return the form of an instance that the vrrp process gets at present."""
        if instance.name in self._taken_back:
            return taken_back(instance)
        if self._frozen is not None:
            return self._frozen.apply(instance)
        return instance if self._preempts else without_preemption(instance)

    def note_crash(self, now: float) -> list[tuple[float, ResumeOverdue]]:
        """Start the time in which a new vrrp process can resume the ACTIVE instances.

        ``now`` is in monotonic seconds. An instance without a recent report is not resumed.
        A second crash does not extend the time. Return messages with delays in seconds; the
        caller must pass each message to `handle` after its delay.
        """
        self._crashes += 1
        overdue: list[tuple[float, ResumeOverdue]] = []
        for name, instance in self.instances.items():
            # The addresses of an observed instance are not ours to remove.
            if self.observing or self.states.get(name) is not State.ACTIVE:
                self._enter(name, State.INITIALIZE, "vrrp_process_died")
            elif name not in self._interrupted:
                self._interrupted[name] = self._crashes
                delay = RESUME_INTERVALS * instance.advert_interval
                if now - self._reported_at.get(name, 0.0) > delay + REPORT_SECONDS_MAX:
                    self._too_old.add(name)
                    delay = 0.0
                overdue.append((delay, ResumeOverdue(name, self._crashes)))
        return overdue

    async def handle(self, message: Transition | InstanceStatus | ResumeOverdue) -> bool:
        """Handle a report of the vrrp process, or the end of the time to resume an instance.

        Return whether the state of an instance has changed.
        """
        if message.instance not in self.instances:
            return False  # the instance is no longer configured, and is stopping
        match message:
            case Transition():
                return self._follow(message, message.reason, describe_takeover(message))
            case InstanceStatus():
                self.statuses[message.instance] = message
                self._note_report(message.instance)
                # States are compared after a silence, in which only the latest transition waits.
                return self._follow(message, "status")
            case ResumeOverdue():
                return await self._give_up(message)

    def _note_report(self, instance: str) -> None:
        """Freeze the roles of an adopted process as soon as it has reported all of them."""
        if instance in self._unreported:
            self._unreported.discard(instance)
            if not self._unreported:
                self._frozen = freeze_roles(self.instances.values(), self.statuses)
                self.configure_child()

    def _follow(
        self,
        report: Transition | InstanceStatus,
        reason: str,
        takeover: Mapping[str, str | float] = {},
    ) -> bool:
        self._reported_at[report.instance] = report.sent_at
        self._interrupted.pop(report.instance, None)
        self._too_old.discard(report.instance)
        return self._enter(report.instance, report.state, reason, takeover)

    async def remove_static(self) -> None:
        """Remove the static items after the end of the vrrp process. A failure is logged."""
        try:
            await remove_static_items(self.static)
        except (AddressError, RouteError, OSError) as error:
            self._log.error("static_items_not_removed", error=str(error))

    async def _give_up(self, overdue: ResumeOverdue) -> bool:
        """Remove the addresses of an instance that was not resumed in time."""
        if self._interrupted.get(overdue.instance) != overdue.crash:
            return False
        del self._interrupted[overdue.instance]
        self._too_old.discard(overdue.instance)
        instance = self.instances[overdue.instance]
        try:
            await remove(instance)
            await bring_leftover_down(instance)
        except (AddressError, RouteError, OSError) as error:
            # The kernel removes the addresses at the end of their lifetime.
            self._log.error("addresses_not_removed", error=str(error))
        return self._enter(instance.name, State.INITIALIZE, "vrrp_process_not_back_in_time")

    def _enter(
        self,
        instance: str,
        state: State,
        reason: str,
        takeover: Mapping[str, str | float] = {},
    ) -> bool:
        previous = self.states.get(instance, State.INITIALIZE)
        self.states[instance] = state
        if previous is state:
            return False
        self._since[instance] = monotonic()
        if instance in self.statuses:
            self.statuses[instance] = replace(self.statuses[instance], state=state)
        log = self._log.warning if previous is State.ACTIVE else self._log.info
        log(
            "vrrp_state_changed",
            instance=instance,
            previous=previous.value,
            state=state.value,
            reason=reason,
            **takeover,
        )
        return True
