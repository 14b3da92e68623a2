"""The keys of the section ``director``."""

from __future__ import annotations

from typing import Annotated, Literal

from hadirector.config.checks.readers import MARK_RANGE
from hadirector.config.checks.schema import Check
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Name
from hadirector.config.keys.readers import BOOLEAN, choice, integer, text
from hadirector.config.keys.section import Section
from hadirector.model.configuration import DataplaneName, LogFormat
from hadirector.model.vip_probes import DEFAULT_MARKS, MarkRange

# The limit leaves room for /api.sock, the socket in the directory.
Directory = Annotated[
    str,
    text(
        r"/[\x21-\x7e]{1,97}",
        "an absolute path of at most 98 characters",
        "absolute path, at most 98 characters",
    ),
]
ProbesPerSecond = Annotated[int, integer(1, 100_000)]


class DirectorSection(Section):
    """The section ``director``: settings of the director itself."""

    name: Annotated[
        Name | None, Key("The name of this director.", default="the name of the host")
    ] = None
    dataplane: Annotated[
        DataplaneName,
        choice(("ipvs", "userspace", "dry-run")),
        Key(
            "The part that forwards traffic. `ipvs`: the kernel; without virtual servers, the"
            " kernel needs no IPVS. `userspace`: this process, for"
            " trials (tcp only; scheduler rr, wrr, lc or wlc; no persistence). `dry-run`: nothing;"
            " operations are only logged, but probes, VRRP and addresses are real."
        ),
    ] = "ipvs"
    on_stop: Annotated[
        Literal["release", "keep"],
        choice(("release", "keep")),
        Key(
            "The actions at a stop. `release`: hand over the addresses and remove the services of"
            " this director. `keep`: leave everything in place."
        ),
    ] = "release"
    realtime: Annotated[
        bool,
        BOOLEAN,
        Key(
            "Run the vrrp process with SCHED_RR and locked memory, ahead of all ordinary processes."
            " Use it for advertisement intervals of 100 ms and less on a busy machine. It needs"
            " CAP_SYS_NICE and CAP_IPC_LOCK."
        ),
    ] = False
    log: Annotated[
        LogFormat | None,
        choice(("text", "json")),
        Key(
            "The format of the log on standard error. Lines for the journal of systemd begin with"
            " their priority in both formats.",
            default="`text` on a terminal and for the journal, else `json`",
        ),
    ] = None
    runtime_directory: Annotated[
        Directory,
        Key(
            "The directory for sockets, and for state that is valid until the next boot. Each"
            " director needs its own."
        ),
    ] = "/run/hadirector"
    state_directory: Annotated[
        Directory | None,
        Key(
            "The directory for overrides, which survive a reboot. Each director needs its own.",
            default="`/var/lib/hadirector`. If `runtime_directory` is another directory under"
            " `/run`, the same name under `/var/lib`; elsewhere `runtime_directory` itself",
        ),
    ] = None
    check: Annotated[
        Check | None,
        Key(
            "The check of every real server for which neither the real server nor its virtual"
            " server has a check.",
            type="[check](#check)",
            default="`{type: tcp}`",
        ),
    ] = None
    probe_marks: Annotated[
        MarkRange,
        MARK_RANGE,
        Key(
            "The firewall marks of probes [via vip](#via-vip). No `fwmark` and no `mark` of a check"
            " may be in this range, and nothing else on this host should use it.",
            default=f"`{DEFAULT_MARKS}`",
        ),
    ] = DEFAULT_MARKS
    probes_per_second: Annotated[
        ProbesPerSecond | None,
        Key(
            "The maximum number of probes that start in a second, for all checks together. Further"
            " probes wait and are counted as delayed.",
            default="no limit",
        ),
    ] = None
    target_probes_per_second: Annotated[
        ProbesPerSecond | None,
        Key(
            "The maximum number of probes of one target (an address and port) that start in a"
            " second, for all its checks together. Probes after a [hint](#idle_connection) or a"
            " first failure count too. Further probes wait and are counted as delayed.",
            default="no limit",
        ),
    ] = None
