"""Reconciling the sync daemon, with failures and changes by other programs."""

from __future__ import annotations

import pytest
import structlog
from msgspec.structs import replace

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.host.sync_daemon.reconciler import SyncDaemonReconciler
from hadirector.host.sync_daemon.rules import Threads
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings

MASTER, BACKUP = SyncRole.MASTER, SyncRole.BACKUP
OURS = SyncSettings(interface="eth1", id=51, group="224.0.0.81", port=8848, ttl=1)
OTHER = replace(OURS, id=7)


class Kernel:
    """Threads, and the order of the calls."""

    def __init__(self) -> None:
        self.threads: dict[SyncRole, SyncSettings] = {}
        self.done: list[str] = []
        self.error: str | None = None

    async def read(self) -> dict[SyncRole, SyncSettings]:
        return dict(self.threads)

    async def perform(self, operation: StartThread | StopThread) -> None:
        if self.error:
            raise DataplaneError(self.error)
        if isinstance(operation, StartThread):
            self.done.append(f"start {operation.role}")
            self.threads[operation.role] = replace(operation.settings, maximum_length=1464)
        else:
            self.done.append(f"stop {operation.role}")
            del self.threads[operation.role]

    def remember(self, threads: Threads) -> None:
        self.done.append(f"remember {sorted(map(str, threads))}")


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


async def test_a_thread_is_stored_as_owned_before_it_starts(kernel: Kernel) -> None:
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    await reconciler.reconcile({BACKUP: OURS})
    assert kernel.done == ["remember ['backup']", "start backup"]
    assert reconciler.running == ("backup on eth1, id 51, 224.0.0.81:8848",)
    await reconciler.reconcile({MASTER: OURS})
    assert kernel.done[2:] == ["stop backup", "remember ['backup', 'master']", "start master"]
    assert reconciler.repaired == 0


async def test_a_thread_stopped_by_another_program_is_restarted_and_counted(kernel: Kernel) -> None:
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    await reconciler.reconcile({MASTER: OURS})
    kernel.threads.clear()
    with structlog.testing.capture_logs() as lines:
        await reconciler.reconcile({MASTER: OURS})
    assert MASTER in kernel.threads
    assert reconciler.repaired == 1
    assert [each["event"] for each in lines] == ["sync_daemon_repaired"]


async def test_a_restart_keeps_running_threads(kernel: Kernel) -> None:
    kernel.threads = {MASTER: replace(OURS, maximum_length=1464)}
    reconciler = SyncDaemonReconciler(lambda: kernel, {MASTER: OURS}, kernel.remember)
    await reconciler.reconcile({MASTER: OURS})
    assert kernel.done == []


async def test_a_running_thread_with_the_wanted_settings_is_adopted(kernel: Kernel) -> None:
    kernel.threads = {MASTER: OURS}
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    await reconciler.reconcile({MASTER: OURS})
    assert kernel.done == ["remember ['master']"]


async def test_a_foreign_thread_is_left_and_reported(kernel: Kernel) -> None:
    kernel.threads = {MASTER: OTHER}
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    with structlog.testing.capture_logs() as lines:
        await reconciler.reconcile({MASTER: OURS})
        await reconciler.reconcile({MASTER: OURS})
    assert kernel.threads == {MASTER: OTHER}
    assert reconciler.foreign == ("master on eth1, id 7, 224.0.0.81:8848",)
    [warning] = reconciler.warnings
    assert warning == (
        "sync daemon master on eth1, id 51, 224.0.0.81:8848 cannot run while a foreign"
        " thread has the role: master on eth1, id 7, 224.0.0.81:8848"
    )
    assert len(lines) == 1
    kernel.threads.clear()
    await reconciler.reconcile({MASTER: OURS})
    assert not reconciler.foreign
    assert not reconciler.warnings
    assert reconciler.repaired == 0


async def test_a_failure_is_reported_and_the_next_pass_retries(kernel: Kernel) -> None:
    kernel.error = "interface eth1 does not exist (ENODEV)"
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    await reconciler.reconcile({MASTER: OURS})
    assert reconciler.warnings == ("sync daemon master: interface eth1 does not exist (ENODEV)",)
    kernel.error = None
    await reconciler.reconcile({MASTER: OURS})
    assert list(kernel.threads) == [MASTER]
    assert not reconciler.warnings


async def test_at_the_end_owned_threads_stop(kernel: Kernel) -> None:
    kernel.threads = {MASTER: OURS, BACKUP: OTHER}
    reconciler = SyncDaemonReconciler(lambda: kernel, {MASTER: OURS}, kernel.remember)
    await reconciler.reconcile({})
    assert kernel.threads == {BACKUP: OTHER}
    assert kernel.done == ["stop master", "remember []"]


async def test_without_a_daemon_the_kernel_is_not_read(kernel: Kernel) -> None:
    kernel.threads = {BACKUP: OTHER}
    reconciler = SyncDaemonReconciler(lambda: kernel, {}, kernel.remember)
    await reconciler.reconcile({})
    assert (kernel.done, reconciler.foreign) == ([], ())
