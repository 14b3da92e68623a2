"""Makes the definition of a check for a target."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from checks.definition.check import CheckDefinition
from checks.definition.options import Probe
from checks.definition.queries import is_host_probe
from hadirector.config.checks.schema import NONE, CheckSection, read_check
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, endpoint
from hadirector.model.vip_probes import route_via_vip

DEFAULT_CHECK = read_check({"type": "tcp"})
DIGEST_CHARACTERS = 12


class CheckTemplate(NamedTuple):
    """A check without a target. ``digest`` differs for different probes, timings and routes."""

    section: CheckSection
    probe: Probe
    digest: str


class VipRoute(NamedTuple):
    """The virtual server through which the probes of a check with ``via: vip`` go."""

    virtual_server: str
    forwarding: ForwardingMethod
    address: str


def check_template(section: CheckSection) -> CheckTemplate | None:
    """Return the template of a check; None for type none."""
    if section.type == NONE:
        return None
    probe = section.probe
    encoded = msgspec.json.encode([probe, section.timing, section.route, section.idle_connection])
    digest = hashlib.sha256(encoded).hexdigest()[:DIGEST_CHARACTERS]
    return CheckTemplate(section, probe, digest)


def check_for_target(
    template: CheckTemplate, key: DestinationKey, via: VipRoute | None = None
) -> CheckDefinition:
    """Return the check of a real server.

    The same check of the same target has the same identity. A check with ``via: vip`` has its own
    identity for each virtual server.
    """
    section = template.section
    address = section.address or key.address
    port = 0 if is_host_probe(template.probe) else section.port or key.port
    target = endpoint(address, port) if port else address
    route = section.route
    if section.via is not None and via is not None:
        route = route_via_vip(route, via.forwarding, via.address)
        target += f" via {via.forwarding} {via.address} of {via.virtual_server}"
    return CheckDefinition(
        identity=f"{section.type} {target} {template.digest}",
        address=address,
        port=port,
        probe=template.probe,
        timing=section.timing,
        route=route,
        idle_connection=section.idle_connection,
    )
