"""Two directors share their overrides. The test carries the states between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from msgspec.structs import replace

from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director import sharing as module
from hadirector.director.sharing import Sharing
from hadirector.model.pair import Pair, PairPeer, SharedOverrides
from hadirector.overrides.model import Action, Author, Override, RealServerName
from hadirector.overrides.store import OverridesChanged, OverrideStore
from hadirector.pair.state import RegisterGroup, without_ages
from hadirector.pair.state import SharedOverrides as SharedState
from tests.builders import a_configuration
from tests.running import running
from tests.waiting import eventually_async

ONE = RealServerName("web", "192.0.2.45:80")
ANN = Author("unix:ann")
OTHER = {"lb1": "lb2", "lb2": "lb1"}


def pair_of(name: str, overrides: SharedOverrides = "shared") -> Pair:
    peer = PairPeer(name=OTHER[name], address="192.0.2.9", port=9471, certificate="peer.pem")
    return Pair(
        name="edge",
        address="192.0.2.1",
        port=9471,
        certificate="own.pem",
        key="own.key",
        peers=(peer,),
        overrides=overrides,
    )


class Side:
    """One director: its store, and its part of the sharing."""

    def __init__(self, directory: Path, name: str, overrides: SharedOverrides = "shared") -> None:
        self.name = name
        self.changes: list[OverridesChanged] = []
        self.configuration = a_configuration(
            name=name, pair=pair_of(name, overrides), state_directory=str(directory)
        )
        reconciler = TableReconciler(DryRunDataplane(), (), lambda services: None)
        self.store = OverrideStore(self.configuration, reconciler, self._put)
        self.sharing = Sharing(self.configuration, self.store)

    async def _put(self, message: OverridesChanged) -> None:
        self.changes.append(message)

    async def order(self, action: Action = Action.DRAIN, author: str = "unix:ann") -> None:
        await self.store.set([Override(name=ONE, action=action, author=author)])

    async def tell(self, other: Side) -> None:
        other.sharing.receive(self.name, await self.sharing.state())

    @property
    def action(self) -> Action | None:
        override = self.store.current.get(ONE)
        return None if override is None else override.action


@contextlib.asynccontextmanager
async def two_sides(directory: Path) -> AsyncIterator[tuple[Side, Side]]:
    for name in ("lb1", "lb2"):
        (directory / name).mkdir()
    one, other = Side(directory / "lb1", "lb1"), Side(directory / "lb2", "lb2")
    async with running(one.sharing), running(other.sharing):
        yield one, other


async def exchange(one: Side, other: Side) -> None:
    """Let the sides pull each other in turns until both have the other's latest state."""
    for _ in range(3):
        for sender, receiver in ((one, other), (other, one)):
            await hand_over(sender, receiver)


async def hand_over(sender: Side, receiver: Side) -> None:
    state = await sender.sharing.state()
    assert state is not None, "both sides share"
    receiver.sharing.receive(sender.name, state)

    def is_merged() -> bool:
        heard = receiver.sharing._heard.get(sender.name)
        return heard is not None and heard.content == without_ages(state)

    await eventually_async(is_merged, 10.0)


async def test_an_override_reaches_the_peer_which_then_knows_it(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (lb1, lb2):
        await lb1.order()
        stamp = lb1.store.current[ONE].stamp
        assert lb1.sharing.describe(stamp) == {"lb2": "pending"}
        assert lb1.sharing.count_pending() == {"lb2": 1}
        await lb1.tell(lb2)
        await eventually_async(lambda: lb2.action, 5.0, expected=Action.DRAIN)
        assert lb2.changes == [OverridesChanged(frozenset({"web"}))]
        await lb2.tell(lb1)
        await eventually_async(lambda: lb1.sharing.describe(stamp), 5.0, expected={"lb2": "known"})
        assert await lb1.sharing.wait() == {"lb2": "known"}
        assert lb1.sharing.count_pending() == {}
        assert lb2.sharing.describe(stamp) == {"lb1": "known"}
    stored = Side(tmp_path / "lb2", "lb2").store
    assert stored.registers == lb2.store.registers


async def test_conflicting_orders_are_decided_the_same_way_and_are_an_event_on_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with two_sides(tmp_path) as (lb1, lb2):
            await lb1.order(Action.DRAIN)
            await lb2.order(Action.DISABLE, "unix:bob")
            await exchange(lb1, lb2)
            assert (lb1.action, lb2.action) == (Action.DISABLE, Action.DISABLE)
    conflicts = [line for line in logs if line["event"] == "override_conflict_decided"]
    assert sorted(line["peer"] for line in conflicts) == ["lb1", "lb2"]
    assert {(line["winner"], line["loser"]) for line in conflicts} == {
        ("disabled, by unix:bob on lb2", "draining, by unix:ann on lb1")
    }


async def test_a_removal_is_logged_on_the_peer_with_its_author_and_forgotten(
    tmp_path: Path,
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with two_sides(tmp_path) as (lb1, lb2):
            await lb1.order()
            await exchange(lb1, lb2)
            await lb2.store.remove([ONE], Author("unix:bob"), reason="done")
            await exchange(lb2, lb1)
            assert (lb1.action, lb2.action) == (None, None)
            await eventually_async(
                lambda: [each.store.registers.removals for each in (lb1, lb2)],
                10.0,
                expected=[{}, {}],
            )
    [removed] = [line for line in logs if line.get("director") == "lb2"]
    assert removed == {
        "event": "override_removed",
        "log_level": "info",
        "virtual_server": "web",
        "real_server": "192.0.2.45:80",
        "peer": "lb2",
        "description": "draining, by unix:ann",
        "director": "lb2",
        "author": "unix:bob",
        "reason": "done",
    }


async def test_an_override_names_the_peer_that_sent_it_whatever_its_director(
    tmp_path: Path,
) -> None:
    """Only the certificate of the peer is proven. Its state may name any director."""
    drain = RegisterGroup(
        real_servers=("web/192.0.2.45:80",), counter=1, director="lb9", action="drain"
    )
    with structlog.testing.capture_logs() as logs:
        async with two_sides(tmp_path) as (lb1, _):
            lb1.sharing.receive("lb2", SharedState(groups=(drain,)))
            await eventually_async(lambda: len(logs), 10.0, expected=1)
            expired = replace(drain, action="expired")
            lb1.sharing.receive("lb2", SharedState(groups=(expired,)))
            await eventually_async(lambda: len(logs), 10.0, expected=2)
    assert [(each["event"], each["director"], each["peer"]) for each in logs] == [
        ("override_set", "lb9", "lb2"),
        ("override_expired", "lb9", "lb2"),
    ]


async def test_a_peer_without_shared_overrides_is_named(tmp_path: Path) -> None:
    """It has `overrides: local`, or an older version."""
    local = Side(tmp_path, "lb2", "local")
    assert await local.sharing.state() is None
    assert local.sharing.peers == ()
    async with two_sides(tmp_path) as (lb1, _):
        await lb1.order()
        lb1.sharing.receive("lb2", None)
        assert await lb1.sharing.wait() == {"lb2": "not_shared"}


async def test_a_peer_that_has_sent_nothing_before_a_reload_is_pending(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (lb1, _):
        await lb1.order()
        lb1.sharing.configure(lb1.configuration)
        assert lb1.sharing.describe(lb1.store.current[ONE].stamp) == {"lb2": "pending"}


async def test_an_order_does_not_wait_for_a_peer_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 60.0)
    async with two_sides(tmp_path) as (lb1, _), asyncio.timeout(5.0):
        await lb1.order()
        lb1.sharing.note_loss("lb2")
        assert await lb1.sharing.wait() == {"lb2": "pending"}


async def test_a_merge_that_cannot_be_stored_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    async with two_sides(tmp_path) as (lb1, lb2):
        (tmp_path / "lb2" / "overrides.new").mkdir()
        with structlog.testing.capture_logs() as logs:
            await lb1.order()
            await lb1.tell(lb2)
            await eventually_async(
                lambda: "overrides_not_merged" in {line["event"] for line in logs}, 5.0
            )
        assert (await lb2.sharing.state()) != (await lb1.sharing.state())
        (tmp_path / "lb2" / "overrides.new").rmdir()
        await eventually_async(lambda: lb2.action, 5.0, expected=Action.DRAIN)


async def test_overrides_from_before_the_pair_are_shared(tmp_path: Path) -> None:
    for name in ("lb1", "lb2"):
        (tmp_path / name).mkdir()
    before = Side(tmp_path / "lb1", "lb1", "local")
    await before.order()
    lb1, lb2 = Side(tmp_path / "lb1", "lb1"), Side(tmp_path / "lb2", "lb2")
    async with running(lb1.sharing), running(lb2.sharing):
        await exchange(lb1, lb2)
        assert lb2.action is Action.DRAIN


async def test_names_of_directors_that_are_gone_do_not_pile_up(tmp_path: Path) -> None:
    """A director that was renamed often must still read its file at the next start."""
    lying = SharedState(counters={f"old{number}": 1 for number in range(16)})
    async with two_sides(tmp_path) as (lb1, _):
        lb1.sharing.receive("lb2", lying)
        await eventually_async(lambda: "lb2" in lb1.sharing._heard, 10.0)
        await lb1.order()
        await lb1.order(Action.DISABLE)
        assert lb1.store.registers.counters == {"lb1": 2}
    assert Side(tmp_path / "lb1", "lb1").action is Action.DISABLE


async def test_a_peer_that_leaps_is_refused_once(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (lb1, _):
        with structlog.testing.capture_logs() as logs:
            for counter in (10**9, 10**9 + 1):
                lying = (await lb1.sharing.state()) or pytest.fail("it shares")
                lb1.sharing.receive("lb2", replace(lying, counters={"lb2": counter}))
                await eventually_async(lambda: logs, 10.0)
        assert [(line["event"], line["reason"]) for line in logs] == [
            ("peer_overrides_refused", "counter_leap")
        ]
