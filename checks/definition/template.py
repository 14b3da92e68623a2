"""A check without a target, from which the checks of the servers of a pool are made. Pure."""

from __future__ import annotations

import msgspec

from checks.definition.check import CheckDefinition, Route, Timing
from checks.definition.options import Probe
from checks.definition.queries import is_host_probe


class CheckTemplate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A check without a target.

    ``digest`` is a hash of the probe, timing and route. With ``address`` or ``port``, all targets
    have it instead of their own. ``via_vip`` marks a check whose probes go through IPVS.
    """

    type: str
    digest: str
    probe: Probe
    timing: Timing
    route: Route
    address: str | None = None
    port: int | None = None
    idle_connection: bool = False
    via_vip: bool = False

    def for_target(
        self, address: str, port: int, suffix: str = "", route: Route | None = None
    ) -> CheckDefinition:
        """Return the check of a target. Equal checks of the same target have one identity.

        ``suffix`` becomes a part of the identity, and ``route`` replaces the route of the template.
        """
        address = self.address or address
        port = 0 if is_host_probe(self.probe) else self.port or port
        return CheckDefinition(
            identity=f"{self.type} {_target(address, port)}{suffix} {self.digest}",
            address=address,
            port=port,
            probe=self.probe,
            timing=self.timing,
            route=route or self.route,
            idle_connection=self.idle_connection,
        )


def _target(address: str, port: int) -> str:
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
