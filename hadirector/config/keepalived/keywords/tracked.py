"""The keywords of tracked objects: vrrp_script, track_file and vrrp_track_process."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import LIST, map_value, refuse
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

_COUNTED: Final = "a tracked process is up while one process with its name runs"
_DELAYED: Final = "a tracked process counts at once; use a vrrp_script with fall and rise instead"

VRRP_TRACK_PROCESS: Final[Table] = table(
    [
        *map_value("process", (1, ANY), Repeated.FIRST),
        *map_value("weight", (1, 2), Repeated.FIRST),
        *map_value("quorum delay"),
        *refuse("quorum_max", f"{_COUNTED}; use a vrrp_script that counts the processes"),
        *refuse(
            "param_match full_command",
            "a tracked process is found by its name, without arguments; use a vrrp_script",
        ),
        *refuse("fork_delay terminate_delay", _DELAYED),
    ]
)
