"""The keywords of vrrp_sync_group."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import LIST, drop, map_block, map_value, refuse
from hadirector.config.keepalived.keywords.table import ANY, Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import BFD, EVENTS, MAIL

VRRP_SYNC_GROUP: Final[Table] = table(
    [
        *map_block("group", repeated=Repeated.FIRST),
        *map_block("track_interface track_script track_file track_process"),
        *map_value("sync_group_tracking_weight global_tracking", LIST),
        *map_value(
            "notify notify_master notify_backup notify_fault notify_stop", (1, ANY), Repeated.FIRST
        ),
        *refuse("track_bfd", BFD),
        *drop(
            "notify_priority_changes",
            EVENTS,
            "fifo",
        ),
        *drop(
            "smtp_alert",
            MAIL,
            "mail",
        ),
    ]
)
