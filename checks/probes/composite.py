"""Several probes as one: all of them must pass, or any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import Member
from checks.definition.result import Reason, Result

Run = Callable[[CheckDefinition], Awaitable[Result]]


async def run_all(definition: CheckDefinition, members: Sequence[Member], run: Run) -> Result:
    """Run the probes at once; the first that fails decides, and the others are given up.

    One that fails for a want of this host decides only when none fails by itself. The lowest weight
    that is asked for counts.
    """
    started = monotonic()
    results = await _run(definition, members, run, lambda result: _fails_by_itself(result[1]))
    weights = [each.weight for _, each in results if each.weight is not None]
    failed = [each for each in results if not each[1].passed]
    warning = "; ".join(each.warning for _, each in results if each.warning)
    if not failed:
        detail = f"all of {len(results)} pass"
        weight = min(weights, default=None)
        return Result(Reason.PASSED, detail, monotonic() - started, weight, warning)
    name, decided = next((each for each in failed if _fails_by_itself(each[1])), failed[0])
    duration = monotonic() - started
    return Result(decided.reason, f"{name}: {decided.detail}", duration, warning=warning)


async def run_any(definition: CheckDefinition, members: Sequence[Member], run: Run) -> Result:
    """Run the probes at once; the first that passes decides, and the others are given up.

    When none does, a want of this host decides: with it, one might have passed.
    """
    started = monotonic()
    results = await _run(definition, members, run, lambda result: result[1].passed)
    passed = next((each for each in results if each[1].passed), None)
    wanting = next((each for each in results if not _fails_by_itself(each[1])), results[0])
    name, decided = passed or wanting
    return replace(decided, detail=f"{name}: {decided.detail}", duration=monotonic() - started)


_Named = tuple[str, Result]


async def _run(
    definition: CheckDefinition,
    members: Sequence[Member],
    run: Run,
    decides: Callable[[_Named], bool],
) -> list[_Named]:
    """Run the probes until one decides; returns the results there are, in the order of ending."""

    async def one(member: Member) -> _Named:
        aimed = replace(
            definition,
            probe=member.probe,
            address=member.address or definition.address,
            port=member.port or definition.port,
        )
        return str(member.probe.__struct_config__.tag), await run(aimed)

    tasks = [asyncio.create_task(one(each)) for each in members]
    results = []
    try:
        for ended in asyncio.as_completed(tasks):
            results.append(await ended)
            if decides(results[-1]):
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return results


def _fails_by_itself(result: Result) -> bool:
    return not result.passed and result.reason is not Reason.LOCAL_ERROR
