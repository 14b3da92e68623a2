"""Runs an object's ``run`` method during a block of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol


class Runs(Protocol):
    """An object that runs until it is cancelled: a checker, a reconciler."""

    async def run(self) -> None:
        """Run until cancelled."""


@contextlib.asynccontextmanager
async def running(each: Runs) -> AsyncIterator[None]:
    """Run the object during the block; cancel it at the end, also after a failure."""
    task = asyncio.create_task(each.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
