"""Rules for VRRP instances without virtual addresses, which only elect a role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.document.finding import Finding, Path
from hadirector.config.keys.section import Placed
from hadirector.config.tracking.schema import SyncGroupSection
from hadirector.config.vrrp.schema import VrrpSection


def unfenced_role_findings(
    instances: Sequence[Placed[VrrpSection]], groups: Sequence[Placed[SyncGroupSection]]
) -> Iterator[Finding]:
    """Yield the instances without addresses on whose role nothing depends."""
    notified = {name for _, group in groups if group.notify for name in group.instances}
    for path, instance in _roles(instances):
        if not instance.notify and instance.name not in notified:
            message = (
                "the list is empty (expected an address, or the key notify with a script that"
                " acts on the role)"
            )
            yield Finding((*path, "virtual_addresses"), message)


def unfenced_role_warnings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield a warning for each instance without addresses.

    If its process hangs, it stays ACTIVE beside its successor, because no address expires.
    """
    for path, instance in _roles(instances):
        message = (
            f"the VRRP instance {instance.name} has no address: nothing fences its role. If its"
            " director hangs, a peer becomes ACTIVE, and no notify script ends the old role"
        )
        yield Finding((*path, "virtual_addresses"), message)


def _roles(instances: Sequence[Placed[VrrpSection]]) -> Iterator[tuple[Path, VrrpSection]]:
    for path, instance in instances:
        if not instance.virtual_addresses:
            yield path, instance
