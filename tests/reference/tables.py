"""The tables of keys in docs/configuration.md, made from the declarations of the keys."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from hadirector.config.alerts.schema import AlertSection
from hadirector.config.announce.schema import (
    AnnounceSection,
    GroupSection,
    HoldSection,
    PassingMarksSection,
)
from hadirector.config.api.schema import ApiSection, ClientSection, RolesSection, TlsSection
from hadirector.config.checks.schema import CheckSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.fleet.schema import FleetSection
from hadirector.config.kernel.schema import (
    ConnectionTimeoutsSection,
    SyncDaemonSection,
    SysctlsSection,
)
from hadirector.config.keys.build import declaration
from hadirector.config.keys.readers import Reader
from hadirector.config.keys.section import Section
from hadirector.config.pair.schema import PairSection, PeerSection
from hadirector.config.pools.policies import FlapDampingSection, SlowStartSection
from hadirector.config.pools.schema import PoolSection, RealServerSection, SorryServerSection
from hadirector.config.scripts.schema import NotifySection, PoolNotifySection, ScriptSection
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.services.tunnel import TunnelSection
from hadirector.config.sources.schema import AdmissionSection, SourceSection
from hadirector.config.static.schema import StaticAddressSection, StaticSection
from hadirector.config.tracking.process_schema import ProcessSection
from hadirector.config.tracking.schema import SyncGroupSection, TrackSection
from hadirector.config.vrrp.addresses.schema import AddressSection
from hadirector.config.vrrp.authentication import (
    AuthenticationSection,
    AuthHmacSection,
    KeySection,
)
from hadirector.config.vrrp.routes.schema import NextHopSection, RouteSection, RuleSection
from hadirector.config.vrrp.schema import (
    DeathCertificatesSection,
    PreemptSection,
    UnicastSection,
    VirtualMacSection,
    VrrpSection,
)

PAGE: Final = Path(__file__).parents[2] / "docs/configuration.md"

SECTIONS: Final[dict[str, type[Section]]] = {
    "director": DirectorSection,
    "api": ApiSection,
    "Roles of the Unix socket": RolesSection,
    "TLS of the API": TlsSection,
    "Clients with certificates": ClientSection,
    "pair": PairSection,
    "Peers of the pair": PeerSection,
    "alerts": AlertSection,
    "sysctls": SysctlsSection,
    "connection_timeouts": ConnectionTimeoutsSection,
    "vrrp": VrrpSection,
    "virtual_addresses": AddressSection,
    "virtual_routes": RouteSection,
    "nexthops": NextHopSection,
    "virtual_rules": RuleSection,
    "virtual_mac": VirtualMacSection,
    "preempt": PreemptSection,
    "death_certificates": DeathCertificatesSection,
    "track": TrackSection,
    "process": ProcessSection,
    "notify": NotifySection,
    "notify of a pool": PoolNotifySection,
    "Scripts": ScriptSection,
    "unicast": UnicastSection,
    "authentication": AuthenticationSection,
    "auth_hmac": AuthHmacSection,
    "keys": KeySection,
    "static": StaticSection,
    "Static addresses": StaticAddressSection,
    "sync_groups": SyncGroupSection,
    "sync_daemon": SyncDaemonSection,
    "announce": AnnounceSection,
    "hold": HoldSection,
    "groups": GroupSection,
    "passing": PassingMarksSection,
    "sources": SourceSection,
    "fleet": FleetSection,
    "virtual_servers": VirtualServerSection,
    "Pool policies": PoolSection,
    "real_servers": RealServerSection,
    "slow_start": SlowStartSection,
    "flap_damping": FlapDampingSection,
    "admission": AdmissionSection,
    "sorry_server": SorryServerSection,
    "tunnel": TunnelSection,
    "check": CheckSection,
}
"""Each section by the heading under which the page describes it."""

HEADER: Final = "| key | type | default | meaning |\n|---|---|---|---|\n"


def render(page: str) -> str:
    """Return the page with the tables that the declarations make."""
    for heading, section in SECTIONS.items():
        pattern = re.compile(
            rf"(^#+ {heading}$(?:(?!^#).)*?^){re.escape(HEADER)}(?:\|[^\n]*\n)*",
            re.MULTILINE | re.DOTALL,
        )
        found = pattern.search(page)
        assert found is not None, f"the heading {heading} has no table"
        table = found[1] + HEADER + "".join(_rows(section))
        page = page[: found.start()] + table + page[found.end() :]
    return page


def own_keys(section: type[Section]) -> list[str]:
    """Return the names of the keys that a section declares itself, also if another one has them."""
    return [name for name in section.model_fields if name in section.__annotations__]


def _rows(section: type[Section]) -> Iterator[str]:
    for name in own_keys(section):
        field, key = section.model_fields[name], declaration(section, name)
        assert key is not None, f"{section.__name__}.{name} has no Key"
        kind = key.type or _type_text(field.annotation, field.metadata)
        default = _default_text(field) if key.default is None else key.default
        cells = (f"`{field.alias or name}`", kind, default, key.meaning)
        assert not any("|" in cell for cell in cells), cells
        yield "| " + " | ".join(cells) + " |\n"


def _type_text(annotation: Any, metadata: list[Any]) -> str:
    """Return the description of the reader in an annotation."""
    for item in metadata:
        if isinstance(item, Reader):
            return item.description
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_text(arguments[0], list(arguments[1:]))
    if origin in (types.UnionType, Union):
        (option,) = (argument for argument in arguments if argument is not types.NoneType)
        return _type_text(option, [])
    assert origin is list, f"the declaration of a {annotation} needs a type"
    return f"list of {_type_text(arguments[0], [])}"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case bool():
            return f"`{str(field.default).lower()}`"
        case int():
            return str(field.default)
        case float():
            return f"`{format_duration(field.default)}`"
        case str():
            return f"`{field.default!s}`"
    raise AssertionError(f"the declaration with the default {field.default!r} needs a text for it")


def format_duration(seconds: float) -> str:
    """Format a duration with the largest unit that keeps it a whole number."""
    for unit, length in (("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{round(seconds * 1000)}ms"
