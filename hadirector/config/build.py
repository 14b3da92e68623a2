"""Makes the model out of sections that have been found good."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import msgspec

from checks.definition.check import CheckDefinition, Limits
from checks.definition.options import Probe
from checks.definition.queries import is_host_probe
from hadirector.config.checks.schema import NONE, CheckSection, read_check
from hadirector.config.kernel.build import connection_timeouts, sync_daemon, sysctl_policy
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import (
    DirectorSection,
    PreemptSection,
    RealServerSection,
    Root,
    VirtualServerSection,
    VrrpSection,
)
from hadirector.config.services.schema import TunnelSection
from hadirector.config.tracking.build import (
    in_groups,
    notifications,
    tracked_objects,
    tracked_scripts,
)
from hadirector.config.vrrp.addresses.build import placements
from hadirector.config.vrrp.routes.build import virtual_routes, virtual_rules
from hadirector.config.vrrp.virtual_mac import macvlan_name
from hadirector.model.configuration import Configuration, OnFailure, RealServer, VirtualServer
from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    DestinationKey,
    ForwardingMethod,
    SchedulerFlag,
    Service,
    Tunnel,
    address_bits,
    endpoint,
)
from hadirector.model.vip_probes import assign_marks, route_via_vip
from vrrp.model.configuration import (
    Authentication,
    HmacAuthentication,
    HmacKey,
    InstanceConfiguration,
    Multicast,
    PassAuthentication,
    Transport,
    UdpUnicast,
    Unicast,
)

DEFAULT_UDP_PORT = 1112
DEFAULT_TTL_MIN = 255
DIGEST_CHARACTERS = 12
SEQUENCE_FILE = "auth_hmac.sequence"
_DEFAULT_CHECK = read_check({"type": "tcp"})


class Recipe(NamedTuple):
    """A check without its target; ``digest`` tells different ones apart."""

    section: CheckSection
    probe: Probe
    digest: str


def build(root: Root, host_name: str) -> Configuration:
    """Make the configuration; ``host_name`` names a director that has no name of its own."""
    director, api = root.director, root.api
    assert director is not None
    assert api is not None
    check = director.check or _DEFAULT_CHECK
    return Configuration(
        name=director.name or host_name,
        dataplane=director.dataplane,
        on_stop=director.on_stop,
        realtime=director.realtime,
        limits=Limits(director.probes_per_second, director.target_probes_per_second),
        runtime_directory=director.runtime_directory,
        state_directory=director.state_directory or _state_directory(director.runtime_directory),
        api_unix=api.unix or f"{director.runtime_directory}/api.sock",
        sysctls=sysctl_policy(root),
        sync_daemon=sync_daemon(root),
        connection_timeouts=connection_timeouts(root),
        vrrp=_instances(root, director),
        tracked_scripts=tracked_scripts(root),
        notifications=notifications(root),
        virtual_servers=assign_marks(
            [_virtual_server(each, check) for _, each in valid_items(root.virtual_servers)],
            director.probe_marks,
        ),
    )


def _state_directory(runtime_directory: str) -> str:
    """Choose where state outlasts a reboot: not under /run, which every boot empties."""
    return re.sub(r"\A(?:/var)?/run/", "/var/lib/", runtime_directory)


def _instances(root: Root, director: DirectorSection) -> tuple[InstanceConfiguration, ...]:
    has_backends = bool(root.virtual_servers)
    made = (
        _instance(each, director, has_backends=has_backends) for _, each in valid_items(root.vrrp)
    )
    return in_groups(root, tuple(made))


def _instance(
    section: VrrpSection, director: DirectorSection, *, has_backends: bool
) -> InstanceConfiguration:
    preempt = section.preempt or PreemptSection()
    return InstanceConfiguration(
        name=section.name,
        interface=section.interface,
        virtual_router_id=section.virtual_router_id,
        virtual_addresses=tuple(each.address for each in section.virtual_addresses),
        unadvertised_addresses=tuple(each.address for each in section.unadvertised_addresses),
        placements=placements(section),
        virtual_routes=virtual_routes(section),
        virtual_rules=virtual_rules(section),
        version=section.version,
        priority=section.priority,
        advert_interval=section.advert_interval,
        preempt=section.preempt is not None,
        preempt_delay=preempt.delay,
        checksum=section.checksum,
        transport=_transport(section),
        authentication=_authentication(section, director),
        track=tracked_objects(section, has_backends=has_backends),
        flap_delay=section.flap_delay,
        start_delay=section.start_delay,
        max_learned_interval=section.max_learned_interval,
        clamp_learned_interval=section.clamp_learned_interval,
        address_mismatch=section.address_mismatch,
        virtual_mac=macvlan_name(section),
    )


def _transport(section: VrrpSection) -> Transport:
    if section.unicast is None:
        return Multicast()
    unicast = section.unicast
    source, peers = unicast.source, tuple(unicast.peers)
    if section.transport == "udp":
        return UdpUnicast(source=source, peers=peers, port=unicast.port or DEFAULT_UDP_PORT)
    return Unicast(source=source, peers=peers, ttl_min=unicast.ttl_min or DEFAULT_TTL_MIN)


def _authentication(section: VrrpSection, director: DirectorSection) -> Authentication | None:
    if section.authentication is not None:
        return PassAuthentication(section.authentication.password)
    hmac = section.auth_hmac
    if hmac is None:
        return None
    return HmacAuthentication(
        mode=hmac.mode,
        send_key=hmac.send_key,
        keys=tuple(HmacKey(each.id, each.file) for each in hmac.keys),
        # keepalived's default: three advertisements may be lost, and clocks differ a little.
        window=hmac.window or max(3 * section.advert_interval, 5.0),
        sequence_file=f"{director.runtime_directory}/{SEQUENCE_FILE}",
    )


def _virtual_server(section: VirtualServerSection, check: CheckSection) -> VirtualServer:
    hashes = section.scheduler in HASH_SCHEDULERS
    inherited = _recipe(section.check or check)
    default = OnFailure.ZERO_WEIGHT if hashes else OnFailure.REMOVE
    return VirtualServer(
        name=section.title,
        keys=section.keys,
        service=_service(section),
        forwarding=section.forwarding,
        on_failure=section.on_failure or default,
        quorum=section.quorum,
        hysteresis=section.hysteresis,
        min_healthy=section.min_healthy,
        initially_up=section.initial_state == "up",
        flap_damping=None if section.flap_damping is None else section.flap_damping.policy,
        sorry_server=_sorry_server(section),
        real_servers=tuple(
            _real_server(each, section, inherited) for _, each in valid_items(section.real_servers)
        ),
    )


def _service(section: VirtualServerSection) -> Service:
    # sh and mh keep their tables only while every real server stays in the list.
    always = {SchedulerFlag.FALLBACK} if section.scheduler in HASH_SCHEDULERS else set()
    length = section.persistence_prefix_length
    return Service(
        section.scheduler,
        flags=frozenset({*section.scheduler_flags, *always}),
        persistence=section.persistence or 0,
        prefix_length=None if length == address_bits(section.keys[0].address) else length,
        engine=section.persistence_engine or "",
        one_packet=section.one_packet,
    )


def _real_server(
    section: RealServerSection, server: VirtualServerSection, inherited: Recipe | None
) -> RealServer:
    key = section.key(server)
    recipe = inherited if section.check is None else _recipe(section.check)
    slow_start = section.slow_start or server.slow_start
    return RealServer(
        key=key,
        weight=section.weight,
        check=None if recipe is None else _definition(recipe, key, server),
        backup_tier=section.backup_tier,
        upper_threshold=section.upper_threshold or 0,
        lower_threshold=section.lower_threshold or 0,
        tunnel=_tunnel(server, section.tunnel),
        slow_start=None if slow_start is None else slow_start.policy,
    )


def aimed_at(section: CheckSection, key: DestinationKey) -> CheckDefinition:
    """Make the check of one real server; of any type but none."""
    recipe = _recipe(section)
    assert recipe is not None
    return _definition(recipe, key)


def _sorry_server(server: VirtualServerSection) -> RealServer | None:
    """It is checked only by a check of its own: that of the pool may well ask for the pool."""
    sorry = server.sorry_server
    if sorry is None:
        return None
    key = sorry.key(server)
    recipe = None if sorry.check is None else _recipe(sorry.check)
    return RealServer(
        key=key,
        check=None if recipe is None else _definition(recipe, key, server),
        tunnel=_tunnel(server, None),
    )


def _tunnel(server: VirtualServerSection, own: TunnelSection | None) -> Tunnel | None:
    if server.forwarding is not ForwardingMethod.TUN:
        return None
    return (own or server.tunnel or TunnelSection()).tunnel


def _definition(
    recipe: Recipe, key: DestinationKey, server: VirtualServerSection | None = None
) -> CheckDefinition:
    """Aim a check at its target; the same check of the same target has the same identity.

    That which goes by way of a virtual server is another one for each.
    """
    address = recipe.section.address or key.address
    port = 0 if is_host_probe(recipe.probe) else recipe.section.port or key.port
    target = endpoint(address, port) if port else address
    route = recipe.section.route
    if recipe.section.via is not None and server is not None:
        route = route_via_vip(route, server.forwarding, server.keys[0].address)
        target += f" via {server.forwarding} {route.destination} of {server.title}"
    return CheckDefinition(
        identity=f"{recipe.section.type} {target} {recipe.digest}",
        address=address,
        port=port,
        probe=recipe.probe,
        timing=recipe.section.timing,
        route=route,
        idle_connection=recipe.section.idle_connection,
    )


def _recipe(section: CheckSection) -> Recipe | None:
    """Make a check of any target; None for the check that is none."""
    if section.type == NONE:
        return None
    probe = section.probe
    rendered = msgspec.json.encode([probe, section.timing, section.route, section.idle_connection])
    digest = hashlib.sha256(rendered).hexdigest()[:DIGEST_CHARACTERS]
    return Recipe(section, probe, digest)
