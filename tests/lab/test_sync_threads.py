"""The kernel's sync daemon, as ipvsadm shows it independently."""

from __future__ import annotations

import subprocess

import pytest

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs import sync_threads
from hadirector.host.sync_daemon.rules import matches
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings

pytestmark = [pytest.mark.ipvs, pytest.mark.usefixtures("own_namespace")]

FOUR = SyncSettings(interface="d0", id=51, group="224.0.0.81", port=8848, ttl=1)
SIX = SyncSettings(interface="d0", id=0, maximum_length=1400, group="ff02::81", port=9999, ttl=3)


def command(*arguments: str, text: str | None = None) -> str:
    return subprocess.run(
        arguments, input=text, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.fixture
def _device(own_namespace: None) -> None:
    lines = (
        "link add d0 type dummy\naddress add 10.0.0.1/24 dev d0\n"
        "address add fe80::1/64 dev d0 nodad\nlink set d0 up\nlink set d0 multicast on\n"
    )
    command("ip", "-batch", "-", text=lines)


@pytest.mark.usefixtures("_device")
async def test_threads_run_with_every_option_and_stop() -> None:
    await sync_threads.perform(StartThread(SyncRole.MASTER, FOUR))
    await sync_threads.perform(StartThread(SyncRole.BACKUP, SIX))
    assert sorted(command("ipvsadm", "-L", "--daemon").splitlines()) == [
        "backup sync daemon (mcast=d0, syncid=0, maxlen=1400, group=ff02::81, port=9999, ttl=3)",
        "master sync daemon (mcast=d0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)",
    ]
    threads = await sync_threads.read()
    assert threads[SyncRole.BACKUP] == SIX
    assert matches(threads[SyncRole.MASTER], FOUR)
    for role in SyncRole:
        await sync_threads.perform(StopThread(role))
    await sync_threads.perform(StopThread(SyncRole.MASTER))  # stopped already, which is no error
    assert await sync_threads.read() == {}


@pytest.mark.usefixtures("_device")
async def test_an_operation_that_the_kernel_refuses_is_explained() -> None:
    await sync_threads.perform(StartThread(SyncRole.MASTER, FOUR))
    with pytest.raises(DataplaneError, match=r"^a thread with this role already runs \(EEXIST\)$"):
        await sync_threads.perform(StartThread(SyncRole.MASTER, FOUR))
    command("ip", "link", "delete", "d0")
    with pytest.raises(DataplaneError, match=r"^interface d0 does not exist \(ENODEV\)$"):
        await sync_threads.perform(StartThread(SyncRole.BACKUP, FOUR))
