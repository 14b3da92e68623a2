"""The timer queue returns the earliest item first, for any order of times and intervals."""

from hypothesis import given
from hypothesis import strategies as st

from checks.scheduling.timer_queue import TimerQueue

times = st.floats(min_value=0, max_value=100)
intervals = st.sampled_from([0.5, 1.0, 10.0])


def take_all(queue: TimerQueue[str]) -> list[tuple[float, str | None]]:
    taken = []
    while (at := queue.next_at()) is not None:
        taken.append((at, queue.take(at)))
    return taken


def test_an_empty_queue_has_no_next_time() -> None:
    assert TimerQueue[str]().next_at() is None


def test_items_added_in_order_are_taken_in_order() -> None:
    queue = TimerQueue[str]()
    for at, item in [(1.0, "a"), (2.0, "b"), (2.0, "c"), (3.0, "d")]:
        queue.add(at, 1.0, item)
    assert queue.next_at() == 1.0
    assert take_all(queue) == [(1.0, "a"), (2.0, "b"), (2.0, "c"), (3.0, "d")]


def test_an_item_that_is_not_due_stays() -> None:
    queue = TimerQueue[str]()
    queue.add(2.0, 1.0, "a")
    assert queue.take(1.9) is None
    assert queue.take(2.0) == "a"
    assert queue.take(2.0) is None


def test_items_added_out_of_order_are_sorted() -> None:
    queue = TimerQueue[str]()
    for at, interval, item in [
        (5.0, 1.0, "a"),
        (2.0, 1.0, "b"),
        (9.0, 10.0, "c"),
        (1.0, 10.0, "d"),
    ]:
        queue.add(at, interval, item)
    assert take_all(queue) == [(1.0, "d"), (2.0, "b"), (5.0, "a"), (9.0, "c")]


@given(st.lists(st.tuples(times, intervals)), st.integers(min_value=0, max_value=20))
def test_the_earliest_is_always_taken_first(entries: list[tuple[float, float]], early: int) -> None:
    """The oracle is a sorted list. One item is taken before the rest are added."""
    queue, expected = TimerQueue[str](), list[float]()
    for number, (at, interval) in enumerate(entries):
        queue.add(at, interval, "")
        expected = sorted([*expected, at])
        if number == early:
            assert queue.next_at() == expected[0]
            assert queue.take(expected.pop(0)) == ""
    assert [at for at, _ in take_all(queue)] == expected
