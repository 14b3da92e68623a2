"""The signals that a director handles: SIGTERM and SIGINT stop it, SIGHUP reloads its file.

The default action of these signals ends a process. Therefore the director blocks them
(sigprocmask(2)) whenever no event loop can handle them: from its first instruction until the loop
runs, and from the end of the loop until the process has exited. A blocked signal stays pending. The
mask and the pending signals survive exec(2), so a signal that arrives during a restart reaches the
new program. Every thread has a mask of its own. Therefore each thread of the director blocks the
signals for its whole life, and only the main thread handles them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Final

HANDLED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
WAKE_UPS: Final = 3
"""The number of passes of the event loop that handle every signal from before `block`."""

Callback = Callable[[], object]


def block() -> None:
    """Block the handled signals in the calling thread, so that they stay pending."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def unblock() -> None:
    """Unblock the handled signals. Pending signals are delivered at once."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


class SignalHandlers:
    """Calls ``stop`` or ``reload`` for a signal. Without a callback, the signal is remembered."""

    def __init__(self) -> None:
        self._callbacks: dict[signal.Signals, Callback | None] = {}
        self._remembered: list[signal.Signals] = []

    def install(self) -> None:
        """Handle the signals in the running event loop. Pending signals are handled at once."""
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(initializer=block))
        for number in HANDLED:
            loop.add_signal_handler(number, self._handle, number)
        unblock()

    def assign(self, *, stop: Callback | None, reload: Callback | None) -> None:
        """Set the callbacks, and call them for remembered signals.

        None means to remember the signal.
        """
        self._callbacks = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
        remembered, self._remembered = self._remembered, []
        for number in remembered:
            self._handle(number)

    def postpone(self, number: signal.Signals) -> None:
        """Keep this signal and all later signals for the program that exec(2) starts next."""
        self._callbacks = {}
        self._handle(number)

    async def hand_on(self) -> None:
        """Block the signals, and make the remembered signals pending for the next program."""
        import asyncio

        self._callbacks = {}
        block()
        # A signal that came before the block may still wait in the wake-up socket of the loop.
        for _ in range(WAKE_UPS):
            await asyncio.sleep(0)
        for number in self._remembered:
            signal.pthread_kill(threading.get_ident(), number)

    def _handle(self, number: signal.Signals) -> None:
        callback = self._callbacks.get(number)
        if callback is not None:
            callback()
        elif number not in self._remembered:
            self._remembered.append(number)
