"""A checker that runs as long as a test needs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from checks.checker import Checker


@contextlib.asynccontextmanager
async def running(checker: Checker) -> AsyncIterator[None]:
    """Run it, and end it however the test ends."""
    task = asyncio.create_task(checker.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
