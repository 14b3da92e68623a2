"""Explanations of refused operations, and refusals that are no failures."""

from __future__ import annotations

import errno

import pytest

from hadirector.dataplane.ipvs.codec.failures import edit_instead, failure, is_gone
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
    Tunnel,
)

NAT = ForwardingMethod.NAT
WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "2001:db8::53", 53)
SERVER = DestinationKey("198.51.100.1", 80)
SH = Service("sh", frozenset({SchedulerFlag.FALLBACK, SchedulerFlag.PORT}), 300)


@pytest.mark.parametrize(
    ("operation", "code", "error"),
    [
        (
            AddService(WEB, Service("twos")),
            errno.ENOENT,
            "cannot add service tcp 192.0.2.1:80 (twos): "
            "the kernel has no scheduler twos: its module ip_vs_twos is missing (ENOENT)",
        ),
        (
            DeleteService(WEB),
            errno.EPERM,
            "cannot delete service tcp 192.0.2.1:80: programming IPVS needs the capability "
            "CAP_NET_ADMIN, which this process lacks (EPERM)",
        ),
        (
            AddDestination(WEB, SERVER, Destination(1, NAT)),
            errno.ESRCH,
            "cannot add destination 198.51.100.1:80 to tcp 192.0.2.1:80 (nat, weight 1): "
            "the service does not exist (ESRCH)",
        ),
        (
            EditDestination(WEB, SERVER, Destination(1, NAT)),
            errno.ENOENT,
            "cannot edit destination 198.51.100.1:80 of tcp 192.0.2.1:80 (nat, weight 1): "
            "the destination does not exist (ENOENT)",
        ),
        (
            AddService(DNS, Service("rr")),
            errno.EAFNOSUPPORT,
            "cannot add service udp [2001:db8::53]:53 (rr): "
            "the kernel's IPVS was built without this address family (EAFNOSUPPORT)",
        ),
        (
            AddService(DNS, Service("rr")),
            errno.EPROTONOSUPPORT,
            "cannot add service udp [2001:db8::53]:53 (rr): "
            "the kernel's IPVS was built without udp (EPROTONOSUPPORT)",
        ),
        (
            AddDestination(WEB, SERVER, Destination(1, NAT)),
            errno.EINVAL,
            "cannot add destination 198.51.100.1:80 to tcp 192.0.2.1:80 (nat, weight 1): "
            "the address is not a unicast address (EINVAL)",
        ),
        (
            AddDestination(DNS, SERVER, Destination(1, ForwardingMethod.TUN, tunnel=Tunnel())),
            errno.EINVAL,
            "cannot add destination 198.51.100.1:80 to udp [2001:db8::53]:53 "
            "(tun in ipip, weight 1): the destination has another address family than the"
            " service: use forwarding tun, and stop the sync daemon of this host (EINVAL)",
        ),
        (
            EditDestination(WEB, SERVER, Destination(1, NAT, 10, 20)),
            errno.ERANGE,
            "cannot edit destination 198.51.100.1:80 of tcp 192.0.2.1:80 "
            "(nat, weight 1, upper threshold 10, lower threshold 20): "
            "the weight is out of range, or the lower threshold is above the upper threshold"
            " (ERANGE)",
        ),
        (
            AddService(DNS, Service("rr", persistence=60, prefix_length=64, engine="sip")),
            errno.ENOENT,
            "cannot add service udp [2001:db8::53]:53 (rr, persistence 60 s, per /64, engine sip):"
            " the kernel has no scheduler rr: its module ip_vs_rr is missing, or"
            " the kernel has no persistence engine sip: its module ip_vs_pe_sip is missing"
            " (ENOENT)",
        ),
        (
            DeleteService(WEB),
            errno.ENOMEM,
            "cannot delete service tcp 192.0.2.1:80: Cannot allocate memory (ENOMEM)",
        ),
    ],
)
def test_a_failure_has_the_operation_and_the_cause(
    operation: Operation, code: int, error: str
) -> None:
    assert failure(operation, code).error == error


def test_only_a_missing_object_counts_as_deleted() -> None:
    assert is_gone(DeleteService(WEB), errno.ESRCH)
    assert is_gone(DeleteDestination(WEB, SERVER), errno.ESRCH)
    assert is_gone(DeleteDestination(WEB, SERVER), errno.ENOENT)
    assert not is_gone(DeleteService(WEB), errno.EPERM)
    assert not is_gone(EditService(WEB, SH), errno.ESRCH)


def test_an_existing_object_is_edited_instead_of_added() -> None:
    destination = Destination(1, NAT)
    assert edit_instead(AddService(WEB, SH), errno.EEXIST) == EditService(WEB, SH)
    assert edit_instead(AddDestination(WEB, SERVER, destination), errno.EEXIST) == (
        EditDestination(WEB, SERVER, destination)
    )
    assert edit_instead(AddService(WEB, SH), errno.ENOENT) is None
    assert edit_instead(DeleteService(WEB), errno.EEXIST) is None
