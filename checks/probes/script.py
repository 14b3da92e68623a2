"""The script probe: it runs a program on this host that tests the target."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import ScriptProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.probes.agent import evaluate_statement
from checks.script_runner.runner import run
from checks.script_runner.script import SHELL, Script, shell_arguments

_LOWEST_WEIGHT = 2
"""The exit status that requests weight 0 (keepalived.conf(5), misc_dynamic)."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Run the script with its arguments and the parts of the target in ``append``.

    Status 0 passes. With ``exit_weight``, a status from 2 on passes too and requests a weight.
    At the deadline, the script and its descendants are killed. A script that cannot be started
    is a local error, which changes no verdict. ``definition.probe`` must be a ScriptProbe.
    """
    options = definition.probe
    assert isinstance(options, ScriptProbe)
    progress.enter("running the script")
    target = {"address": definition.address, "port": str(definition.port)}
    script = Script(
        path=options.script or SHELL,
        arguments=(
            tuple(_fill(argument, target) for argument in options.arguments)
            if options.shell is None
            else shell_arguments(options.shell)
        ),
        user=options.user,
        group=options.group or "",
        # The deadline of the probe comes first and kills the script too.
        timeout=definition.timing.timeout + 1.0,
    )
    ended = await run(script, *(target[part] for part in options.append))
    if not ended.started:
        raise ProbeFailedError(Reason.LOCAL_ERROR, ended.reason)
    printed = f": {ended.output}" if ended.output else ""
    if options.exit_weight and ended.status is not None and ended.status >= _LOWEST_WEIGHT:
        return Outcome(f"{ended.reason}{printed}", ended.status - _LOWEST_WEIGHT)
    if not ended.succeeded:
        raise ProbeFailedError(Reason.DOWN, f"{ended.reason}{printed}")
    if options.statement:
        return evaluate_statement("the script", ended.output)
    return Outcome(f"{ended.reason}{printed}")


def _fill(argument: str, target: dict[str, str]) -> str:
    """Replace the placeholders in an argument; all other braces stay."""
    for name, value in target.items():
        argument = argument.replace(f"{{{name}}}", value)
    return argument
