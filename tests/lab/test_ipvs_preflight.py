"""The preflight lists what the kernel lacks, and leaves no trace in the kernel."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hadirector.dataplane.ipvs import preflight
from hadirector.model.ipvs import Scheduler, Service

pytestmark = [pytest.mark.ipvs, pytest.mark.usefixtures("own_namespace")]


ENGINES = ["sip", "sop"]


def command(*arguments: str) -> list[str]:
    """Run a command; return the lines that it prints."""
    ended = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return ended.stdout.splitlines()


async def test_preflight_names_the_missing_modules_and_changes_nothing() -> None:
    command("ipvsadm", "-A", "-f", "7", "-s", "rr")
    assert await preflight.faults(
        [Service(each) for each in Scheduler] + [Service("rr", engine=each) for each in ENGINES]
    ) == [
        "the kernel has no scheduler twos: its module ip_vs_twos is missing",
        "the kernel has no persistence engine sop: its module ip_vs_pe_sop is missing",
    ]
    assert [line.split() for line in command("ipvsadm", "-Sn")] == [["-A", "-f", "7", "-s", "rr"]]


PREFLIGHT = """
import asyncio
from hadirector.dataplane.ipvs import preflight
from hadirector.model.configuration import Service
print(*asyncio.run(preflight.faults([Service("wrr"), Service("twos")])), sep="\\n")
"""


@pytest.mark.parametrize(
    ("capability", "said"),
    [
        (
            "net_admin",
            "programming IPVS needs the capability CAP_NET_ADMIN, which this process lacks",
        ),
        ("sys_admin", ""),
    ],
)
def test_preflight_without_a_capability(capability: str, said: str) -> None:
    """Without CAP_SYS_ADMIN the preflight cannot try schedulers. That is no fault."""
    without = ["setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}"]
    assert command(*without, sys.executable, "-c", PREFLIGHT) == [said]
