"""Translates HTTP_GET and SSL_GET. Each ``url`` block becomes a probe of its own."""

from __future__ import annotations

from hadirector.config.keepalived.keywords.checkers import URL
from hadirector.config.keepalived.node import Node, scalar, sequence, text
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.bodies import body_keys
from hadirector.config.keepalived.translate.checker import Checker, Keys, Member


def http(checker: Checker) -> list[Member]:
    """Translate HTTP_GET."""
    return [checker.member("http", keys, transport="tcp") for keys in _urls(checker)]


def https(checker: Checker) -> list[Member]:
    """Translate SSL_GET. Like keepalived, the check verifies no certificate."""
    tls: Keys = {"tls_name": None, **checker.context.certificate}
    if not checker.context.options.own_defaults:
        tls["tls_verify"] = scalar(value=False, place=checker.place)
    name = checker.block.last("sni_name")
    if name is not None and name.arguments:
        tls["tls_name"] = text(name.arguments[0], name.keyword)
    return [checker.member("https", {**keys, **tls}, transport="tcp") for keys in _urls(checker)]


def _urls(checker: Checker) -> list[Keys]:
    block = checker.block
    _note_protocol(block)
    urls = [block.inner(each, URL, checker.context.options) for each in block.all("url")]
    found = [_url(checker, url) for url in urls if url.last("path") is not None]
    if not found:
        block.note(
            "no url",
            checker.place,
            "a checker without a url and its path is ignored, as in keepalived",
        )
    if len(found) > 1:
        message = "all urls are requested at once; keepalived requests one for each delay_loop"
        block.note("several urls", block.all("url")[1].keyword.place, message)
    return found


def _url(checker: Checker, url: Block) -> Keys:
    return {
        "path": _text(url.last("path")),
        "host": next(
            (
                _text(statement)
                for block in (url, *checker.chain)
                if (statement := block.last("virtualhost"))
            ),
            None,
        ),
        "expect_status": _status(checker, url),
        **body_keys(url),
    }


def _text(statement: Statement | None) -> Node | None:
    return text(statement.arguments[0], statement.keyword) if statement else None


def _status(checker: Checker, url: Block) -> Node | None:
    words = [word for each in url.all("status_code") for word in each.arguments]
    if not words:
        if checker.context.options.own_defaults:
            return None
        return sequence(checker.place, [scalar("200-299", checker.place)])
    return sequence(
        words[0].place,
        [
            scalar(int(word.text) if word.text.isdecimal() else word.text, word.place)
            for word in words
        ],
    )


def _note_protocol(block: Block) -> None:
    protocol = block.last("http_protocol")
    if protocol is not None and protocol.arguments[0].text != "1.1":
        message = "hadirector sends HTTP/1.1 requests"
        block.note("http_protocol", protocol.keyword.place, message)
