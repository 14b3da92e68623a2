"""Text of others on a terminal."""

from __future__ import annotations

import io

import pytest

from hadirector.cli.terminal import PrintableStream, paint, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web 192.0.2.1:80\tok\n", "web 192.0.2.1:80\tok\n"),
        ("größer, 東京", "größer, 東京"),
        ("\x9b2J", "\\u009b2J"),
        ("\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"),
        ("a\u202eb\u2028c\u00a0d\r", "a\\u202eb\\u2028c\\u00a0d\\u000d"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("\udce9", "\\udce9"),
        (paint("a\x9b", "red"), "\x1b[31ma\\u009b\x1b[0m"),
    ],
)
def test_unprintable_characters_become_json_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_stream_has_the_attributes_of_the_stream_behind_it() -> None:
    behind = io.StringIO()
    stream = PrintableStream(behind)
    print("a\x9b", file=stream)
    assert behind.getvalue() == "a\\u009b\n"
    assert stream.isatty() is False
