"""Set and end overrides: drain, undrain, disable, enable and weight.

They concern one real server, all of a virtual server, or all at one address. Several overrides are
set together, or none of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket, selection
from hadirector.cli.selection import Selection

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint

WEIGHT_MAX: Final = 65535


class _Done(msgspec.Struct):
    """The part of an answer that is printed. The answer to a removal has no name."""

    description: str = ""
    name: str = ""
    overrides: tuple[_Done, ...] = ()
    peers: dict[str, str] = {}

    @property
    def changed(self) -> tuple[_Done, ...]:
        """The overrides that were set."""
        return self.overrides or ((self,) if self.name else ())

    @property
    def knowledge(self) -> dict[str, str]:
        """Whether each peer has all of the change: known, pending or not_shared."""
        found = [override.peers for override in self.changed] or [self.peers]
        return {
            peer: next((each[peer] for each in found if each.get(peer) != "known"), "known")
            for peer in found[0]
        }


class Drain:
    """The command ``hadirector drain``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Stop new connections to a real server. When its last connection has ended, or at the"
            " deadline, the real server is removed from the table. On a terminal, the command shows"
            " the progress until then; Ctrl-C ends the command, and the drain goes on."
        )
        _add_override_arguments(parser)
        parser.add_argument(
            "--deadline",
            type=duration_seconds,
            metavar="DURATION",
            help="remove the real server after this time even if connections remain"
            " (default: never)",
        )
        parser.add_argument(
            "--keep-clients",
            action=argparse.BooleanOptionalAction,
            help="whether persistent clients stay on the real server"
            " (default: the setting of the kernel)",
        )
        parser.add_argument(
            "--follow",
            action=argparse.BooleanOptionalAction,
            help="whether to show the progress until no connection is left"
            " (default: only on a terminal)",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Set the override, and follow the drain.

        Return 1 when the director refuses it or does not answer, or when an operator ends it.
        """
        options = {"deadline_in": arguments.deadline, "keep_clients": arguments.keep_clients}
        body = _override("drain", arguments) | options
        follow = arguments.follow
        if follow is None:
            follow = sys.stdout.isatty() and not arguments.json
        return _perform(arguments, partial(_send_override, body), follow=follow)


class Disable:
    """The command ``hadirector disable``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = "Remove a real server from the table at once, with its connections."
        _add_override_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Set the override. Return 1 when the director refuses it or does not answer."""
        return _perform(arguments, partial(_send_override, _override("disable", arguments)))


class Weight:
    """The command ``hadirector weight``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Give a real server another weight than the configured one. A real server that fails"
            " its check stays out of the pool."
        )
        _add_override_arguments(parser)
        parser.add_argument(
            "weight",
            type=_weight,
            metavar="N",
            help=f"0 to {WEIGHT_MAX}, or 'configured' to end the override",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Set or end the override. Return 1 when the director refuses or does not answer."""
        if arguments.weight is None:
            return _perform(arguments, partial(_send_removal, "weight"))
        body = _override("weight", arguments) | {"weight": arguments.weight}
        return _perform(arguments, partial(_send_override, body))


class Removal:
    """The commands ``hadirector undrain`` and ``hadirector enable``, which end an override."""

    def __init__(self, action: str) -> None:
        self._action = action

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        _add_name(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """End the override. Return 1 when there is no such override, or no director answers."""
        return _perform(arguments, partial(_send_removal, self._action))


drain: Final = Drain()
undrain: Final = Removal("drain")
disable: Final = Disable()
enable: Final = Removal("disable")
weight: Final = Weight()


def _add_name(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names real servers, ``--json``, and the director."""
    selection.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument(
        "--require-peer",
        action="store_true",
        help="exit with 1 unless every peer has the change too (pair: overrides: shared)",
    )
    api_socket.add_argument(parser)


def duration_seconds(text: str) -> float:
    """Parse a duration such as 2h into seconds; a bare number is seconds.

    Raises ArgumentTypeError.
    """
    from pydantic_core import PydanticCustomError

    from hadirector.config.keys.readers import duration

    try:
        return duration("1s", "8784h")(f"{text}s" if text.isdecimal() else text)
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(f"expected {error.message()}") from error


def _add_override_arguments(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="shown by 'status', 'why' and 'events'"
    )
    parser.add_argument(
        "--for",
        dest="expires_in",
        type=duration_seconds,
        metavar="DURATION",
        help="end the override after this time, such as 2h (default: never)",
    )


def _weight(text: str) -> int | None:
    if text == "configured":
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > WEIGHT_MAX:
        raise argparse.ArgumentTypeError(f"expected 0 to {WEIGHT_MAX} or 'configured'")
    return int(text)


def _override(action: str, arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "action": action,
        "reason": arguments.reason,
        "expires_in": arguments.expires_in,
    }


def _send_override(body: dict[str, object], endpoint: Endpoint, chosen: Selection) -> bytes:
    if chosen.several:
        return request(endpoint, "POST", "/v1/overrides", {**chosen.patterns, **body})
    return request(endpoint, "PUT", chosen.route, body)


def _send_removal(action: str, endpoint: Endpoint, chosen: Selection) -> bytes:
    if chosen.several:
        body = {**chosen.patterns, "action": action}
        return request(endpoint, "POST", "/v1/overrides/remove", body)
    return request(endpoint, "DELETE", f"{chosen.route}?action={action}")


def _perform(
    arguments: argparse.Namespace,
    send: Callable[[Endpoint, Selection], bytes],
    *,
    follow: bool = False,
) -> int:
    chosen = selection.select(arguments.name)
    if chosen is None:
        given = " ".join(arguments.name)
        print(f"hadirector: {given}: {selection.EXPECTED}", file=sys.stderr)
        return 2
    try:
        answer = send(arguments.socket, chosen)
        done = msgspec.json.decode(answer, type=_Done)
        _print(answer, done, as_json=arguments.json)
        if arguments.require_peer and set(done.knowledge.values()) != {"known"}:
            print("hadirector: the change is in force here, but not on all peers", file=sys.stderr)
            return 1
        if not follow:
            return 0
        from hadirector.cli import drain_progress

        names = [override.name for override in done.changed]
        return drain_progress.follow(arguments.socket, names, chosen.words, quiet=arguments.json)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1


def _print(answer: bytes, done: _Done, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.format(answer).decode())
        return
    for override in done.changed:
        print(f"{override.name}: {override.description}")
    if not done.changed:
        print(done.description)
    for line in _peer_lines(done.knowledge):
        print(line, flush=True)


def _peer_lines(knowledge: dict[str, str]) -> list[str]:
    """Return a line for each peer: whether it has the change."""
    if not knowledge:
        return ["this applies to this director only; repeat the command on its peers"]
    texts = {
        "known": "known to {peer}",
        "pending": "{peer} not reached: it will get it",
        "not_shared": "{peer} does not share overrides; repeat the command there",
    }
    return [
        texts.get(state, "{peer}: " + state).format(peer=peer) for peer, state in knowledge.items()
    ]
