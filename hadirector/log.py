"""Writes log lines: as text to a terminal, as JSON elsewhere. It never blocks the event loop."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

from hadirector.runtime import signals
from hadirector.runtime.imports import absent

# structlog imports rich if it is there, which takes 45 ms and 7 MB. It colors tracebacks only.
with absent("rich"):
    import structlog

LINES_MAX = 10_000


class LogWriter:
    """Writes lines in a thread, so that a stream that blocks does not block the caller.

    At most 10,000 lines wait. Further lines are dropped, and the next line reports their number.
    """

    # logging.handlers.QueueHandler and QueueListener cannot replace this class (Python 3.11). If
    # the queue is full, QueueHandler writes a traceback to stderr in the thread of the caller,
    # which blocks if stderr is the stream that blocks. QueueListener.stop raises queue.Full on a
    # full queue, and waits for the stream without a limit. Both count nothing. With these methods
    # replaced, little of them would be left, and a line would cost 16 us instead of 1.5 us.

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(maxsize=LINES_MAX)
        self._dropped = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, text: str) -> None:
        """Put a line into the queue."""
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
        """Do nothing, because the thread flushes after every line."""

    def drain(self, seconds: float) -> None:
        """Wait until all lines are written, at most this many seconds."""
        drained = threading.Thread(target=self._lines.join, daemon=True)
        drained.start()
        drained.join(seconds)

    def _write_all(self) -> None:
        signals.block()
        while True:
            text = self._lines.get()
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._dropped += 1
            finally:
                self._lines.task_done()


class LibraryHandler(logging.Handler):
    """Converts the records of libraries to log lines of the event ``library_message``.

    An error of aiohttp about a malformed request is a fault of the client. It gets no traceback.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, object] = {"library": record.name, "message": record.getMessage()}
        level = record.levelno
        if type(error).__module__.startswith("aiohttp."):
            level = logging.INFO
            fields["error"] = repr(error)
        elif error is not None:
            fields["exc_info"] = error
        structlog.get_logger().log(level, "library_message", **fields)


def configure(
    stream: TextIO | None = None, also: Sequence[structlog.typing.Processor] = ()
) -> LogWriter:
    """Configure the logs of this process and its libraries; ``also`` processes every line."""
    # Without stderr, open /dev/null, so that no other file gets the number of stderr.
    target = stream or sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
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
            *also,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=writer),  # type: ignore[arg-type] # it needs only write and flush
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.INFO, force=True)
    return writer
