"""The facts that weights are decided from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from checks.definition.result import Verdict
from hadirector.overrides.model import Override, RealServerName


class Facts(msgspec.Struct, frozen=True):
    """What weights are decided from. Times are monotonic seconds.

    ``verdicts``, ``failed_at`` and ``weights`` go by the identity of checks; ``failed_at`` is when
    a target that had passed began to fail, and has no entry for one that never passed. ``unseen``
    are those checks that fail only because this director saw nothing any more
    (`hadirector.health.blindness`). ``weights`` are the percentages of their configured weights
    that targets ask for. ``failures`` is when targets began to fail lately, the last one last.
    """

    verdicts: Mapping[str, Verdict]
    failed_at: Mapping[str, float] = {}
    overrides: Mapping[RealServerName, Override] = {}
    unseen: Collection[str] = frozenset()
    weights: Mapping[str, int] = {}
    now: float = 0.0
    failures: Mapping[str, Sequence[float]] = {}
