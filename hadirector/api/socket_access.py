"""Lets groups open the Unix socket of the API, with an access control list (acl(5))."""

from __future__ import annotations

import grp
import os
import struct
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import structlog

ATTRIBUTE: Final = "system.posix_acl_access"
# From include/uapi/linux/posix_acl.h and posix_acl_xattr.h.
VERSION: Final = struct.Struct("<I")
ENTRY: Final = struct.Struct("<HHI")
USER_OBJECT: Final = 0x01
GROUP_OBJECT: Final = 0x04
GROUP: Final = 0x08
MASK: Final = 0x10
OTHER: Final = 0x20
NO_ID: Final = 0xFFFFFFFF
READ_WRITE: Final = 6


def admit_groups(path: Path, names: Collection[str]) -> None:
    """Let the users of these groups open the socket, and no users of other groups besides its own.

    A failure is logged.

    A thread has to call this, because the group database may be on the network (nss(5)).
    """
    if not names:
        return
    log = structlog.get_logger()
    groups = []
    for name in names:
        try:
            groups.append(grp.getgrnam(name).gr_gid)
        except KeyError:
            log.warning("api_group_unknown", group=name)
    try:
        os.setxattr(path, ATTRIBUTE, encode_access(groups))
    except OSError as error:
        reason = error.strerror
        log.error("api_groups_not_admitted", socket=str(path), reason=reason)  # noqa: TRY400  # a host without lists


def encode_access(groups: Iterable[int]) -> bytes:
    """Return the access control list of a socket for its owner, its group and these groups."""
    entries = [
        (USER_OBJECT, READ_WRITE, NO_ID),
        (GROUP_OBJECT, READ_WRITE, NO_ID),
        *((GROUP, READ_WRITE, group) for group in sorted(set(groups))),
        (MASK, READ_WRITE, NO_ID),
        (OTHER, 0, NO_ID),
    ]
    return VERSION.pack(2) + b"".join(ENTRY.pack(*entry) for entry in entries)
