"""Something that runs until it is cancelled, running as long as a test needs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol


class Runs(Protocol):
    """A checker, a keeper of the table."""

    async def run(self) -> None:
        """Run until cancelled."""


@contextlib.asynccontextmanager
async def running(each: Runs) -> AsyncIterator[None]:
    """Run it, and end it however the test ends."""
    task = asyncio.create_task(each.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
