"""A document of overrides reaches four directors, outlasts its source, and ends by its times."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

import pytest

from hadirector.api.client import request
from hadirector.sources.etcd_client import EtcdClient
from hadirector.sources.status import DocumentStatus, SourceStatus
from tests.lab.etcd_server import EtcdServer
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
sources: [{{name: orders, format: overrides, timeout: 1s, {source}}}]
virtual_servers:
  - {{name: web, address: "127.0.10.100:8080", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{address: "127.0.10.101:80"}}, {{address: "127.0.10.102:80"}}]}}
"""
ONE, TWO = "web/127.0.10.101:80", "web/127.0.10.102:80"
REVISIONS: Final = count(1)
NAMES = ("lb1", "lb2", "lb3", "lb4")


class Store(Protocol):
    """A source with one document. ``keys`` are its keys in the configuration."""

    keys: str

    def put(self, text: bytes) -> None: ...

    def end(self) -> None: ...


class FileStore:
    """The document in a file."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "orders.json"
        self.keys = f"type: file, path: {self.file}"

    def put(self, text: bytes) -> None:
        unfinished = self.file.with_suffix(".new")
        unfinished.write_bytes(text)
        unfinished.rename(self.file)

    def end(self) -> None:
        self.file.unlink()


class EtcdStore:
    """The document in etcd."""

    def __init__(self, directory: Path) -> None:
        self.server = EtcdServer(directory)
        self.keys = f'type: etcd, url: "{self.server.url}", key: /orders'

    def put(self, text: bytes) -> None:
        asyncio.run(EtcdClient([self.server.url]).write("/orders", text))

    def end(self) -> None:
        self.server.kill()


class HoldingServer(ThreadingHTTPServer):
    """A web server that holds a request until its document changes."""

    daemon_threads = True

    def __init__(self, _directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = f'type: http, url: "http://127.0.0.1:{self.server_port}/", wait: 30s'
        self.document = b""
        self.changed = threading.Condition()
        self.ended = False
        self.serving = threading.Thread(target=self.serve_forever)
        self.serving.start()

    def put(self, text: bytes) -> None:
        with self.changed:
            self.document = text
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self.shutdown()
        self.server_close()
        self.serving.join()


class _Handler(BaseHTTPRequestHandler):
    server: HoldingServer

    def do_GET(self) -> None:
        server, known = self.server, self.headers["If-None-Match"]
        with server.changed:
            server.changed.wait_for(lambda: server.ended or self._tag() != known, 30.0)
            document, tag = server.document, self._tag()
        if server.ended:
            return
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)

    def _tag(self) -> str:
        return f'"{hash(self.server.document)}"'

    def log_message(self, *_: object) -> None:
        pass


class Fleet:
    """The directors lb1 to lb4, and the source of their overrides."""

    def __init__(self, directory: Path) -> None:
        self.nothing = directory / "nothing.json"
        self.nothing.write_bytes(document(next(REVISIONS)))
        keys = f"type: file, path: {self.nothing}"
        self.directors = [
            RunningDirector(directory / name, self._configuration(directory / name, keys))
            for name in NAMES
        ]

    def _configuration(self, directory: Path, keys: str) -> str:
        return CONFIGURATION.format(name=directory.name, directory=directory, source=keys)

    def follow(self, keys: str) -> None:
        """Let all directors take their overrides from this source."""
        for director in self.directors:
            director.file.write_text(self._configuration(director.directory, keys))
            request(self.socket(director), "POST", "/v1/reload")

    def socket(self, director: RunningDirector) -> str:
        return str(director.directory / "run" / "api.sock")

    def overrides_of(self, name: str) -> list[str | None]:
        address = name.partition("/")[2]
        found = []
        for director in self.directors:
            [server] = director.status().virtual_servers
            [member] = [each for each in server.real_servers if each.address == address]
            found.append(member.override and member.override.value)
        return found

    def sources(self) -> list[SourceStatus]:
        return [director.status().sources[0] for director in self.directors]

    def documents(self) -> list[DocumentStatus]:
        return [each.document for each in self.sources() if each.document is not None]


def document(revision: int, **overrides: Mapping[str, object]) -> bytes:
    named = {"one": ONE, "two": TWO}
    entries = [
        {"real_server": named[name], "author": "joe", "reason": "disk", **fields}
        for name, fields in overrides.items()
    ]
    return json.dumps({"revision": revision, "overrides": entries}).encode()


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    running = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        for director in running.directors:
            eventually(director.answers, 20.0, "a director")
        yield running
    finally:
        for director in running.directors:
            director.end()


@pytest.mark.parametrize("kind", [FileStore, HoldingServer, EtcdStore])
def test_an_override_reaches_all_directors_and_outlasts_its_source(
    fleet: Fleet, tmp_path: Path, kind: type[FileStore | HoldingServer | EtcdStore]
) -> None:
    with ExitStack() as stack:
        store: Store = kind(tmp_path)
        stack.callback(store.end)
        revision = next(REVISIONS)
        store.put(document(revision))
        fleet.follow(store.keys)
        eventually(lambda: [d.revision for d in fleet.documents()], 10.0, expected=[revision] * 4)
        eventually(lambda: [s.failure for s in fleet.sources()], 5.0, expected=[""] * 4)

        lasted = []
        for wanted in ("drain", None, "drain"):
            entries = {} if wanted is None else {"one": {"action": wanted}}
            two = {"action": "disable", "expires_at": in_seconds(5)}
            began = monotonic()
            store.put(document(next(REVISIONS), **entries, two=two))
            at = eventually(lambda: fleet.overrides_of(ONE), 10.0, expected=[wanted] * 4)
            lasted.append(at - began)
        assert min(lasted) < 0.5, lasted
        assert fleet.overrides_of(TWO) == ["disable"] * 4

        stack.pop_all()
        store.end()
        eventually(lambda: all(each.failure for each in fleet.sources()), 10.0, "the failure")
        assert fleet.overrides_of(ONE) == ["drain"] * 4
        eventually(lambda: fleet.overrides_of(TWO), 15.0, expected=[None] * 4)
        assert fleet.overrides_of(ONE) == ["drain"] * 4


def test_an_operator_takes_precedence_and_a_wrong_document_changes_nothing(fleet: Fleet) -> None:
    revision = next(REVISIONS)
    fleet.nothing.write_bytes(document(revision, one={"action": "drain"}))
    fleet.follow(f"type: file, path: {fleet.nothing}")
    eventually(lambda: [d.revision for d in fleet.documents()], 10.0, expected=[revision] * 4)
    assert fleet.overrides_of(ONE) == ["drain"] * 4

    # An override of an operator on one director takes precedence there, and its end gives way.
    first = fleet.directors[0]
    place = "/v1/virtual-servers/web/real-servers/127.0.10.101%3A80/override"
    request(fleet.socket(first), "PUT", place, {"action": "weight", "weight": 5})
    assert fleet.overrides_of(ONE) == ["weight", "drain", "drain", "drain"]
    request(fleet.socket(first), "DELETE", f"{place}?action=weight")
    assert fleet.overrides_of(ONE) == ["drain"] * 4
    request(fleet.socket(first), "DELETE", f"{place}?action=drain")
    released = [None, "drain", "drain", "drain"]
    assert fleet.overrides_of(ONE) == released

    fleet.nothing.write_bytes(document(revision - 1))
    reason = f"its revision {revision - 1} is older than the accepted one, {revision}"
    eventually(lambda: [d.refusal for d in fleet.documents()], 5.0, expected=[reason] * 4)
    fleet.nothing.write_bytes(b"<html>")
    eventually(lambda: all("JSON is malformed" in each.failure for each in fleet.sources()), 10.0)
    fleet.nothing.unlink()
    first.kill_itself()
    first.start_again()
    eventually(first.answers, 20.0, "the director")
    assert fleet.overrides_of(ONE) == released
