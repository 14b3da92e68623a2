"""A director takes the real servers of its pools from a file and over HTTP, and keeps them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hadirector.api.client import request
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

CONFIGURATION = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
sources:
  - {{name: from-file, type: file, path: {directory}/members.json, poll: 1s}}
  - {{name: from-url, type: http, url: "http://127.0.9.1:{port}/web", format: prometheus,
     poll: 1s, timeout: 500ms}}
virtual_servers:
  - {{name: file, address: "127.0.9.100:8080", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{from: from-file}}], admission: {{absent_hold: 0s, pace: 100%}}}}
  - {{name: url, address: "127.0.9.100:8081", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{from: from-url}}]}}
"""


class Documents(ThreadingHTTPServer):
    """A web server with one document, or with an answer that is no document."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.9.1", 0), _Handler)
        self.status = 200
        self.body = json.dumps([{"targets": ["127.0.9.11:80", "127.0.9.12:80"]}]).encode()
        self.header = ("X-None", "1")
        self.silent = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Documents

    def do_GET(self) -> None:
        if self.server.silent.is_set():
            self.rfile.read(1)  # until the client gives up
            return
        self.send_response(self.server.status)
        self.send_header(*self.server.header)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


class Pools(RunningDirector):
    """A director whose pools come from sources."""

    def members(self, name: str) -> list[str]:
        [server] = [each for each in self.status().virtual_servers if each.name == name]
        return [each.address for each in server.real_servers if each.wanted_weight]

    def reason(self, address: str) -> str:
        [server] = self.status().virtual_servers
        return next(each.weight_reason for each in server.real_servers if each.address == address)

    def failure(self, name: str) -> str:
        return next(each.failure for each in self.status().sources if each.name == name)

    def fails_with(self, name: str, reason: str) -> bool:
        return reason in self.failure(name)

    def refusal(self, name: str) -> str:
        [source] = [each for each in self.status().sources if each.name == name]
        return source.pools[0].refusal

    def write(self, *addresses: str) -> None:
        document = {"members": [{"address": address, "port": 80} for address in addresses]}
        unfinished = self.directory / "members.new"
        unfinished.write_text(json.dumps(document))
        unfinished.rename(self.directory / "members.json")

    def expect(self, name: str, *addresses: str) -> None:
        expected = [f"{address}:80" for address in addresses]
        eventually(lambda: self.members(name), 15.0, f"the pool {name}", expected=expected)


@pytest.fixture
def documents() -> Iterator[Documents]:
    with Documents() as server:
        yield server
        server.shutdown()


@pytest.fixture
def director(tmp_path: Path, documents: Documents) -> Iterator[Pools]:
    directory = tmp_path / "lb1"
    text = CONFIGURATION.format(directory=directory, port=documents.server_address[1])
    running = Pools(directory, text)
    running.write("127.0.9.21", "127.0.9.22")
    eventually(running.answers, 20.0, "the director")
    yield running
    running.end()


def test_pools_follow_their_sources_and_outlast_them(director: Pools, documents: Documents) -> None:
    director.expect("file", "127.0.9.21", "127.0.9.22")
    director.expect("url", "127.0.9.11", "127.0.9.12")

    director.write("127.0.9.22", "127.0.9.23")
    director.expect("file", "127.0.9.22", "127.0.9.23")

    (director.directory / "members.json").write_text('{"members": []}')
    eventually(lambda: director.refusal("from-file"), 10.0, "the refusal")
    director.expect("file", "127.0.9.22", "127.0.9.23")
    (director.directory / "members.json").unlink()
    eventually(lambda: director.failure("from-file"), 10.0, "No such file")

    documents.status = 500
    eventually(lambda: director.failure("from-url"), 10.0, expected="HTTP status 500, expected 200")
    # Both sources are down, and the director starts again, as after a reboot.
    director.kill_itself()
    director.start_again()
    eventually(director.answers, 20.0, "the director")
    director.expect("file", "127.0.9.22", "127.0.9.23")
    director.expect("url", "127.0.9.11", "127.0.9.12")

    documents.status = 200
    documents.body = b'[{"targets": ["127.0.9.11:80", "127.0.9.12:80", "127.0.9.13:80"]}]'
    director.expect("url", "127.0.9.11", "127.0.9.12", "127.0.9.13")


WRONG_ANSWERS = {
    "Input data was truncated": (b'[{"targets": ["127.0.9.11:80"', ("X-None", "1")),
    "JSON is malformed": (b"<html>", ("Content-Type", "text/html")),
    "more than 4194304 bytes": (b"[" + b" " * (5 << 20), ("X-None", "1")),
    "ContentLengthError": (b"", ("Content-Length", "99")),
}


def test_a_wrong_answer_changes_nothing(director: Pools, documents: Documents) -> None:
    director.expect("url", "127.0.9.11", "127.0.9.12")
    for reason, (body, header) in WRONG_ANSWERS.items():
        documents.header, documents.body = header, body
        eventually(partial(director.fails_with, "from-url", reason), 20.0, reason)
        assert director.members("url") == ["127.0.9.11:80", "127.0.9.12:80"]


def test_a_silent_and_a_redirecting_source_change_nothing(
    director: Pools, documents: Documents
) -> None:
    director.expect("url", "127.0.9.11", "127.0.9.12")
    documents.silent.set()
    eventually(lambda: director.failure("from-url"), 10.0, expected="no answer within 0.5 s")
    documents.silent.clear()
    documents.status, documents.header = 302, ("Location", "http://127.0.9.1:1/")
    eventually(lambda: director.failure("from-url"), 20.0, expected="HTTP status 302, expected 200")
    assert director.members("url") == ["127.0.9.11:80", "127.0.9.12:80"]


def test_an_operator_accepts_a_list_that_is_small(director: Pools) -> None:
    director.write("127.0.9.21", "127.0.9.22", "127.0.9.23", "127.0.9.24", "127.0.9.25")
    eventually(lambda: len(director.members("file")), 10.0, expected=5)
    director.write("127.0.9.21")
    eventually(
        lambda: director.refusal("from-file"),
        10.0,
        expected="the source names 1 member, and at least 3 of 5 are expected (50%)",
    )
    api = str(director.directory / "run" / "api.sock")
    request(api, "POST", "/v1/sources/from-file/accept")
    director.expect("file", "127.0.9.21")


ANY = ("127.0.9.32", 0)
REUSED = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
sources: [{{name: from-file, type: file, path: {directory}/members.json}}]
virtual_servers:
  - name: web
    address: 127.0.41.200:8080
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 2s, timeout: 1s, rise: 1, fall: 3}}
    real_servers: [{{from: from-file}}]
"""


def test_a_server_at_a_reused_address_waits_for_its_own_pass(tmp_path: Path) -> None:
    """With three probes to fall, a server with the state of its predecessor would serve for 4 s."""
    directory = tmp_path / "lb1"
    with socket.create_server(("127.0.9.31", 0)) as one, socket.create_server(ANY) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
        director = Pools(directory, REUSED.format(directory=directory))
        reused, other = (f"127.0.9.{30 + n}:{port}" for n, port in enumerate(ports, 1))

        def write(*identities: str) -> None:
            members = [
                {"address": f"127.0.9.{30 + n}", "port": port, "identity": identity}
                for n, (port, identity) in enumerate(zip(ports, identities, strict=True), 1)
            ]
            unfinished = director.directory / "members.new"
            unfinished.write_text(json.dumps({"members": members}))
            unfinished.rename(director.directory / "members.json")

        try:
            write("a", "b")
            eventually(director.answers, 20.0, "the director")
            eventually(lambda: director.members("web"), 20.0, expected=[reused, other])
            place = f"/v1/virtual-servers/web/real-servers/{reused}/override"
            request(str(directory / "run" / "api.sock"), "PUT", place, {"action": "drain"})
            eventually(lambda: director.members("web"), 10.0, expected=[other])
            one.close()
            write("c", "b")
            eventually(lambda: "another server has the address" in director.log, 5.0, "the end")
            eventually(lambda: "drain" not in director.reason(reused), 1.5, "the reason")
            assert director.members("web") == [other]
            with socket.create_server(("127.0.9.31", ports[0])):
                eventually(lambda: director.members("web"), 20.0, expected=[reused, other])
                two.close()
                write("c", "d")
                eventually(lambda: director.members("web"), 1.5, expected=[reused])
        finally:
            director.end()
