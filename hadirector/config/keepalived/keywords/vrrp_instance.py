"""The keywords of vrrp_instance."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import (
    LIST,
    SWITCH,
    drop,
    map_block,
    map_value,
    refuse,
)
from hadirector.config.keepalived.keywords.table import ANY, Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import (
    ANNOUNCED,
    BFD,
    EVENTS,
    LOWER_PRIORITY,
    MAIL,
    OWNERS,
)

VRRP_INSTANCE: Final[Table] = table(
    [
        *map_value("interface virtual_router_id priority advert_int preempt_delay"),
        *map_value("version", repeated=Repeated.FIRST),
        *map_value("state", repeated=Repeated.ALL),
        *map_value("native_ipv6 nopreempt preempt accept vmac_xmit_base", LIST),
        *map_value("strict_mode skip_check_adv_addr v3_checksum_as_v2", SWITCH),
        *map_value("unicast_src_ip mcast_src_ip", repeated=Repeated.ALL),
        *map_value("mcast_dst_ip unicast_ttl down_timer_adverts"),
        *map_value("dont_track_primary no_virtual_ipaddress", LIST),
        *map_value("use_vmac", LIST),
        *map_value("old_unicast_checksum", SWITCH),
        *map_value("lvs_sync_daemon_interface"),
        *map_value(
            "notify notify_master notify_backup notify_fault notify_stop", (1, ANY), Repeated.FIRST
        ),
        *map_block("authentication auth_hmac"),
        *map_block("virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules"),
        *map_block("unicast_peer track_interface track_script track_file track_process"),
        *refuse("vrf", "hadirector supports no VRF here; write only the interface of the instance"),
        *refuse(
            "no_accept",
            "hadirector adds no firewall rules; drop the packets to the address by a rule of"
            " nftables",
        ),
        *refuse(
            "use_vmac_addr",
            "virtual MACs exist only on the interface of the instance; write a vrrp_instance for"
            " each interface",
        ),
        *refuse(
            "use_ipvlan",
            "hadirector creates no ipvlan; leave it out, and the interface itself holds the"
            " addresses",
        ),
        *refuse("track_bfd", BFD),
        *drop(
            "garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat"
            " garp_lower_prio_delay garp_lower_prio_repeat garp_extra_if vmac_garp_intvl",
            ANNOUNCED,
            "announcements",
        ),
        *drop(
            "lower_prio_no_advert",
            LOWER_PRIORITY,
            "lower_prio_no_advert",
        ),
        *drop(
            "owner_ignore_adverts",
            OWNERS,
            "owner_ignore_adverts",
        ),
        *drop(
            "timer_expired_backup thread_timer_expired",
            "hadirector hands its addresses over after a suspension of the host",
            "timer_expired_backup",
        ),
        *drop(
            "notify_deleted notify_master_rx_lower_pri",
            "hadirector runs no script for this event; hadirector status shows faults of other"
            " routers",
            "notify_deleted",
        ),
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
        *drop(
            "lvs_sync_daemon_inteface",
            "keepalived ignores this word and starts no sync daemon; to start it, write"
            " lvs_sync_daemon_interface",
            "old words",
        ),
        *drop(
            "promote_secondaries check_unicast_src unicast_fault_no_peer track_src_ip"
            " higher_prio_send_advert linkbeat_use_polling kernel_rx_buf_size debug"
        ),
    ]
)

AUTHENTICATION: Final[Table] = table([*map_value("auth_type auth_pass")])

AUTH_HMAC: Final[Table] = table(
    [
        *map_value("key", (2, 2), Repeated.ALL),
        *map_value("active_key time_window anti_replay mode"),
    ]
)
