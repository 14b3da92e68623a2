"""The keywords of tracked objects: vrrp_script, track_file and vrrp_track_process."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import FLAG, LIST, map_value
from hadirector.config.keepalived.keywords.table import ANY, Repeated, Table, table

VRRP_SCRIPT: Final[Table] = table(
    [
        *map_value("script", (1, ANY)),
        *map_value("interval timeout rise fall"),
        *map_value("weight user", (1, 2)),
        *map_value("init_fail", LIST),
    ]
)

TRACK_FILE: Final[Table] = table(
    [
        *map_value("file", repeated=Repeated.FIRST),
        *map_value("weight", (1, 2)),
        *map_value("init_file", (0, 2)),
    ]
)

VRRP_TRACK_PROCESS: Final[Table] = table(
    [
        *map_value("process", (1, ANY), Repeated.FIRST),
        *map_value("weight", (1, 2), Repeated.FIRST),
        *map_value("quorum quorum_max delay fork_delay terminate_delay"),
        *map_value("param_match", (0, 1)),
        *map_value("full_command", FLAG),
    ]
)
