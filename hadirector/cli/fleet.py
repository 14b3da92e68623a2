"""Show many directors side by side, and drain a real server on all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from hadirector.cli import selection
from hadirector.cli.override import duration_seconds

if TYPE_CHECKING:
    from hadirector.fleet.inventory import FleetDirector, Inventory

ACTIONS: Final = ("status", "why", "drain", "undrain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Ask all directors of an inventory at the same time, each for 3 s at most. `status` shows"
        " them side by side, with their differences. `why VS/RS` shows which of them see a real"
        " server failing. `drain` and `undrain` apply to all of them; a repeated drain changes"
        " nothing. Exit with 1 if a director does not answer, differs, or is not OK."
    )
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument(
        "name",
        nargs="*",
        metavar="NAME",
        help="VS/RS, a real server such as web/192.0.2.45:80; for drain and undrain also VS, or"
        " host ADDRESS",
    )
    parser.add_argument(
        "-f", "--file", required=True, metavar="FILE", help="the inventory of the fleet"
    )
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    parser.add_argument(
        "--stored",
        action="store_true",
        help="with status: read the summaries from the store of the inventory, and ask no director",
    )
    drain = parser.add_argument_group("drain")
    drain.add_argument("--reason", default="", metavar="TEXT", help="shown by 'status' and 'why'")
    drain.add_argument(
        "--for",
        dest="expires_in",
        type=duration_seconds,
        metavar="DURATION",
        help="end the override after this time, such as 2h (default: never)",
    )
    drain.add_argument(
        "--deadline",
        type=duration_seconds,
        metavar="DURATION",
        help="remove the real server after this time even if connections remain (default: never)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the action. Return 2 for a wrong inventory or name."""
    if fault := _usage_fault(arguments):
        print(f"hadirector: {fault}", file=sys.stderr)
        return 2
    from hadirector.config.document.errors import ConfigError
    from hadirector.fleet.inventory import load_inventory

    try:
        inventory = load_inventory(arguments.file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    match arguments.action:
        case "status":
            return _show_status(arguments, inventory)
        case "why":
            return _explain(arguments, inventory.directors)
        case _:
            return _change(arguments, inventory.directors)


def _usage_fault(arguments: argparse.Namespace) -> str:
    """Return what is wrong with the arguments, or nothing."""
    action, given = arguments.action, " ".join(arguments.name)
    timed = arguments.reason or arguments.expires_in or arguments.deadline
    if action != "drain" and timed:
        return "--reason, --for and --deadline are only for drain"
    if action != "status" and arguments.stored:
        return "--stored is only for status"
    if action == "status":
        return f"status takes no NAME (got {given})" if arguments.name else ""
    chosen = selection.select(arguments.name)
    if chosen is None:
        return f"{given or 'no NAME'}: {selection.EXPECTED}"
    if action == "why" and chosen.several:
        return f"{given}: expected VS/RS"
    return ""


def _show_status(arguments: argparse.Namespace, inventory: Inventory) -> int:
    from hadirector.api.client import request
    from hadirector.cli import fleet_text
    from hadirector.cli.terminal import paint_for
    from hadirector.fleet.asking import DEADLINE_SECONDS, ask_all
    from hadirector.fleet.comparison import compare
    from hadirector.status.summary import DirectorSummary
    from hadirector.status.verdict import Level

    def ask(director: FleetDirector) -> DirectorSummary:
        answer = request(director.endpoint, "GET", "/v1/summary", timeout=DEADLINE_SECONDS)
        return msgspec.json.decode(answer, type=DirectorSummary)

    if arguments.stored:
        from hadirector.fleet.stored import read_summaries

        if inventory.store is None:
            print(f"hadirector: {arguments.file}: --stored needs the key store", file=sys.stderr)
            return 2
        found = read_summaries(inventory.store, inventory.directors)
    else:
        found = ask_all(inventory.directors, ask)
    summaries = {each.director: each.answer for each in found if each.answer is not None}
    differences = compare(summaries)
    if arguments.json:
        _print_json({"directors": [each._asdict() for each in found], "differences": differences})
    else:
        print("\n".join(fleet_text.render_status(found, differences, paint_for(sys.stdout))))
    bad = any(each.level is not Level.OK for each in summaries.values())
    return int(bad or bool(differences) or len(summaries) < len(found))


def _explain(arguments: argparse.Namespace, directors: Sequence[FleetDirector]) -> int:
    from hadirector.api.client import request
    from hadirector.cli import fleet_text
    from hadirector.fleet.asking import DEADLINE_SECONDS, ask_all
    from hadirector.fleet.comparison import read_opinions
    from hadirector.fleet.drains import real_server_place
    from hadirector.status.explanation import RealServerExplanation

    chosen = selection.select(arguments.name)
    assert chosen is not None, "the usage is checked"
    place = f"{real_server_place(chosen.virtual_server, chosen.real_server)}/why"

    def ask(director: FleetDirector) -> RealServerExplanation:
        answer = request(director.endpoint, "GET", place, timeout=DEADLINE_SECONDS)
        return msgspec.json.decode(answer, type=RealServerExplanation)

    found = ask_all(directors, ask)
    verdicts = {each.director: each.answer.status.verdict for each in found if each.answer}
    reading = read_opinions(verdicts, len(found))
    if arguments.json:
        _print_json({"reading": reading, "directors": [each._asdict() for each in found]})
    else:
        print("\n".join([f"{chosen.words}: {reading}", *fleet_text.render_opinions(found)]))
    return int(len(verdicts) < len(found) or len(set(verdicts.values())) > 1)


def _change(arguments: argparse.Namespace, directors: Sequence[FleetDirector]) -> int:
    from hadirector.fleet.asking import ask_all

    found = ask_all(directors, _request(arguments))
    missing = [each.director for each in found if each.answer is None]
    if arguments.json:
        _print_json({"done": not missing, "directors": [each._asdict() for each in found]})
        return int(bool(missing))
    for each in found:
        stream = sys.stderr if each.answer is None else sys.stdout
        print(f"{each.director}: {each.answer or each.failure}", file=stream)
    if missing:
        print(
            f"hadirector: {len(missing)} of {len(found)} directors have not done it:"
            f" {', '.join(missing)}; repeat the command when they answer",
            file=sys.stderr,
        )
    return int(bool(missing))


def _request(arguments: argparse.Namespace) -> Callable[[FleetDirector], str]:
    """Return the function that sets or ends the drain on a director."""
    from hadirector.fleet import drains

    chosen = selection.select(arguments.name)
    assert chosen is not None, "the usage is checked"
    place = drains.real_server_place(chosen.virtual_server, chosen.real_server)
    if arguments.action == "undrain":
        if chosen.several:
            return lambda each: drains.undrain_several(each.endpoint, chosen.patterns)
        return lambda each: drains.undrain_one(each.endpoint, place)
    body: dict[str, object] = {
        "action": "drain",
        "reason": arguments.reason,
        "expires_in": arguments.expires_in,
        "deadline_in": arguments.deadline,
    }
    if chosen.several:
        return lambda each: drains.drain_several(each.endpoint, chosen.patterns, body)
    return lambda each: drains.drain_one(each.endpoint, place, body)


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value)).decode())
