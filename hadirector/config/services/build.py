"""Builds virtual servers."""

from __future__ import annotations

from hadirector.config.checks.build import check_template
from hadirector.config.checks.schema import CheckSection
from hadirector.config.keys.build import build_struct
from hadirector.config.pools.build import discovered_servers, real_servers, sorry_server
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.sources.build import admission_policy
from hadirector.model.configuration import OnFailure, VirtualServer
from hadirector.model.ipvs import HASH_SCHEDULERS, SchedulerFlag, Service, address_bits


def virtual_server(section: VirtualServerSection, director_check: CheckSection) -> VirtualServer:
    """Return a virtual server with its pool."""
    hashes = section.scheduler in HASH_SCHEDULERS
    default = OnFailure.ZERO_WEIGHT if hashes else OnFailure.REMOVE
    check = check_template(section.check or director_check)
    return build_struct(
        VirtualServer,
        section,
        name=section.title,
        keys=section.keys,
        service=_service(section),
        on_failure=section.on_failure or default,
        sorry_server=sorry_server(section),
        real_servers=real_servers(section, check),
        discovered=discovered_servers(section, check),
        admission=admission_policy(section.admission, hashes=hashes),
    )


def _service(section: VirtualServerSection) -> Service:
    # sh and mh keep their tables only while every real server stays in the list, so a failed server
    # stays with weight 0. Without fallback, its clients would be refused.
    always = {SchedulerFlag.FALLBACK} if section.scheduler in HASH_SCHEDULERS else set()
    length = section.persistence_prefix_length
    whole = length == address_bits(section.keys[0].address)
    return build_struct(
        Service,
        section,
        flags=frozenset({*section.scheduler_flags, *always}),
        prefix_length=None if whole else length,
    )
