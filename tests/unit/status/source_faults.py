"""Discovery sources with one fault each: the status, and the level, code and object of it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hadirector.sources.status import DocumentStatus, PoolStatus, SourceStatus
from hadirector.status.verdict import Level


def source(
    failing_for: float | None = None, refusal: str = "", failure: str = "HTTP status 500"
) -> SourceStatus:
    return SourceStatus(
        name="members",
        type="http",
        location="http://192.0.2.1/web",
        members=2,
        age=0.0,
        failure="" if failing_for is None else failure,
        failing_for=failing_for,
        pools=(PoolStatus("http", 2, 0, refusal),),
    )


SOURCE_FAULTS: Final = {
    "source": (source(30.0), Level.DEGRADED, "source_failing", "source members"),
    "document": (
        replace(source(), document=DocumentStatus(7, 2, 0, "its revision 6 is older")),
        Level.DEGRADED,
        "document_refused",
        "source members",
    ),
    "list": (source(refusal="too small"), Level.DEGRADED, "members_refused", "http"),
}
NO_FAULTS: Final = (source(), source(29.9))
