"""The snapshot that a director stores for its next start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from checks.definition.result import Verdict
from hadirector.director import snapshot as module
from hadirector.director.snapshot import FILE, Snapshot, SnapshotStore
from hadirector.health.target import TargetsSnapshot
from hadirector.pools.adoption import PoolsSnapshot
from tests.waiting import eventually_async

POOLS = PoolsSnapshot(quorums={"web": True}, serving_since={"web/192.0.2.1:80": 9980.0})
TARGETS = TargetsSnapshot(failures={"a": (9000.0, 9990.0)}, weights={"a": 50}, failing=("b",))
SNAPSHOT = Snapshot(pools=POOLS, targets=TARGETS)
FINAL = Snapshot(
    pools=POOLS,
    targets=TargetsSnapshot(TARGETS.failures, TARGETS.weights, ("b",), {"b": Verdict.FAILING}),
)


def read(directory: Path) -> Snapshot:
    return SnapshotStore(directory).read()


def test_the_next_run_reads_what_the_last_one_wrote(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).write(SNAPSHOT)
    found = read(tmp_path)
    assert (found.pools, found.targets) == (POOLS, TARGETS)


def test_the_verdicts_of_a_final_snapshot_are_read_once(tmp_path: Path) -> None:
    """If this run is killed, they are old at the start that follows."""
    SnapshotStore(tmp_path).write(FINAL)
    assert read(tmp_path).targets == FINAL.targets
    assert read(tmp_path).targets == TARGETS


def test_the_next_run_knows_how_the_last_one_ended(tmp_path: Path) -> None:
    """A run that writes no final snapshot has crashed."""

    def previous_run() -> str:
        store = SnapshotStore(tmp_path)
        store.read()
        return store.previous_run

    assert previous_run() == "none"
    assert previous_run() == "crashed"
    SnapshotStore(tmp_path).write(FINAL)
    assert previous_run() == "stopped"


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"boot": "another"}', b'{"boot": 1}', b'{"version": 0}']
)
def test_an_unusable_file_is_ignored(tmp_path: Path, content: bytes) -> None:
    """It is damaged, or from another boot or version."""
    (tmp_path / FILE).write_bytes(content)
    found = read(tmp_path)
    assert (found.pools, found.targets) == (PoolsSnapshot(), TargetsSnapshot())


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.write(Snapshot())
    assert not (tmp_path / FILE).exists()
    store.write(SNAPSHOT)
    (tmp_path / FILE).unlink()
    store.write(SNAPSHOT)
    assert not (tmp_path / FILE).exists()


def test_the_file_is_named_snapshot_and_is_json(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).write(FINAL)
    content = msgspec.json.decode((tmp_path / "snapshot.json").read_bytes())
    assert content["pools"]["quorums"] == {"web": True}
    assert content["targets"]["verdicts"] == {"b": "failing"}


async def test_a_snapshot_is_taken_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A director without changes does not wake up. A failed write is tried again."""
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.0)
    directory, taken = tmp_path / "later", []

    def take() -> Snapshot:
        taken.append(SNAPSHOT)
        if len(taken) == 3:
            directory.unlink()
            directory.mkdir()
        return SNAPSHOT

    directory.touch()
    store = SnapshotStore(directory)
    running = asyncio.create_task(store.run(take))
    await asyncio.sleep(0.02)
    assert not taken
    store.note_change()
    await eventually_async(lambda: len(taken), 10.0, expected=3)
    await asyncio.sleep(0.02)
    assert (len(taken), read(directory).targets) == (3, TARGETS)
    running.cancel()
