"""Says why the kernel refused something, in words a person can act on. Pure."""

from __future__ import annotations

import errno
import os

from hadirector.dataplane.base import OperationFailure
from hadirector.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
    describe,
)

NO_IPVS = (
    "the kernel has no IPVS: load its module ip_vs (modprobe ip_vs), "
    "or choose `dataplane: userspace`"
)
NO_CAPABILITY = "programming IPVS needs the capability CAP_NET_ADMIN, which this process lacks"


def refusal(code: int) -> str:
    """Say why the kernel refuses whatever is asked."""
    if code == errno.EPERM:
        return NO_CAPABILITY
    return f"IPVS refused: {os.strerror(code)} ({errno.errorcode.get(code, code)})"


def missing_scheduler(name: str) -> str:
    """Say which module a scheduler needs."""
    return f"the kernel has no scheduler {name}: its module ip_vs_{name} is missing"


def is_gone(operation: Operation, code: int) -> bool:
    """Say whether what should be deleted was not there, which is as good."""
    deletes = isinstance(operation, DeleteService | DeleteDestination)
    return deletes and code in (errno.ESRCH, errno.ENOENT)


def edit_instead(operation: Operation, code: int) -> Operation | None:
    """Decide the edit that meets an addition of what is already there."""
    if code != errno.EEXIST:
        return None
    match operation:
        case AddService(key, service):
            return EditService(key, service)
        case AddDestination(service_key, key, destination):
            return EditDestination(service_key, key, destination)
        case _:
            return None


def failure(operation: Operation, code: int) -> OperationFailure:
    """Describe an operation that the kernel refused."""
    name = errno.errorcode.get(code, str(code))
    return OperationFailure(
        operation, f"cannot {describe(operation)}: {_cause(operation, code)} ({name})"
    )


def _cause(operation: Operation, code: int) -> str:  # noqa: PLR0911  # a table of causes
    """The likely cause; the codes are those of net/netfilter/ipvs/ip_vs_ctl.c."""
    match operation, code:
        case _, errno.EPERM:
            return NO_CAPABILITY
        case ((AddService(_, service) | EditService(_, service)), errno.ENOENT):
            return missing_scheduler(service.scheduler)
        case _, errno.ESRCH:
            return "the service is not there"
        case EditDestination(), errno.ENOENT:
            return "the destination is not there"
        case _, errno.EAFNOSUPPORT:
            return "the kernel's IPVS was built without this address family"
        case ((AddService(key) | EditService(key)), errno.EPROTONOSUPPORT):
            return f"the kernel's IPVS was built without {key.protocol}"
        case ((AddDestination() | EditDestination()), errno.EINVAL):
            return "the address is not one of a single host, or its family is not the service's"
        case _:
            return os.strerror(code)
