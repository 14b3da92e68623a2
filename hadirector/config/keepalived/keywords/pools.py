"""The keywords of virtual servers and real servers, with their obsolete and misplaced keywords."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.checkers import TIMING, checker_rows
from hadirector.config.keepalived.keywords.rows import (
    FLAG,
    SWITCH,
    drop,
    map_block,
    map_value,
    refuse,
)
from hadirector.config.keepalived.keywords.table import ANY, Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import MAIL

_SNMP: Final = "there is no SNMP agent; /metrics has the same numbers"
_METHOD: Final = (1, 6)
"""The method, with the type, the port and the checksum of a tunnel."""

OLD_WORDS: Final = (
    *drop("nat_mask net_mask", "keepalived and hadirector ignore this keyword", "old word"),
    *drop(
        "dynamic_weight_enable dynamic_weight_coefficient",
        "a keyword of another program, which keepalived and hadirector ignore",
        "old word",
    ),
    *refuse(
        "laddr_group_name daddr_group_name",
        "a keyword of DPVS, not of keepalived; use forwarding: fullnat, which needs no group"
        " of local addresses",
    ),
    *refuse(
        "syn_proxy",
        "a keyword of DPVS, not of keepalived; use net.ipv4.tcp_syncookies on the real servers",
    ),
    *refuse(
        "establish_timeout",
        "a keyword of DPVS, not of keepalived; use lvs_timeouts in global_defs for all services",
    ),
)
"""Words in a virtual server that keepalived 2.2.7 and 2.4.3 do not have."""

SSL: Final[Table] = table(
    [
        *refuse("password", "use a key without a password"),
        *map_value("certificate key"),
        *drop("ca"),
    ]
)


VIRTUAL_SERVER: Final[Table] = table(
    [
        *map_value("ip_family protocol virtualhost quorum hysteresis weight"),
        *TIMING,
        *map_value("connect_timeout lb_algo lvs_sched"),
        *map_value("lb_kind lvs_method", _METHOD),
        *map_value("inhibit_on_failure alpha", SWITCH),
        *map_value("ops flag-1 flag-2 sh-port sh-fallback mh-port mh-fallback", FLAG, Repeated.ALL),
        *drop("hashed flag-3"),
        *map_value("persistence_engine persistence_granularity"),
        *map_value("persistence_timeout", (0, 1)),
        *refuse(
            "ha_suspend",
            "a BACKUP director also runs its checks, so that all states are known at a"
            " takeover; leave it out",
        ),
        *drop("smtp_alert", MAIL, "mail"),
        *drop("snmp_name", _SNMP, "snmp"),
        *map_value("omega", SWITCH),
        *map_value("quorum_up quorum_down", (1, ANY), Repeated.FIRST),
        *map_value("sorry_server", (1, 2)),
        *drop(
            "sorry_server_inhibit",
            "the sorry server leaves the table of the kernel while it does not serve",
        ),
        *map_value("sorry_server_lvs_method", _METHOD, Repeated.ALL),
        *map_block("real_server", (1, 2)),
        *OLD_WORDS,
    ]
)
REAL_SERVER: Final[Table] = table(
    [
        *map_value("weight uthreshold lthreshold virtualhost connect_timeout"),
        *map_value("lvs_method", _METHOD),
        *map_value("inhibit_on_failure alpha", SWITCH),
        *map_value("notify_up notify_down", (1, ANY), Repeated.FIRST),
        *TIMING,
        *drop("smtp_alert", MAIL, "mail"),
        *drop("snmp_name", _SNMP, "snmp"),
        *checker_rows(),
    ]
)
