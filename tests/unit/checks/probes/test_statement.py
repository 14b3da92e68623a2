"""What an agent's line means."""

import pytest

from checks.probes.statement import Statement, read_statement


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("75%\n", Statement(usable=True, weight=75)),
        ("up 75%\r\nand more\n", Statement(usable=True, weight=75)),
        ("100%,ready", Statement(usable=True, weight=100)),
        ("1000%", Statement(usable=True, weight=1000)),
        ("0%", Statement(usable=True, weight=0)),
        ("drain", Statement(usable=True, weight=0)),
        ("UP", Statement(usable=True, weight=None)),
        ("ready maxconn:30", Statement(usable=True, weight=None)),
        ("maint", Statement(usable=False, weight=None)),
        ("down#disk full, 3%", Statement(usable=False, weight=None)),
        ("50% failed # up", Statement(usable=False, weight=50)),
        ("stopped", Statement(usable=False, weight=None)),
        ("\n\n up", Statement(usable=True, weight=None)),
        ("", None),
        ("# up", None),
        ("sideways", None),
        ("up sideways", None),
        ("-5%", None),
        ("1001%", None),
        ("10000%", None),
        ("7 5%", None),
        ("maxconn:", None),
        ("\ufffd\x00", None),
        ("HTTP/1.1 400 Bad Request", None),
    ],
)
def test_a_statement_is_read_as_haproxy_does(text: str, statement: Statement | None) -> None:
    """Its first line only; words in any order; anything else is no statement."""
    assert read_statement(text) == statement
