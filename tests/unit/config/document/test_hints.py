"""A fault of YAML syntax is reported in the faulty line, with its remedy."""

from __future__ import annotations

import pytest

from hadirector.config.document.document import read_document
from hadirector.config.document.errors import ConfigError

TEXT = """\
director: {name: lb1}
virtual_servers:
  - name: web
    address: 192.0.2.10:80
    scheduler: wrr
    real_servers:
      - {address: 192.0.2.45}
      - address: 192.0.2.46
        weight: 2
"""
SECOND_COLON = "a second ': ' in one line; quote the text, or check the indentation"
NOT_IN_LIST = (
    'this line does not fit the list that starts in line {}, column {}: begin an item with "- ",'
    " or correct the indentation (here: column {})"
)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("scheduler: wrr", "scheduler wrr", "5:14: a colon is missing here, after the key"),
        ("scheduler: wrr", "scheduler:wrr", "5:15: a blank is missing after the colon"),
        ("weight: 2", "weight 2", "9:15: a colon is missing here, after the key"),
        ("- name: web", "- name web", "3:9: a colon is missing here, after the key"),
        ("- name: web", "- name:web", "3:10: a blank is missing after the colon"),
        ("- name: web", "-name: web", "3:4: a blank is missing after the dash"),
        ("virtual_servers:", "virtual_servers", "2:16: a colon is missing here, after the key"),
        ("real_servers:", "real_servers", "6:17: a colon is missing here, after the key"),
        ("- address", "  address", "8:9: " + NOT_IN_LIST.format(7, 7, 9)),
        ("    scheduler", "   scheduler", "5:4: " + NOT_IN_LIST.format(3, 3, 4)),
        (
            "      - address",
            "    - address",
            "8:5: this line does not fit the mapping that starts in line 3, column 5: a list item"
            " must be indented like the other items of its list, or correct the indentation"
            " (here: column 5)",
        ),
        ("    scheduler", "     scheduler", f"5:15: {SECOND_COLON}"),
        ("10:80", "10: 80", f"4:24: {SECOND_COLON}"),
        ("    scheduler", "\tscheduler", "5:1: a tab cannot indent; use spaces"),
        ("    scheduler", "    \tscheduler", "5:5: a tab cannot indent; use spaces"),
        (".45}", ".45", "7:9: the { in this line is not closed, or a comma is missing"),
        ("wrr", "[wrr", "5:16: the [ in this line is not closed, or a comma is missing"),
        ("web", '"web', "3:11: the quotation mark in this line is not closed"),
        (
            "    scheduler",
            "   \u00a0scheduler",
            "5:4: the space here is the character U+00A0; use a blank",
        ),
        (
            "scheduler: wrr",
            "scheduler:\u00a0wrr",
            "5:15: the space here is the character U+00A0; use a blank",
        ),
    ],
)
def test_a_fault_of_syntax_is_in_the_faulty_line(right: str, wrong: str, expected: str) -> None:
    assert right in TEXT
    with pytest.raises(ConfigError) as caught:
        read_document(TEXT.replace(right, wrong), "f")
    place, _, reason = expected.partition(": ")
    assert str(caught.value) == f"f:{place}: not valid YAML: {reason}"


def test_an_odd_space_in_a_quoted_text_or_a_comment_is_no_fault() -> None:
    text = TEXT.replace("name: web", "name: 'a\u00a0b'  # \u00a0").replace("wrr", "[wrr")
    with pytest.raises(ConfigError, match=r"5:16: .* not closed"):
        read_document(text, "f")


def test_the_text_of_a_faulty_line_is_not_shown() -> None:
    """It may be a secret."""
    with pytest.raises(ConfigError) as caught:
        read_document("a:\n  password hunter2\n  b: 1\n", "f")
    assert "hunter2" not in str(caught.value)
