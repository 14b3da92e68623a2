"""Computes a digest of everything that shapes the tables of the hash schedulers. Pure.

Directors with equal digests select the same real server for a connection. A director cannot read
the table of the kernel, so the digest covers the inputs: the flags of each service, its
destinations in order, and their shares (ip_vs_sh.c, ip_vs_mh.c).
"""

from __future__ import annotations

import hashlib

from hadirector.model.ipvs import HASH_SCHEDULERS, ServiceEntry, ServiceKey, Table


def table_digest(table: Table, table_bits: str) -> str:
    """Return the digest of a table as 64 hexadecimal digits; empty without a hash service.

    ``table_bits`` is the size of the tables of mh in this kernel; empty if it is not known.
    """
    hashed = sorted(
        (key, entry)
        for key, entry in table.items()
        if entry.service.scheduler in HASH_SCHEDULERS and not _is_probe(entry)
    )
    if not hashed:
        return ""
    digest = hashlib.sha256(f"mh bits {table_bits}\n".encode())
    for key, entry in hashed:
        digest.update("\n".join(_lines(key, entry)).encode())
    return digest.hexdigest()


def _is_probe(entry: ServiceEntry) -> bool:
    """Return whether a service forwards probes only: it has no shares."""
    return not entry.shares and bool(entry.destinations)


def _lines(key: ServiceKey, entry: ServiceEntry) -> list[str]:
    service = entry.service
    head = [service.scheduler, *sorted(service.flags), str(service.persistence)]
    lines = [f"{key} {' '.join(head)} /{service.prefix_length} {service.engine}"]
    for name, destination in entry.destinations.items():
        # The kernel fills the table by the last weight that was not 0.
        lines.append(f"  {name} {destination.weight or entry.shares.get(name, 0)}")
    return [*lines, ""]
