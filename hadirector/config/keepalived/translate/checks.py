"""Combines the health checkers of a real server into one check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hadirector.config.keepalived.keywords.checkers import CHECKERS
from hadirector.config.keepalived.node import Node, mapping, plain, scalar, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.statement import Place
from hadirector.config.keepalived.translate import http_checks, script_checks, service_checks
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.checker import Checker, Context, Keys, Member, Target
from hadirector.config.keepalived.translate.timing import (
    OWN,
    Defaults,
    Timing,
    combine,
    read_timing,
    timing_keys,
)

_KINDS: Final[dict[str, tuple[Callable[[Checker], list[Member]], Defaults]]] = {
    "TCP_CHECK": (service_checks.tcp, Defaults()),
    "HTTP_GET": (http_checks.http, Defaults(delay=3.0)),
    "SSL_GET": (http_checks.https, Defaults(delay=3.0)),
    "SMTP_CHECK": (service_checks.smtp, Defaults()),
    "DNS_CHECK": (service_checks.dns, Defaults(retry=3, delay=None)),
    "PING_CHECK": (service_checks.ping, Defaults()),
    "UDP_CHECK": (service_checks.udp, Defaults()),
    "MISC_CHECK": (script_checks.script, Defaults(retry=0)),
}


class Check(NamedTuple):
    """The check of a real server.

    With ``alpha``, the server does not serve before its first pass.
    """

    node: Node | None
    alpha: bool


class _Translated(NamedTuple):
    place: Place
    members: list[Member]
    timing: Timing
    alpha: bool


def translate_checks(real_server: Block, server: Block, target: Target, context: Context) -> Check:
    """Return the check of a real server. Its node is None if no checker could be translated."""
    inherited = real_server.flag("alpha")
    if inherited is None:
        inherited = server.last("alpha") is not None
    translated = []
    for statement in real_server.all(*CHECKERS):
        table = CHECKERS[statement.keyword.text]
        chain = (real_server.inner(statement, table, context.options), real_server, server)
        found = _translate(Checker(statement, chain, target, context), alpha=inherited)
        if found.members:
            translated.append(found)
    if not translated:
        return Check(None, alpha=False)
    node = _check(translated, real_server, context.options)
    return Check(node, any(each.alpha for each in translated))


def _translate(checker: Checker, *, alpha: bool) -> _Translated:
    read, defaults = _KINDS[checker.statement.keyword.text]
    timing = read_timing(
        checker.chain, checker.place, OWN if checker.context.options.own_defaults else defaults
    )
    if checker.statement.keyword.text == "MISC_CHECK":
        timing = timing._replace(timeout=script_checks.read_timeout(checker))
    own_alpha = checker.block.flag("alpha")
    return _Translated(
        checker.place, read(checker), timing, alpha if own_alpha is None else own_alpha
    )


def _check(translated: Sequence[_Translated], block: Block, options: Options) -> Node:
    place = translated[0].place
    members = [member for each in translated for member in each.members]
    _compare_timings(translated, block)
    timing = combine([each.timing for each in translated])
    keys = timing_keys(timing, block, own_defaults=options.own_defaults)
    if len(members) == 1:
        return mapping(place, {**members[0].keys, **members[0].route, **keys})
    # Checkers that leave the host by different ways have their own routes.
    is_shared = all(_values(member.route) == _values(members[0].route) for member in members)
    own = [member.keys if is_shared else {**member.keys, **member.route} for member in members]
    checks = [mapping(member.place, each) for member, each in zip(members, own, strict=True)]
    route = members[0].route if is_shared else {}
    every: Keys = {"type": scalar("all", place), "checks": sequence(place, checks)}
    return mapping(place, {**every, **route, **keys})


def _compare_timings(translated: Sequence[_Translated], block: Block) -> None:
    values = {tuple(setting.value for setting in each.timing) for each in translated}
    if len(values) > 1:
        message = (
            "the checkers have different timings: all of them run with the shortest delay_loop, the"
            " longest timeout and the most retries"
        )
        block.note("several checkers", translated[1].place, message)


def _values(keys: Keys) -> dict[str, object]:
    return {key: plain(node) for key, node in keys.items() if node is not None}
