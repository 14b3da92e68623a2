"""Applying, confirming, undoing and rolling back, with real files and the real reading process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import msgspec
import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import load
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.director.configurations import apply as module
from hadirector.director.configurations import store
from hadirector.director.configurations.apply import Applications, Order
from hadirector.director.configurations.file import (
    ConfigurationFile,
    hash_text,
    marked_state_directory,
    replace_text,
)
from hadirector.director.configurations.undo_at_start import undo_overdue
from hadirector.director.messages import ConfigurationRead, Message
from hadirector.director.parts import Parts
from hadirector.director.reconfigure import Reconfiguration
from hadirector.director.request_errors import RequestError, StaleError
from hadirector.events.recorder import Recorder
from tests.waiting import eventually_async

ANN = Order(actor="unix:ann", reason="more weight")


class Host:
    """The files of one host, and a director whose loop only collects what it should change to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "lb.yaml"
        (directory / "state").mkdir()
        (directory / "state" / "lock").touch()
        self.file.write_bytes(self.text(1))
        self.changes: list[int] = []
        self.passed = 0.0
        self.start()

    def text(self, weight: int) -> bytes:
        return (
            f"director: {{name: lb1, dataplane: dry-run, runtime_directory: {self.directory}/run,"
            f" state_directory: {self.directory}/state}}\n"
            f"api: {{unix: {self.directory}/run/api.sock}}\n"
            "virtual_servers:\n"
            "  - {name: web, address: 192.0.2.10:80, scheduler: wrr, forwarding: nat,"
            f" check: none, real_servers: [{{address: 192.0.2.45, weight: {weight}}}]}}\n"
        ).encode()

    def let_pass(self, seconds: float) -> None:
        """Move the clock of the deadlines forward, and let the director look at it."""
        self.passed += seconds
        self.applications.archive.changed.set()

    def start(self) -> None:
        text = self.file.read_bytes()
        self.parts = Parts(load(self.file), DryRunDataplane(), Recorder(), self.put)
        self.reconfiguration = Reconfiguration(
            ConfigurationFile(self.file, text=text),
            self.parts,
            self.put,
            contextlib.nullcontext,
        )
        self.applications = Applications(self.reconfiguration)

    async def put(self, message: Message) -> None:
        if isinstance(message, ConfigurationRead):
            self.parts.configuration = message.configuration
            [server] = message.configuration.virtual_servers
            self.changes.append(server.real_servers[0].weight)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.applications.run())
        await eventually_async(lambda: self.applications.archive.running is not None, 5.0)
        try:
            yield
        finally:
            task.cancel()

    @property
    def hows(self) -> list[str]:
        return [each.origin.how for each in self.applications.archive.kept.configurations]

    @property
    def sha256(self) -> str:
        running = self.applications.archive.running
        assert running is not None
        return running.content.sha256

    async def apply(self, weight: int, confirm_within: float | None = None) -> None:
        order = msgspec.structs.replace(ANN, confirm_within=confirm_within)
        await self.applications.apply(self.text(weight), order, self.sha256)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setattr(store, "monotonic", lambda: monotonic() + made.passed)
    return made


async def test_an_applied_configuration_replaces_the_file_and_runs(host: Host) -> None:
    async with host.running():
        applied = await host.applications.apply(host.text(5), ANN, host.sha256)
    assert applied.changed == "change virtual server web"
    assert applied.number == 2
    assert host.file.read_bytes() == host.text(5)
    assert host.changes == [5]
    assert host.hows == ["start", "apply"]
    assert host.applications.archive.kept.configurations[1].origin.actor == "unix:ann"
    assert host.applications.archive.pending is None
    modes = [path.stat().st_mode & 0o777 for path in (host.directory / "state").rglob("*.*")]
    assert set(modes) == {0o600}


async def test_a_faulty_text_changes_nothing(host: Host) -> None:
    async with host.running():
        with pytest.raises(ConfigError, match=r"lb\.yaml:1:7: vrrp: wrong value"):
            await host.applications.apply(b"vrrp: 3", ANN, host.sha256)
        moved = host.text(5).replace(b"name: lb1", b"name: lb2")
        with pytest.raises(RequestError, match="name cannot change from lb1 to lb2"):
            await host.applications.apply(moved, ANN, host.sha256)
    assert (host.file.read_bytes(), host.changes, host.hows) == (host.text(1), [], ["start"])


async def test_another_hash_or_an_edited_file_is_refused(host: Host) -> None:
    async with host.running():
        with pytest.raises(StaleError, match="configuration 1 runs"):
            await host.applications.apply(host.text(5), ANN, "0" * 64)
        host.file.write_bytes(host.text(7))
        with pytest.raises(RequestError, match="was changed since the director read it"):
            await host.apply(5)
    assert host.file.read_bytes() == host.text(7)


async def test_an_unconfirmed_configuration_is_undone(host: Host) -> None:
    async with host.running():
        await host.apply(5, confirm_within=60.0)
        assert marked_state_directory(host.file) == host.directory / "state"
        host.let_pass(60.0)
        await eventually_async(lambda: marked_state_directory(host.file) is None, 20.0)
        assert host.applications.archive.pending is None
    assert host.changes == [5, 1]
    assert host.file.read_bytes() == host.text(1)
    assert host.hows == ["start", "apply", "undone"]


async def test_a_confirmed_configuration_stays(host: Host) -> None:
    async with host.running():
        await host.apply(5, confirm_within=60.0)
        assert await host.applications.confirm("unix:ann") == 2
        host.let_pass(60.0)
        await asyncio.sleep(0.2)
        with pytest.raises(RequestError, match="no configuration waits for its confirmation"):
            await host.applications.confirm("unix:ann")
    assert host.changes == [5]
    assert host.file.read_bytes() == host.text(5)
    assert marked_state_directory(host.file) is None


async def test_a_pending_configuration_refuses_other_changes(host: Host) -> None:
    """A reload of the same file is accepted: it reads other files, such as keys, again."""
    async with host.running():
        await host.apply(5, confirm_within=60.0)
        with pytest.raises(RequestError, match=r"configuration 2 waits .*hadirector confirm"):
            await host.apply(6)
        with pytest.raises(RequestError, match="configuration 2 waits"):
            await host.applications.roll_back(1, ANN)
        assert await host.reconfiguration.reload() == "nothing to change"
        host.file.write_bytes(host.text(7))
        with pytest.raises(RequestError, match=r"configuration 2 is undone in \d+ s"):
            await host.reconfiguration.reload()
        await host.applications.undo("unix:ann", "wrong weight")
    assert host.file.read_bytes() == host.text(1)
    # The edited file was not lost.
    assert host.hows == ["start", "apply", "found", "undone"]
    assert await host.applications.archive.text(3) == host.text(7)


async def test_a_rollback_returns_to_a_kept_configuration(host: Host) -> None:
    async with host.running():
        await host.apply(5)
        await host.apply(6)
        applied = await host.applications.roll_back(1, ANN)
        with pytest.raises(RequestError, match="there is no configuration 9"):
            await host.applications.roll_back(9, ANN)
    assert (applied.number, applied.sha256) == (4, hash_text(host.text(1)))
    assert host.file.read_bytes() == host.text(1)
    assert host.changes == [5, 6, 1]


async def test_the_deadline_survives_the_end_of_the_director(host: Host) -> None:
    async with host.running():
        await host.apply(5, confirm_within=60.0)
    host.start()
    async with host.running():
        assert host.applications.archive.pending is not None
        host.let_pass(60.0)
        await eventually_async(lambda: host.applications.archive.pending is None, 10.0)
    assert host.file.read_bytes() == host.text(1)


async def test_a_start_after_the_deadline_begins_with_the_previous_configuration(
    host: Host,
) -> None:
    async with host.running():
        await host.apply(5, confirm_within=60.0)
    host.file.write_bytes(b"this: is not a configuration")
    host.let_pass(60.0)
    undone = undo_overdue(host.file)
    assert undone is not None
    assert (undone.number, undone.failed) == (2, False)
    assert host.file.read_bytes() == host.text(1)
    assert undo_overdue(host.file) is None
    host.start()
    async with host.running():
        assert host.hows == ["start", "apply", "undone"]


async def test_a_director_that_ended_before_the_file_was_replaced_forgets(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start with the previous file has nothing to undo."""
    monkeypatch.setattr(module, "replace_text", lambda _path, _text: None)
    async with host.running():
        await host.apply(5, confirm_within=60.0)
    host.start()
    async with host.running():
        await eventually_async(lambda: host.applications.archive.pending is None, 5.0)
        await eventually_async(lambda: marked_state_directory(host.file) is None, 5.0)
    assert host.sha256 == hash_text(host.text(1))


async def test_a_file_that_cannot_be_written_refuses_the_application(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _text: bytes) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(module, "replace_text", refuse)
    async with host.running():
        with pytest.raises(RequestError, match="cannot be written: Read-only file system"):
            await host.apply(5, confirm_within=60.0)
    assert (host.changes, host.hows) == ([], ["start"])
    assert host.applications.archive.pending is None


async def test_a_failed_undo_is_tried_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    failures = [1, 2]

    def refuse_twice(path: Path, text: bytes) -> None:
        if text == host.text(1) and failures:
            failures.pop()
            raise OSError(30, "Read-only file system")
        replace_text(path, text)

    monkeypatch.setattr(module, "replace_text", refuse_twice)
    async with host.running():
        await host.apply(5, confirm_within=60.0)
        host.let_pass(60.0)
        await eventually_async(lambda: host.applications.archive.pending is None, 10.0)
    assert host.file.read_bytes() == host.text(1)
    # The running director changed at the first attempt.
    assert host.changes[:2] == [5, 1]


async def test_a_text_with_other_files_is_refused(host: Host) -> None:
    """The archive could not restore them."""
    (host.directory / "conf.d").mkdir()
    text = host.text(5) + f"include_dir: {host.directory}/conf.d\n".encode()
    async with host.running():
        with pytest.raises(RequestError, match="only a configuration in one file can be applied"):
            await host.applications.apply(text, ANN, host.sha256)
    assert (host.file.read_bytes(), host.hows) == (host.text(1), ["start"])


async def test_a_text_of_another_format_is_refused(host: Host) -> None:
    foreign = (
        b"virtual_server 192.0.2.10 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"
        b" real_server 192.0.2.45 80 {\n  weight 1\n }\n}\n"
    )
    async with host.running():
        with pytest.raises(
            RequestError, match=r"is a keepalived\.conf, and the director runs with"
        ):
            await host.applications.apply(foreign, ANN, host.sha256)
    assert (host.file.read_bytes(), host.hows) == (host.text(1), ["start"])
