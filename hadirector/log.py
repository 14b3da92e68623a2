"""Log lines: for people on a terminal, JSON otherwise. Writing one never blocks the event loop."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TextIO


@contextlib.contextmanager
def _absent(module: str) -> Iterator[None]:
    """Let imports of a module fail inside the context, unless it has been imported before."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # the import system allows it
    try:
        yield
    finally:
        del sys.modules[module]


# structlog imports rich if it is there, which takes 45 ms and 7 MB. It colors tracebacks only.
with _absent("rich"):
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


class LibraryHandler(logging.Handler):
    """Turns what libraries log into lines like ours, written without blocking like ours.

    What aiohttp makes of a malformed request is no fault of ours and gets no traceback.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record as ``library_message``."""
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
    """Set the logs of this process up, its libraries' included; ``also`` gets each of our lines."""
    # Without stderr, /dev/null takes its number, so that nothing else is opened in its place.
    target = stream or sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as we live
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
        logger_factory=structlog.WriteLoggerFactory(file=writer),  # type: ignore[arg-type] # TextIO is more than it uses
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.INFO, force=True)
    return writer
