"""The facts that weights are decided from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from checks.definition.result import Verdict
from hadirector.overrides.model import Override, RealServerName


class Facts(msgspec.Struct, frozen=True):
    """What weights are decided from. Times are monotonic seconds.

    ``verdicts``, ``fell_at`` and ``weights`` go by the identity of checks; ``fell_at`` is when a
    target that had passed began to fail, and has no entry for one that never passed. ``lost`` are
    those checks that fail only because this director saw nothing any more
    (`hadirector.health.blindness`). ``weights`` are the percentages of their configured weights
    that targets ask for. ``falls`` is when targets began to fail lately, the last one last.
    """

    verdicts: Mapping[str, Verdict]
    fell_at: Mapping[str, float] = {}
    overrides: Mapping[RealServerName, Override] = {}
    lost: Collection[str] = frozenset()
    weights: Mapping[str, int] = {}
    now: float = 0.0
    falls: Mapping[str, Sequence[float]] = {}
