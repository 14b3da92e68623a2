"""Overrides of real servers: what they say, when they end, and how they are stored."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from hadirector.dataplane.connections import connections
from hadirector.dataplane.dataplane import Counters
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import DestinationKey, Service
from hadirector.overrides import store as module
from hadirector.overrides.expiry import (
    Moment,
    StoredOverrides,
    needs_rewrite,
    restore,
    serialize,
)
from hadirector.overrides.model import (
    Action,
    Author,
    Override,
    OverrideRequest,
    RealServerName,
    end_of_drain,
    hashing_fault,
)
from hadirector.overrides.registers import Registers, Removal
from hadirector.overrides.stamp import Stamp
from hadirector.overrides.store import OverridesChanged, OverrideStore
from tests.builders import a_configuration, a_virtual_server
from tests.waiting import eventually_async

NAME = RealServerName("web", "192.0.2.45:80")
ANN = Author("ann")


def registers(*overrides: Override) -> Registers:
    return Registers({override.name: override for override in overrides})


def drain(deadline: float | None = None) -> Override:
    return Override(name=NAME, action=Action.DRAIN, author="ann", deadline=deadline)


def test_the_counters_of_directors_that_are_gone_are_dropped() -> None:
    """The counter of lb3 stays, because its override is here."""
    foreign = replace(drain(), stamp=Stamp(7, "lb3"))
    known = Registers({NAME: foreign}, counters={"lb1": 9, "lb2": 3, "lb3": 7, "gone": 8})
    assert known.limit_counters({"lb1", "lb2"}).counters == {"lb1": 9, "lb2": 3, "lb3": 7}


def test_sixteen_counters_are_stored_at_most() -> None:
    """The lowest one makes room for the counter of this director."""
    known = Registers(counters={f"old{number}": number for number in range(1, 17)})
    written = known.set([drain()], "lb1")
    assert len(written.counters) == 16
    assert written.counters["lb1"] == 17
    assert "old1" not in written.counters
    again = replace(known, counters={**known.counters, "old17": 17}).next_stamp("lb1")
    assert (again.counter, len(again.known)) == (18, 16)
    assert ("old1", 1) not in again.known


def test_a_file_with_too_many_counters_is_read_and_cut() -> None:
    """Earlier builds have written such files."""
    many = {f"old{number}": number for number in range(1, 18)}
    stamp = Stamp(18, "lb1", tuple(many.items()))
    moment = Moment("boot", 0.0, 0.0)
    written = Registers({NAME: replace(drain(), stamp=stamp)}, counters=many)
    stored = msgspec.json.encode(serialize(written, moment))
    read = restore(msgspec.json.decode(stored, type=StoredOverrides), moment)
    found = read.overrides[NAME].stamp
    assert found is not None
    assert (len(read.counters), len(found.known)) == (16, 16)
    assert ("old1", 1) not in found.known


@pytest.mark.parametrize("weight", [-7, 65536, 1_000_000_000])
def test_a_stored_weight_outside_the_range_is_refused(weight: int) -> None:
    stored = msgspec.json.encode(replace(drain(), action=Action.WEIGHT, weight=weight))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(stored, type=Override)


def test_a_drain_ends_with_its_connections_or_at_its_deadline() -> None:
    assert end_of_drain(drain(), 1, 1000.0) is None
    assert end_of_drain(drain(), 0, 0.0) == "all connections have ended"
    assert end_of_drain(drain(deadline=10.0), 2, 9.9) is None
    assert (
        end_of_drain(drain(deadline=10.0), 2, 10.0) == "the deadline passed with 2 connections left"
    )


def test_only_a_drain_that_has_not_ended_ends() -> None:
    disabled = Override(name=NAME, action=Action.DISABLE, author="ann")
    over = Override(
        name=NAME, action=Action.DRAIN, author="ann", ended="all connections have ended"
    )
    assert end_of_drain(disabled, 0, 0.0) is None
    assert end_of_drain(over, 0, 0.0) is None


@pytest.mark.parametrize(
    ("override", "description"),
    [
        (drain(), "draining, by ann"),
        (
            Override(name=NAME, action=Action.DRAIN, author="ann", reason="new", ended="at last"),
            "drained (at last), by ann: new",
        ),
        (Override(name=NAME, action=Action.DISABLE, author="ann"), "disabled, by ann"),
        (Override(name=NAME, action=Action.WEIGHT, weight=7, author="ann"), "weight 7, by ann"),
    ],
)
def test_an_override_describes_its_action_author_and_reason(
    override: Override, description: str
) -> None:
    assert override.description == description


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (OverrideRequest(action=Action.DRAIN, deadline_in=1.0), None),
        (OverrideRequest(action=Action.WEIGHT, weight=0), None),
        (
            OverrideRequest(action=Action.WEIGHT),
            "an override with the action weight needs a weight",
        ),
        (
            OverrideRequest(action=Action.DRAIN, weight=1),
            "an override with the action drain has no weight",
        ),
        (
            OverrideRequest(action=Action.DISABLE, keep_clients=True),
            "only a drain can keep or release persistent clients",
        ),
        (
            OverrideRequest(action=Action.DISABLE, deadline_in=1.0),
            "only a drain has a deadline",
        ),
    ],
)
def test_a_contradictory_request_is_refused(request_: OverrideRequest, fault: str | None) -> None:
    assert request_.contradiction() == fault


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a/b", "action": "drain"}',
        b'{"action": "stop"}',
        b'{"action": "drain", "author": "ann"}',
        b'{"action": "drain", "ticket": "a\\nb"}',
        b'{"action": "drain", "reason": "a\\u001bb"}',
        b'{"action": "drain", "why": ""}',
        b'{"action": "drain", "expires_in": 0}',
        b'{"action": "drain", "expires_in": 1e300}',
        b'{"action": "weight", "weight": 65536}',
    ],
)
def test_every_value_of_a_request_is_limited(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=OverrideRequest)


ONE = RealServer(key=DestinationKey("192.0.2.45", 80))
WEB = a_virtual_server(ONE, service=Service("rr"))


def test_connections_are_counted_only_when_no_new_ones_can_come() -> None:
    """Before the kernel has weight 0, an idle moment would end the drain too soon."""
    (service,) = WEB.keys
    assert connections(WEB, ONE, {service: {ONE.key: Counters(1, 0, 0)}}) is None
    assert connections(WEB, ONE, {service: {ONE.key: Counters(0, 1, 2)}}) == 3
    assert connections(WEB, ONE, {service: {}}) == 0


def store_in(directory: Path) -> OverrideStore:
    async def put(_message: OverridesChanged) -> None:
        pass

    reconciler = TableReconciler(DryRunDataplane(), (), lambda services: None)
    configuration = a_configuration(WEB, state_directory=str(directory))
    return OverrideStore(configuration, reconciler, put)


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
def test_an_override_ends_at_its_time_after_a_restart_and_a_reboot(
    boot: str, utc: float, monotonic: float, deadline: float
) -> None:
    """It was set 100 s after the boot, for an hour."""
    written = serialize(registers(drain(deadline=3700.0)), Moment("one", 1_000_000.0, 100.0))
    assert written.overrides == (drain(deadline=1_003_600.0),)
    assert restore(written, Moment(boot, utc, monotonic)) == registers(drain(deadline=deadline))


def test_an_override_without_an_end_survives_any_change_of_the_clock() -> None:
    written = serialize(registers(drain()), Moment("one", 1_000_000.0, 100.0))
    assert restore(written, Moment("two", 9e9, 1.0)) == registers(drain())
    assert not needs_rewrite(written, Moment("one", 9e9, 100.0))


async def test_the_file_is_written_again_when_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a clock that was an hour slow would end the override at the next boot."""
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_000_000.0, 100.0))
    overrides = store_in(tmp_path)
    await overrides.set([drain(deadline=1900.0)])
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_003_700.0, 200.0))
    await overrides.follow_clock()
    assert overrides.current == {NAME: drain(deadline=1900.0)}
    monkeypatch.setattr(module, "_now", lambda: Moment("two", 1_003_800.0, 10.0))
    assert store_in(tmp_path).current == {NAME: drain(deadline=1610.0)}


async def test_the_override_of_a_removed_server_is_kept_and_reported(tmp_path: Path) -> None:
    overrides = store_in(tmp_path)
    await overrides.set([drain()])
    assert overrides.find_orphans() == ()
    overrides.configure(a_configuration())
    assert overrides.find_orphans() == (
        "web/192.0.2.45:80 is not configured, but is draining, by ann",
    )
    await overrides.remove([NAME], ANN)
    assert overrides.find_orphans() == ()
    assert store_in(tmp_path).current == {}


async def test_an_override_that_cannot_be_stored_is_not_in_force(tmp_path: Path) -> None:
    """A restart would forget it."""
    overrides = store_in(tmp_path)
    (tmp_path / "overrides.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        await overrides.set([drain()])
    assert overrides.current == {}


async def test_two_overrides_set_at_once_are_both_stored(tmp_path: Path) -> None:
    """The second request arrives while the first override is being written."""
    overrides = store_in(tmp_path)
    other = replace(drain(), name=RealServerName("web", "192.0.2.46:80"))
    await asyncio.gather(overrides.set([drain()]), overrides.set([other]))
    assert store_in(tmp_path).current == {NAME: drain(), other.name: other}


@pytest.mark.parametrize("content", [b'{"version": 1, "over', b'{"version": 2}', b'{"boot": ""}'])
@pytest.mark.parametrize("name", ["overrides", "orders"])
def test_an_unusable_file_is_set_aside(tmp_path: Path, name: str, content: bytes) -> None:
    """It is incomplete, of a newer version, or something else."""
    (tmp_path / f"{name}.json").write_bytes(content)
    assert store_in(tmp_path).current == {}
    assert (tmp_path / f"{name}.unusable").read_bytes() == content


OLD_CONTENT = b"""{
  "version": 1,
  "written": {"boot": "one", "utc": 1000000.0, "monotonic": 100.0},
  "orders": [
    {"name": {"virtual_server": "web", "real_server": "192.0.2.45:80"}, "action": "drain",
     "author": "ann", "deadline": 1003600.0}
  ]
}"""


async def test_the_file_of_an_earlier_build_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name was orders.json. The new file takes precedence from then on."""
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_001_600.0, 1700.0))
    (tmp_path / "orders.json").write_bytes(OLD_CONTENT)
    overrides = store_in(tmp_path)
    assert overrides.current == {NAME: drain(deadline=3700.0)}
    assert not (tmp_path / "orders.json").exists()
    assert store_in(tmp_path).current == {NAME: drain(deadline=3700.0)}
    await overrides.remove([NAME], ANN)
    (tmp_path / "orders.json").write_bytes(OLD_CONTENT)
    assert store_in(tmp_path).current == {}


async def test_an_override_ends_while_the_director_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also an override that is set after a time without overrides."""
    monkeypatch.setattr(module, "PASS_SECONDS", 0.0)
    overrides = store_in(tmp_path)
    running = asyncio.create_task(overrides.run())
    await asyncio.sleep(0.02)
    disabled = replace(drain(), action=Action.DISABLE, expires_at=time.monotonic() + 0.05)
    await overrides.set([disabled])
    assert overrides.current == {NAME: disabled}
    await eventually_async(lambda: overrides.current, 10.0, expected={})
    running.cancel()


async def test_stamps_and_removals_survive_a_restart_and_a_reboot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removal of 100 s ago is 160 s old when the host is back after a minute."""
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_000_000.0, 500.0))
    monkeypatch.setattr(module, "monotonic", lambda: 400.0)
    overrides = store_in(tmp_path)
    overrides.sharing = "lb1"
    other = replace(drain(), name=RealServerName("web", "192.0.2.46:80"))
    await overrides.set([drain(), other])
    await overrides.remove([NAME], ANN, reason="done")
    monkeypatch.setattr(module, "_now", lambda: Moment("two", 1_000_060.0, 30.0))
    assert store_in(tmp_path).registers == Registers(
        {other.name: replace(other, stamp=Stamp(1, "lb1"))},
        {
            NAME: Removal(
                name=NAME,
                stamp=Stamp(2, "lb1", (("lb1", 1),)),
                author="ann",
                reason="done",
                removed_at=-130.0,
            )
        },
        {"lb1": 2},
    )


async def test_a_file_of_version_0_1_0_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no stamps and no removals."""
    monkeypatch.setattr(module, "_now", lambda: Moment("one", 1_001_600.0, 1700.0))
    (tmp_path / "overrides.json").write_bytes(OLD_CONTENT.replace(b'"orders"', b'"overrides"'))
    assert store_in(tmp_path).registers == registers(drain(deadline=3700.0))


async def test_an_override_of_a_peer_is_stored_and_put_in_force(tmp_path: Path) -> None:
    overrides = store_in(tmp_path)
    theirs = Registers().set([drain()], "lb2")
    assert await overrides.change(lambda ours: ours.add(theirs.stamped)) == Registers()
    assert store_in(tmp_path).current == {NAME: replace(drain(), stamp=Stamp(1, "lb2"))}


@pytest.mark.parametrize(
    ("scheduler", "action", "announced", "refused"),
    [
        ("mh", Action.WEIGHT, ["192.0.2.10"], True),
        ("sh", Action.WEIGHT, ["192.0.2.10"], True),
        ("wrr", Action.WEIGHT, ["192.0.2.10"], False),
        ("mh", Action.DRAIN, ["192.0.2.10"], False),
        ("mh", Action.WEIGHT, ["192.0.2.11"], False),
    ],
)
def test_a_weight_that_only_one_of_several_directors_has_is_refused(
    scheduler: str, action: Action, announced: list[str], refused: bool
) -> None:
    """With a hash scheduler, the directors would select different real servers."""
    server = a_virtual_server(service=Service(scheduler))
    request = OverrideRequest(action=action, weight=5 if action is Action.WEIGHT else None)
    assert (hashing_fault(server, request, announced) is not None) is refused
