"""The agenda: the earliest first, whatever the order and the paces."""

from hypothesis import given
from hypothesis import strategies as st

from checks.scheduling.timer_queue import TimerQueue

times = st.floats(min_value=0, max_value=100)
paces = st.sampled_from([0.5, 1.0, 10.0])


def emptied(agenda: TimerQueue[str]) -> list[tuple[float, str | None]]:
    taken = []
    while (at := agenda.next_at()) is not None:
        taken.append((at, agenda.take(at)))
    return taken


def test_an_empty_agenda_has_no_next_time() -> None:
    assert TimerQueue[str]().next_at() is None


def test_what_comes_in_order_leaves_in_order() -> None:
    agenda = TimerQueue[str]()
    for at, what in [(1.0, "a"), (2.0, "b"), (2.0, "c"), (3.0, "d")]:
        agenda.add(at, 1.0, what)
    assert agenda.next_at() == 1.0
    assert emptied(agenda) == [(1.0, "a"), (2.0, "b"), (2.0, "c"), (3.0, "d")]


def test_what_is_not_due_stays() -> None:
    agenda = TimerQueue[str]()
    agenda.add(2.0, 1.0, "a")
    assert agenda.take(1.9) is None
    assert agenda.take(2.0) == "a"
    assert agenda.take(2.0) is None


def test_what_comes_late_overtakes() -> None:
    agenda = TimerQueue[str]()
    for at, pace, what in [(5.0, 1.0, "a"), (2.0, 1.0, "b"), (9.0, 10.0, "c"), (1.0, 10.0, "d")]:
        agenda.add(at, pace, what)
    assert emptied(agenda) == [(1.0, "d"), (2.0, "b"), (5.0, "a"), (9.0, "c")]


@given(st.lists(st.tuples(times, paces)), st.integers(min_value=0, max_value=20))
def test_the_earliest_is_always_taken_first(entries: list[tuple[float, float]], early: int) -> None:
    """Against a sorted list; one is taken before the rest are added."""
    agenda, expected = TimerQueue[str](), list[float]()
    for number, (at, pace) in enumerate(entries):
        agenda.add(at, pace, "")
        expected = sorted([*expected, at])
        if number == early:
            assert agenda.next_at() == expected[0]
            assert agenda.take(expected.pop(0)) == ""
    assert [at for at, _ in emptied(agenda)] == expected
