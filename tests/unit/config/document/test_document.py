"""YAML 1.2 text becomes plain values with positions."""

import pytest

from hadirector.config.document.document import read_document
from hadirector.config.document.errors import ConfigError
from hadirector.config.document.syntax import decode


def faults_of(text: str) -> list[str]:
    try:
        return [str(fault) for fault in read_document(decode(text.encode(), "f"), "f").faults]
    except ConfigError as error:
        return [str(fault) for fault in error.faults]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("22:22", "22:22"),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0o10", "0o10"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        (".5e1", 5.0),
        ("-.inf", float("-inf")),
        ("1.2.3.4", "1.2.3.4"),
        ("2026-01-01", "2026-01-01"),
        ("'true'", "true"),
        ('"12"', "12"),
        ("1234567890123456789", "1234567890123456789"),
        ("http://x", "http://x"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_a_scalar_is_read_by_the_core_schema(written: str, value: object) -> None:
    """Only true and false are booleans; there is no octal and no sexagesimal."""
    document = read_document(f"key: {written}\n", "f")
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)
    assert document.faults == []


def test_every_value_and_key_has_a_place() -> None:
    """Lines and columns start at 1, even in lists and flow mappings."""
    document = read_document("a:\n  - {b: 1, cc: 2}\n  - x\n", "f")
    assert document.place(("a",)) == "f:2:3"
    assert document.place(("a", 0)) == "f:2:5"
    assert document.place(("a", 0, "cc")) == "f:2:16"
    assert document.key_place(("a", 0, "cc")) == "f:2:12"
    assert document.place(("a", 1)) == "f:3:5"
    # A missing value has the place of the value around it.
    assert document.place(("a", 0, "d")) == "f:2:5"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: {b: 1, b: 2}", 'f:1:11: a: duplicate key "b", first in line 1'),
        ("a:\nb: 1", "f:1:3: a: the value is missing (write a value, or leave the key out)"),
        ("- 1\n-", "f:2:2: [1]: the value is missing (write a value, or leave the key out)"),
        ("a: &x 1", "f:1:4: a: anchors (&) are not supported; remove it, or quote the text"),
        ("a: !!str 1", "f:1:4: a: tags (!) are not supported; remove it, or quote the text"),
        ("{[a]: b}", "f:1:2: a key must be a plain word"),
        (
            "a: 1\n---\nb: 2",
            "f:2:1: a second YAML document begins here (expected one document in a file)",
        ),
        ("", "f:1:1: the file is empty (expected director, vrrp or virtual_servers)"),
        ("# nothing\n", "f:1:1: the file is empty (expected director, vrrp or virtual_servers)"),
        ("a:\n\tb: 1", "f:2:1: not valid YAML: a tab cannot indent; use spaces"),
        ("a: @b", "f:1:4: not valid YAML: text that begins with @ needs quotes"),
        (
            "a: b: c",
            "f:1:5: not valid YAML: a second ': ' in one line; quote the text, or check the"
            " indentation",
        ),
        (
            "a: [2001:db8::1]:80",
            "f:1:17: not valid YAML: an IPv6 address with a port needs quotes, such as"
            ' "[2001:db8::1]:80"',
        ),
        (
            "a: [1, 2\nb: 3\n",
            "f:1:4: not valid YAML: the [ in this line is not closed, or a comma is missing",
        ),
        (
            "a: \x00",
            "f:1:4: the text has a control character (got U+0000, expected printable text)",
        ),
    ],
)
def test_a_wrong_form_is_refused_with_its_place(text: str, fault: str) -> None:
    """Each message has the place, the fault and the remedy."""
    assert faults_of(text) == [fault]


def test_text_that_is_not_utf8_is_refused_at_the_byte() -> None:
    """The place counts the characters before the invalid byte."""
    with pytest.raises(ConfigError) as caught:
        decode("ab: ü\nc: ".encode() + b"\xff", "f")
    assert str(caught.value) == "f:2:4: not UTF-8 text (got byte 0xff)"


def test_a_byte_order_mark_is_ignored() -> None:
    """Some editors write a byte order mark."""
    assert decode(b"\xef\xbb\xbfa: 1", "f") == "a: 1"


def test_an_alias_bomb_is_refused_without_expansion() -> None:
    """Each alias is a fault of its own."""
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert faults_of(bomb) == [
        "f:1:4: a: anchors (&) are not supported; remove it, or quote the text",
        "f:2:4: b: anchors (&) are not supported; remove it, or quote the text",
        "f:2:8: b[0]: aliases (*) are not supported; write the value out, or quote it",
        "f:2:12: b[1]: aliases (*) are not supported; write the value out, or quote it",
        "f:3:5: c[0]: aliases (*) are not supported; write the value out, or quote it",
        "f:3:9: c[1]: aliases (*) are not supported; write the value out, or quote it",
    ]


def test_deep_nesting_is_refused() -> None:
    """The limit is 20 levels. Ten thousand levels give the same fault."""
    assert faults_of("[" * 20 + "]" * 20) == []
    assert faults_of("[" * 21)[0].startswith("f:1:21: [0][0]")
    assert faults_of("[" * 10000)[0].endswith("nested more than 20 levels deep")
