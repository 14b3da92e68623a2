"""What a director takes for word from its predecessor, and what not."""

from __future__ import annotations

import os

import pytest

from hadirector.processes.handoff import VARIABLE, take


@pytest.fixture
def descriptor() -> int:
    """One that nobody else uses; `take` may close it."""
    return os.open(os.devnull, os.O_RDONLY)


def test_started_in_the_ordinary_way_there_is_no_word() -> None:
    assert take({"PATH": "/bin"}) is None


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"pid": "x", "descriptor": 0, "states": {}}', '{"pid": "\udcff"}']
)
def test_nonsense_is_no_word_and_is_not_passed_on(text: str) -> None:
    environment = {VARIABLE: text}
    assert take(environment) is None
    assert environment == {}


def test_a_process_that_is_not_our_child_is_not_adopted(descriptor: int) -> None:
    """A variable that somebody exported names processes of others."""
    text = f'{{"pid": 1, "descriptor": {descriptor}, "states": {{}}}}'
    assert take({VARIABLE: text}) is None


def test_a_descriptor_that_is_not_open_is_no_word() -> None:
    text = f'{{"pid": {os.getpid()}, "descriptor": 1000000, "states": {{}}}}'
    assert take({VARIABLE: text}) is None


def test_a_child_that_has_ended_meanwhile_is_not_adopted(descriptor: int) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    text = f'{{"pid": {child}, "descriptor": {descriptor}, "states": {{"web": "ACTIVE"}}}}'
    assert take({VARIABLE: text}) is None
    os.waitpid(child, 0)
