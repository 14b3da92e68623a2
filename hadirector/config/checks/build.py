"""Builds the definition of a check for a target."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import Probe
from checks.definition.template import CheckTemplate
from hadirector.config.checks.schema import NONE, CheckSection, read_check
from hadirector.model.ipvs import DestinationKey, ForwardingMethod
from hadirector.model.vip_probes import route_via_vip

DEFAULT_CHECK = read_check({"type": "tcp"})
DIGEST_CHARACTERS = 12
SECRET_FIELDS = ("username", "password")
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})


class VipRoute(NamedTuple):
    """The virtual server that forwards the probes of a check with ``via: vip``."""

    virtual_server: str
    forwarding: ForwardingMethod
    address: str


def check_template(section: CheckSection) -> CheckTemplate | None:
    """Return the template of a check; None for ``type: none``."""
    if section.type == NONE:
        return None
    probe = section.probe
    open_part, secrets = separate_secrets(probe)
    parts = [open_part, section.timing, section.route, section.idle_connection]
    hashed = hashlib.sha256(msgspec.json.encode(parts))
    if secrets:
        hashed.update(_hash_slowly(msgspec.json.encode(secrets), hashed.digest()))
    return CheckTemplate(
        type=section.type,
        digest=hashed.hexdigest()[:DIGEST_CHARACTERS],
        address=section.address,
        port=section.port,
        probe=probe,
        timing=section.timing,
        route=section.route,
        idle_connection=section.idle_connection,
        via_vip=section.via is not None,
    )


def separate_secrets(probe: Probe) -> tuple[Probe, dict[str, Any]]:
    """Return a probe without its passwords, and the passwords by the name of their field.

    A header field that contains a password or a session counts as a password.
    """
    secrets: dict[str, Any] = {
        field: value
        for field in SECRET_FIELDS
        if (value := getattr(probe, field, None)) is not None
    }
    changes: dict[str, Any] = dict.fromkeys(secrets)
    headers = getattr(probe, "headers", ())
    if secret := tuple(header for header in headers if header[0].lower() in SECRET_HEADERS):
        secrets["headers"] = secret
        changes["headers"] = tuple(header for header in headers if header not in secret)
    return replace(probe, **changes), secrets


@lru_cache(maxsize=1024)
def _hash_slowly(secrets: bytes, salt: bytes) -> bytes:
    """Hash secrets so that a guess takes 20 ms: identities are in the snapshot and in reports."""
    return hashlib.scrypt(secrets, salt=salt, n=2**13, r=8, p=1)


def check_for_target(
    template: CheckTemplate, key: DestinationKey, via: VipRoute | None = None
) -> CheckDefinition:
    """Return the check of a real server.

    Equal checks of the same target have the same identity. A check with ``via: vip`` has its
    own identity for each virtual server.
    """
    if via is None or not template.via_vip:
        return template.for_target(key.address, key.port)
    route = route_via_vip(template.route, via.forwarding, via.address)
    suffix = f" via {via.forwarding} {via.address} of {via.virtual_server}"
    return template.for_target(key.address, key.port, suffix, route)
