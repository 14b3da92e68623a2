"""Statuses with one fault each, in announced addresses, in sources or in the store of summaries.

Each has the changes of a status without a fault, and the level, code and object of the problem.
"""

from __future__ import annotations

from typing import Any, Final

from hadirector.sources.status import PublicationStatus
from hadirector.status.verdict import Level
from tests.unit.status.announcements import FAULTS
from tests.unit.status.source_faults import SOURCE_FAULTS

STAGED_FAULTS: Final[dict[str, tuple[dict[str, Any], Level, str, str]]] = {
    **{
        name: ({"announcements": faulty}, level, code, place)
        for name, (faulty, level, code, place) in FAULTS.items()
    },
    **{
        name: ({"sources": (faulty,)}, level, code, place)
        for name, (faulty, level, code, place) in SOURCE_FAULTS.items()
    },
    "store of summaries": (
        {"publication": PublicationStatus("http://192.0.2.9:2379", None, "refused", 30.0)},
        Level.DEGRADED,
        "summary_not_written",
        "director",
    ),
}
