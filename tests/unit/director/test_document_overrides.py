"""Documents of overrides in the director: what is taken, and what operators have done here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.document_overrides import DocumentOverrides
from hadirector.model.discovery import Source
from hadirector.model.override_document import DocumentOverride, OverrideDocument
from hadirector.overrides.model import Author, RealServerName
from hadirector.overrides.store import OverridesChanged, OverrideStore
from hadirector.sources.messages import OverridesRead
from tests.builders import a_configuration, a_virtual_server
from tests.waiting import eventually_async

NAME = RealServerName("web", "192.0.2.45:80")
DRAIN = DocumentOverride(str(NAME), "drain", "joe")
TIMED = DocumentOverride(str(NAME), "disable", "joe", expires_at=5000.0)
SOURCE = Source(name="fleet", type="file", location="/nothing", format="overrides")


class Setting:
    """A store and the taking of documents. ``changes`` counts the messages of the store."""

    def __init__(self, directory: Path) -> None:
        self.changes = 0
        configuration = a_configuration(
            a_virtual_server(), sources=(SOURCE,), state_directory=str(directory)
        )
        reconciler = TableReconciler(DryRunDataplane(), (), lambda services: None)
        self.store = OverrideStore(configuration, reconciler, self._put)
        self.documents = DocumentOverrides(configuration, self.store)

    async def _put(self, _message: OverridesChanged) -> None:
        self.changes += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each.run()) for each in (self.documents, self.store)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    def read(self, revision: int, *overrides: DocumentOverride) -> None:
        self.documents.note(OverridesRead("fleet", OverrideDocument(revision, overrides)))

    async def take(self, revision: int, *overrides: DocumentOverride) -> None:
        """Let the source yield a document, and wait until it is in force."""
        self.read(revision, *overrides)
        await eventually_async(self.revision, 5.0, "the revision", expected=revision)

    def revision(self) -> int | None:
        accepted = self.store.accepted_document
        return None if accepted is None else accepted.document.revision

    def refusal(self) -> str:
        status = self.documents.status("fleet")
        assert status is not None
        return status.refusal


async def test_a_release_holds_although_the_document_comes_again_meanwhile(tmp_path: Path) -> None:
    """The release waits for the disk when the source yields a new revision."""
    setting = Setting(tmp_path)
    async with setting.running():
        await setting.take(7, DRAIN)
        release = asyncio.create_task(setting.store.remove([NAME], Author("ann")))
        await asyncio.sleep(0)  # it holds the lock now
        await setting.take(8, DRAIN)
        await release
        assert setting.store.current == {}


async def test_an_operator_permits_an_older_document_once(tmp_path: Path) -> None:
    """A server with an old copy must not bring it back later."""
    setting = Setting(tmp_path)
    async with setting.running():
        await setting.take(7, DRAIN)
        setting.read(5)
        await eventually_async(setting.refusal, 5.0)
        assert setting.documents.accept("fleet") == 0
        await eventually_async(setting.revision, 5.0, expected=5)
        await setting.take(8, DRAIN)
        setting.read(5)
        await eventually_async(setting.refusal, 5.0)
        assert setting.revision() == 8
        assert NAME in setting.store.current


async def test_an_override_applies_again_when_the_clock_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the host was two hours ahead after its start."""
    utc = 9000.0
    monkeypatch.setattr("time.time", lambda: utc)
    setting = Setting(tmp_path)
    async with setting.running():
        await setting.take(7, TIMED)
        assert setting.store.current == {}
        before = setting.changes
        utc = 2000.0
        with capture_logs() as logs:
            await eventually_async(lambda: setting.changes > before, 5.0, "the change")
            await eventually_async(lambda: [line["event"] for line in logs], 5.0, "the event")
        assert NAME in setting.store.current
        assert [line["event"] for line in logs] == ["override_set"]


async def test_overrides_are_merged_at_changes_only(tmp_path: Path) -> None:
    """A document of a fleet names real servers that this director does not have."""
    setting = Setting(tmp_path)
    async with setting.running():
        foreign = [
            DocumentOverride(f"other/192.0.2.1:{port}", "drain", "joe") for port in range(1, 1001)
        ]
        await setting.take(7, *foreign)
        first = setting.store.current
        assert len(setting.store.find_orphans()) == 1000
        assert setting.store.current is first
