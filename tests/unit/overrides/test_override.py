"""Orders for single real servers: what they say, when they are over, and how they are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from hadirector.dataplane.dataplane import Counters
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.overrides import store as module
from hadirector.overrides.expiry import Moment, is_outdated, kept, restored
from hadirector.overrides.model import (
    Action,
    Override,
    OverrideRequest,
    RealServerName,
    end_of_drain,
)
from hadirector.overrides.store import OverridesChanged, OverrideStore, connections

NAME = RealServerName("web", "192.0.2.45:80")


def drain(deadline: float | None = None) -> Override:
    return Override(name=NAME, action=Action.DRAIN, author="ann", deadline=deadline)


def test_a_drain_ends_with_its_connections_or_at_its_deadline() -> None:
    assert end_of_drain(drain(), 1, 1000.0) is None
    assert end_of_drain(drain(), 0, 0.0) == "its connections were gone"
    assert end_of_drain(drain(deadline=10.0), 2, 9.9) is None
    assert (
        end_of_drain(drain(deadline=10.0), 2, 10.0) == "its deadline came with 2 connections left"
    )


def test_what_is_no_drain_or_over_does_not_end_again() -> None:
    disabled = Override(name=NAME, action=Action.DISABLE, author="ann")
    over = Override(name=NAME, action=Action.DRAIN, author="ann", ended="said once")
    assert end_of_drain(disabled, 0, 0.0) is None
    assert end_of_drain(over, 0, 0.0) is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (drain(), "draining, by ann"),
        (
            Override(name=NAME, action=Action.DRAIN, author="ann", reason="new", ended="at last"),
            "drained, at last, by ann: new",
        ),
        (Override(name=NAME, action=Action.DISABLE, author="ann"), "disabled, by ann"),
        (Override(name=NAME, action=Action.WEIGHT, weight=7, author="ann"), "weight 7, by ann"),
    ],
)
def test_an_order_says_what_by_whom_and_why(override: Override, words: str) -> None:
    assert override.words == words


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        (OverrideRequest(name="a/b", action=Action.DRAIN, author="ann", deadline_in=1.0), None),
        (OverrideRequest(name="a/b", action=Action.WEIGHT, author="ann", weight=0), None),
        (
            OverrideRequest(name="a/b", action=Action.WEIGHT, author="ann"),
            "an order to weight has a weight",
        ),
        (
            OverrideRequest(name="a/b", action=Action.DRAIN, author="ann", weight=1),
            "an order to drain has no weight",
        ),
        (
            OverrideRequest(name="a/b", action=Action.DISABLE, author="ann", keep_clients=True),
            "only a drain has a deadline, or says what becomes of clients",
        ),
    ],
)
def test_an_order_that_contradicts_itself_is_told_so(
    order: OverrideRequest, fault: str | None
) -> None:
    assert order.contradiction() == fault


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a/b", "action": "drain"}',
        b'{"name": "a/b", "action": "stop", "author": "ann"}',
        b'{"name": "a/b", "action": "drain", "author": ""}',
        b'{"name": "a/b", "action": "drain", "author": "a\\nb"}',
        b'{"name": "a/b", "action": "drain", "author": "ann", "reason": "a\\u001bb"}',
        b'{"name": "a/b", "action": "drain", "author": "ann", "why": ""}',
        b'{"name": "a/b", "action": "drain", "author": "ann", "expires_in": 0}',
        b'{"name": "a/b", "action": "drain", "author": "ann", "expires_in": 1e300}',
        b'{"name": "a/b", "action": "weight", "author": "ann", "weight": 65536}',
    ],
)
def test_an_order_is_bounded_in_everything_it_says(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=OverrideRequest)


ONE = RealServer(key=DestinationKey("192.0.2.45", 80))
WEB = VirtualServer(
    name="web",
    keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
    service=Service("rr"),
    forwarding=ForwardingMethod.NAT,
    real_servers=(ONE,),
)


def test_connections_count_only_once_no_new_ones_can_come() -> None:
    """Before the weight of 0 has taken, an idle moment would end the drain too soon."""
    (service,) = WEB.keys
    assert connections(WEB, ONE, {service: {ONE.key: Counters(1, 0, 0)}}) is None
    assert connections(WEB, ONE, {service: {ONE.key: Counters(0, 1, 2)}}) == 3
    assert connections(WEB, ONE, {service: {}}) == 0


def kept_in(directory: Path) -> OverrideStore:
    async def tell(_event: OverridesChanged) -> None:
        pass

    reconciler = TableReconciler(DryRunDataplane(), (), lambda services: None)
    configuration = Configuration(
        name="lb1", state_directory=str(directory), virtual_servers=(WEB,)
    )
    return OverrideStore(configuration, reconciler, tell)


@pytest.mark.parametrize(
    ("boot", "utc", "monotonic", "deadline"),
    [
        ("one", 1_001_600.0, 700.0, 3700.0),
        ("one", 5_000_000.0, 700.0, 3700.0),
        ("two", 1_000_600.0, 30.0, 3030.0),
        ("two", 1_009_000.0, 30.0, -5370.0),
        ("two", 0.0, 30.0, 3630.0),
    ],
    ids=["restart", "restart, clock set", "reboot", "reboot, too late", "reboot, no clock"],
)
def test_an_order_ends_at_its_time_after_a_restart_and_a_reboot(
    boot: str, utc: float, monotonic: float, deadline: float
) -> None:
    """Given 100 s after the boot, for an hour."""
    written = kept([drain(deadline=3700.0)], Moment("one", 1_000_000.0, 100.0))
    assert written.orders == (drain(deadline=1_003_600.0),)
    assert restored(written, Moment(boot, utc, monotonic)) == (drain(deadline=deadline),)


def test_an_order_without_an_end_is_not_lost_by_any_clock() -> None:
    written = kept([drain()], Moment("one", 1_000_000.0, 100.0))
    assert restored(written, Moment("two", 9e9, 1.0)) == (drain(),)
    assert not is_outdated(written, Moment("one", 9e9, 100.0))


async def test_when_the_clock_is_set_the_file_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was an hour behind when it was given would end it at the next boot."""
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_000_000.0, 100.0))
    overrides = kept_in(tmp_path)
    await overrides.order(drain(deadline=1900.0))
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_003_700.0, 200.0))
    await overrides._follow_clock()
    assert overrides.current == {NAME: drain(deadline=1900.0)}
    monkeypatch.setattr(module, "_now", lambda: Moment("two", 1_003_800.0, 10.0))
    assert kept_in(tmp_path).current == {NAME: drain(deadline=1610.0)}


async def test_an_order_for_a_server_that_is_gone_is_kept_and_told_of(tmp_path: Path) -> None:
    overrides = kept_in(tmp_path)
    await overrides.order(drain())
    assert overrides.orphaned() == ()
    overrides.configure(Configuration(name="lb1"))
    assert overrides.orphaned() == ("web/192.0.2.45:80 is not configured, but is draining, by ann",)
    await overrides.lift(NAME)
    assert overrides.orphaned() == ()
    assert kept_in(tmp_path).current == {}


async def test_an_order_that_cannot_be_stored_is_not_in_force(tmp_path: Path) -> None:
    """A restart would forget it."""
    overrides = kept_in(tmp_path)
    (tmp_path / "orders.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        await overrides.order(drain())
    assert overrides.current == {}


async def test_two_orders_given_at_once_are_both_kept(tmp_path: Path) -> None:
    """One is being written while the other comes."""
    overrides = kept_in(tmp_path)
    other = replace(drain(), name=RealServerName("web", "192.0.2.46:80"))
    await asyncio.gather(overrides.order(drain()), overrides.order(other))
    assert kept_in(tmp_path).current == {NAME: drain(), other.name: other}


@pytest.mark.parametrize("content", [b'{"version": 1, "ord', b'{"version": 2}', b'{"boot": ""}'])
def test_a_file_that_is_no_good_is_left_aside(tmp_path: Path, content: bytes) -> None:
    """Torn, newer, or something else."""
    (tmp_path / "orders.json").write_bytes(content)
    assert kept_in(tmp_path).current == {}
    assert (tmp_path / "orders.unusable").read_bytes() == content
