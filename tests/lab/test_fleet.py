"""Four directors on loopback, and the commands that show and drain all of them."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from hadirector.api.client import request
from hadirector.cli import main
from tests.lab.etcd_server import EtcdServer
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
virtual_servers:
  - {{name: web, address: "127.0.10.100:8080", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{address: "127.0.10.101:80"}}, {{address: "127.0.10.102:80"}}]}}
"""
MEMBER = "web/127.0.10.101:80"


class Fleet:
    """The directors lb1 to lb4, and their inventory."""

    def __init__(self, directory: Path) -> None:
        self.directors = {
            name: RunningDirector(
                directory / name,
                CONFIGURATION.format(name=name, directory=directory / name),
            )
            for name in ("lb1", "lb2", "lb3", "lb4")
        }
        self.inventory = directory / "fleet.yaml"
        lines = [f"- {{name: {name}, api: {self.socket(name)}}}" for name in self.directors]
        self.inventory.write_text("directors:\n" + "\n".join(lines) + "\n")

    def socket(self, name: str) -> str:
        return str(self.directors[name].directory / "run" / "api.sock")

    def run(self, *words: str) -> int:
        return main(["fleet", *words, "-f", str(self.inventory)])

    def write_to(self, store: str) -> None:
        """Let all directors write their summaries to this store, and the command read it."""
        for name, director in self.directors.items():
            text = director.file.read_text().partition("fleet:")[0]
            director.file.write_text(f"{text}fleet: {{{store}}}\n")
            request(self.socket(name), "POST", "/v1/reload")
        text = self.inventory.read_text().partition("store:")[0]
        self.inventory.write_text(f"{text}store: {{{store}}}\n")

    def publication_failure(self, name: str) -> str:
        publication = self.directors[name].status().publication
        return publication.failure if publication else ""

    def drains_ended(self) -> int:
        return sum("drain_ended" in each.log for each in self.directors.values())

    def override_of(self, name: str) -> str | None:
        [server] = self.directors[name].status().virtual_servers
        [member] = [each for each in server.real_servers if each.address == "127.0.10.101:80"]
        return member.override and member.override.value


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    running = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        for director in running.directors.values():
            eventually(director.answers, 20.0, "a director")
        yield running
    finally:
        for director in running.directors.values():
            director.end()


def status(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, Any]]:
    code = fleet.run("status", "--json", *words)
    return code, json.loads(capsys.readouterr().out)


def test_a_drain_reaches_all_directors_and_a_repeated_one_changes_nothing(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fleet.run("drain", MEMBER, "--reason", "disk") == 0
    capsys.readouterr()
    assert [fleet.override_of(name) for name in fleet.directors] == ["drain"] * 4
    eventually(fleet.drains_ended, 10.0, expected=4)
    assert fleet.run("drain", MEMBER, "--reason", "disk") == 0
    output = capsys.readouterr().out
    assert output.count("drained (all connections have ended), by ") == 4
    assert output.count("disk (already)") == 4
    assert fleet.run("undrain", MEMBER) == 0
    assert fleet.run("undrain", MEMBER) == 0
    assert capsys.readouterr().out.count("not drained (already)") == 4
    assert [fleet.override_of(name) for name in fleet.directors] == [None] * 4
    assert fleet.run("why", MEMBER) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "web/127.0.10.101:80: 0 of 4 see it failing"
    assert [each.split(":")[0].strip() for each in lines[1:]] == ["lb1", "lb2", "lb3", "lb4"]


class Kept(ThreadingHTTPServer):
    """A web server that keeps the documents that it gets by PUT."""

    daemon_threads = True

    def __init__(self, _directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = f'type: http, url: "http://127.0.0.1:{self.server_port}/fleet"'
        self.documents: dict[str, bytes] = {}
        self.serving = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.serving.start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self.serving.join()


class _Handler(BaseHTTPRequestHandler):
    server: Kept

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.documents[self.path] = content
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        found = self.server.documents.get(self.path)
        self.send_response(404 if found is None else 200)
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        pass


class Etcd(EtcdServer):
    """An etcd for summaries."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.keys = f'type: etcd, url: "{self.url}", prefix: /fleet/'

    def end(self) -> None:
        self.kill()


@pytest.mark.parametrize("kind", [Kept, Etcd])
def test_summaries_in_a_store_show_the_fleet_without_asking_it(
    fleet: Fleet, tmp_path: Path, kind: type[Kept | Etcd], capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        store = kind(tmp_path)
        stack.callback(store.end)
        fleet.write_to(f"{store.keys}, interval: 1s, lifetime: 5s, timeout: 1s")
        eventually(lambda: status(fleet, capsys, "--stored")[0], 10.0, expected=0)
        _, found = status(fleet, capsys, "--stored")
        assert [each["director"] for each in found["directors"]] == ["lb1", "lb2", "lb3", "lb4"]
        assert all(each["age"] < 5.0 for each in found["directors"])

        if kind is Etcd:  # the lease of a dead director ends
            fleet.directors["lb2"].kill_itself()
            gone = "the store has no summary of it"
            eventually(lambda: failure_of("lb2", fleet, capsys), 20.0, expected=gone)
            fleet.directors["lb2"].start_again()

        stack.pop_all()
        store.end()
        assert failure_of("lb1", fleet, capsys).startswith("the store does not answer: ")
        eventually(lambda: fleet.publication_failure("lb1"), 10.0, "the failure")
        assert fleet.override_of("lb1") is None
        eventually(fleet.directors["lb2"].answers, 20.0, "the director")


def failure_of(name: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> str:
    _, found = status(fleet, capsys, "--stored")
    return next(str(each["failure"]) for each in found["directors"] if each["director"] == name)


def test_the_directors_that_differ_are_named_with_the_difference(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    eventually(lambda: status(fleet, capsys)[0], 10.0, expected=0)
    other = fleet.directors["lb4"]
    other.file.write_text(other.file.read_text().replace("scheduler: rr", "scheduler: wrr"))
    request(fleet.socket("lb4"), "POST", "/v1/reload")
    place = "/v1/virtual-servers/web/real-servers/127.0.10.102%3A80/override"
    request(fleet.socket("lb3"), "PUT", place, {"action": "disable"})
    os.killpg(fleet.directors["lb2"].process.pid, signal.SIGSTOP)
    began = monotonic()
    code, found = status(fleet, capsys)
    assert monotonic() - began < 5.0
    os.killpg(fleet.directors["lb2"].process.pid, signal.SIGCONT)
    assert code == 1
    failures = {each["director"]: each["failure"] for each in found["directors"]}
    assert failures == {"lb1": "", "lb2": "no whole answer within 3 s", "lb3": "", "lb4": ""}
    differing = {
        each["subject"]: (each["differing"], each["detail"]) for each in found["differences"]
    }
    assert differing == {
        "configuration": (["lb4"], "virtual_server/web"),
        "override web/127.0.10.102:80": (["lb3"], ""),
    }
