"""Reads, starts and stops the threads of the IPVS sync daemon in the kernel."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import AsyncIterator

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs.codec import sync_messages
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings


async def read() -> dict[SyncRole, SyncSettings]:
    """Return the threads that run in this network namespace. Raises DataplaneError."""
    async with _connection() as netlink:
        answers = await netlink.list_all(sync_messages.list_threads())
    return dict(map(sync_messages.read_thread, answers))


async def perform(operation: StartThread | StopThread) -> None:
    """Start or stop a thread. Stopping a thread that does not run succeeds.

    Raises DataplaneError.
    """
    async with _connection() as netlink:
        [code] = await netlink.perform([sync_messages.request(operation)])
    if code and not (isinstance(operation, StopThread) and code == errno.ESRCH):
        name = errno.errorcode.get(code, str(code))
        raise DataplaneError(f"{_cause(operation, code)} ({name})")


def _cause(operation: StartThread | StopThread, code: int) -> str:
    """Return the likely cause of an errno of start_sync_thread (ip_vs_sync.c)."""
    match operation, code:
        case StartThread(_, settings), errno.ENODEV:
            return f"interface {settings.interface} does not exist"
        case StartThread(_, settings), errno.EADDRNOTAVAIL:
            return f"interface {settings.interface} has no address to send from"
        case StartThread(_, settings), errno.EADDRINUSE:
            return f"port {settings.port} is in use"
        case StartThread(), errno.EEXIST:
            return "a thread with this role already runs"
        case StartThread(), errno.EINVAL:
            return "services with real servers of another address family cannot be synchronized"
        case _:
            return os.strerror(code)


@contextlib.asynccontextmanager
async def _connection() -> AsyncIterator[IpvsNetlink]:
    netlink = await IpvsNetlink.open()
    try:
        yield netlink
    finally:
        netlink.close()
