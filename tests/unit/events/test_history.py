"""The history: what belongs to it, its limits, and that it survives."""

from __future__ import annotations

from pathlib import Path

import structlog

from hadirector.events.history import History, Kind
from hadirector.events.recorder import Recorder

TAKEOVER = {
    "instance": "web",
    "previous": "BACKUP",
    "state": "ACTIVE",
    "reason": "no active router",
    "peer": "192.0.2.2",
    "silence": 3.61,
}


def test_only_changes_from_and_to_active_are_failovers() -> None:
    history = History()
    assert history.note(1.0, "vrrp_state_changed", TAKEOVER)
    assert not history.note(
        2.0, "vrrp_state_changed", {**TAKEOVER, "previous": "INITIALIZE", "state": "BACKUP"}
    )
    assert not history.note(3.0, "verdict_changed", {"address": "192.0.2.45"})
    [entry] = history.entries
    assert (entry.number, entry.kind, entry.fields["silence"]) == (1, Kind.FAILOVER, 3.61)


def test_a_kind_that_repeats_pushes_out_no_other_kind() -> None:
    history = History()
    history.note(1.0, "configuration_applied", {"number": 2})
    for number in range(250):
        history.note(2.0 + number, "vrrp_state_changed", TAKEOVER)
    kinds = [entry.kind for entry in history.entries]
    assert (kinds.count(Kind.CONFIGURATION), kinds.count(Kind.FAILOVER)) == (1, 200)
    assert history.entries[1].number == 52
    assert history.last == 251


async def test_the_history_continues_after_a_reboot(tmp_path: Path) -> None:
    first = Recorder()
    async with first.history_store.persist_in(tmp_path):
        first.note("handover_ordered", instance="web", author="unix:ann", reason="NIC")
    second = Recorder()
    second.note("director_started", name="lb1")  # before the file is read
    async with second.history_store.persist_in(tmp_path):
        assert [(entry.number, entry.kind) for entry in second.history.entries] == [
            (1, Kind.HANDOVER),
            (2, Kind.START),
        ]
    assert (tmp_path / "history.json").stat().st_mode & 0o777 == 0o600


async def test_an_unusable_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text("{}")
    recorder = Recorder()
    with structlog.testing.capture_logs() as lines:
        async with recorder.history_store.persist_in(tmp_path):
            assert recorder.history.entries == ()
    assert [line["event"] for line in lines] == ["history_unusable"]
    assert (tmp_path / "history.unusable").exists()
