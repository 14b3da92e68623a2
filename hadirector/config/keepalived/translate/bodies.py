"""Translates the expectations on the body of a web page: a digest, and a regular expression."""

from __future__ import annotations

from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.syntax.commands import split_quoted_words
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.checker import Keys

_FLAGS: Final = {"caseless": "i", "dotall": "s", "multiline": "m", "extended": "x"}
_OFFSET_MAX: Final = 65535
_OFFSETS: Final = {
    "regex_min_offset": "expect_offset_min",
    "regex_max_offset": "expect_offset_max",
}


def body_keys(url: Block) -> Keys:
    """Return the keys of a ``url`` block that concern the body of the reply."""
    digest, regex = url.last("digest"), url.last("regex")
    keys: Keys = {"expect_md5": _lower(digest) if digest else None}
    others = url.all("regex_no_match", "regex_options", *_OFFSETS)
    if regex is None:
        for each in others:
            message = f"{each.keyword.text} has no effect without regex, as in keepalived"
            url.note("no regex", each.keyword.place, message)
        return keys
    message = "hadirector uses the regular expressions of Python and the first 64 KiB of the body"
    url.note("regex", regex.keyword.place, message)
    key = "expect_not" if url.last("regex_no_match") else "expect_body"
    keys[key] = _pattern(url, regex)
    for keyword, name in _OFFSETS.items():
        if (statement := url.last(keyword)) is not None:
            offset = url.number(statement, 0, _OFFSET_MAX)
            place = statement.arguments[0].place
            keys[name] = None if offset is None else scalar(offset, place, statement.keyword.place)
    return keys


def _lower(statement: Statement) -> Node:
    word = statement.arguments[0]
    return scalar(word.text.lower(), word.place, statement.keyword.place)


def _pattern(url: Block, regex: Statement) -> Node | None:
    flags = ""
    for option in (word for each in url.all("regex_options") for word in each.arguments):
        if option.text in _FLAGS:
            flags += _FLAGS[option.text]
        else:
            message = f"unknown option {quote(option.text)} (expected {', '.join(_FLAGS)})"
            url.fault(option.place, f"regex_options: {message}")
    words = split_quoted_words(str(regex.raw))
    place = regex.arguments[0].place
    if len(words) != 1:
        url.fault(place, f"regex: {len(words)} words (expected one expression, in quotes)")
        return None
    pattern = f"(?{flags}){words[0]}" if flags else words[0]
    return scalar(pattern, place, regex.keyword.place)
