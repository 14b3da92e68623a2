"""One answer for all clients that wait for it."""

from __future__ import annotations

import asyncio

import pytest

from hadirector.api.shared import ANSWERS_MAX, SharedAnswer, Turns


class Preparing:
    """Prepares numbered answers, each when the test lets it."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.proceed = asyncio.Semaphore(0)

    async def __call__(self) -> list[bytes]:
        self.begun += 1
        number = self.begun
        try:
            await self.proceed.acquire()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [b"%d" % number]


async def get(shared: SharedAnswer) -> bytes:
    async with shared.answer() as body:
        return b"".join(body)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_clients_that_ask_together_share_an_answer() -> None:
    preparing = Preparing()
    shared = SharedAnswer(preparing, Turns())
    clients = [asyncio.create_task(get(shared)) for _ in range(100)]
    preparing.proceed.release()
    assert set(await asyncio.gather(*clients)) == {b"1"}


async def test_a_client_never_gets_an_answer_that_was_begun_before_it_asked() -> None:
    preparing = Preparing()
    shared = SharedAnswer(preparing, Turns())
    first = asyncio.create_task(get(shared))
    await settle()
    later = [asyncio.create_task(get(shared)) for _ in range(100)]
    await settle()
    assert preparing.begun == 1
    preparing.proceed.release()
    preparing.proceed.release()
    assert await first == b"1"
    assert set(await asyncio.gather(*later)) == {b"2"}


async def test_an_answer_without_clients_is_cancelled() -> None:
    preparing = Preparing()
    shared = SharedAnswer(preparing, Turns())
    clients = [asyncio.create_task(get(shared)) for _ in range(2)]
    await settle()
    clients[0].cancel()
    await settle()
    assert preparing.cancelled == 0
    clients[1].cancel()
    await settle()
    assert preparing.cancelled == 1
    preparing.proceed.release()
    assert await get(shared) == b"2"


async def test_answers_that_clients_still_read_are_limited() -> None:
    preparing = Preparing()
    shared = SharedAnswer(preparing, Turns())
    leave = asyncio.Event()

    async def read_slowly() -> None:
        async with shared.answer():
            await leave.wait()

    readers = []
    for _ in range(ANSWERS_MAX + 2):
        readers.append(asyncio.create_task(read_slowly()))
        preparing.proceed.release()
        await settle()
    assert preparing.begun == ANSWERS_MAX
    leave.set()
    await asyncio.gather(*readers)
    assert preparing.begun == ANSWERS_MAX + 1


async def test_a_failure_reaches_every_client_and_takes_no_place() -> None:
    async def fail() -> list[bytes]:
        raise ZeroDivisionError

    shared = SharedAnswer(fail, Turns())
    for _ in range(ANSWERS_MAX + 1):
        clients = [asyncio.create_task(get(shared)) for _ in range(3)]
        results = await asyncio.gather(*clients, return_exceptions=True)
        assert {type(result) for result in results} == {ZeroDivisionError}
    with pytest.raises(ZeroDivisionError):
        await get(shared)
