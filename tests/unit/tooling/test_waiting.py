"""Waiting ends with the expected value, or with a message that says what did not come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from tests.waiting import eventually, eventually_async


def values(*given: object) -> Callable[[], object]:
    remaining: Iterator[object] = iter(given)
    return lambda: next(remaining)


def test_a_wait_ends_with_the_first_true_value() -> None:
    began = time.monotonic()
    assert began <= eventually(values(0, "", [], "here"), 5.0) <= time.monotonic()


def test_a_wait_ends_with_the_expected_value() -> None:
    """Also with one that is not true."""
    eventually(values("some", "more", ""), 5.0, expected="")
    eventually(values(2, None), 5.0, expected=None)


def test_a_wait_looks_once_when_there_is_no_time() -> None:
    eventually(values(True), 0.0)


def test_a_wait_in_vain_says_what_did_not_come() -> None:
    with pytest.raises(TimeoutError) as failure:
        eventually(lambda: ["a"], 0.02, "both names", expected=["a", "b"])
    assert str(failure.value) == (
        "not within 0.02 s: both names (expected ['a', 'b'], the last value was ['a'])"
    )


def test_without_words_the_message_names_the_function() -> None:
    def is_ready() -> bool:
        return False

    with pytest.raises(TimeoutError, match=r"is_ready \(expected a true value, the last.*False\)"):
        eventually(is_ready, 0.0)


@pytest.mark.parametrize("threaded", [False, True])
async def test_tasks_run_during_a_wait_in_their_loop(threaded: bool) -> None:
    arrived: list[int] = []

    async def arrive() -> None:
        await asyncio.sleep(0.02)
        arrived.append(1)

    task = asyncio.create_task(arrive())
    await eventually_async(lambda: arrived, 5.0, expected=[1], threaded=threaded)
    await task
    with pytest.raises(TimeoutError, match=r"a second one \(expected"):
        await eventually_async(lambda: len(arrived) > 1, 0.0, "a second one", threaded=threaded)
