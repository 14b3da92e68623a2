"""The state files of version 0.1.0 are read.

tests/corpus/state-0.1.0 has the files that a director of version 0.1.0 wrote, with an override of
each kind, a pause and an applied configuration.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hadirector import __version__, storage
from hadirector.director.configurations.store import ArchiveStore
from hadirector.director.snapshot import Snapshot
from hadirector.events.history_store import StoredHistory
from hadirector.events.recorder import Events
from hadirector.host import owned
from hadirector.overrides.expiry import Moment, StoredOverrides, restore
from hadirector.overrides.pause import StoredPause

RECORDED = Path(__file__).parents[1] / "corpus/state-0.1.0"
RUNTIME, STATE = RECORDED / "runtime", RECORDED / "state"


def test_overrides_are_in_force_again() -> None:
    stored = storage.read(STATE / "overrides.json", StoredOverrides)
    assert stored is not None
    found = restore(stored, Moment("another boot", 1796043700.0, 10.0)).overrides.values()
    assert {(each.name.real_server, each.action, each.weight, each.reason) for each in found} == {
        ("127.0.0.46:8081", "drain", 0, "new kernel"),
        ("127.0.0.45:8081", "weight", 5, "more memory"),
    }


def test_a_pause_goes_on() -> None:
    stored = storage.read(STATE / "pause.json", StoredPause)
    assert stored is not None
    assert stored.pause is not None
    assert (stored.pause.actor, stored.pause.reason) == ("unix:root", "work on the switch")


def test_the_history_continues() -> None:
    stored = storage.read(STATE / "history.json", StoredHistory)
    assert stored is not None
    assert stored.last == 3
    assert [entry.kind for entry in stored.entries] == ["start", "pause", "configuration"]


def test_applied_configurations_can_be_restored(tmp_path: Path) -> None:
    shutil.copytree(STATE, tmp_path / "state")
    store = ArchiveStore(tmp_path / "state")
    assert (store.archive.last, store.archive.current) == (2, 2)
    first, second = store.archive.configurations
    text = store.text(first.content.sha256)
    assert text is not None
    assert b"weight: 2}" in text
    assert second.origin.how == "apply"


def test_events_and_quorums_survive_the_upgrade() -> None:
    events = storage.read(RUNTIME / "events.json", Events)
    assert events is not None
    assert (events.last, events.events[0].name) == (24, "director_started")
    snapshot = storage.read(RUNTIME / "snapshot.json", Snapshot)
    assert snapshot is not None
    assert snapshot.pools.quorums == {"web": True}
    assert snapshot.targets.verdicts["tcp 127.0.0.45:8081 e0bf9a188e63"] == "passing"


def test_owned_kernel_state_is_known() -> None:
    assert owned.load(RUNTIME / "owned.json") == owned.Owned()


@pytest.mark.parametrize("file", sorted(RECORDED.rglob("*.json")), ids=lambda file: file.name)
def test_every_recorded_file_is_tested(file: Path) -> None:
    tested = Path(__file__).read_text()
    assert file.name in tested or file.name == "archive.json"


def test_the_version_is_the_same_everywhere() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{__version__}"\n' in project
