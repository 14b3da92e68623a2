"""keepalived 2.2.7 reads the words of the cases of the unit tests.

It complains about each unknown word behind a virtual address, so its complaints are the words.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.config.keepalived.syntax.seen_cases import (
    CASES,
    MISUNDERSTOOD,
    REFUSED,
    Case,
    whole_text,
)

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

EVERY = [
    *CASES,
    *(Case(text, []) for text in REFUSED),
    *(Case(text, words) for text, (words, _) in MISUNDERSTOOD.items()),
]
SCRIPT = """
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip address add 10.0.0.9/24 dev eth0
for number in $(seq 1 "$1"); do
    keepalived --config-test --config-id lb1 -f "$number.conf" >"$number.log" 2>&1 || true
done
"""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The complaints of keepalived about each case: one namespace for all of them."""
    directory = tmp_path_factory.mktemp("words")
    for number, case in enumerate(EVERY, 1):
        (directory / f"{number}.conf").write_text(whole_text(case), encoding="utf-8")
    command = ["unshare", "--net", "sh", "-ec", SCRIPT, "sh", str(len(EVERY))]
    subprocess.run(command, check=True, timeout=60, cwd=directory)
    logs = [Path(directory, f"{number}.log") for number in range(1, len(EVERY) + 1)]
    return [log.read_text(encoding="utf-8") for log in logs]


@pytest.mark.parametrize("number", range(len(EVERY)))
def test_keepalived_reads_the_words_of_the_case(complaints: list[str], number: int) -> None:
    case, text = EVERY[number], complaints[number]
    found = re.findall(r"Unknown configuration entry '(.*)' for ip address", text)
    if case.lines not in REFUSED:
        assert found == case.words
    else:
        assert re.search(r"Invalid ~(?:SEQ|LST)|Unmatched quote", text)
