"""Roles that an operator has frozen: which priorities and values reach the vrrp process."""

from __future__ import annotations

from typing import Any

import pytest

from hadirector.election.election import Election
from hadirector.election.frozen import freeze_roles
from hadirector.model.policy import FITNESS
from hadirector.processes.handoff import Handoff
from hadirector.processes.messages import ConfigureVrrp, TrackedValues
from tests.builders import an_instance
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, TrackedObject
from vrrp.model.report import InstanceStatus, State

POOL = TrackedKey("pool", "web")


def instance(priority: int = 200) -> InstanceConfiguration:
    return an_instance(name="web", priority=priority, track=(TrackedObject(key=POOL, weight=-50),))


def status(priority: int = 150, **fields: Any) -> InstanceStatus:
    return InstanceStatus(
        **{
            "instance": "web",
            "state": State.ACTIVE,
            "priority": priority,
            "virtual_router_id": 51,
            "interface": "eth0",
            "virtual_addresses": (),
            "handing_over": False,
            "yielding": False,
            "active_router": None,
            "active_down_interval": 3.0,
            "counters": {},
            **fields,
        }
    )


class Seam(Election):
    """An election whose messages to the vrrp process are collected."""

    def __init__(self) -> None:
        super().__init__((instance(),), frozenset(), _ignore)
        self.sent: list[object] = []
        self.child.send = self.sent.append  # type: ignore[assignment,method-assign]


async def _ignore(_message: object) -> None: ...


def configured(election: Seam) -> InstanceConfiguration:
    message = election.sent[-1]
    assert isinstance(message, ConfigureVrrp)
    [found] = message.instances
    return found


async def test_a_frozen_role_keeps_its_priority_and_ignores_tracked_objects() -> None:
    election = Seam()
    election.track({POOL: 0})
    await election.handle(status())
    election.freeze()
    frozen = configured(election)
    assert (frozen.priority, frozen.preempt, frozen.track) == (150, False, ())
    election.sent.clear()
    election.track({POOL: 1})
    election.track_visibility(blind=True)
    assert POOL not in [
        key for each in election.sent if isinstance(each, TrackedValues) for key in each.values
    ]
    election.unfreeze()
    message = election.sent[-1]
    assert isinstance(message, ConfigureVrrp)
    assert message.instances == (instance(),)
    assert message.tracked[POOL] == 1


@pytest.mark.parametrize("fields", [{"fault": "track pool web"}, {"yielding": True}])
def test_an_instance_with_a_fault_or_a_handover_keeps_its_tracked_objects(
    fields: dict[str, Any],
) -> None:
    """Without them, an instance with a fault would start."""
    held = freeze_roles([instance()], {"web": status(**fields)}).apply(instance())
    assert (held.priority, held.preempt, held.track) == (200, False, instance().track)


def test_a_reload_during_the_pause_sets_the_priority_of_the_file() -> None:
    frozen = freeze_roles([instance()], {"web": status()})
    assert frozen.apply(instance(120)).priority == 120
    assert not frozen.apply(instance(120)).preempt


async def test_a_director_that_starts_during_a_pause_sends_first_values_only() -> None:
    election = Seam()
    election.freeze()
    election.track({POOL: 1})
    election.track({POOL: 0, FITNESS: 1})
    values = [dict(each.values) for each in election.sent if isinstance(each, TrackedValues)]
    assert values == [{POOL: 1}, {FITNESS: 1}]


async def test_an_adopted_process_keeps_its_frozen_instances_until_it_reports() -> None:
    """Its priority is known from its report. Before, the configuration would unfreeze it."""
    election = Seam()
    election.freeze()
    election.child.adopt = lambda handoff: None  # type: ignore[method-assign]
    election.adopt(Handoff(descriptor=0, pid=1, states={"web": State.ACTIVE}))
    election.sent.clear()
    election.configure_child()
    assert election.sent == []
    await election.handle(status(150))
    assert configured(election).priority == 150
