"""Writes log lines, as text or as JSON. It never blocks the event loop.

The journal of systemd gets lines with fields (`runtime.journal`). If it does not take a line,
the line goes to stderr and begins with its priority (sd-daemon(3)).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from time import monotonic
from typing import Any, Final, Literal, TextIO

from hadirector.runtime import journal, signals
from hadirector.runtime.imports import absent
from hadirector.runtime.journal import Journal

# structlog imports rich if it is there, which takes 45 ms and 7 MB. It colors tracebacks only.
with absent("rich"):
    import structlog

LINES_MAX = 10_000
GATHER_SECONDS: Final = 0.005
"""Lines of this time are written together. A thread that writes each line at once interrupts the
event loop two to four times for it."""
TOGETHER_MAX: Final = 100
PIECE_BYTES_MAX: Final = 4096
"""The bytes that one write gives to a pipe as a whole (PIPE_BUF, pipe(7)).

The child processes write to the same pipe. Their lines come between two pieces.
"""
MESSAGES_MAX = 20
MESSAGES_SECONDS = 10.0
"""At most ``MESSAGES_MAX`` messages of libraries are logged in this time."""

LogFormat = Literal["text", "json"]
Line = tuple[str, bytes | None]
"""The text of a line for the stream, and its datagram for the journal if the stream is one."""

PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""The priorities of syslog(3), by level."""
COLORS: Final = {"critical": "31", "error": "31", "warning": "33"}
"""The color of a level on a terminal (console_codes(4))."""


class LogWriter:
    """Writes log lines in a thread, so that a stream that blocks does not block the caller.

    At most 10,000 lines wait. Further lines are dropped, and the next line reports their
    number.
    """

    # logging.handlers.QueueHandler and QueueListener cannot replace this class (Python 3.11). If
    # the queue is full, QueueHandler writes a traceback to stderr in the thread of the caller,
    # which blocks if stderr is the stream that blocks. QueueListener.stop raises queue.Full on a
    # full queue, and waits for the stream without a limit. Both count nothing. With these methods
    # replaced, little of them would be left, and a line would cost 16 us instead of 1.5 us.

    def __init__(self, stream: TextIO, journal: Journal | None = None) -> None:
        self._stream = stream
        self._journal = journal or Journal()
        self._lines: queue.Queue[Line] = queue.Queue(maxsize=LINES_MAX)
        self._dropped = 0
        self.renderer = Renderer(stream)
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, text: str, datagram: bytes | None = None) -> None:
        """Put a log line into the queue of the thread, with its form for the journal."""
        try:
            if self._dropped:
                self._lines.put_nowait(self._count(self._dropped))
                self._dropped = 0
            self._lines.put_nowait((text, datagram))
        except queue.Full:
            self._dropped += 1

    def drain(self, seconds: float) -> None:
        """Wait until all lines are written, but at most this number of seconds."""
        drained = threading.Thread(target=self._lines.join, daemon=True)
        drained.start()
        drained.join(seconds)

    def _count(self, dropped: int) -> Line:
        line = {"event": "log_lines_dropped", "level": "warning", "count": dropped}
        [text], options = self.renderer(None, "warning", line)
        return f"{text}\n", options["datagram"]

    def _write_all(self) -> None:
        signals.block()
        while True:
            lines = [self._lines.get()]
            time.sleep(GATHER_SECONDS)
            with contextlib.suppress(queue.Empty):
                while len(lines) < TOGETHER_MAX:
                    lines.append(self._lines.get_nowait())
            if lost := self._write_together(lines):
                self._dropped += lost
            for _ in lines:
                self._lines.task_done()

    def _write_together(self, lines: Sequence[Line]) -> int:
        """Write lines in their order; return how many are lost.

        After a line that the journal refuses, the others go to the stream as well: there they
        would otherwise arrive before it.
        """
        sent = sum(1 for _ in itertools.takewhile(self._send_to_journal, lines))
        lost = 0
        for piece in pieces([text for text, _ in lines[sent:]]):
            try:
                self._stream.write("".join(piece))
                self._stream.flush()
            except (OSError, ValueError):
                lost += len(piece)
        return lost

    def _send_to_journal(self, line: Line) -> bool:
        _, datagram = line
        return datagram is not None and self._journal.send(datagram)


def pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts in groups of at most ``PIECE_BYTES_MAX``; a longer text has its own group."""
    piece: list[str] = []
    size = 0
    for text in texts:
        added = len(text.encode("utf-8", "backslashreplace"))
        if piece and size + added > PIECE_BYTES_MAX:
            yield piece
            piece, size = [], 0
        piece.append(text)
        size += added
    if piece:
        yield piece


class Renderer:
    """Renders a log line as text or as JSON, and also with fields for the journal of systemd.

    Without a chosen format, a terminal and the journal get text, and everything else gets JSON.
    """

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._terminal = stream.isatty()
        self._journal = not self._terminal and is_journal(stream, environment)
        dumb = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        self._colors = self._terminal and not dumb
        self._json = structlog.processors.JSONRenderer(sort_keys=False)
        self.choose(None)

    def choose(self, form: LogFormat | None) -> None:
        """Use this format for all lines from now on. None selects the format by the stream."""
        self._text = form == "text" or (form is None and (self._terminal or self._journal))

    def __call__(
        self, logger: object, method: str, line: MutableMapping[str, Any]
    ) -> tuple[tuple[str], dict[str, bytes | None]]:
        """Return the arguments of the logger: the rendered line, and its datagram."""
        level = str(line.get("level", method))
        priority = PRIORITIES.get(level, PRIORITIES["info"])
        fields = {key: value for key, value in line.items() if key not in ("timestamp", "level")}
        text = "\n".join(self._lines(line)) if self._text else str(self._json(logger, method, line))
        if not self._journal:
            return (text,), {"datagram": None}
        values = {
            key: value if isinstance(value, str) else text_value(value)
            for key, value in fields.items()
        }
        entry = journal.fields(text, priority, values.get("event", ""), values)
        prefix = f"<{priority}>"
        lines = "\n".join(prefix + part for part in text.split("\n"))
        return (lines,), {"datagram": journal.encode(entry)}

    def _lines(self, line: MutableMapping[str, Any]) -> Iterator[str]:
        fields = dict(line)
        at, level = fields.pop("timestamp", None), str(fields.pop("level", "info"))
        event, exception = fields.pop("event", ""), fields.pop("exception", None)
        color = COLORS.get(level)
        shown = f"\033[{color}m{level}\033[0m" if self._colors and color else level
        # The journal has the time and the level of each line.
        words = [] if self._journal else [str(at or ""), f"[{shown}]"]
        words += [str(event), *(f"{key}={text_value(value)}" for key, value in fields.items())]
        yield " ".join(word for word in words if word)
        for part in str(exception).splitlines() if exception is not None else ():
            yield f"  {part if part.isprintable() else json.dumps(part)}"


class LineLogger:
    """Writes rendered lines; structlog calls the method of the level."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def msg(self, text: str, *, datagram: bytes | None) -> None:
        """Write a line."""
        self._writer.write(f"{text}\n", datagram)

    debug = info = warning = error = critical = exception = log = msg


def text_value(value: object) -> str:
    """Return a value as text without a line break and without control characters.

    A text with a space, a quotation mark, an equals sign or an unprintable character is quoted.
    """
    if isinstance(value, list | tuple):
        return f"[{','.join(map(text_value, value))}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    if text and text.isprintable() and not any(character in text for character in ' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether systemd has connected the stream to its journal.

    JOURNAL_STREAM has the device and inode of that stream (systemd.exec(5)).
    """
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # a closed stream, or a stream without a descriptor
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def choose_format(form: LogFormat | None) -> None:
    """Use this format for all lines of this process from now on. None selects it by the stream."""
    for processor in structlog.get_config()["processors"]:
        if isinstance(processor, Renderer):
            processor.choose(form)


class LibraryHandler(logging.Handler):
    """Converts log records of libraries to log lines with the event ``library_message``.

    An error of aiohttp about a malformed request is a fault of the client, so it is logged
    without a traceback. At most twenty messages are logged in ten seconds. The others are
    counted, and the next message that is logged reports their number.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began = -math.inf
        self._logged = 0
        self._suppressed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record, unless there were too many."""
        now = monotonic()
        if now - self._began >= MESSAGES_SECONDS:
            self._began, self._logged = now, 0
        self._logged += 1
        if self._logged > MESSAGES_MAX:
            self._suppressed += 1
            return
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, object] = {"library": record.name, "message": record.getMessage()}
        level = record.levelno
        if type(error).__module__.startswith("aiohttp."):
            level = logging.INFO
            fields["error"] = repr(error)
        elif error is not None:
            fields["exc_info"] = error
        if self._suppressed:
            fields["suppressed_before"] = self._suppressed
            self._suppressed = 0
        structlog.get_logger().log(level, "library_message", **fields)


def configure(
    stream: TextIO | None = None, also: Sequence[structlog.typing.Processor] = ()
) -> LogWriter:
    """Configure the logging of this process and its libraries; ``also`` processes every line."""
    # Without stderr, open /dev/null, so that no other file gets the number of stderr.
    target = stream or sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    writer = LogWriter(target)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *also,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            writer.renderer,
        ],
        logger_factory=lambda *_: LineLogger(writer),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.INFO, force=True)
    return writer
