"""A fleet of directors under faults keeps the promises. A broken part of it breaks a promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checks.definition.result import Reason
from checks.scheduling.rise_fall import HealthTracker
from hadirector.announce import decision as announcement
from hadirector.announce.decision import AnnouncementRole
from hadirector.model.announcement import WhenShort
from hadirector.model.ipvs import ServiceEntry
from hadirector.pools import decision as pools
from hadirector.pools.candidate import Candidate
from hadirector.pools.entries import wanted_entries
from hadirector.sources import admission
from tests.simulation.fleet import flows, tables, world
from tests.simulation.fleet.course import FleetCourse
from tests.simulation.fleet.cutoff import cut_off, reconnect
from tests.simulation.fleet.faults import Faults
from tests.simulation.fleet.layout import SMALL, build_layout, new_member
from tests.simulation.fleet.promises import BrokenPromiseError
from tests.simulation.fleet.watchers import rank, watchers, watches
from tests.simulation.fleet.world import World

PLAN = {
    "death": 8,
    "silence": 3,
    "flap": 2,
    "rack": 1,
    "director_dies": 3,
    "director_stops": 2,
    "director_is_cut_off": 1,
    "partition": 3,
    "false_suspicions": 1,
    "source_lies": 2,
    "server_is_added": 1,
    "drain": 1,
    "flow": 100,
}
NAMES = tuple(f"lb{number}" for number in range(20))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_promises_hold_in_a_small_fleet(seed: int) -> None:
    """Each seed is 1200 seconds of 20 directors with 200 targets."""
    report = FleetCourse(seed, SMALL, 1200.0, PLAN).run()
    assert report.deaths
    assert report.moved


def test_a_world_is_the_same_each_time_it_is_played() -> None:
    one, other = (FleetCourse(3, SMALL, 800.0, {"death": 3, "director_dies": 1}) for _ in range(2))
    assert one.run() == other.run()
    assert one.world.story == other.world.story


# --- watchers -----------------------------------------------------------------------------------


def test_three_directors_watch_a_target() -> None:
    found = [name for name in NAMES if watches(name, "t", NAMES, NAMES)]
    assert set(found) == set(watchers("t", NAMES, NAMES)) == set(rank("t", NAMES)[:3])


def test_a_lost_director_moves_only_its_own_targets() -> None:
    first, *others = watchers("t", NAMES, NAMES)
    left = [name for name in NAMES if name != first]
    assert watchers("t", NAMES, left)[:2] == tuple(others)
    assert watchers("t", NAMES, [name for name in NAMES if name != rank("t", NAMES)[9]]) == (
        first,
        *others,
    )


def test_a_director_that_hears_nobody_watches_everything() -> None:
    assert all(watches("lb0", f"t{number}", NAMES, {"lb0"}) for number in range(50))


def test_sixteen_directors_watch_everything() -> None:
    assert all(watches(name, "t", NAMES[:16], NAMES[:16]) for name in NAMES[:16])


# --- broken code --------------------------------------------------------------------------------


def most_of_a_pool_fails(played: World) -> None:
    """15 of the 20 real servers of the first pool refuse connections."""
    for target in played.layout.targets[:15]:
        played.at(100.0, played.fail, target, Reason.REFUSED)
        played.at(200.0, played.repair, target)


def a_server_fails(played: World) -> None:
    """One real server refuses connections."""
    played.at(100.0, played.fail, played.layout.targets[0], Reason.REFUSED)
    played.at(200.0, played.repair, played.layout.targets[0])


def a_director_sees_nothing(played: World) -> None:
    director = played.directors[4]
    played.at(100.0, cut_off, played, director)
    played.at(140.0, reconnect, played, director)


def a_source_names_none(played: World) -> None:
    for at in (100.0, 110.0):
        played.at(at, played.read_source, played.directors[4], 0, ())


def a_source_names_half(played: World) -> None:
    half = played.layout.members[0][:10]
    played.at(100.0, played.read_source, played.directors[4], 0, half)
    whole = played.layout.members[0]
    played.at(200.0, played.read_source, played.directors[4], 0, whole)


def a_server_is_drained(played: World) -> None:
    played.at(100.0, Faults(played, 0.0, 0.0).drain)


def servers_fail_and_directors_stop(played: World) -> None:
    faults = Faults(played, 0.0, 0.0)
    for number in range(500):
        played.at(70.0 + number / 100, faults.flow)
    for target in played.layout.targets[::4]:
        played.at(100.0, played.fail, target, Reason.REFUSED)
        played.at(200.0, played.repair, target)
    for number in (3, 9, 15):
        played.at(110.0, played.stop, played.directors[number])
        played.at(200.0, played.start, played.directors[number])


def a_server_is_added_and_directors_stop(played: World) -> None:
    faults = Faults(played, 0.0, 0.0)
    for number in range(500):
        played.at(70.0 + number / 100, faults.flow)
    for pool, members in enumerate(played.layout.members):
        played.altered.add(pool)
        played.named[pool] = (*members, new_member(pool))
        for director in played.directors:
            played.at(100.0, played.read_source, director, pool, played.named[pool])
    for number in (3, 9, 15):
        played.at(150.0, played.stop, played.directors[number])
        played.at(200.0, played.start, played.directors[number])


def a_director_dies_and_another_stops(played: World) -> None:
    played.at(100.0, played.kill, played.directors[3])
    played.at(110.0, played.stop, played.directors[4])
    for number in (3, 4):
        played.at(200.0, played.start, played.directors[number])


def without_shares(*arguments: Any) -> dict[Any, ServiceEntry]:
    """Build entries whose failed servers have no part of the hash table."""
    entries = original_entries(*arguments)
    return {
        key: ServiceEntry(
            entry.service, {k: d for k, d in entry.destinations.items() if d.weight}, {}
        )
        for key, entry in entries.items()
    }


original_entries = wanted_entries


def take_one_out(_server: object, candidates: list[Candidate], _facts: object) -> dict[Any, float]:
    """Take a passing real server out."""
    candidates[0].remove(0, "no reason")
    return {}


def record_failures(self: HealthTracker, passed: bool) -> bool:
    """Record a result, but no pass."""
    return not passed and original_record(self, passed)


original_record = HealthTracker.record
WITHDRAW = dict.fromkeys(WhenShort, AnnouncementRole.WITHDRAWN)


@pytest.mark.parametrize(
    ("promise", "fault", "part", "name", "broken"),
    [
        ("2 route", most_of_a_pool_fails, announcement, "_WHEN_SHORT", WITHDRAW),
        ("4 failing", most_of_a_pool_fails, pools, "_apply_check", lambda *_: None),
        ("4 passing", most_of_a_pool_fails, pools, "apply_flap_damping", take_one_out),
        ("4 within 10 ms", most_of_a_pool_fails, world, "DECISION_SECONDS", 0.02),
        ("4 absent", a_source_names_half, pools, "_apply_override", lambda *_: None),
        ("5 flows", servers_fail_and_directors_stop, tables, "wanted_entries", without_shares),
        ("5 model", a_server_is_added_and_directors_stop, flows, "predict_moved", lambda *_: 0.0),
        ("6 no stale route", a_director_dies_and_another_stops, World, "_expire", lambda *_: None),
        ("6 table at the end", a_server_fails, HealthTracker, "record", record_failures),
        (
            "6 announced at the end",
            a_director_dies_and_another_stops,
            world,
            "due_in",
            lambda *_: None,
        ),
        ("7 brake", most_of_a_pool_fails, pools, "apply_brake", lambda *_: []),
        ("7 blind", a_director_sees_nothing, pools, "hold_unseen", lambda *_: []),
        ("9 overrides", a_server_is_drained, pools, "_apply_override", lambda *_: None),
        ("11 own probes", most_of_a_pool_fails, HealthTracker, "_threshold", lambda _: 1),
        ("11 pace", a_source_names_half, admission, "_pace", lambda *_: (100, ())),
        ("11 minimum", a_source_names_none, admission, "_refuse", lambda *_: ""),
    ],
)
def test_broken_code_breaks_a_promise(  # noqa: PLR0917  # the columns of the table
    promise: str,
    fault: Callable[[World], None],
    part: object,
    name: str,
    broken: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the broken part, the same fault breaks nothing."""

    def play() -> None:
        course = FleetCourse(1, SMALL, 460.0, {})
        fault(course.world)
        course.run()

    play()
    monkeypatch.setattr(part, name, broken)
    with pytest.raises(BrokenPromiseError, match=promise):
        play()


def test_a_small_fleet_has_ten_pools_of_twenty_members() -> None:
    assert [len(pool.real_servers) for pool in build_layout(SMALL).servers] == [20] * 10
