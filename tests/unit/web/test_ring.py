"""The ring of events: what a follower gets, from which number on, and what it has missed."""

import pytest

from hadirector.events.selection import Selection
from hadirector.web import ring
from hadirector.web.ring import Gap, Ring, encode_gap

ALL = Selection()


def ring_of(*numbers: int) -> Ring:
    made = Ring()
    for number in numbers:
        made.add(number, "verdict_changed", {"virtual_server": "web"}, b"{}")
    return made


def test_a_follower_gets_the_events_after_its_number() -> None:
    made = ring_of(1, 2, 3)
    assert made.after(1, ALL) == (b"id: 2\ndata: {}\n\nid: 3\ndata: {}\n\n", 3)
    assert made.after(3, ALL) == (b"", 3)


def test_numbers_may_be_missing() -> None:
    made = ring_of(5, 9)
    assert made.after(5, ALL) == (b"id: 9\ndata: {}\n\n", 9)
    assert made.after(7, ALL) == (b"id: 9\ndata: {}\n\n", 9)


def test_a_batch_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "BATCH_MAX", 2)
    assert ring_of(1, 2, 3).after(0, ALL)[1] == 2


@pytest.mark.parametrize(
    ("cursor", "gap"),
    [(2, Gap(2, 4)), (4, None), (6, None), (7, Gap(0, 4))],
)
def test_a_follower_that_is_too_far_behind_has_a_gap(cursor: int, gap: Gap | None) -> None:
    """A number that is not reached yet belongs to an earlier sequence."""
    assert ring_of(5, 6).gap(cursor) == gap


def test_an_empty_ring_has_no_gap_for_a_new_follower() -> None:
    assert Ring().gap(0) is None
    assert encode_gap(Gap(2, 4)) == b'id: 4\nevent: gap\ndata: {"missed":2,"last":4}\n\n'


def test_numbers_that_begin_again_replace_the_old_ones() -> None:
    made = ring_of(8, 9, 1)
    assert (made.last, made.after(0, ALL)) == (1, (b"id: 1\ndata: {}\n\n", 1))


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        (Selection(), [1, 2, 3]),
        (Selection(name="quorum_lost"), [2]),
        (Selection(about="web"), [1, 2]),
        (Selection(about="web/10.0.0.1:80"), [1]),
        (Selection(about="edge"), [3]),
        (Selection(name="quorum_lost", about="edge"), []),
    ],
)
def test_a_follower_selects_by_name_and_object(selection: Selection, numbers: list[int]) -> None:
    made = Ring()
    member = {"virtual_server": "web", "real_server": "10.0.0.1:80"}
    made.add(1, "weight_decided", member, b"{}")
    made.add(2, "quorum_lost", {"virtual_server": "web"}, b"{}")
    made.add(3, "vrrp_state_changed", {"instance": "edge"}, b"{}")
    text, cursor = made.after(0, selection)
    assert [int(line[4:]) for line in text.split(b"\n") if line.startswith(b"id: ")] == numbers
    assert cursor == 3, "events that are not selected are passed as well"
