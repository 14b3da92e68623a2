"""The tables have every keyword of keepalived, and every refusal names a remedy."""

from __future__ import annotations

import pytest

from hadirector.config.keepalived.keywords.parts import TABLES
from hadirector.config.keepalived.keywords.table import Action, Keyword
from tests.unit.config.keepalived.keyword_names import NAMES

OLD_AND_FOREIGN_WORDS = {
    "": {"local_address_group"},
    "vrrp_instance": {"lvs_sync_daemon_inteface"},
    "virtual_server": {
        *("nat_mask", "net_mask", "dynamic_weight_enable", "dynamic_weight_coefficient"),
        *("laddr_group_name", "daddr_group_name", "syn_proxy", "establish_timeout"),
    },
    "TCP_CHECK": {"nb_get_retry"},
}
ROWS = [(block, row) for block, rows in TABLES.items() for row in rows.values()]


@pytest.mark.parametrize("block", NAMES)
def test_every_keyword_of_a_block_has_a_row(block: str) -> None:
    extra = OLD_AND_FOREIGN_WORDS.get(block, set())
    assert extra <= set(TABLES[block])
    assert set(TABLES[block]) - extra == set(NAMES[block].split())


def test_every_block_has_a_table() -> None:
    assert set(TABLES) == set(NAMES)


@pytest.mark.parametrize(("block", "row"), ROWS, ids=lambda value: getattr(value, "name", value))
def test_a_text_is_a_clause_without_a_capital_and_without_a_final_stop(
    block: str, row: Keyword
) -> None:
    del block
    assert not row.text.endswith(".")
    assert row.text[:1] == row.text[:1].lower()
    assert len(row.text) <= 200


@pytest.mark.parametrize(
    "row", [row for _, row in ROWS if row.action is Action.REFUSE], ids=lambda row: row.name
)
def test_every_refusal_names_a_remedy(row: Keyword) -> None:
    verbs = ("use ", "write ", "start ", "run ", "drop ", "read ", "order ", "track ", "set ")
    assert any(verb in row.text for verb in (*verbs, "leave it out", "detects", "give "))
