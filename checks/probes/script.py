"""The script probe: a program of this host finds out about the target."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import ScriptProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.probes.agent import obey
from checks.script_runner.runner import run
from checks.script_runner.script import Script


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Run it with the target's address and port as last arguments; status 0 passes.

    At the deadline its whole process group is killed. One that cannot be run at all says nothing
    about the target. ``definition.probe`` is a ScriptProbe.
    """
    options = definition.probe
    assert isinstance(options, ScriptProbe)
    progress.enter("running the script")
    script = Script(
        path=options.script,
        arguments=options.arguments,
        user=options.user,
        # The probe's own deadline comes first, and kills it too.
        timeout=definition.timing.timeout + 1.0,
    )
    ended = await run(script, definition.address, str(definition.port))
    if not ended.started:
        raise ProbeFailedError(Reason.LOCAL_ERROR, ended.reason)
    printed = f": {ended.output}" if ended.output else ""
    if not ended.succeeded:
        raise ProbeFailedError(Reason.DOWN, f"{ended.reason}{printed}")
    if options.statement:
        return obey("the script says", ended.output)
    return Outcome(f"{ended.reason}{printed}")
