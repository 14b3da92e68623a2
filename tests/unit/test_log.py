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
