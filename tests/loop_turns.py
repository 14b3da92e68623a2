"""Counts how often work lets the other tasks of the event loop run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest.mock import patch

from hadirector.dataplane import slices

Result = TypeVar("Result")


async def count_pauses(work: Coroutine[Any, Any, Result]) -> tuple[Result, int]:
    """Do the work with slices that end at once; return its result and the number of its pauses.

    The number shows between how many items the work can pause, whatever the speed of the host.
    """
    pauses = 0
    sleep = asyncio.sleep

    async def count(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        await sleep(0)

    with patch.object(slices, "SLICE_SECONDS", 0.0), patch.object(asyncio, "sleep", count):
        result = await work
    return result, pauses
