"""Files in the shape of real files: their faults and notes, and the table that keepalived makes.

Beside each file, `.expect` has its faults and notes: the place, and the beginning of a fault or the
kind of a note. `.table` is the table that keepalived 2.2.7 made of the file in a real kernel, as
`ipvsadm -Sn` showed it before the first check (`tests/lab/test_keepalived_tables.py`).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from hadirector.config.keepalived.ipvsadm.rules import read_rules
from hadirector.config.keepalived.keywords.checkers import CHECKERS
from hadirector.config.keepalived.keywords.parts import TABLES
from hadirector.config.keepalived.report import Report
from hadirector.model.ipvs import HASH_SCHEDULERS, SchedulerFlag, Service, ServiceEntry, Table
from hadirector.pools.decision import judge
from hadirector.pools.entries import wanted_entries
from tests.unit.config.keepalived.lvs.reading import Outcome, read_file
from tests.unit.pools.builders import facts

CORPUS = Path(__file__).parents[4] / "corpus" / "keepalived"
FILES = sorted(CORPUS.glob("lvs-*.conf"))
TABLE_FILES = [
    file
    for file in FILES
    if file.with_suffix(".table").exists()
    and "fault " not in file.with_suffix(".expect").read_text()
]
"""The files that hadirector reads. keepalived reads more of them."""


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 30
    assert len(TABLE_FILES) >= 25


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_has_the_expected_faults_and_notes(file: Path) -> None:
    outcome = read_file(file)
    expected = file.with_suffix(".expect").read_text().splitlines()
    faults = [line.removeprefix("fault ") for line in expected if line.startswith("fault ")]
    assert len(outcome.faults) == len(faults)
    for line in faults:
        place, beginning = line.split(" ", 1)
        found = [fault for fault in outcome.faults if fault.startswith(f"k:{place}: ")]
        assert any(beginning in fault for fault in found), (line, outcome.faults)
    notes = {line.removeprefix("note ") for line in expected if line.startswith("note ")}
    assert {" ".join(note) for note in outcome.notes} == notes


@pytest.mark.parametrize("file", TABLE_FILES, ids=lambda file: file.stem)
def test_the_table_before_the_first_check_is_that_of_keepalived(file: Path) -> None:
    outcome = read_file(file)
    assert outcome.faults == []
    assert wanted_table(outcome) == recorded_table(file.with_suffix(".table"))


def wanted_table(outcome: Outcome) -> Table:
    """Return the table that the director wants before the first check, without thresholds."""
    assert outcome.configuration is not None
    table: dict[object, ServiceEntry] = {}
    for server in outcome.configuration.virtual_servers:
        entries = wanted_entries(server, judge(server, facts({}), None))
        for key, entry in entries.items():
            bare = {
                name: replace(destination, upper_threshold=0, lower_threshold=0)
                for name, destination in entry.destinations.items()
            }
            table[key] = ServiceEntry(entry.service, bare)
    return table  # type: ignore[return-value]  # the keys are service keys


def recorded_table(file: Path) -> Table:
    """Return a table that ipvsadm saved. hadirector always sets the flag fallback of sh and mh."""
    report = Report()
    services = read_rules(file.read_text(), file.name, report)
    assert report.faults == []
    return {
        entry.key: ServiceEntry(
            _with_fallback(entry.service),
            {each.key: each.destination for each in entry.destinations},
        )
        for entry in services
    }


def _with_fallback(service: Service) -> Service:
    if service.scheduler not in HASH_SCHEDULERS:
        return service
    return replace(service, flags=service.flags | {SchedulerFlag.FALLBACK})


def test_the_corpus_has_every_keyword_of_virtual_servers() -> None:
    words = {word for file in FILES for word in re.findall(r"[A-Za-z0-9_-]+", file.read_text())}
    blocks = ("virtual_server", "real_server", "url", "host", "SSL", *CHECKERS)
    known = {name for block in blocks for name in TABLES[block]}
    left_out = {
        *("net_mask", "dynamic_weight_enable", "dynamic_weight_coefficient", "daddr_group_name"),
        "flag-3",  # no scheduler has a third flag
    }
    assert known - words == left_out
