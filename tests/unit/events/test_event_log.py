"""The events that are kept: numbered, limited, and across a restart."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hadirector import log
from hadirector.cli.events import line
from hadirector.events import file_writer
from hadirector.events.event_log import EVENT_NAMES, EVENTS_MAX, Event, EventLog
from hadirector.events.recorder import FILE, Recorder

PAGE = Path(__file__).parents[3] / "docs/operations.md"


def numbers(event_log: EventLog, after: int) -> list[int]:
    return [event.number for event in event_log.after(after).events]


def test_the_oldest_events_are_removed_first_and_count_as_missed() -> None:
    event_log = EventLog()
    for number in range(EVENTS_MAX + 3):
        event_log.note(1.0, "quorum_lost", {"virtual_server": "web", "passing": number})
    page = event_log.after(1)
    assert (page.last, page.missed, len(page.events)) == (2003, 2, 2000)
    assert page.events[0].number == 4
    assert event_log.after(2001).missed == 0
    assert numbers(event_log, 2001) == [2002, 2003]


def test_values_of_an_event_are_limited() -> None:
    """A list has 50 names and a text 500 characters. Other values are converted to text."""
    event_log = EventLog()
    fields = {"names": tuple(range(60)), "text": "x" * 501, "path": Path("/run"), "none": None}
    event_log.note(1.0, "failing_servers_held", fields)
    (event,) = event_log.after(0).events
    assert event.fields == {
        "names": [str(n) for n in range(50)],
        "text": "x" * 500,
        "path": "/run",
        "none": None,
    }


def test_a_large_event_is_shortened_as_a_whole() -> None:
    """50 names of 500 characters each, or characters that JSON escapes, would be 25 kB or more."""
    event_log = EventLog()
    event_log.note(1.0, "reload_refused", {"faults": ["\x01" * 500] * 50, "count": 50})
    event_log.note(1.0, "reload_refused", {f"field {n}": "x" * 500 for n in range(50)})
    event_log.restore(9, [Event(9, 1.0, "quorum_lost", {"text": "x" * 100_000})])
    first, second, third = event_log.after(0).events
    assert first.fields["count"] == 50
    for event in (first, second, third):
        assert 2000 < len(msgspec.json.encode(event.fields)) <= 4096


def test_a_page_ends_with_the_number_to_continue_after() -> None:
    event_log = EventLog()
    for _ in range(5):
        event_log.note(1.0, "quorum_lost", {})
    first, second, last = (event_log.after(number, limit=2) for number in (0, 2, 4))
    assert [event.number for event in first.events] == [1, 2]
    assert (first.last, second.last, last.last) == (2, 4, 5)
    assert len(last.events) == 1


def test_a_real_server_has_its_own_events_and_no_others() -> None:
    event_log = EventLog()
    for virtual_server, real_server in (("web", "a"), ("mail", "a"), ("web", "b")):
        fields = {"virtual_server": virtual_server, "real_server": real_server}
        event_log.note(1.0, "weight_decided", fields)
    event_log.note(1.0, "quorum_lost", {"virtual_server": "web"})
    assert [event.number for event in event_log.about("web", "a")] == [1]


def test_log_lines_with_the_name_of_an_event_are_recorded() -> None:
    """With their fields, without the level and the time of the line. All lines are written."""
    recorder, stream = Recorder(), io.StringIO()
    writer = log.configure(stream, [recorder])
    try:
        logger = structlog.get_logger()
        logger.warning("sysctl_repaired", name="net.ipv4.ip_forward", was="0")
        logger.info("would_apply", operation="add")
    finally:
        structlog.reset_defaults()
    writer.drain(5.0)
    assert stream.getvalue().count("\n") == 2
    (event,) = recorder.event_log.after(0).events
    assert (event.number, event.name) == (1, "sysctl_repaired")
    assert event.fields == {"name": "net.ipv4.ip_forward", "was": "0"}


async def test_a_waiting_client_gets_the_first_event_or_none_after_its_time() -> None:
    recorder = Recorder()
    assert (await recorder.after(0, 0.0)).events == ()
    waiting = asyncio.create_task(recorder.after(0, 30.0))
    await asyncio.sleep(0)
    recorder.note("quorum_lost", virtual_server="web")
    assert [event.name for event in (await waiting).events] == ["quorum_lost"]
    page = await recorder.after(7, 30.0)  # a number of an older run: the answer comes at once
    assert (page.last, page.events) == (1, ())


async def test_events_survive_a_restart_with_their_numbers(tmp_path: Path) -> None:
    first = Recorder()
    async with first.persist_in(tmp_path):
        first.note("quorum_lost", virtual_server="web")
    second = Recorder()
    async with second.persist_in(tmp_path):
        second.note("quorum_reached", virtual_server="web")
    found = [(event.number, event.name) for event in second.event_log.after(0).events]
    assert found == [(1, "quorum_lost"), (2, "quorum_reached")]


async def test_events_are_written_while_the_director_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A director that is killed loses at most the events of the last second."""
    monkeypatch.setattr(file_writer, "WRITE_SECONDS", 0.0)
    recorder = Recorder()
    async with recorder.persist_in(tmp_path):
        await asyncio.sleep(0.02)
        assert not (tmp_path / FILE).exists()
        recorder.note("quorum_lost", virtual_server="web")
        await asyncio.sleep(0.1)
        assert b"quorum_lost" in (tmp_path / FILE).read_bytes()


GOOD = b'{"version":1,"last":2,"events":[{"number":2,"at":1.0,"name":"a","fields":{}}]}'


@pytest.mark.parametrize(
    "content",
    [
        GOOD[:-9],
        b"",
        b'{"boot": "x"}',
        GOOD.replace(b'"version":1', b'"version":2'),
        GOOD.replace(b'"last":2', b'"last":1'),
        GOOD.replace(b'"number":2', b'"number":0'),
        GOOD.replace(b'"at":1.0', b'"at":1e300'),
    ],
    ids=["torn", "empty", "foreign", "newer", "number beyond the last", "number 0", "no date"],
)
async def test_an_unusable_file_is_reported_and_set_aside(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    (tmp_path / FILE).write_bytes(content)
    recorder = Recorder()
    async with recorder.persist_in(tmp_path):
        assert recorder.event_log.after(0).events == ()
    assert (tmp_path / "events.unusable").read_bytes() == content
    logged = capsys.readouterr().out
    assert "events_unusable" in logged
    assert str(tmp_path / FILE) in logged


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_a_changed_file_is_restored_or_set_aside(at: int, instead: bytes) -> None:
    """Some bytes of a good file are replaced. All restored events can be shown."""
    with TemporaryDirectory() as directory:
        (path := Path(directory) / FILE).write_bytes(
            GOOD[:at] + instead + GOOD[at + len(instead) :]
        )
        recorder = Recorder()
        recorder._read(path)
        assert path.exists() or (path.parent / "events.unusable").exists()
        assert all(line(event) for event in recorder.event_log.after(0).events)


async def test_a_good_file_is_restored(tmp_path: Path) -> None:
    """The counterpart of the unusable files."""
    (tmp_path / FILE).write_bytes(GOOD)
    recorder = Recorder()
    async with recorder.persist_in(tmp_path):
        assert numbers(recorder.event_log, 0) == [2]


def test_an_event_is_one_line_in_utc_that_grep_finds() -> None:
    fields: dict[str, str | int | list[str] | None] = {
        "virtual_server": "web",
        "would_be_removed": ["192.0.2.1:80", "192.0.2.2:80"],
        "weight": None,
        "description": 'by ann: "now"\nplease',
        "count": 2,
    }
    assert line(Event(5, 86399.9, "failing_servers_held", {**fields}), ("virtual_server",)) == (
        "1970-01-01 23:59:59Z  failing_servers_held  would_be_removed=[192.0.2.1:80,192.0.2.2:80]"
        r' weight=null description="by ann: \"now\"\nplease" count=2'
    )


def test_every_event_is_documented() -> None:
    """The chapter lists no other events."""
    chapter = PAGE.read_text().split("\n## Events\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(EVENT_NAMES)


def test_every_event_has_a_log_line_with_its_name() -> None:
    """Otherwise a renamed log line would silently be no event any more."""
    tree = Path(__file__).parents[3]
    sources = [*(tree / "hadirector").rglob("*.py"), *(tree / "vrrp").rglob("*.py")]
    text = "".join(path.read_text() for path in sources if path.name != "event_log.py")
    assert {name for name in EVENT_NAMES if f'"{name}"' not in text} == {"weight_decided"}
