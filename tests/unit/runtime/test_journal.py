"""Log lines with fields arrive at a real datagram socket, as the journal of systemd has one."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hadirector import log
from hadirector.runtime import journal
from hadirector.runtime.journal import Journal


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The logging configuration is restored after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "socket")


@pytest.fixture
def receiver(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(path)
        made.settimeout(5.0)
        yield made


class StandardError(io.StringIO):
    """A stream that systemd has connected to its journal."""

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_RDONLY)


def make_writer(path: str, monkeypatch: pytest.MonkeyPatch) -> tuple[log.LogWriter, StandardError]:
    status = os.stat(os.devnull)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    monkeypatch.setattr(journal, "PATH", path)
    stream = StandardError()
    return log.configure(stream), stream


def test_a_line_has_fields(
    receiver: socket.socket, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, stream = make_writer(path, monkeypatch)
    structlog.get_logger().warning(
        "verdict_changed", virtual_server="web", real_server="192.0.2.1:80", passes=False
    )
    assert receiver.recv(65536).splitlines() == [
        b"MESSAGE=verdict_changed virtual_server=web real_server=192.0.2.1:80 passes=false",
        b"PRIORITY=4",
        b"SYSLOG_IDENTIFIER=hadirector",
        b"MESSAGE_ID=c0539f4e5eec5e7686f79067a7b02bb2",
        b"HADIRECTOR_EVENT=verdict_changed",
        b"HADIRECTOR_OBJECT=web/192.0.2.1:80",
        b"HADIRECTOR_VIRTUAL_SERVER=web",
        b"HADIRECTOR_REAL_SERVER=192.0.2.1:80",
        b"HADIRECTOR_PASSES=false",
    ]
    writer.drain(5.0)
    assert stream.getvalue() == ""


def test_without_a_journal_the_line_goes_to_stderr(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, stream = make_writer(path, monkeypatch)
    structlog.get_logger().warning("quorum_lost", virtual_server="web")
    writer.drain(5.0)
    assert stream.getvalue() == "<4>quorum_lost virtual_server=web\n"


def test_a_full_journal_does_not_block(
    receiver: socket.socket, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue of a datagram socket has net.unix.max_dgram_qlen entries, 10 to 512."""
    writer, stream = make_writer(path, monkeypatch)
    for number in range(2000):
        structlog.get_logger().info("quorum_lost", number=number)
    writer.drain(20.0)
    assert "<6>quorum_lost number=1999\n" in stream.getvalue()
    assert b"HADIRECTOR_NUMBER=0\n" in receiver.recv(65536)


def test_a_restarted_journal_gets_the_next_line(path: str) -> None:
    with contextlib.closing(Journal(path)) as sender:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first:
            first.bind(path)
            assert sender.send(b"A=1\n")
        os.unlink(path)
        assert not sender.send(b"A=2\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
            second.bind(path)
            assert sender.send(b"A=3\n")
            assert second.recv(100) == b"A=3\n"


def test_a_text_from_outside_forges_no_field() -> None:
    datagram = journal.encode(iter([("MESSAGE", "a\nPRIORITY=0"), ("PRIORITY", "6")]))
    assert datagram == b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nPRIORITY=6\n"


def test_a_large_line_is_limited() -> None:
    values = {f"key{number}": "x" * 10_000 for number in range(20)}
    datagram = journal.encode(journal.fields("m" * 10_000, 6, "event", values))
    assert datagram.startswith(b"MESSAGE=" + b"m" * 8192 + b"\nPRIORITY=6\n")
    assert 57_000 < len(datagram) <= 65_536


@pytest.mark.parametrize(
    ("values", "concerned"),
    [
        ({"virtual_server": "web", "real_server": "192.0.2.1:80"}, "web/192.0.2.1:80"),
        ({"virtual_server": "web"}, "web"),
        ({"instance": "public"}, "public"),
        ({"process": "vrrp"}, ""),
    ],
)
def test_the_object_is_named_as_in_commands(values: dict[str, str], concerned: str) -> None:
    assert journal.concerned_object(values) == concerned
