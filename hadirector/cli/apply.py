"""Apply a configuration, confirm it, and return to an earlier one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from hadirector.api.client import ApiError, BadRequestError, request
from hadirector.cli import api_socket, apply_pair, plan
from hadirector.cli.override import duration_seconds


class _Hash(msgspec.Struct):
    sha256: str


class _InUse(msgspec.Struct):
    """The part of the answer about the configuration that this command needs."""

    running: _Hash | None


class _Applied(msgspec.Struct):
    number: int
    changed: str
    confirm_within: float | None = None


class _Apply:
    """The command ``apply``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Replace the configuration file of the running director with FILE, and run with it."
            " The command first prints what changes. With --confirm-within, the director returns to"
            " the former configuration unless `hadirector confirm` follows in time. With --pair, it"
            " does so on both directors, the BACKUP one first. If one of them fails, both return."
        )
        parser.add_argument("file", metavar="FILE", help="configuration file to apply")
        _add_confirmation(parser)
        apply_pair.add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print plan and result as JSON")
        api_socket.add_argument(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Print the plan and apply it.

        Return 1 if the director refuses the file or does not answer, 2 if the file has faults.
        """
        file = Path(arguments.file).absolute()
        try:
            text = file.read_bytes()
        except OSError as error:
            print(f"{file}: the file cannot be read: {error.strerror}", file=sys.stderr)
            return 2
        try:
            if arguments.pair is not None:
                return apply_pair.apply_to_pair(arguments, file, text)
            return _apply(arguments, file, text)
        except BadRequestError as error:
            print(error, file=sys.stderr)
            return 2
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            return 1


def _apply(arguments: argparse.Namespace, file: Path, text: bytes) -> int:
    """Apply the text. Raises ApiError."""
    endpoint = arguments.socket
    in_use = msgspec.json.decode(request(endpoint, "GET", "/v1/config"), type=_InUse)
    if in_use.running is None:
        raise ApiError("the director does not know the text of its configuration: reload it first")
    found = plan.request_plan(endpoint, file, text)
    if not arguments.json:
        print("\n".join(plan.render(found)))
    if found.refused:
        if arguments.json:
            _print_json(plan=found, applied=None)
        for fault in found.refused:
            print(f"refused: {fault}", file=sys.stderr)
        return 1
    query = {"reason": arguments.reason}
    if arguments.confirm_within is not None:
        query["confirm_within"] = str(arguments.confirm_within)
    route = f"/v1/config/apply?{urlencode(query)}"
    answer = request(endpoint, "POST", route, text, if_match=in_use.running.sha256)
    applied = msgspec.json.decode(answer, type=_Applied)
    if arguments.json:
        _print_json(plan=found, applied=applied)
    else:
        _print_result(applied)
    return 0


class _Confirm:
    """The command ``confirm``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = "Keep the configuration that `apply --confirm-within` has applied."
        apply_pair.add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        api_socket.add_argument(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Confirm. Return 1 if no configuration waits, or if no director answers."""
        try:
            if arguments.pair is not None:
                return apply_pair.confirm_pair(arguments)
            answer = request(arguments.socket, "POST", "/v1/config/confirm")
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            return 1
        number = msgspec.json.decode(answer, type=dict[str, int])["confirmed"]
        print(answer.decode() if arguments.json else f"configuration {number} stays")
        return 0


class _Rollback:
    """The command ``rollback``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Undo the configuration that waits for its confirmation. With NUMBER, apply that"
            " configuration again; `hadirector history config` lists them."
        )
        parser.add_argument(
            "number", nargs="?", type=int, metavar="NUMBER", help="configuration to return to"
        )
        _add_confirmation(parser)
        apply_pair.add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        api_socket.add_argument(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Roll back. Return 1 if the director refuses it or does not answer."""
        if arguments.number is None and arguments.confirm_within is not None:
            print("hadirector: --confirm-within needs a NUMBER", file=sys.stderr)
            return 2
        body = {
            "number": arguments.number,
            "reason": arguments.reason,
            "confirm_within": arguments.confirm_within,
        }
        if arguments.number is not None and arguments.pair is not None:
            print(
                "hadirector: --pair undoes the pending configuration, not NUMBER", file=sys.stderr
            )
            return 2
        try:
            if arguments.pair is not None:
                return apply_pair.roll_back_pair(arguments)
            answer = request(arguments.socket, "POST", "/v1/config/rollback", body)
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            return 1
        if arguments.json:
            print(answer.decode())
        else:
            _print_result(msgspec.json.decode(answer, type=_Applied))
        return 0


def _add_confirmation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help="why the configuration changes; the history shows this text",
    )
    parser.add_argument(
        "--confirm-within",
        type=duration_seconds,
        metavar="DURATION",
        help="undo the change after this time, such as 60s, unless you confirm the change before",
    )


def _print_json(**content: object) -> None:
    print(msgspec.json.encode(content).decode())


def _print_result(applied: _Applied) -> None:
    print(f"configuration {applied.number} runs: {applied.changed}")
    if applied.confirm_within is not None:
        print(
            f"the director undoes it in {applied.confirm_within:g} s unless `hadirector"
            " confirm` follows;"
            " `hadirector rollback` undoes it now"
        )


apply = _Apply()
confirm = _Confirm()
rollback = _Rollback()
