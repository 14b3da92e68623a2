"""A node becomes a document whose faults name the places of the keepalived.conf."""

from __future__ import annotations

from hadirector.config.keepalived.node import mapping, plain, sequence, text, to_document
from hadirector.config.keepalived.syntax.statement import Place, Word

INSTANCE = Place("keepalived.conf", 3, 1)
KEYWORD = Word("interface", Place("conf.d/web.conf", 7, 5))
VALUE = Word("eth0", Place("conf.d/web.conf", 7, 15))
NODE = mapping(
    INSTANCE,
    {"vrrp": sequence(INSTANCE, [mapping(INSTANCE, {"interface": text(VALUE, KEYWORD)})])},
)


def test_the_document_has_the_plain_value() -> None:
    assert plain(NODE) == {"vrrp": [{"interface": "eth0"}]}


def test_a_value_of_an_included_file_keeps_its_file() -> None:
    document = to_document(NODE, [])
    assert document.place(("vrrp", 0, "interface")) == "conf.d/web.conf:7:15"
    assert document.key_place(("vrrp", 0, "interface")) == "conf.d/web.conf:7:5"


def test_a_key_that_is_missing_has_the_place_of_its_section() -> None:
    assert to_document(NODE, []).place(("vrrp", 0, "priority")) == "keepalived.conf:3:1"


def test_an_entry_without_a_value_is_left_out() -> None:
    assert plain(mapping(INSTANCE, {"interface": None})) == {}
