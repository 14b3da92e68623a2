"""Composite probes: ``all`` passes if every member passes, ``any`` if at least one does."""

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
    """Run the members at the same time. The first failure decides and cancels the others.

    A local error decides only if no member fails for another reason. The result has the lowest
    weight that a member requests.
    """
    started = monotonic()
    named_results = await _run(definition, members, run, _is_failure)
    results = [result for _, result in named_results]
    weights = [result.weight for result in results if result.weight is not None]
    failures = [(name, result) for name, result in named_results if not result.passed]
    warning = "; ".join(result.warning for result in results if result.warning)
    expiries = [
        result.certificate_expires_at
        for result in results
        if result.certificate_expires_at is not None
    ]
    expires_at = min(expiries, default=None)
    if not failures:
        detail = f"all {len(results)} member checks pass"
        weight = min(weights, default=None)
        duration = monotonic() - started
        return Result(Reason.PASSED, detail, duration, weight, warning, expires_at)
    proven = (failure for failure in failures if _is_failure(failure[1]))
    name, decisive = next(proven, failures[0])
    duration = monotonic() - started
    return Result(
        decisive.reason,
        f"{name}: {decisive.detail}",
        duration,
        warning=warning,
        certificate_expires_at=expires_at,
    )


async def run_any(definition: CheckDefinition, members: Sequence[Member], run: Run) -> Result:
    """Run the members at the same time. The first pass decides and cancels the others.

    If no member passes, a local error takes precedence, because it may have masked a pass.
    """
    started = monotonic()
    named_results = await _run(definition, members, run, lambda result: result.passed)
    passes = (named for named in named_results if named[1].passed)
    local_errors = (named for named in named_results if not _is_failure(named[1]))
    name, decisive = next(passes, None) or next(local_errors, None) or named_results[0]
    return replace(decisive, detail=f"{name}: {decisive.detail}", duration=monotonic() - started)


_NamedResult = tuple[str, Result]


async def _run(
    definition: CheckDefinition,
    members: Sequence[Member],
    run: Run,
    decides: Callable[[Result], bool],
) -> list[_NamedResult]:
    """Run the members until a result decides. Return the results so far, in order of completion."""

    async def run_member(member: Member) -> _NamedResult:
        own_route = {key: getattr(member, key) for key in ("source", "interface", "mark")}
        given = {key: value for key, value in own_route.items() if value is not None}
        member_definition = replace(
            definition,
            probe=member.probe,
            address=member.address or definition.address,
            port=member.port or definition.port,
            route=replace(definition.route, **given),
        )
        return str(member.probe.__struct_config__.tag), await run(member_definition)

    tasks = [asyncio.create_task(run_member(member)) for member in members]
    results = []
    try:
        for completed in asyncio.as_completed(tasks):
            results.append(await completed)
            if decides(results[-1][1]):
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return results


def _is_failure(result: Result) -> bool:
    """Return whether a failure is proven, and not a local error."""
    return not result.passed and result.reason is not Reason.LOCAL_ERROR
