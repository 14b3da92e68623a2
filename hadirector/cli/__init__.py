"""The command line: one module for each command or group of commands.

Exit codes: 0 success, 1 failure or a negative answer, 2 wrong usage or configuration.

Only the module of the requested command is imported, so that each command starts fast.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NamedTuple, Protocol, TextIO, cast

from hadirector.cli.api_socket import choose_endpoint
from hadirector.cli.terminal import OutputError, PrintableStream
from hadirector.runtime import standard_streams, version


class Command(Protocol):
    """The interface of a command: a module, or an object in the module of a group."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of the command to ``parser``.

        The command may replace ``parser.description``, which is its summary.
        """

    def run(self, arguments: argparse.Namespace) -> int:
        """Execute the command and return the exit code."""


class Entry(NamedTuple):
    """The module of a command, as MODULE or MODULE:OBJECT, and its line in the help."""

    place: str
    summary: str


COMMANDS: Final = {
    "run": Entry("run", "run the director in the foreground"),
    "observe": Entry("observe", "watch a running keepalived, and change nothing"),
    "check-config": Entry("check_config", "check a configuration file"),
    "schema": Entry("schema", "print the JSON Schema of a configuration file, for editors"),
    "convert": Entry("convert", "print a keepalived.conf in the native form"),
    "plan": Entry("plan", "show what a reload would change, without changing anything"),
    "apply": Entry("apply:apply", "replace the configuration, and undo it unless confirmed"),
    "confirm": Entry("apply:confirm", "keep the configuration that was applied"),
    "rollback": Entry("apply:rollback", "return to an earlier configuration"),
    "history": Entry("history", "show failovers, handovers, configurations and pauses"),
    "diff": Entry("diff", "compare two configurations of the history"),
    "reload": Entry("reload", "reload the configuration file"),
    "restart": Entry("restart", "restart the director while its vrrp process keeps running"),
    "status": Entry("status", "show the state of the running director"),
    "watch": Entry("watch", "show a live view of the running director"),
    "why": Entry("why", "explain a real server, a virtual server, an instance or readiness"),
    "events": Entry("events", "show recorded events"),
    "drain": Entry("override:drain", "stop new connections to a real server or a host"),
    "undrain": Entry("override:undrain", "end the drain of a real server"),
    "disable": Entry("override:disable", "remove a real server at once"),
    "enable": Entry("override:enable", "return a disabled real server to service"),
    "weight": Entry("override:weight", "override the weight of a real server"),
    "wait": Entry("wait", "wait until a condition is met, for scripts"),
    "pause": Entry("pause:pause", "stop the decisions of the director for a limited time"),
    "resume": Entry("pause:resume", "end the pause of the director"),
    "handover": Entry("handover", "hand virtual addresses over to the peer director"),
    "drill": Entry("drill", "rehearse a failover, and measure what the clients would lose"),
    "alerts": Entry("alerts", "show the alerts and their receivers, and test the receivers"),
    "pair": Entry("pair", "create the key and the certificate of this director for the pair link"),
    "fleet": Entry("fleet", "show many directors at once, and drain a real server on all of them"),
    "source": Entry("source", "show the discovery sources, and accept a small list"),
    "token": Entry("token", "make, list and revoke the tokens of remote clients"),
    "probe": Entry("probe", "run one probe and explain its result"),
    "announce-config": Entry(
        "announce_config", "print a configuration of BIRD or FRR that announces the addresses"
    ),
    "doctor": Entry("doctor", "find faults of this host and network for a configuration"),
    "realserver": Entry("realserver", "prepare this host to be a real server for dr or tun"),
    "service": Entry("service", "make this program a service of systemd, or remove it"),
    "support": Entry("support", "write a bundle for a report about a fault, without secrets"),
    "completion": Entry("completion", "print the completion script for a shell"),
    "demo": Entry("demo", "demonstrate failures and a handover on this machine"),
}


_ESCAPES_ITSELF: Final = frozenset({"run", "demo", "watch"})
"""Commands whose output has other control codes: the log, and two that move the cursor. They escape
texts from outside themselves."""


SIMILAR_MAX: Final = 3
"""Similar commands that a message names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    If standard output cannot be written, the command fails. A message that cannot be written to
    standard error is ignored.
    """
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except OutputError as error:
        # The reader of the output may have ended, as in `status | head`.
        broken = isinstance(error.__cause__, BrokenPipeError)
        status = 128 + signal.SIGPIPE if broken else 1
        if not broken:
            with contextlib.suppress(OSError):
                print(f"hadirector: standard output: {error}", file=sys.stderr)
    standard_streams.give_up_if_full(sys.stdout)
    standard_streams.give_up_if_full(sys.stderr)
    return status


def _run(words: list[str]) -> int:
    if words[:1] == ["__complete"]:
        from hadirector.cli import complete

        return complete.run(words[1:])
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser = argparse.ArgumentParser(
        prog="hadirector",
        usage="hadirector [--help] [--version] COMMAND ...",
        description="High-availability, health-checking director for Linux IPVS.",
        epilog=list_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version.describe())
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="hadirector", help=argparse.SUPPRESS
    )
    if chosen and chosen not in COMMANDS:
        parser.error(_describe_unknown(chosen))
    for name, entry in COMMANDS.items():
        description = f"{entry.summary[0].upper()}{entry.summary[1:]}."
        subparser = subparsers.add_parser(name, description=description)
        if name == chosen:
            load(name).add_arguments(subparser)
    parsed = parser.parse_args(words)
    if fault := choose_endpoint(parsed):
        parser.error(fault)
    command = load(parsed.command)
    if parsed.command in _ESCAPES_ITSELF:
        return command.run(parsed)
    with (
        contextlib.redirect_stdout(cast("TextIO", PrintableStream(sys.stdout, required=True))),
        contextlib.redirect_stderr(cast("TextIO", PrintableStream(sys.stderr))),
    ):
        status = command.run(parsed)
        sys.stdout.flush()
    return status


def _describe_unknown(name: str) -> str:
    """Return that there is no such command, with similar commands."""
    from difflib import get_close_matches

    begins = [known for known in COMMANDS if known.startswith(name)]
    similar = begins[:SIMILAR_MAX] or get_close_matches(name, COMMANDS, SIMILAR_MAX)
    guess = f"; did you mean {' or '.join(similar)}?" if similar else ""
    return f"no command {name}{guess} ('hadirector --help' lists all)"


def load(name: str) -> Command:
    """Import the implementation of a command."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found: Command = import_module(f"{__name__}.{module}")
    return getattr(found, attribute) if attribute else found


def list_commands() -> str:
    """List the commands with their summaries, for the help text."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {entry.summary}" for name, entry in COMMANDS.items())
    return (
        f"commands:\n{commands}\n\n'hadirector COMMAND --help' describes a command.\n"
        "Exit codes: 0 success, 1 the answer is no, 2 wrong usage or configuration."
    )
