"""The changes of a reload."""

from __future__ import annotations

import msgspec

from hadirector.model.configuration import ApiRoles, VirtualServer
from hadirector.model.ipvs import (
    ConnectionTimeouts,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceKey,
)
from hadirector.reload.plan import Plan, plan
from tests.builders import a_configuration, a_virtual_server, an_instance


def server(name: str, port: int, scheduler: str = "rr") -> VirtualServer:
    keys = (ServiceKey(Protocol.TCP, "192.0.2.10", port),)
    return a_virtual_server(name=name, keys=keys, service=Service(scheduler))


INSTANCE = an_instance(virtual_addresses=("192.0.2.10/32",))
OLD = a_configuration(server("web", 80), server("tls", 443), vrrp=(INSTANCE,))


def test_the_same_configuration_changes_nothing() -> None:
    assert plan(OLD, OLD) == Plan((), (), (), ())
    assert plan(OLD, OLD).summary == "nothing to change"


def test_differences_are_named() -> None:
    new = msgspec.structs.replace(
        OLD,
        vrrp=(),
        virtual_servers=(server("web", 80, "wlc"), server("dns", 53)),
    )
    assert plan(OLD, new) == Plan(
        refused=(),
        started=("virtual server dns",),
        stopped=("VRRP instance web", "virtual server tls"),
        changed=("virtual server web",),
    )
    assert plan(OLD, new).summary == (
        "start virtual server dns; stop VRRP instance web, virtual server tls;"
        " change virtual server web"
    )


def test_kernel_settings_that_change_are_named() -> None:
    """The timeouts, and the sysctls that another forwarding method implies."""
    hashed = msgspec.structs.replace(server("web", 80), forwarding=ForwardingMethod.FULLNAT)
    new = msgspec.structs.replace(
        OLD,
        virtual_servers=(hashed, server("tls", 443)),
        connection_timeouts=ConnectionTimeouts(tcp=60),
        on_stop="keep",
    )
    assert plan(OLD, new).summary == (
        "change connection_timeouts, on_stop, sysctls, virtual server web"
    )


def test_changes_that_need_a_restart_are_refused() -> None:
    new = msgspec.structs.replace(OLD, dataplane="userspace")
    assert plan(OLD, new).refused == (
        "dataplane cannot change from ipvs to userspace without a restart",
    )


def test_roles_of_groups_change_at_a_reload_and_are_not_removed() -> None:
    """A client that is connected already would have the role admin."""
    some = msgspec.structs.replace(OLD, api_roles=ApiRoles(read=("adm",)))
    others = msgspec.structs.replace(OLD, api_roles=ApiRoles(operate=("adm",)))
    assert (plan(OLD, some).refused, plan(some, others).refused) == ((), ())
    assert plan(some, others).summary == "change the roles of groups"
    assert plan(some, OLD).refused == ("api.roles cannot be removed without a restart",)
