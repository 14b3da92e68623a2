"""The directives of ldirectord.cf: global directives, and directives of a ``virtual`` section."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import drop, map_block, map_value, refuse
from hadirector.config.keepalived.keywords.table import Repeated, Table, table
from hadirector.config.keepalived.keywords.texts import MAIL

_BOTH: Final = (
    *map_value("checktimeout negotiatetimeout checkinterval checkcount failurecount quiescent"),
    *map_value("fallback fallback6 cleanstop"),
    *refuse(
        "fallbackcommand",
        "hadirector runs no command when all real servers fail; use a fallback, or read"
        " hadirector events",
    ),
    *drop("emailalert emailalertfreq emailalertstatus smtp", MAIL, "mail"),
    *refuse("connecttimeout", "ldirectord no longer supports this keyword; use negotiatetimeout"),
)
DIRECTIVES: Final[Table] = table(
    [
        *_BOTH,
        *map_block("virtual virtual6", (1, 1)),
        *drop("emailalertfrom", MAIL, "mail"),
        *drop("callback execute", "hadirector starts no other program"),
        *refuse(
            "maintenancedir",
            "hadirector reads no maintenance directory; use hadirector drain and undrain",
        ),
        *drop("autoreload logfile fork supervised readdquiescent"),
        *refuse(
            "timeout",
            "ldirectord no longer supports this keyword; use checktimeout and negotiatetimeout",
        ),
    ]
)
VIRTUAL: Final[Table] = table(
    [
        *_BOTH,
        *map_value("real real6", repeated=Repeated.ALL),
        *map_value("checktype service checkcommand checkport request receive httpmethod"),
        *map_value("virtualhost login database scheduler persistent netmask protocol ops"),
        *map_value("schedflags servicename"),
        *drop("passwd secret", "the check sends no password and examines only the greeting"),
        *drop("load", "hadirector does not read the load from a web page"),
        *drop("monitorfile", "the log and the events of hadirector report the same changes"),
        *drop("comment"),
    ]
)
