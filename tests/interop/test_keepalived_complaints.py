"""The complaints of keepalived 2.2.7 about a file stand beside the faults and notes of hadirector.

keepalived names a line only for what it finds while it reads. Its later complaints name no line.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.unit.config.keepalived.reading import FILE, read

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

INTERFACES: Final = """
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip address add 10.99.0.1/24 dev eth0
for directory in "$@"; do
    cd "$directory"
    keepalived --config-test -f keepalived.conf >complaints 2>&1 || true
done
"""


class Trap(NamedTuple):
    """A text with the complaints of both programs: a line, and words of the message or a kind."""

    text: str
    theirs: list[str]
    ours: list[str]


def instance(lines: str, *, name: str = "VI_1", vrid: int = 51) -> str:
    """Return an instance of six lines, and of further lines from line 7 on."""
    return (
        f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\n"
        f"virtual_ipaddress {{\n10.99.0.{vrid}/24\n}}\n{lines}\n}}\n"
    )


CHECK: Final = "vrrp_script check {\nscript /bin/true\n}\n"
PASSWORD: Final = "authentication {\nauth_type PASS\nauth_pass swordfish99\n}"

TRAPS: Final[Mapping[str, Trap]] = {
    "nothing": Trap(instance("state BACKUP\nnopreempt\npriority 90"), [], []),
    "script below": Trap(
        instance("track_script {\ncheck\n}") + CHECK,
        ["8 (VI_1) track script check not found"],
        ["8 order"],
    ),
    "unknown script": Trap(
        instance("track_script {\ncheck\n}"),
        ["8 (VI_1) track script check not found"],
        ["8 not defined"],
    ),
    "second instance": Trap(
        instance("") + instance("", vrid=52),
        ["9 vrrp instance VI_1 already defined"],
        ["9 second name"],
    ),
    "second group": Trap(
        instance("")
        + instance("", name="VI_2", vrid=52)
        + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
        + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n",
        ["23 vrrp sync group G already defined"],
        ["23 second name"],
    ),
    "nopreempt with MASTER": Trap(
        instance("state MASTER\npriority 100\nnopreempt"),
        ["(VI_1) Warning - nopreempt will not work with initial state "],
        ["9 nopreempt"],
    ),
    "nopreempt with 255": Trap(
        instance("priority 255\nnopreempt"),
        ["(VI_1) nopreempt is incompatible with priority 255. resettin"],
        ["8 nopreempt"],
    ),
    "preempt_delay with MASTER": Trap(
        instance("state MASTER\npriority 100\npreempt_delay 5"),
        ["(VI_1) Warning - preempt delay will not work with initial st"],
        ["9 preempt_delay"],
    ),
    "preempt_delay with nopreempt": Trap(
        instance("nopreempt\npreempt_delay 5"),
        ["(VI_1) preempt_delay is incompatible with nopreempt mode - r"],
        ["8 preempt_delay"],
    ),
    "unknown state": Trap(
        instance("state SLAVE"),
        ["7 (VI_1) unknown state 'SLAVE', defaulting to BACKUP"],
        ["7 state"],
    ),
    "long password": Trap(
        instance(PASSWORD), ["9 Truncating auth_pass to 8 characters"], ["9 auth_pass"]
    ),
    "password in version 3": Trap(
        instance("version 3\n" + PASSWORD),
        [
            "10 Truncating auth_pass to 8 characters",
            "(VI_1) VRRP version 3 does not support authentication. Ignor",
        ],
        ["8 authentication"],
    ),
    "no password": Trap(
        instance("authentication {\nauth_type PASS\n}"),
        ["(VI_1) Authentication specified but no password given. Ignor"],
        ["7 authentication"],
    ),
    "strict mode": Trap(
        "global_defs {\nvrrp_strict\n}\n" + instance("state MASTER\npriority 100\n" + PASSWORD),
        [
            "14 Truncating auth_pass to 8 characters",
            "(VI_1) State MASTER must match being address owner",
            "(VI_1) Strict mode does not support authentication. Ignoring",
        ],
        ["2 fault", "12 authentication"],
    ),
    "MASTER without priority": Trap(instance("state MASTER"), [], ["1 priority"]),
    "interval in version 2": Trap(
        instance("advert_int 0.5"),
        ["(VI_1) VRRPv2 advertisement interval 0.500000s must be an in"],
        ["7 advert_int"],
    ),
    "interval in version 3": Trap(
        instance("version 3\nadvert_int 0.014"),
        ["(VI_1) VRRPv3 advertisement interval 0.014000s must be in un"],
        ["8 advert_int"],
    ),
    "no peers": Trap(
        instance("unicast_peer {\n}"),
        ["(VI_1) A unicast keyword has been specified without any unic"],
        ["7 multicast"],
    ),
    "source with a length": Trap(
        instance("unicast_src_ip 10.99.0.1/24\nunicast_peer {\n10.99.0.2\n}"), [], ["7 source"]
    ),
    "second peer": Trap(
        instance("unicast_src_ip 10.99.0.1\nunicast_peer {\n10.99.0.2\n10.99.0.2\n}"),
        [],
        ["10 second peer"],
    ),
    "IPv6 without a link-local address": Trap(
        "vrrp_instance V6 {\ninterface eth0\nvirtual_router_id 6\n"
        "virtual_ipaddress {\n2001:db8::1/64\n}\n}\n",
        [],
        [],
    ),
    "version 2 of IPv6": Trap(
        "vrrp_instance V6 {\nversion 2\ninterface eth0\nvirtual_router_id 6\n"
        "virtual_ipaddress {\nfe80::6\n}\n}\n",
        [],
        ["2 version"],
    ),
    "other family": Trap(
        instance("virtual_ipaddress {\n2001:db8::1\n}"),
        ["8 (VI_1): address family must match VRRP instance [2001:db8:"],
        ["8 address family"],
    ),
    "second address": Trap(
        instance("virtual_ipaddress {\n10.99.0.51/24\n}"), [], ["8 second address"]
    ),
    "weight with a sign of equality": Trap(
        CHECK + instance("track_script {\ncheck weight=0\n}"),
        ["11 (VI_1) unknown track script option weight=0 - ignoring"],
        ["11 not tracked"],
    ),
    "weight without a number": Trap(
        CHECK + instance("track_script {\ncheck weight\n}"),
        ["11 (VI_1) weight without value specified for track script ch"],
        ["11 not tracked"],
    ),
    "weight of 254": Trap(
        instance("track_interface {\neth1 weight 254\n}"),
        ["8 (VI_1) weight for eth1 cannot be +/-254. Setting to +/-253"],
        ["8 weight"],
    ),
    "tracked twice": Trap(
        CHECK + instance("track_script {\ncheck\ncheck\n}"),
        ["12 (VI_1) duplicate track_script check - ignoring"],
        ["12 tracked twice"],
    ),
    "own interface": Trap(
        instance("track_interface {\neth0 weight -10\n}"),
        ["(VI_1) Ignoring track_interface eth0 since own interface"],
        ["8 void weight"],
    ),
    "two sync daemons": Trap(
        instance("lvs_sync_daemon_interface eth1")
        + instance("lvs_sync_daemon_interface eth0", name="VI_2", vrid=52),
        [
            "7 (VI_1) Specifying lvs_sync_daemon_interface against a vrrp",
            "7         Please use global lvs_sync_daemon",
            "15 (VI_2) Specifying lvs_sync_daemon_interface against a vrr",
            "15         Please use global lvs_sync_daemon",
            "15 (VI_2) lvs_sync_daemon_interface has already been specifi",
        ],
        ["15 sync daemon"],
    ),
    "misspelt sync daemon": Trap(
        instance("lvs_sync_daemon_inteface eth1"),
        ["7 Unknown keyword 'lvs_sync_daemon_inteface'"],
        ["7 old words"],
    ),
    "rule without a priority": Trap(
        instance("virtual_rules {\nfrom 10.0.0.0/8 table 100\n}"),
        ["8 Rule has no preference specified - setting to 16384. This "],
        ["8 rule priority"],
    ),
    "route with unknown word": Trap(
        instance("virtual_routes {\n10.0.0.0/8 via 10.99.0.9 colour red\n}"),
        ["8 VRRP parsed invalid IP colour. skipping IP...", "8 unknown route keyword colour"],
        ["8 fault"],
    ),
    "group without members": Trap(
        instance("") + "vrrp_sync_group G {\nnotify /bin/true\n}\n",
        ["Sync group G has no virtual router(s). removing"],
        ["9 no members"],
    ),
    "group of one": Trap(
        instance("") + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n",
        ["Sync group G has only 1 virtual router(s) - this probably is"],
        ["9 group of one"],
    ),
    "group of unknown instances": Trap(
        instance("") + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_7\n}\n}\n",
        [
            "Virtual router VI_7 specified in sync group G doesn't exist ",
            "Sync group G has only 1 virtual router(s) - this probably is",
        ],
        ["12 no instance", "9 group of one"],
    ),
    "weights in a group": Trap(
        CHECK
        + instance("track_script {\ncheck weight 5\n}\ntrack_interface {\neth1 weight -5\n}")
        + instance("", name="VI_2", vrid=52)
        + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n",
        [
            "(VI_1) ignoring eth1 tracked interface weight due to SYNC gr",
            "(VI_1) ignoring tracked script check with weights due to SYN",
        ],
        ["14 void weight", "11 void weight"],
    ),
    "weights of an owner": Trap(
        CHECK + instance("priority 255\ntrack_script {\ncheck weight 5\n}"),
        ["(VI_1) ignoring tracked script check with weights due to add"],
        ["12 void weight"],
    ),
    "script without a command": Trap(
        "vrrp_script check {\ninterval 2\n}\n" + instance("track_script {\ncheck\n}"),
        [
            "3 No script set for vrrp_script check - removing",
            "11 (VI_1) track script check not found, ignoring...",
        ],
        ["1 empty definition", "11 not defined"],
    ),
    "script with a shell": Trap(
        'vrrp_script check {\nscript "/bin/true | /bin/false"\n}\n'
        + instance("track_script {\ncheck\n}"),
        [],
        ["2 fault"],
    ),
    "interval of 0": Trap(
        "vrrp_script check {\nscript /bin/true\ninterval 0\n}\n"
        + instance("track_script {\ncheck\n}"),
        ["3 (check): vrrp script interval must be greater than 0, sett"],
        ["3 zero"],
    ),
    "unknown keyword": Trap(
        instance("prioritiy 100"), ["7 Unknown keyword 'prioritiy'"], ["7 fault"]
    ),
    "unknown word of an address": Trap(
        instance("virtual_ipaddress {\n10.99.0.7 device eth1\n}"),
        [
            "8 Unknown configuration entry 'device' for ip address - igno",
            "8 Unknown configuration entry 'eth1' for ip address - ignori",
        ],
        ["8 fault", "8 fault"],
    ),
    "wrong number": Trap(
        instance("priority 300"),
        [
            "7 number '300' outside range [1, 255]",
            "7 (VI_1) Priority not valid! must be between 1 & 255. Using ",
        ],
        ["7 fault"],
    ),
    "authentication by AH": Trap(
        instance("authentication {\nauth_type AH\nauth_pass abcd\n}"), [], ["8 fault"]
    ),
    "delays too long": Trap(
        "interface_up_down_delays {\neth0 5\n}\n" + instance(""), [], ["4 flap_delay"]
    ),
}


def complaints(text: str) -> list[str]:
    """Return the complaints of keepalived, with the line first if it names a line."""
    return [
        re.sub(r"\((?:\S*: )?Line (\d+)\) ", r"\1 ", line)
        for line in text.splitlines()
        if not re.match(r"WARNING - default user|SECURITY VIOLATION", line)
    ]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The complaints of keepalived about each trap: one namespace for all of them."""
    directories = {name: tmp_path_factory.mktemp("trap") for name in TRAPS}
    for name, directory in directories.items():
        (directory / FILE).write_text(TRAPS[name].text, encoding="utf-8")
    command = ["unshare", "--net", "sh", "-ec", INTERFACES, "sh", *map(str, directories.values())]
    subprocess.run(command, check=True, timeout=60)
    return {
        name: complaints(Path(directory, "complaints").read_text(encoding="utf-8"))
        for name, directory in directories.items()
    }


@pytest.mark.parametrize("name", TRAPS)
def test_each_complaint_of_keepalived_has_a_fault_or_note_of_ours(
    name: str, theirs: dict[str, list[str]]
) -> None:
    trap = TRAPS[name]
    assert [line[: len(words)] for line, words in zip(theirs[name], trap.theirs, strict=True)] == (
        trap.theirs
    )
    found = read(trap.text)
    notes = [f"{text.split(':')[0]} {kind}" for kind, text in found.notes]
    assert [f"{fault.split(':')[0]} fault" for fault in found.faults] + notes == trap.ours
