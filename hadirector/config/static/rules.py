"""Rules for static addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadirector.config.document.finding import Finding, Path
from hadirector.config.static.schema import StaticSection
from hadirector.config.vrrp.addresses.rules import placement_findings

ADDRESSES_MAX = 1000


def static_address_findings(
    path: Path, section: StaticSection, virtual: Mapping[tuple[str, str], str]
) -> Iterator[Finding]:
    """Yield the faults of the static addresses.

    ``virtual`` has the name of the instance for each virtual address and its device.
    """
    count = len(section.addresses)
    if count > ADDRESSES_MAX:
        message = f"wrong number (got {count}, expected at most {ADDRESSES_MAX})"
        yield Finding((*path, "addresses"), message)
    first: dict[tuple[str, str], int] = {}
    for place, address in enumerate(section.addresses):
        here = (*path, "addresses", place)
        yield from placement_findings(here, address, address.device)
        key = (address.host, address.device)
        if (instance := virtual.get(key)) is not None:
            message = f"{address.host} on {address.device} moves with the VRRP instance {instance}"
            yield Finding(here, f"{message}; leave it out here")
        elif (same := first.setdefault(key, place)) != place:
            message = f"duplicate address {address.host} on {address.device}"
            yield Finding(here, f"{message}, first at static.addresses[{same}]")
