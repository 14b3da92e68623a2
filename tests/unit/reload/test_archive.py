"""The archive of configurations: which of them are kept, and when a pending one is undone."""

from __future__ import annotations

import pytest

from hadirector.overrides.expiry import Moment
from hadirector.reload import archive as module
from hadirector.reload.archive import (
    Archive,
    AtStart,
    Content,
    Origin,
    add,
    begin_confirmation,
    decide_at_start,
    end_confirmation,
)

START = Moment("one", 1_000_000.0, 500.0)


def content(name: str, size: int = 100) -> Content:
    return Content(name, size)


def origin(at: float = 0.0) -> Origin:
    return Origin(at, "apply", "ann")


def pending_archive() -> Archive:
    """An archive where configuration 2 waits for 60 s, and 1 takes its place again."""
    archive = add(add(Archive(), content("old"), origin()), content("new"), origin())
    return begin_confirmation(archive, 1, START, 60.0)


def test_a_configuration_that_runs_already_is_not_added_again() -> None:
    archive = add(Archive(), content("a"), origin())
    assert add(archive, content("a"), origin(9.0)) is archive
    assert (archive.last, archive.current) == (1, 1)


def test_an_earlier_configuration_gets_a_new_number() -> None:
    archive = Archive()
    for name in ("a", "b", "a"):
        archive = add(archive, content(name), origin())
    assert [each.number for each in archive.configurations] == [1, 2, 3]
    assert archive.current == 3
    assert archive.hashes == {"a", "b"}


def test_a_found_text_is_kept_but_not_in_use() -> None:
    archive = add(
        add(Archive(), content("a"), origin()), content("b"), Origin(1.0, "found", ""), in_use=False
    )
    assert (archive.last, archive.current) == (2, 1)


def test_the_archive_keeps_fifty_configurations() -> None:
    archive = Archive()
    for number in range(1, 61):
        archive = add(archive, content(str(number)), origin())
    assert [each.number for each in archive.configurations] == list(range(11, 61))


def test_the_archive_keeps_what_a_pending_configuration_needs() -> None:
    """Restarts with other files meanwhile do not push out the configuration to return to."""
    archive = pending_archive()
    for number in range(3, 80):
        archive = add(archive, content(str(number)), origin())
    kept = [each.number for each in archive.configurations]
    assert kept[:3] == [1, 2, 32]
    assert len(kept) == 50
    assert end_confirmation(archive).pending is None


def test_large_texts_leave_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 250)
    archive = Archive()
    for name in ("a", "b", "a", "c"):
        archive = add(archive, content(name), origin())
    # a, b and c have 300 bytes; without the first a and b, the texts a and c have 200.
    assert [each.number for each in archive.configurations] == [3, 4]


@pytest.mark.parametrize(
    ("boot", "utc", "monotonic", "remaining"),
    [
        pytest.param("one", 1_000_020.0, 520.0, 40.0, id="in the same boot"),
        pytest.param("one", 1_003_600.0, 520.0, 40.0, id="the clock was set in the same boot"),
        pytest.param("two", 1_000_030.0, 3.0, 30.0, id="after a reboot"),
        pytest.param("two", 1_000_090.0, 3.0, -30.0, id="too long after a reboot"),
        pytest.param("two", 900_000.0, 3.0, 60.0, id="after a reboot with a clock set back"),
    ],
)
def test_the_deadline_outlasts_a_reboot(
    boot: str, utc: float, monotonic: float, remaining: float
) -> None:
    pending = pending_archive().pending
    assert pending is not None
    assert pending.remaining(Moment(boot, utc, monotonic)) == remaining


LATER = Moment("one", 1_000_020.0, 520.0)
TOO_LATE = Moment("one", 1_000_061.0, 561.0)


@pytest.mark.parametrize(
    ("file", "now", "decided"),
    [
        pytest.param("new", LATER, AtStart.NOTHING, id="before the deadline"),
        pytest.param("new", TOO_LATE, AtStart.UNDO, id="after the deadline"),
        pytest.param("edited", TOO_LATE, AtStart.UNDO, id="edited, after the deadline"),
        pytest.param("edited", LATER, AtStart.NOTHING, id="edited, before the deadline"),
        pytest.param("old", LATER, AtStart.FORGET, id="the file was not replaced"),
        pytest.param("old", TOO_LATE, AtStart.FORGET, id="the file was restored already"),
    ],
)
def test_a_start_with_a_pending_configuration(file: str, now: Moment, decided: AtStart) -> None:
    assert decide_at_start(pending_archive(), file, now) is decided


def test_a_start_without_a_pending_configuration() -> None:
    archive = end_confirmation(pending_archive())
    assert decide_at_start(archive, "new", TOO_LATE) is AtStart.NOTHING
