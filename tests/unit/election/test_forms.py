"""The forms of an instance that the vrrp process gets besides the configured one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.election.election import Election
from hadirector.processes.messages import ConfigureVrrp
from tests.builders import an_instance
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, TrackedObject

WEIGHTED = TrackedObject(key=TrackedKey("pool", "web"), weight=-50)
REQUIRED = TrackedObject(key=TrackedKey("interface", "eth1"))
INSTANCE = an_instance(
    name="web", priority=100, preempt=True, preempt_delay=30.0, track=(WEIGHTED, REQUIRED)
)


class Seam(Election):
    """An election whose messages to the vrrp process are collected."""

    def __init__(self, instance: InstanceConfiguration = INSTANCE) -> None:
        super().__init__((instance,), frozenset(), _ignore)
        self.sent: list[Any] = []
        self.child.send = self.sent.append  # type: ignore[assignment,method-assign]

    @property
    def configured(self) -> InstanceConfiguration:
        message = self.sent[-1]
        assert isinstance(message, ConfigureVrrp)
        [found] = message.instances
        return found


async def _ignore(_message: object) -> None: ...


def test_a_director_that_may_not_preempt_sends_no_preempting_instance() -> None:
    election = Seam()
    election.allow_preemption(allowed=True)
    assert election.sent == []
    election.allow_preemption(allowed=False)
    assert election.configured == replace(INSTANCE, preempt=False)
    election.allow_preemption(allowed=True)
    assert election.configured == INSTANCE


def test_an_instance_that_is_taken_back_wins_against_any_other_router() -> None:
    election = Seam()
    election.allow_preemption(allowed=False)
    election.take_back(frozenset({"web"}))
    assert election.configured == replace(
        INSTANCE, priority=254, preempt=True, preempt_delay=0.0, track=(REQUIRED,)
    )
    election.take_back(frozenset())
    assert election.configured == replace(INSTANCE, preempt=False)


@pytest.mark.parametrize(("configured", "expected"), [(1, 254), (254, 254), (255, 255)])
def test_the_owner_of_the_addresses_keeps_its_priority(configured: int, expected: int) -> None:
    election = Seam(an_instance(name="web", priority=configured))
    election.take_back(frozenset({"web"}))
    assert election.configured.priority == expected
