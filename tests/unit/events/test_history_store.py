"""The history is on the disk once a flush has returned."""

from __future__ import annotations

import json
from pathlib import Path

from hadirector.events.history import History
from hadirector.events.history_store import HistoryStore


async def test_a_flush_writes_a_new_entry_at_once(tmp_path: Path) -> None:
    history = History()
    store = HistoryStore(history)
    async with store.persist_in(tmp_path):
        assert history.note(7.0, "drill_ended", {"drill": 3})
        store.note_change()
        await store.flush()
        written = json.loads((tmp_path / "history.json").read_text())
        assert [(each["event"], each["fields"]["drill"]) for each in written["entries"]] == [
            ("drill_ended", 3)
        ]


async def test_without_a_directory_a_flush_does_nothing() -> None:
    store = HistoryStore(History())
    store.note_change()
    await store.flush()
