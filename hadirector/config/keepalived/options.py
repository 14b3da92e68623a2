"""The options for reading a keepalived.conf, and facts about the host that affect its meaning."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True):
    """How to read a keepalived.conf.

    ``config_id`` decides the conditions ``@ID`` and ``@^ID`` (keepalived's default: the host
    name up to the first dot). ``accepted`` are refused keywords that the operator permits to
    ignore. With ``strict``, a note is a fault. With ``own_defaults``, the defaults of
    hadirector apply where the file has no value, instead of the defaults of keepalived.
    ``script_user`` is the user of scripts for which the file names no user: `keepalived_script`
    if the host has this user, else `root`.
    """

    config_id: str
    accepted: frozenset[str] = frozenset()
    strict: bool = False
    own_defaults: bool = False
    script_user: str = "root"
