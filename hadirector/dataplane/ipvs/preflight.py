"""Finds out, before anything is changed, whether IPVS here can do what is configured.

The kernel lists neither schedulers nor persistence engines: whether one is there is seen by using
it. So a short-lived child process adds throw-away services in a network namespace of its own, which
vanish with it. That also makes the kernel load the modules, which later would hold up the
director's loop.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import sys
from collections.abc import Collection, Sequence

import msgspec

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs.codec.failures import ENGINE_PREFIX, missing_module, refusal
from hadirector.dataplane.ipvs.codec.messages import get_information, request
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.dataplane.reconcile import AddService
from hadirector.model.ipvs import Protocol, Service, ServiceKey

CHILD_SECONDS = 30.0
CLONE_NEWNET = 0x40000000


async def faults(services: Collection[Service]) -> list[str]:
    """List what stands in the way of programming IPVS with services like these, for the operator.

    Without CAP_SYS_ADMIN there is no namespace to try modules in: they are taken to be there, and a
    missing one is then an OperationFailure that names it.
    """
    schedulers = {each.scheduler for each in services}
    engines = {f"{ENGINE_PREFIX}{each.engine}" for each in services if each.engine}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        *sorted(schedulers),
        *sorted(engines),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(CHILD_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return [f"trying out IPVS took longer than {CHILD_SECONDS:g} s: is a module stuck loading?"]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        return [f"trying out IPVS ended with status {process.returncode}; the error is above"]
    return msgspec.json.decode(output, type=list[str])


async def _faults_here(modules: Sequence[str]) -> list[str]:
    """Do the child's work. It leaves its network namespace for a new one."""
    try:
        netlink = await IpvsNetlink.open()
        await netlink.get(get_information())
        netlink.close()
        return await _missing_modules(modules) if _enter_new_namespace() else []
    except DataplaneError as error:
        return [str(error)]


def _enter_new_namespace() -> bool:
    result: int = ctypes.CDLL(None).unshare(CLONE_NEWNET)
    return result == 0


async def _missing_modules(modules: Sequence[str]) -> list[str]:
    """Give each scheduler or engine a service: one the kernel lacks is refused with ENOENT."""
    netlink = await IpvsNetlink.open()
    codes = await netlink.perform(
        [
            request(AddService(ServiceKey(Protocol.UDP, "127.0.0.1", port), _sample(module)))
            for port, module in enumerate(modules, start=1)
        ]
    )
    netlink.close()
    return [
        missing_module(module) if code == errno.ENOENT else f"ip_vs_{module}: {refusal(code)}"
        for module, code in zip(modules, codes, strict=True)
        if code
    ]


def _sample(module: str) -> Service:
    """Make a service that needs this module and no other."""
    if not module.startswith(ENGINE_PREFIX):
        return Service(module)
    return Service("none", persistence=1, engine=module.removeprefix(ENGINE_PREFIX))


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_faults_here(sys.argv[1:]))))
