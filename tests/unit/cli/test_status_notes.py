"""Notes below the tables of ``hadirector status``."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.cli.status_text import render_status
from hadirector.cli.terminal import plain
from hadirector.status.report import Status

STATUS = Status(
    name="lb1",
    version="0.1.0",
    pid=100,
    dataplane="ipvs",
    processes=(),
    instances=(),
    virtual_servers=(),
    foreign_services=(),
    failing={},
    repaired=0,
    probes=0,
)


def lines(status: Status) -> list[str]:
    return list(render_status(status, plain, every_real_server=False))


def test_polling_for_processes_is_shown_with_its_reason() -> None:
    polling = replace(STATUS, process_polling="the kernel refuses process events")
    note = "tracked processes are looked for once a second: the kernel refuses process events"
    assert [line for line in lines(polling) if line not in lines(STATUS)] == [note]


def test_the_number_of_differences_from_keepalived_is_shown() -> None:
    different = replace(STATUS, difference_count=12)
    note = (
        "the file differs in effect from keepalived in 12 notes, which hadirector check-config"
        " prints"
    )
    assert [line for line in lines(different) if line not in lines(STATUS)] == [note]
