"""The keywords of global_defs."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import (
    FLAG,
    SWITCH,
    drop,
    map_value,
    refuse,
)
from hadirector.config.keepalived.keywords.table import ANY, Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import (
    ANNOUNCED,
    EVENTS,
    LOWER_PRIORITY,
    MAIL,
    OWNERS,
)

_UNIT: Final = "set this in the systemd unit: Nice=, CPUAffinity=, LimitRTTIME="
_SNMP: Final = "hadirector has no SNMP agent; read the metrics of hadirector instead"
_RELOAD: Final = "reload by a systemd timer that runs hadirector reload"
_NFT_IPVS: Final = "each address and port of a group is a service of its own, at most 1000"
_FIREWALL: Final = "hadirector adds no firewall rules for virtual addresses"

GLOBAL_DEFS: Final[Table] = table(
    [
        *map_value("vrrp_version"),
        *map_value("script_user", (1, 2)),
        *map_value("v3_checksum_as_v2 vrrp_skip_check_adv_addr vrrp_strict", SWITCH),
        *map_value("lvs_sync_daemon", (1, ANY), Repeated.FIRST),
        *map_value("lvs_timeouts", (2, 6), Repeated.ALL),
        *map_value("vrrp_down_timer_adverts"),
        *map_value("vrrp_startup_delay vrrp_delay_after_boot"),
        *map_value("vmac_prefix"),
        *map_value("vrrp_rt_priority", SWITCH),
        *map_value("vrrp_no_swap", FLAG),
        *drop(
            "notification_email notification_email_from smtp_server smtp_helo_name"
            " smtp_connect_timeout smtp_alert smtp_alert_vrrp smtp_alert_checker no_email_faults"
            " no_checker_emails",
            MAIL,
            "mail",
        ),
        *drop(
            "router_id",
            "only mails and SNMP of keepalived contain this name; the name of the director is"
            " director.name",
        ),
        *refuse(
            "startup_script startup_script_timeout",
            "run the script before the service starts: ExecStartPre= in its unit",
        ),
        *refuse(
            "shutdown_script shutdown_script_timeout",
            "run the script after the service has stopped: ExecStopPost= in its unit",
        ),
        *drop(
            "max_auto_priority min_auto_priority_delay",
            "hadirector does not raise the priority of a late process; director.realtime: true"
            " runs the vrrp"
            " process with SCHED_RR from the start",
            "realtime",
        ),
        *map_value("default_interface"),
        *drop(
            "disable_local_igmp",
            "set net.ipv4.igmp_link_local_mcast_reports=0 in /etc/sysctl.d instead",
        ),
        *map_value("vrrp_mcast_group4 vrrp_mcast_group6"),
        *drop(
            "lvs_flush lvs_flush_on_stop lvs_flush_onstop",
            "hadirector removes only services of this file; services of other programs stay",
            "flush",
        ),
        *drop(
            "vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh"
            " vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay"
            " vrrp_garp_lower_prio_repeat vrrp_garp_interval vrrp_gna_interval vrrp_min_garp"
            " vrrp_garp_extra_if vrrp_vmac_garp_intvl",
            ANNOUNCED,
            "announcements",
        ),
        *drop(
            "vrrp_lower_prio_no_advert",
            LOWER_PRIORITY,
            "lower_prio_no_advert",
        ),
        *drop(
            "dynamic_interfaces vrrp_higher_prio_send_advert vrrp_check_unicast_src"
            " log_unknown_vrids"
        ),
        *drop(
            "vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_ifindex"
            " nftables_counters",
            _FIREWALL,
            "firewall",
        ),
        *drop(
            "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark",
            _NFT_IPVS,
            "nftables_ipvs",
        ),
        *drop(
            "vrrp_owner_ignore_adverts",
            OWNERS,
            "owner_ignore_adverts",
        ),
        *refuse(
            "notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script"
            " lvs_notify_fifo lvs_notify_fifo_script",
            EVENTS,
        ),
        *drop(
            "vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload rs_init_notifies",
            EVENTS,
            "fifo",
        ),
        *refuse(
            "enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_checker"
            " enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3",
            _SNMP,
        ),
        *drop("snmp_socket snmp_vs_stats_update_interval snmp_rs_stats_update_interval"),
        *refuse("enable_dbus", "use the socket of the API or hadirector events instead of D-Bus"),
        *drop("dbus_service_name dbus_no_interface_name"),
        *drop(
            "process_names process_name vrrp_process_name checker_process_name bfd_process_name"
            " lvs_process_name",
            "the names of the processes are fixed",
            "process_names",
        ),
        *drop(
            "use_symlink_paths",
            "hadirector follows a symbolic link, then examines and runs its target",
        ),
        *drop(
            "vrrp_priority checker_priority bfd_priority checker_no_swap checker_rt_priority"
            " bfd_no_swap bfd_rt_priority vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity"
            " vrrp_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rttime checker_rlimit_rtime"
            " bfd_rlimit_rttime bfd_rlimit_rtime",
            _UNIT,
            "scheduling",
        ),
        *drop("reload_time_file reload_repeat reload_file", _RELOAD, "reload"),
        *drop(
            "checker_log_all_failures",
            "hadirector logs only changes of the verdict; `hadirector status` shows the last"
            " result",
        ),
        *drop(
            "vmac_addr_prefix set_supplementary_groups enable_script_security include_check"
            " iproute_usr_dir"
            " iproute_etc_dir umask random_seed config_save_dir tmp_config_directory"
            " data_use_instance json_version state_dump_file stats_dump_file json_dump_file"
            " reload_check_config"
        ),
        *drop(
            "vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force"
            " vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force"
            " lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force"
            " lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force"
            " process_monitor_rcv_bufs process_monitor_rcv_bufs_force vrrp_rx_bufs_policy"
            " vrrp_rx_bufs_multiplier"
        ),
    ]
)
