"""Changes the configuration or the priority of a running router without a change of its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrrp.model.report import State
from vrrp.router.event import AcquireAddresses, Action, AnnounceAddresses

if TYPE_CHECKING:
    from vrrp.model.configuration import InstanceConfiguration
    from vrrp.router.machine import Router


def reconfigure(router: Router, configuration: InstanceConfiguration, now: float) -> list[Action]:
    """Replace the configuration by another one of the same virtual router."""
    previous, previous_down_interval = router.configuration, router.active_down_interval
    assert configuration.identity == previous.identity, "another virtual router"
    router.configuration = configuration
    if configuration.version == 2 or router.following.address is None:
        router.following.advert_interval = configuration.advert_interval
    if router.state is State.ACTIVE:
        return _reconfigure_active(router, previous, now)
    _shift_timer(router, previous_down_interval, now)
    return []


def set_yielding(router: Router, yielding: bool, now: float) -> None:
    """Give a router that is not ACTIVE the lowest priority, or its configured priority again."""
    previous_down_interval = router.active_down_interval
    router.yielding = yielding
    _shift_timer(router, previous_down_interval, now)


def _shift_timer(router: Router, previous_down_interval: float, now: float) -> None:
    """Adjust the running timer to the new Active_Down_Interval."""
    if router.deadline is not None:
        shift = router.active_down_interval - previous_down_interval
        router.deadline = max(now, router.deadline + shift)


def _reconfigure_active(
    router: Router, previous: InstanceConfiguration, now: float
) -> list[Action]:
    actions: list[Action] = []
    if router.configuration.held_addresses != previous.held_addresses:
        actions.append(AcquireAddresses())
    if not router.handing_over:
        assert router.deadline is not None
        router.deadline = min(router.deadline, now + router.configuration.advert_interval)
        actions += [AnnounceAddresses()] if actions else []
    return actions
