"""Decides which reverse path filters drop packets that a configuration needs.

Pure. What real servers behind dr and tun answer does not come the way that the packets went.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadirector.host.sysctl.rules import Sysctl, dotted_name, is_ipv4, is_nat
from hadirector.model.configuration import Configuration
from hadirector.model.policy import ACCEPT_LOCAL


def filters(configuration: Configuration, wanted: Collection[Sysctl] = ()) -> tuple[str, ...]:
    """Name the parameters that ``strict`` looks at."""
    if not _answered_elsewhere(configuration):
        return ()
    interfaces = _clients_interfaces(configuration) | _probed_interfaces(wanted)
    return tuple(f"net/ipv4/conf/{each}/rp_filter" for each in ("all", *sorted(interfaces)))


def strict(
    configuration: Configuration,
    actual: Mapping[str, str | None],
    wanted: Collection[Sysctl] = (),
) -> list[str]:
    """Warn of interfaces that drop packets whose way back does not lead through them.

    They are those of dr's and tun's clients, and, where ``wanted`` has the sysctl of `via: vip`,
    what real servers answer to probes from the virtual address.

    The stricter of "all" and the interface is in force, where 2 is loose (ip-sysctl.rst). What is
    right depends on the routes, so nothing is set.
    """
    everywhere, *names = filters(configuration, wanted) or ("",)
    of_clients = filters(configuration)
    return [
        f"{dotted_name(name)} filters strictly:"
        f" {_DROPS_CLIENTS if name in of_clients else _DROPS_ANSWERS}; 2 accepts them"
        for name in names
        if max(actual.get(everywhere) or "0", actual.get(name) or "0") == "1"
    ]


_DROPS_CLIENTS = (
    "with dr and tun the answers do not come through here,"
    " and clients without a route through this interface are dropped"
)
_DROPS_ANSWERS = (
    "with via: vip the real servers answer from the virtual address, and without a route to that"
    " through this interface the answers are dropped"
)


def _clients_interfaces(configuration: Configuration) -> set[str]:
    return {each.device for each in configuration.vrrp}


def _probed_interfaces(wanted: Collection[Sysctl]) -> set[str]:
    return {each.name.split("/")[3] for each in wanted if each.word == ACCEPT_LOCAL}


def _answered_elsewhere(configuration: Configuration) -> bool:
    servers = configuration.virtual_servers
    past = any(not is_nat(each) and is_ipv4(each) for each in servers)
    return past and configuration.dataplane == "ipvs"
