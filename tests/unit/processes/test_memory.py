"""The garbage collector leaves out the objects of the start, and collects often."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from hadirector.processes.memory import settle, shorten_collections


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_objects_that_exist_are_excluded_and_few_new_objects_cause_a_collection() -> None:
    shorten_collections()
    assert gc.get_freeze_count() > 1000
    assert len(gc.get_objects()) < 1000
    youngest, middle, oldest = gc.get_threshold()
    assert youngest * (middle + 1) * (oldest + 1) == 21_000


class Circle:
    """An object that only the garbage collector can remove, such as an open transport."""

    def __init__(self) -> None:
        self.itself = self


def test_an_object_that_was_in_use_at_the_last_reload_is_removed_at_the_next_one() -> None:
    circle = Circle()
    left = weakref.ref(circle)
    settle()
    del circle
    gc.collect()
    assert left() is not None
    settle()
    assert left() is None
    assert gc.get_freeze_count() > 1000
