"""Log lines: for people on a terminal, JSON otherwise. Writing one never blocks the event loop."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TextIO

import structlog

LINES_MAX = 10_000


class LogWriter:
    """Writes lines from a thread of its own, so that a reader who stops delays nobody.

    When 10,000 lines wait, further ones are dropped; the next line that fits says how many.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(maxsize=LINES_MAX)
        self._dropped = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, text: str) -> None:
        """Queue one piece of text."""
        try:
            if self._dropped:
                self._lines.put_nowait(
                    f'{{"event": "log_lines_dropped", "count": {self._dropped}}}\n'
                )
                self._dropped = 0
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Do nothing: the thread flushes after every line."""

    def drain(self, seconds: float) -> None:
        """Give waiting lines a chance to be written before the process ends."""
        drained = threading.Thread(target=self._lines.join, daemon=True)
        drained.start()
        drained.join(seconds)

    def _write_all(self) -> None:
        while True:
            text = self._lines.get()
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._dropped += 1
            finally:
                self._lines.task_done()


def configure(stream: TextIO | None = None) -> LogWriter:
    """Set structlog up for this process."""
    target = stream or sys.stderr
    writer = LogWriter(target)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(sort_keys=False)
        if target.isatty()
        else structlog.processors.JSONRenderer(sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=writer),  # type: ignore[arg-type] # TextIO is more than it uses
        cache_logger_on_first_use=False,
    )
    return writer
