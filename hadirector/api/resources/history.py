"""The history of a director: failovers, handovers, configurations and pauses."""

from __future__ import annotations

from typing import Annotated

import msgspec

from hadirector.api.route import Call, Nothing, Reply
from hadirector.events.history import ENTRIES_MAX, HistoryEntry, Kind


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the history: one kind, and the maximum number of the latest entries."""

    kind: Kind | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=ENTRIES_MAX * len(Kind))] = ENTRIES_MAX


class HistoryList(msgspec.Struct, frozen=True):
    """Entries of the history, the oldest first."""

    entries: tuple[HistoryEntry, ...]


async def read_history(call: Call[HistoryQuery, Nothing]) -> Reply[HistoryList]:
    """Answer with the latest entries of the history."""
    query = call.query
    entries = call.context.director.recorder.history.entries
    chosen = [entry for entry in entries if query.kind is None or entry.kind is query.kind]
    return Reply(HistoryList(tuple(chosen[-query.limit :])))
