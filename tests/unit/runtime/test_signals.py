"""A signal is handled, remembered for later, or left pending for the next program."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest

from hadirector.runtime import signals
from hadirector.runtime.signals import SignalHandlers


@pytest.fixture(autouse=True)
def unblocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def test_a_signal_that_came_while_blocked_is_handled_when_the_loop_runs() -> None:
    calls: list[str] = []
    signals.block()
    signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
    handlers = SignalHandlers()
    handlers.assign(stop=lambda: calls.append("stop"), reload=lambda: calls.append("reload"))
    handlers.install()
    await asyncio.sleep(0.01)
    assert calls == ["reload"]


async def test_a_signal_without_a_callback_is_remembered_once() -> None:
    calls: list[str] = []
    handlers = SignalHandlers()
    handlers.assign(stop=lambda: calls.append("stop"), reload=None)
    handlers.install()
    for _ in range(3):
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
        await asyncio.sleep(0.01)
    assert calls == []
    handlers.assign(stop=lambda: calls.append("stop"), reload=lambda: calls.append("reload"))
    assert calls == ["reload"]


async def test_remembered_signals_are_pending_after_a_hand_on() -> None:
    handlers = SignalHandlers()
    handlers.assign(stop=None, reload=None)
    handlers.install()
    handlers.postpone(signal.SIGTERM)
    await handlers.hand_on()
    assert signal.sigpending() & signals.HANDLED == {signal.SIGTERM}
    calls: list[str] = []
    following = SignalHandlers()
    following.assign(stop=lambda: calls.append("stop"), reload=None)
    following.install()
    await asyncio.sleep(0.01)
    assert calls == ["stop"]
