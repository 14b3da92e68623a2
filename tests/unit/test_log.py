"""Log lines have one form, and a stream that blocks does not block the caller."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from aiohttp.http_exceptions import BadHttpMessage

from hadirector import log
from hadirector.runtime.journal import Journal as JournalSocket


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream of the lines. The logging configuration is restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = io.StringIO()
    yield made
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO, writer: log.LogWriter) -> list[dict[str, object]]:
    writer.drain(5.0)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log_as_aiohttp(error: Exception) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)


def test_outside_a_terminal_a_line_is_json(stream: io.StringIO) -> None:
    writer = log.configure(stream)
    structlog.get_logger().info("verdict_changed", port=80)
    [line] = lines(stream, writer)
    assert line["event"] == "verdict_changed"
    assert line["level"] == "info"
    assert line["port"] == 80


def test_a_record_of_a_library_becomes_a_log_line(stream: io.StringIO) -> None:
    writer = log.configure(stream)
    log_as_aiohttp(ZeroDivisionError("a programming error"))
    [line] = lines(stream, writer)
    assert line["event"] == "library_message"
    assert line["library"] == "aiohttp.server"
    assert line["level"] == "error"
    assert "a programming error" in str(line["exception"])


def test_a_malformed_request_gets_no_traceback(stream: io.StringIO) -> None:
    writer = log.configure(stream)
    log_as_aiohttp(BadHttpMessage("random bytes"))
    [line] = lines(stream, writer)
    assert line["level"] == "info"
    assert "exception" not in line
    assert "random bytes" in str(line["error"])


def test_a_flood_of_messages_of_libraries_is_counted(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(log, "monotonic", lambda: now[0])
    writer = log.configure(stream)
    for _ in range(1000):
        log_as_aiohttp(BadHttpMessage("random bytes"))
    now[0] += log.MESSAGES_SECONDS
    log_as_aiohttp(BadHttpMessage("random bytes"))
    logged = lines(stream, writer)
    assert len(logged) == log.MESSAGES_MAX + 1
    assert logged[-1]["suppressed_before"] == 980


def test_a_stream_that_blocks_delays_no_caller_and_later_reports_the_dropped_lines() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        writer = log.LogWriter(stream)
        line = "x" * 99 + "\n"
        for _ in range(log.LINES_MAX + 5000):
            writer.write(line)
        with os.fdopen(reading, "rb") as reader:
            # The lines that fit into the queue arrive; the others are counted.
            text = reader.read(100 * log.LINES_MAX)
            writer.write("the end\n")
            while not text.endswith(b"the end\n"):
                text += reader.read1()
    arrived = text.splitlines()[:-1]
    counted = [json.loads(line) for line in arrived if line.startswith(b"{")]
    assert {fields["event"] for fields in counted} == {"log_lines_dropped"}
    dropped = sum(fields["count"] for fields in counted)
    assert dropped >= 4000
    assert len(arrived) - len(counted) + dropped == log.LINES_MAX + 5000


class RefusingJournal(JournalSocket):
    """A journal that refuses the second line that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[bytes] = []
        self._lines = 0

    def send(self, datagram: bytes) -> bool:
        self._lines += 1
        if self._lines == 2:
            return False
        self.taken.append(datagram)
        return True


class FailingStream(io.StringIO):
    """A stream that fails at every write of a line with an "x"."""

    def write(self, text: str) -> int:
        if "x" in text:
            raise OSError
        return super().write(text)


def test_lines_after_a_line_that_the_journal_refuses_keep_their_order() -> None:
    stream, receiver = io.StringIO(), RefusingJournal()
    writer = log.LogWriter(stream, receiver)
    lost = writer._write_together([(f"{each}\n", b"%d" % each) for each in range(4)])
    assert (receiver.taken, stream.getvalue(), lost) == ([b"0"], "1\n2\n3\n", 0)


def test_only_the_lines_that_a_stream_loses_are_counted() -> None:
    stream = FailingStream()
    writer = log.LogWriter(stream, RefusingJournal())
    others = [("a" * 4090 + "\n", b""), ("x" * 4090 + "\n", b""), ("b" * 4090 + "\n", b"")]
    assert writer._write_together([("0\n", b"0"), *others]) == 1
    assert stream.getvalue() == "a" * 4090 + "\n" + "b" * 4090 + "\n"


def test_lines_are_written_in_pieces_that_a_pipe_takes_as_a_whole() -> None:
    """PIPE_BUF is 4096 bytes (pipe(7)). The lines of other processes come between two pieces."""
    lines = ["a" * 4000, "b" * 96, "c", "é" * 2047, "d", "e" * 5000, "f"]
    assert [len(each) for each in log.pieces(lines)] == [2, 3, 1, 1]


class Journal(io.StringIO):
    """A stream that systemd has connected to its journal."""

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_RDONLY)


def rendered(
    stream: io.StringIO, form: log.LogFormat | None, environment: dict[str, str], **fields: object
) -> str:
    renderer = log.Renderer(stream, environment)
    renderer.choose(form)
    line = {"event": "verdict_changed", "level": "warning", **fields, "timestamp": "2026Z"}
    [text], _ = renderer(None, "warning", line)
    return text


@pytest.fixture
def journal() -> dict[str, str]:
    """The variable that systemd sets for a stream that is /dev/null here."""
    status = os.stat(os.devnull)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, "<4>verdict_changed port=80"),
        ("text", "<4>verdict_changed port=80"),
        (
            "json",
            '<4>{"event": "verdict_changed", "level": "warning", "port": 80, "timestamp": "2026Z"}',
        ),
    ],
)
def test_lines_for_the_journal_begin_with_their_priority(
    form: log.LogFormat | None, expected: str, journal: dict[str, str]
) -> None:
    assert rendered(Journal(), form, journal, port=80) == expected


def test_text_elsewhere_has_the_time_and_the_level() -> None:
    assert rendered(io.StringIO(), "text", {}, port=80) == "2026Z [warning] verdict_changed port=80"
    assert rendered(io.StringIO(), None, {}, port=80).startswith('{"event"')


def test_a_text_from_outside_forges_no_line(journal: dict[str, str]) -> None:
    """Line breaks, escape sequences, and characters that change the direction of the text."""
    line = rendered(
        Journal(), "text", journal, detail='a "b"\n<0>forged \x1b[2J\u202e', list=["c d"]
    )
    assert line == (
        '<4>verdict_changed detail="a \\"b\\"\\n<0>forged \\u001b[2J\\u202e" list=["c d"]'
    )


def test_each_line_of_a_traceback_has_the_priority(journal: dict[str, str]) -> None:
    line = rendered(Journal(), "text", journal, exception="Traceback:\n  file\nError: \x1b")
    assert line.splitlines() == [
        "<4>verdict_changed",
        "<4>  Traceback:",
        "<4>    file",
        '<4>  "Error: \\u001b"',
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "colored"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)],
)
def test_a_terminal_has_colors_unless_it_must_not(
    environment: dict[str, str], colored: bool
) -> None:
    level = "\033[33mwarning\033[0m" if colored else "warning"
    assert rendered(Terminal(), None, environment) == f"2026Z [{level}] verdict_changed"


def test_the_format_can_change_while_the_log_is_in_use(stream: io.StringIO) -> None:
    writer = log.configure(stream)
    log.choose_format("text")
    structlog.get_logger().info("quorum_reached")
    writer.drain(5.0)
    assert stream.getvalue().endswith(" [info] quorum_reached\n")


def test_lines_that_come_together_are_written_together_in_their_order() -> None:
    class Counting(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            return super().write(text)

    stream = Counting()
    writer = log.LogWriter(stream)
    for number in range(60):
        writer.write(f"{number}\n")
    writer.drain(seconds=5.0)
    assert stream.getvalue() == "".join(f"{number}\n" for number in range(60))
    assert stream.writes < 10
