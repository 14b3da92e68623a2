"""Judges VRRP instances, each by itself and all together."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.vrrp.addresses.rules import address_findings
from hadirector.config.vrrp.routes.rules import route_findings
from hadirector.config.vrrp.transport import family, transport_findings
from hadirector.config.vrrp.virtual_mac import virtual_mac_findings

# Max Advertise Interval is 12 bits of centiseconds (RFC 9568 5.2.7).
CENTISECONDS_MAX = 4095


def vrrp_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the instances."""
    yield from duplicates(_names(root))
    yield from duplicates(_virtual_routers(root))
    yield from address_findings(root)
    yield from route_findings(root)
    yield from virtual_mac_findings(root)
    for index, instance in valid_items(root.vrrp):
        path = ("vrrp", index)
        yield from _interval_findings(path, instance)
        yield from _learning_findings(path, instance)
        yield from transport_findings(path, instance)
        yield from _version_findings(path, instance)
        yield from _authentication_findings(path, instance)


def _names(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        yield Claim(("vrrp", index, "name"), instance.name, f"name {shown(instance.name)}")


def _virtual_routers(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        # The same VRID of another family is another virtual router (RFC 9568 5.2.3).
        words = f"virtual_router_id {instance.virtual_router_id} on {instance.interface}"
        value = (instance.interface, instance.virtual_router_id, family(instance))
        yield Claim(("vrrp", index, "virtual_router_id"), value, words)


def _interval_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    path = (*path, "advert_interval")
    seconds = instance.advert_interval
    if instance.version == 2:
        # RFC 3768 5.3.7: one byte of seconds.
        if not seconds.is_integer():
            yield Finding(path, wrong(f"{seconds:g}s", "whole seconds from 1 to 255 in version 2"))
        return
    centiseconds = round(seconds * 100)
    if abs(seconds * 100 - centiseconds) > 1e-6 or centiseconds > CENTISECONDS_MAX:
        yield Finding(path, wrong(f"{seconds:g}s", "10ms to 40.95s in steps of 10ms in version 3"))


def _learning_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    if instance.version == 2:
        for key in ("max_learned_interval", "clamp_learned_interval"):
            if key in instance.model_fields_set:
                yield Finding((*path, key), "version 2 learns no interval; leave this out")
        return
    longest, own = instance.max_learned_interval, instance.advert_interval
    if longest is not None and longest < own:
        expected = f"at least advert_interval, which is {own:g}s"
        yield Finding((*path, "max_learned_interval"), wrong(f"{longest:g}s", expected))
    if "address_mismatch" in instance.model_fields_set:
        message = "version 3 counts and reports other addresses, and never drops; leave this out"
        yield Finding((*path, "address_mismatch"), message)


def _version_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    if instance.version == 2 and family(instance) == 6:
        message = "version 2 does not exist over IPv6 (expected 3)"
        yield Finding((*path, "version"), message)
    if "checksum" in instance.model_fields_set and (instance.version, family(instance)) != (3, 4):
        which = "version 2" if instance.version == 2 else "IPv6"
        message = f"{which} has only one form of checksum; leave this out"
        yield Finding((*path, "checksum"), message)


def _authentication_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    hmac = instance.auth_hmac
    if instance.authentication is not None:
        if instance.version == 3:
            message = "version 3 has no passwords; use auth_hmac"
            yield Finding((*path, "authentication"), message)
        elif hmac is not None:
            message = "beside auth_hmac a password adds nothing; leave this out"
            yield Finding((*path, "authentication"), message)
    if hmac is None:
        return
    path = (*path, "auth_hmac")
    yield from duplicates(
        Claim((*path, "keys", index, "id"), key.id, f"key id {key.id}")
        for index, key in enumerate(hmac.keys)
    )
    ids = [key.id for key in hmac.keys]
    if hmac.send_key not in ids:
        known = f"the id of one of the keys: {', '.join(map(str, ids)) or 'there are none'}"
        yield Finding((*path, "send_key"), wrong(str(hmac.send_key), known))
