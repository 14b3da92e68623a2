"""The keywords outside all blocks of a keepalived.conf."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import (
    drop,
    map_block,
    map_value,
    refuse,
    refuse_block,
)
from hadirector.config.keepalived.keywords.table import Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import BFD, POLLING, STATIC

TOP_LEVEL: Final[Table] = table(
    [
        *map_block("global_defs"),
        *map_block("vrrp_instance vrrp_sync_group vrrp_script vrrp_track_process", (1, 1)),
        *map_block("track_file vrrp_track_file", (1, 1)),
        *map_block("interface_up_down_delays"),
        *map_block("virtual_server", (1, 2)),
        *map_block("virtual_server_group", (1, 1)),
        *map_block("SSL"),
        *map_value("instance", repeated=Repeated.FIRST),
        *refuse(
            "net_namespace",
            "start the service in the namespace: NetworkNamespacePath= in its unit, or ip netns"
            " exec",
        ),
        *refuse(
            "net_namespace_ipvs",
            "checks and the IPVS table are in one namespace; start the service in that namespace:"
            " NetworkNamespacePath= in its unit",
        ),
        *refuse("bfd_instance", BFD),
        *refuse_block("static_ipaddress static_routes static_rules", STATIC, "static"),
        *refuse_block(
            "track_group",
            "this keyword is for static addresses, routes and rules; use --accept static for"
            " all of them,"
            " or track the interface in the vrrp_instance with track_interface",
            "static",
            (1, 1),
        ),
        *drop("linkbeat_use_polling linkbeat_interfaces", POLLING, "linkbeat"),
        *drop(
            "garp_group",
            "the pace of announcements is fixed: bursts of 16 addresses, 1 ms apart",
            "announcements",
        ),
        *drop("namespace_with_ipsets use_pid_dir child_wait_time"),
        *refuse(
            "local_address_group",
            "a keyword of DPVS, not of keepalived; use forwarding: fullnat, which needs no"
            " group of local addresses",
        ),
    ]
)
