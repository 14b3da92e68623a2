"""Which handoffs of an earlier program a director accepts."""

from __future__ import annotations

import os

import pytest

from hadirector.processes import HANDOFF_VARIABLE
from hadirector.processes.handoff import take


@pytest.fixture
def descriptor() -> int:
    """A descriptor that `take` may close."""
    return os.open(os.devnull, os.O_RDONLY)


def test_after_an_ordinary_start_there_is_no_handoff() -> None:
    assert take({"PATH": "/bin"}) is None


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"pid": "x", "descriptor": 0, "states": {}}', '{"pid": "\udcff"}']
)
def test_an_invalid_handoff_is_removed_from_the_environment(text: str) -> None:
    environment = {HANDOFF_VARIABLE: text}
    assert take(environment) is None
    assert environment == {}


def test_a_process_that_is_not_our_child_is_not_adopted(descriptor: int) -> None:
    """The variable may come from the environment of a user."""
    text = f'{{"pid": 1, "descriptor": {descriptor}, "states": {{}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None


def test_a_handoff_needs_an_open_descriptor() -> None:
    text = f'{{"pid": {os.getpid()}, "descriptor": 1000000, "states": {{}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None


def test_a_child_that_has_ended_is_not_adopted(descriptor: int) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    text = f'{{"pid": {child}, "descriptor": {descriptor}, "states": {{"web": "ACTIVE"}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None
    os.waitpid(child, 0)
