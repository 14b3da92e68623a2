"""The tables of all blocks, including blocks that are dropped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hadirector.config.keepalived.keywords.checkers import CHECKERS, SMTP_HOST, URL
from hadirector.config.keepalived.keywords.global_defs import GLOBAL_DEFS
from hadirector.config.keepalived.keywords.pools import REAL_SERVER, SSL, VIRTUAL_SERVER
from hadirector.config.keepalived.keywords.rows import drop, map_block
from hadirector.config.keepalived.keywords.sync_group import VRRP_SYNC_GROUP
from hadirector.config.keepalived.keywords.table import Table, table
from hadirector.config.keepalived.keywords.top_level import TOP_LEVEL
from hadirector.config.keepalived.keywords.tracked import (
    TRACK_FILE,
    VRRP_SCRIPT,
    VRRP_TRACK_PROCESS,
)
from hadirector.config.keepalived.keywords.vrrp_instance import (
    AUTH_HMAC,
    AUTHENTICATION,
    VRRP_INSTANCE,
)

BFD_INSTANCE: Final[Table] = table(
    drop(
        "neighbor_ip neighbour_ip source_ip min_rx min_tx idle_tx multiplier passive ttl hoplimit"
        " max_hops multihop weight vrrp checker"
    )
)
TRACK_GROUP: Final[Table] = table(map_block("group"))
GARP_GROUP: Final[Table] = table(drop("garp_interval gna_interval interface interfaces"))

TABLES: Final[Mapping[str, Table]] = {
    "": TOP_LEVEL,
    "global_defs": GLOBAL_DEFS,
    "vrrp_instance": VRRP_INSTANCE,
    "authentication": AUTHENTICATION,
    "auth_hmac": AUTH_HMAC,
    "vrrp_sync_group": VRRP_SYNC_GROUP,
    "vrrp_script": VRRP_SCRIPT,
    "track_file": TRACK_FILE,
    "vrrp_track_file": TRACK_FILE,
    "vrrp_track_process": VRRP_TRACK_PROCESS,
    "bfd_instance": BFD_INSTANCE,
    "track_group": TRACK_GROUP,
    "garp_group": GARP_GROUP,
    "SSL": SSL,
    "virtual_server": VIRTUAL_SERVER,
    "real_server": REAL_SERVER,
    **CHECKERS,
    "url": URL,
    "host": SMTP_HOST,
}
"""The table of each block; "" is outside all blocks."""
