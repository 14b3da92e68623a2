"""Builds the configurations of VRRP instances."""

from __future__ import annotations

from hadirector.config.director.schema import DirectorSection
from hadirector.config.keys.build import build_struct
from hadirector.config.tracking.build import tracked_objects
from hadirector.config.vrrp.addresses.build import placements
from hadirector.config.vrrp.authentication import AuthHmacSection
from hadirector.config.vrrp.routes.build import virtual_routes, virtual_rules
from hadirector.config.vrrp.schema import VrrpSection
from vrrp.model.configuration import (
    Authentication,
    HmacAuthentication,
    InstanceConfiguration,
    Multicast,
    PassAuthentication,
    Transport,
    UdpUnicast,
    Unicast,
)

SEQUENCE_FILE = "auth_hmac.sequence"


def instance_configuration(
    section: VrrpSection, director: DirectorSection, *, has_backends: bool, unready_weight: int
) -> InstanceConfiguration:
    """Return the configuration of an instance, without its sync group."""
    certificates = section.death_certificates
    return build_struct(
        InstanceConfiguration,
        section,
        virtual_addresses=tuple(address.address for address in section.virtual_addresses),
        unadvertised_addresses=tuple(address.address for address in section.unadvertised_addresses),
        placements=placements(section),
        virtual_routes=virtual_routes(section),
        virtual_rules=virtual_rules(section),
        preempt=section.preempt is not None,
        preempt_delay=0.0 if section.preempt is None else section.preempt.delay,
        transport=_transport(section),
        authentication=_authentication(section, director),
        track=tracked_objects(section, has_backends=has_backends, unready_weight=unready_weight),
        ignore_carrier=section.works_without_carrier,
        virtual_mac=section.macvlan,
        death_certificate_port=certificates and certificates.port,
    )


def _transport(section: VrrpSection) -> Transport:
    if section.unicast is None:
        return Multicast(source=section.source, group=section.group)
    if section.transport == "udp":
        return build_struct(UdpUnicast, section.unicast)
    return build_struct(Unicast, section.unicast)


def _authentication(section: VrrpSection, director: DirectorSection) -> Authentication | None:
    if section.authentication is not None:
        return build_struct(PassAuthentication, section.authentication)
    return None if section.auth_hmac is None else _hmac(section.auth_hmac, section, director)


def _hmac(
    hmac: AuthHmacSection, section: VrrpSection, director: DirectorSection
) -> HmacAuthentication:
    return build_struct(
        HmacAuthentication,
        hmac,
        # As in keepalived: three advertisements may be lost, and the clocks may differ a little.
        window=hmac.window or max(3 * section.advert_interval, 5.0),
        sequence_file=f"{director.runtime_directory}/{SEQUENCE_FILE}",
    )
