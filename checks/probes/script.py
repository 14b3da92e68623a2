"""The script probe: it runs a program on this host that tests the target."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import ScriptProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.probes.agent import evaluate_statement
from checks.script_runner.runner import run
from checks.script_runner.script import Script


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Run the script with the address and port of the target as last arguments. Status 0 passes.

    The process group of the script is killed at the deadline. A script that cannot be started is a
    local error. ``definition.probe`` must be a ScriptProbe.
    """
    options = definition.probe
    assert isinstance(options, ScriptProbe)
    progress.enter("running the script")
    script = Script(
        path=options.script,
        arguments=options.arguments,
        user=options.user,
        # The deadline of the probe comes first and kills the script too.
        timeout=definition.timing.timeout + 1.0,
    )
    ended = await run(script, definition.address, str(definition.port))
    if not ended.started:
        raise ProbeFailedError(Reason.LOCAL_ERROR, ended.reason)
    printed = f": {ended.output}" if ended.output else ""
    if not ended.succeeded:
        raise ProbeFailedError(Reason.DOWN, f"{ended.reason}{printed}")
    if options.statement:
        return evaluate_statement("the script", ended.output)
    return Outcome(f"{ended.reason}{printed}")
