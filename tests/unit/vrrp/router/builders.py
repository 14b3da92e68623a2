"""A virtual router of one instance and its peer, for the tests of the state machine."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from tests.builders import an_advertisement, an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.router.event import (
    Action,
    AdvertisementReceived,
    SendAdvertisement,
    Startup,
    StateChanged,
    StopAnnouncing,
)
from vrrp.router.machine import Router

US: Final = IPv4Address("10.99.0.2")
PEER: Final = IPv4Address("10.99.0.1")
USUAL: Final = an_instance()
RESIGN: Final[list[Action]] = [SendAdvertisement(0), StopAnnouncing()]


def advert(
    priority: int, source: IPv4Address = PEER, centiseconds: int = 100
) -> AdvertisementReceived:
    """Return the event of an advertisement from a peer."""
    advertisement = an_advertisement(priority=priority, advert_interval_centiseconds=centiseconds)
    return AdvertisementReceived(advertisement, source)


def router_in(state: State, configuration: InstanceConfiguration = USUAL) -> Router:
    """Return a router that entered this state at 1000."""
    router = Router(configuration, US)
    if state is not State.INITIALIZE:
        router.handle(Startup(resume=state is State.ACTIVE), 1000.0)
    assert router.state is state
    return router


def to(previous: State, state: State, reason: str) -> StateChanged:
    return StateChanged(previous, state, reason)
