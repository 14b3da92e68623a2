"""Explains to the operator why the kernel refused a request. Pure."""

from __future__ import annotations

import errno
import os

from hadirector.dataplane.dataplane import OperationFailure
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
    describe,
)
from hadirector.model.ipvs import DestinationKey, Service, ServiceKey

NO_IPVS = (
    "the kernel has no IPVS: load its module ip_vs (modprobe ip_vs), "
    "or choose `dataplane: userspace`"
)
NO_CAPABILITY = "programming IPVS needs the capability CAP_NET_ADMIN, which this process lacks"
ENGINE_PREFIX = "pe_"


def refusal(code: int) -> str:
    """Explain an errno that has the same meaning for every request."""
    if code == errno.EPERM:
        return NO_CAPABILITY
    return f"IPVS refused: {os.strerror(code)} ({errno.errorcode.get(code, code)})"


def missing_module(name: str) -> str:
    """Explain a missing module ``ip_vs_NAME``: a scheduler or a persistence engine."""
    kind = "scheduler"
    if name.startswith(ENGINE_PREFIX):
        kind = "persistence engine"
    feature = f"{kind} {name.removeprefix(ENGINE_PREFIX)}"
    return f"the kernel has no {feature}: its module ip_vs_{name} is missing"


def is_gone(operation: Operation, code: int) -> bool:
    """Return whether a deletion failed because the service or destination does not exist."""
    deletes = isinstance(operation, DeleteService | DeleteDestination)
    return deletes and code in (errno.ESRCH, errno.ENOENT)


def edit_instead(operation: Operation, code: int) -> Operation | None:
    """Return the edit that replaces the addition of an existing service or destination."""
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


def _cause(operation: Operation, code: int) -> str:
    """Return the likely cause of an errno of net/netfilter/ipvs/ip_vs_ctl.c."""
    if general := _GENERAL_CAUSES.get(code):
        return general
    match operation:
        case AddService(key, service) | EditService(key, service):
            cause = _service_cause(key, service, code)
        case AddDestination(service_key, key) | EditDestination(service_key, key):
            cause = _destination_cause(service_key, key, code)
        case _:
            cause = None
    return cause or os.strerror(code)


_GENERAL_CAUSES = {
    errno.EPERM: NO_CAPABILITY,
    errno.ESRCH: "the service does not exist",
    errno.EAFNOSUPPORT: "the kernel's IPVS was built without this address family",
}


def _service_cause(key: ServiceKey, service: Service, code: int) -> str | None:
    match code:
        case errno.ENOENT if service.engine:
            engine = missing_module(f"{ENGINE_PREFIX}{service.engine}")
            return f"{missing_module(service.scheduler)}, or {engine}"
        case errno.ENOENT:
            return missing_module(service.scheduler)
        case errno.EPROTONOSUPPORT:
            return f"the kernel's IPVS was built without {key.protocol}"
        case _:
            return None


def _destination_cause(service: ServiceKey, key: DestinationKey, code: int) -> str | None:
    match code:
        case errno.ENOENT:
            return "the destination does not exist"
        case errno.ERANGE:
            return "the weight is out of range, or the lower threshold is above the upper threshold"
        case errno.EINVAL if (":" in service.address) != (":" in key.address):
            return (
                "the destination has another address family than the service: use forwarding tun,"
                " and stop the sync daemon of this host"
            )
        case errno.EINVAL:
            return "the address is not a unicast address"
        case _:
            return None
