"""A document of overrides reaches four directors, outlasts its source, and ends by its times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from hadirector.api.client import request
from hadirector.sources.status import DocumentStatus, SourceStatus
from hadirector.status.report import RealServerStatus
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
sources: [{{name: orders, format: overrides, timeout: 500ms, {source}}}]
virtual_servers:
  - {{name: web, address: "127.0.10.100:8080", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{address: "127.0.10.101:80"}}, {{address: "127.0.10.102:80"}}]}}
"""
ONE, TWO = "web/127.0.10.101:80", "web/127.0.10.102:80"
NAMES = ("lb1", "lb2", "lb3", "lb4")


class Fleet:
    """The directors lb1 to lb4, and the source of their overrides."""

    def __init__(self, directory: Path, source: str) -> None:
        self.directors = [
            RunningDirector(
                directory / name,
                CONFIGURATION.format(name=name, directory=directory / name, source=source),
            )
            for name in NAMES
        ]

    def members(self, address: str) -> list[RealServerStatus]:
        return [
            next(
                each
                for each in director.status().virtual_servers[0].real_servers
                if each.address == address
            )
            for director in self.directors
        ]

    def overrides_of(self, name: str) -> list[str | None]:
        address = name.partition("/")[2]
        return [each.override and each.override.value for each in self.members(address)]

    def sources(self) -> list[SourceStatus]:
        return [director.status().sources[0] for director in self.directors]

    def documents(self) -> list[DocumentStatus | None]:
        return [source.document for source in self.sources()]

    def end(self) -> None:
        for director in self.directors:
            director.end()


def document(revision: int, **overrides: dict[str, object]) -> bytes:
    named = {"one": ONE, "two": TWO}
    entries = [
        {"real_server": named[name], "author": "joe", "reason": "disk", **fields}
        for name, fields in overrides.items()
    ]
    return json.dumps({"revision": revision, "overrides": entries}).encode()


class FileSource:
    """The document in a file."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "orders.json"
        self.source = f"type: file, path: {self.file}, poll: 1s"

    def put(self, text: bytes) -> None:
        unfinished = self.file.with_suffix(".new")
        unfinished.write_bytes(text)
        unfinished.rename(self.file)

    def stop(self) -> None:
        self.file.unlink()


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def file_source(tmp_path: Path) -> FileSource:
    found = FileSource(tmp_path)
    found.put(document(1))
    return found


@pytest.fixture
def fleet(tmp_path: Path, file_source: FileSource) -> Iterator[Fleet]:
    running = Fleet(tmp_path, file_source.source)
    try:
        for director in running.directors:
            eventually(director.answers, 20.0, "a director")
        eventually(lambda: [d and d.revision for d in running.documents()], 10.0, expected=[1] * 4)
        yield running
    finally:
        running.end()


def test_a_document_of_a_file(fleet: Fleet, file_source: FileSource) -> None:
    began = monotonic()
    file_source.put(
        document(2, one={"action": "drain"}, two={"action": "disable", "expires_at": in_seconds(8)})
    )
    at = eventually(lambda: fleet.overrides_of(ONE), 10.0, expected=["drain"] * 4)
    assert at - began < 0.5
    assert fleet.overrides_of(TWO) == ["disable"] * 4

    # An override of an operator on one director takes precedence there, and its end gives way.
    socket = str(fleet.directors[0].directory / "run" / "api.sock")
    place = "/v1/virtual-servers/web/real-servers/127.0.10.101%3A80/override"
    request(socket, "PUT", place, {"action": "weight", "weight": 5})
    assert fleet.overrides_of(ONE) == ["weight", "drain", "drain", "drain"]
    request(socket, "DELETE", f"{place}?action=weight")
    assert fleet.overrides_of(ONE) == ["drain"] * 4
    request(socket, "DELETE", f"{place}?action=drain")
    assert fleet.overrides_of(ONE) == [None, "drain", "drain", "drain"]

    # An older document, a wrong document, and no document change nothing.
    file_source.put(document(1))
    reason = "its revision 1 is older than the accepted one, 2"
    eventually(lambda: [d and d.refusal for d in fleet.documents()], 5.0, expected=[reason] * 4)
    file_source.put(b"<html>")
    eventually(lambda: all("JSON is malformed" in s.failure for s in fleet.sources()), 10.0)
    file_source.stop()
    fleet.directors[3].kill_itself()
    fleet.directors[3].start_again()
    eventually(fleet.directors[3].answers, 20.0, "the director")
    assert fleet.overrides_of(ONE) == [None, "drain", "drain", "drain"]

    # The source is gone, and the override ends at its time.
    eventually(lambda: fleet.overrides_of(TWO), 15.0, expected=[None] * 4)
    assert fleet.overrides_of(ONE) == [None, "drain", "drain", "drain"]
