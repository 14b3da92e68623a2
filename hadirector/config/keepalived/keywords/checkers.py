"""The keywords of health checkers (HTTP_GET, TCP_CHECK, ...) and of the blocks in them."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.rows import (
    FLAG,
    LIST,
    SWITCH,
    drop,
    map_block,
    map_value,
    refuse,
)
from hadirector.config.keepalived.keywords.table import ANY, Keyword, Repeated, Table, table

_SOME: Final = (1, ANY)

TIMING: Final = (*map_value("retry delay_before_retry delay_loop"), *drop("warmup"))
"""The timing of checks: a checker, a real server and a virtual server have these keywords."""

_SHARED: Final = (
    *TIMING,
    *map_value("alpha", SWITCH),
    *drop(
        "log_all_failures",
        "hadirector logs only changes of the verdict; `hadirector status` shows the last result",
    ),
)
_CONNECTION: Final = (
    *map_value("connect_ip connect_port bindto bind_if connect_timeout fwmark"),
    *drop("bind_port", "the kernel chooses the source port of each probe"),
)
_HTTP: Final = (
    *_SHARED,
    *_CONNECTION,
    *map_value("nb_get_retry virtualhost http_protocol"),
    *map_value("enable_sni sni_name", SWITCH),
    *drop("fast_recovery"),
    *map_block("url"),
)
URL: Final[Table] = table(
    [
        *map_value("path virtualhost"),
        *map_value("status_code regex_options", _SOME, Repeated.ALL),
        *map_value("regex", _SOME),
        *map_value("digest", repeated=Repeated.FIRST),
        *map_value("regex_no_match", FLAG),
        *map_value("regex_min_offset regex_max_offset"),
        *drop("regex_stack tls_compliant"),
    ]
)
SMTP_HOST: Final[Table] = table((*_SHARED, *_CONNECTION))
_LENGTH: Final = "hadirector does not check the length of a reply"

CHECKERS: Final[dict[str, Table]] = {
    "TCP_CHECK": table(
        [
            *_SHARED,
            *_CONNECTION,
            *drop(
                "nb_get_retry",
                "keepalived and hadirector ignore this keyword in TCP_CHECK and retry once;"
                " the keyword of TCP_CHECK is retry",
            ),
        ]
    ),
    "HTTP_GET": table(_HTTP),
    "SSL_GET": table((*_HTTP, *drop("tls_compliant"))),
    "SMTP_CHECK": table(
        [*_SHARED, *_CONNECTION, *map_value("helo_name"), *map_block("host", SWITCH)]
    ),
    "DNS_CHECK": table(
        [
            *_SHARED,
            *_CONNECTION,
            *map_value("type"),
            *map_value("name", repeated=Repeated.FIRST),
        ]
    ),
    "MISC_CHECK": table(
        [
            *_SHARED,
            *map_value("misc_path", _SOME),
            *map_value("misc_timeout"),
            *map_value("misc_dynamic", FLAG),
            *map_value("user", (1, 2)),
        ]
    ),
    "PING_CHECK": table((*_SHARED, *_CONNECTION)),
    "UDP_CHECK": table(
        [
            *_SHARED,
            *_CONNECTION,
            *map_value("payload", _SOME),
            *map_value("require_reply", LIST),
            *drop("min_reply_length max_reply_length", _LENGTH),
        ]
    ),
    "BFD_CHECK": table(drop("name alpha")),
    "FILE_CHECK": table(drop("track_file weight")),
}
"""The table of each checker, by its keyword in a real server."""

REFUSED_CHECKERS: Final[tuple[Keyword, ...]] = (
    *refuse(
        "BFD_CHECK", "hadirector has no BFD; use PING_CHECK or TCP_CHECK with a short delay_loop"
    ),
    *refuse(
        "FILE_CHECK",
        "the number in a file cannot change a weight; use a check of type file, whose content is"
        " up, down or a percentage",
    ),
)


def checker_rows() -> tuple[Keyword, ...]:
    """Return the rows of all checkers for the table of a real server."""
    refused = {row.name for row in REFUSED_CHECKERS}
    mapped = " ".join(name for name in CHECKERS if name not in refused)
    return (*REFUSED_CHECKERS, *map_block(mapped, FLAG))
