"""Lines, comments, words and braces: the statements that a text is read as.

The expectations are those of keepalived 2.2.7, seen with `keepalived -t`, where hadirector does not
refuse the text.
"""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.syntax.reading import read

BLANK: list[object] = []


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("\n \n\t\n", []),
        ("a b\n", ["a|b"]),
        ("a b", ["a|b"]),
        ("  a \t b  ", ["a|b"]),
        ("a b\r\nc\r\n", ["a|b", "c"]),
        ("\ufeffa b", ["a|b"]),
        ("# x\n! y\n  # z\na", ["a"]),
        ("a # b", ["a"]),
        ("a ! b", ["a"]),
        ("a b#c d", ["a|b"]),
        ("a b!c d", ["a|b"]),
        ('a "b#c" d', ["a|b#c|d"]),
        ('a "b!c" d', ["a|b!c|d"]),
        ('a "b c" d', ["a|b c|d"]),
        ('a"b c"d', ["a|b c|d"]),
        ('a ""', ["a|"]),
        ("a 'b c'", ["a|'b|c'"]),
        ("a b\\c", ["a|b\\c"]),
        ("a b\\\\ c", ["a|b\\\\|c"]),
        ("a é", ["a|é"]),
        ("a {\n b\n}\nc", ["a", ["b"], "c"]),
        ("a\n{\n b\n}", ["a", ["b"]]),
        ("a\n\n# x\n{ b }", ["a", ["b"]]),
        ("a{", []),
        ("a{b}c", ["a", ["b"], "c"]),
        ("a { b c } d", ["a", ["b|c"], "d"]),
        ("a { b { c } d }", ["a", ["b", ["c"], "d"]]),
        ("a {}", ["a", []]),
        ("a { }", ["a", []]),
        ('a "{" b', ["a|{|b"]),
        ('a "b } c" { d }', ["a|b } c", ["d"]]),
        ("a b { c", []),
    ],
)
def test_a_text_is_read_as_statements(text: str, statements: list[object]) -> None:
    outcome = read(text)
    if statements or "{" not in text:
        assert (outcome.tree, outcome.faults) == (statements, [])
    else:
        assert outcome.faults == ['k:1:1: the brace of "a" is not closed']


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('a\nb "c\n', "k:2:3: the quotation mark is not closed in this line"),
        ("a {\n b\n", 'k:1:1: the brace of "a" is not closed'),
        ("a {\n b {\n }\n", 'k:1:1: the brace of "a" is not closed'),
        ("a\n}\n", "k:2:1: the brace } closes no block: it is superfluous"),
        ("a { } }", "k:1:7: the brace } closes no block: it is superfluous"),
        ("{ a }", "k:1:1: the brace { opens no block: no keyword is before it"),
        ("a { { b } }", "k:1:5: the brace { opens no block: no keyword is before it"),
        ("a b\0c", "k:1:4: a control character (got U+0000)"),
        ("a b\x1bc", "k:1:4: a character that is not printable (got U+001B)"),
        (
            "a b\\#c",
            'k:1:4: \\# begins a comment in spite of the backslash; put the word into "quotes"',
        ),
        ("a b \\", "k:1:4: a backslash at the end continues only a definition ($NAME=)"),
        (
            "a " + "b" * 1021,
            "k:1:1: the line is too long (expected at most 1022 bytes); keepalived ignores it",
        ),
    ],
)
def test_a_wrong_text_is_a_fault_at_its_place(text: str, fault: str) -> None:
    assert read(text).faults == [fault]


def test_bytes_that_are_not_utf_8_are_only_in_comments() -> None:
    assert read(b"a b # caf\xe9\n") == (["a|b"], [], [])
    assert read(b"a b\xe9c\n").faults == [
        "k:1:4: not UTF-8 text (got byte 0xe9); only a comment may have it"
    ]


def test_a_line_of_1022_bytes_is_read() -> None:
    assert read("a " + "b" * 1020).faults == []


@pytest.mark.parametrize("sign", ["#", "!"])
def test_a_comment_sign_that_touches_a_word_is_noted(sign: str) -> None:
    """`auth_pass ab#1` is the password ab. The rest of the line is not shown."""
    outcome = read(f"auth_pass ab{sign}1")
    assert outcome.tree == ["auth_pass|ab"]
    assert outcome.notes == [
        f'k:1:13: {sign} ends the word before it and begins a comment (not inside "quotes")'
    ]


def test_more_than_64_blocks_within_blocks_end_the_reading() -> None:
    assert read("a {" * 65).faults == [
        "k:1:195: more than 64 blocks within blocks; the rest is not read"
    ]
