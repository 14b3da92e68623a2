"""Recognizes a keepalived.conf by its content. It imports little, because each file needs it."""

from __future__ import annotations

import re
from typing import Final

_BEGINNINGS: Final = re.compile(
    rb"^[ \t]{0,80}(?:"
    rb"(?:global_defs|vrrp_instance|vrrp_sync_group|vrrp_script|vrrp_track_process|vrrp_track_file"
    rb"|track_file|virtual_server|virtual_server_group|bfd_instance|static_ipaddress|static_routes"
    rb"|static_rules|garp_group|track_group)(?:[ \t][^\n{:]{0,200})?\s{0,80}(?:\{|$)"
    rb"|include[rmwba]?[ \t]+[^:\n]*$|\$[A-Za-z_][A-Za-z0-9_]*=|@\^?[^ \t\n:]+[ \t]"
    rb"|~(?:SEQx?|LST)\()",
    re.MULTILINE,
)


def is_keepalived(data: bytes) -> bool:
    """Return whether a file looks like a keepalived.conf: a line begins with its keyword."""
    return _BEGINNINGS.search(data) is not None
