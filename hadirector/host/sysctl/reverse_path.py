"""Finds reverse path filters (rp_filter) that would drop packets of a configuration.

Pure. With dr and tun, replies of real servers take another path than the packets of clients.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadirector.host.sysctl.rules import Sysctl, dotted_name, has_bypass, is_ipv4
from hadirector.model.configuration import Configuration
from hadirector.model.policy import ACCEPT_LOCAL


def filters(configuration: Configuration, wanted: Collection[Sysctl] = ()) -> tuple[str, ...]:
    """Return the names of the sysctls that ``strict`` reads."""
    if not _replies_bypass(configuration):
        return ()
    interfaces = _client_interfaces(configuration) | _probed_interfaces(wanted)
    return tuple(
        f"net/ipv4/conf/{interface}/rp_filter" for interface in ("all", *sorted(interfaces))
    )


def strict(
    configuration: Configuration,
    actual: Mapping[str, str | None],
    wanted: Collection[Sysctl] = (),
) -> list[str]:
    """Return a warning for each interface whose reverse path filter drops needed packets.

    These are the interfaces on which clients of dr and tun arrive. If ``wanted`` has the sysctl
    of `via: vip`, they are also the interfaces on which real servers answer from the virtual
    address.

    The kernel uses the greater value of "all" and the interface, and 2 is loose
    (ip-sysctl.rst). The director only warns, because the right value depends on the routes.
    """
    everywhere, *names = filters(configuration, wanted) or ("",)
    of_clients = filters(configuration)
    return [
        f"{dotted_name(name)} is strict:"
        f" {_DROPS_CLIENTS if name in of_clients else _DROPS_ANSWERS}; set it to 2 (loose)"
        for name in names
        if max(actual.get(everywhere) or "0", actual.get(name) or "0") == "1"
    ]


_DROPS_CLIENTS = (
    "with dr and tun, packets may arrive here from clients whose route is through another"
    " interface, and the filter drops them"
)
_DROPS_ANSWERS = (
    "real servers answer probes with via: vip from the virtual address, and the filter drops the"
    " answers if the route to that address is not through this interface"
)


def _client_interfaces(configuration: Configuration) -> set[str]:
    return {instance.device for instance in configuration.vrrp}


def _probed_interfaces(wanted: Collection[Sysctl]) -> set[str]:
    return {sysctl.name.split("/")[3] for sysctl in wanted if sysctl.word == ACCEPT_LOCAL}


def _replies_bypass(configuration: Configuration) -> bool:
    """Return whether replies of some real servers do not pass through this host."""
    if configuration.dataplane != "ipvs":
        return False
    return any(is_ipv4(server) and has_bypass(server) for server in configuration.virtual_servers)
