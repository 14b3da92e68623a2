"""The log line of a warning or an error that is an event has the place of its explanation."""

from __future__ import annotations

import pytest

from hadirector.events.recorder import add_place


@pytest.mark.parametrize("level", ["warning", "error"])
def test_a_warning_and_an_error_have_their_place(level: str) -> None:
    line = add_place(None, level, {"event": "quorum_lost", "level": level, "weight": 1})
    assert line == {
        "event": "quorum_lost",
        "level": level,
        "weight": 1,
        "see": "docs/operations.md#event-quorum_lost",
    }


@pytest.mark.parametrize(("event", "level"), [("quorum_reached", "info"), ("no_event", "error")])
def test_other_lines_stay(event: str, level: str) -> None:
    line = {"event": event, "level": level}
    assert add_place(None, level, dict(line)) == line
