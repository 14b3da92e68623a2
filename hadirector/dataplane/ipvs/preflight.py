"""Checks that IPVS on this host supports the configured services, before anything is changed.

The kernel does not list its schedulers and persistence engines, so they must be tried. A
short-lived child process adds services in a network namespace of its own, which ends with the
process. This also loads the modules, which would block the director's loop later.
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
from hadirector.runtime.interpreter import PYTHON_MODULE

CHILD_SECONDS = 30.0
CLONE_NEWNET = 0x40000000


async def faults(services: Collection[Service]) -> list[str]:
    """Return why IPVS on this host cannot serve these services, as texts for the operator.

    Without CAP_SYS_ADMIN the process cannot enter a namespace, and modules are not tested. A
    missing module then causes an OperationFailure with its name.
    """
    schedulers = {service.scheduler for service in services}
    engines = {f"{ENGINE_PREFIX}{service.engine}" for service in services if service.engine}
    process = await asyncio.create_subprocess_exec(
        *PYTHON_MODULE,
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
        return [
            f"the test of IPVS modules took longer than {CHILD_SECONDS:g} s; a module may be stuck"
            " while the kernel loads it"
        ]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        return [
            f"the test of IPVS modules ended with status {process.returncode}; see the error above"
        ]
    return msgspec.json.decode(output, type=list[str])


async def _faults_here(modules: Sequence[str]) -> list[str]:
    """Test the modules in a new network namespace; this runs in the child process."""
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
    """Add a service for each module; the kernel refuses it with ENOENT if the module is missing."""
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
    """Return a service that needs this module and no other module."""
    if not module.startswith(ENGINE_PREFIX):
        return Service(module)
    return Service("none", persistence=1, engine=module.removeprefix(ENGINE_PREFIX))


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_faults_here(sys.argv[1:]))))
