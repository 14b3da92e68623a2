"""Reads the summaries of a fleet from the store to which its directors write them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from hadirector.fleet.asking import Asked
from hadirector.fleet.inventory import FleetDirector
from hadirector.model.fleet import SummaryStore
from hadirector.sources.errors import RequestError
from hadirector.sources.summary_store import Summaries, open_store
from hadirector.status.summary import DirectorSummary, StoredSummary

CONCURRENT_MAX = 32
CLOCK_SECONDS_MAX = 5.0
"""How far the clock of a director may be ahead of ours. Beyond, an age would be wrong."""


def read_summaries(
    store: SummaryStore, directors: Sequence[FleetDirector]
) -> tuple[Asked[DirectorSummary], ...]:
    """Return the summary of each director, or why there is no current one."""
    return asyncio.run(_read_all(store, directors))


async def _read_all(
    store: SummaryStore, directors: Sequence[FleetDirector]
) -> tuple[Asked[DirectorSummary], ...]:
    slots = asyncio.Semaphore(CONCURRENT_MAX)
    summaries = open_store(store)

    async def read(name: str) -> Asked[DirectorSummary]:
        async with slots:
            return await _read(summaries, name)

    return tuple(await asyncio.gather(*(read(each.name) for each in directors)))


async def _read(summaries: Summaries, name: str) -> Asked[DirectorSummary]:
    try:
        text = await summaries.read(name)
    except RequestError as error:
        return Asked(name, None, f"the store does not answer: {error}")
    if text is None:
        return Asked(name, None, "the store has no summary of it")
    try:
        found = msgspec.json.decode(text, type=StoredSummary)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Asked(name, None, f"the store has no summary, but: {error}")
    return judge_age(name, found, time.time())  # noqa: TID251  # the writer has the same kind of time


def judge_age(name: str, found: StoredSummary, utc: float) -> Asked[DirectorSummary]:
    """Return the summary with its age, unless it is too old. ``utc`` is in seconds."""
    age = max(0.0, utc - found.at)
    if found.at - utc > CLOCK_SECONDS_MAX:
        ahead = f"{found.at - utc:.0f} s in the future"
        return Asked(name, None, f"its summary in the store is of {ahead}: a clock is wrong")
    if age > found.lifetime:
        return Asked(name, None, f"its summary in the store is {age:.0f} s old")
    return Asked(name, found.summary, "", age)
