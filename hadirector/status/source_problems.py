"""Finds the problems of discovery sources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hadirector.sources.status import PublicationStatus, SourceStatus
from hadirector.status.verdict import Level, Problem

STALE_SECONDS: Final = 30.0
"""A shorter failure of a source is not a problem: the accepted list stays."""


def source_problems(sources: Sequence[SourceStatus]) -> Iterator[Problem]:
    """Yield the sources that cannot be read, and the lists that are not taken."""
    for source in sources:
        stays = "its overrides stay" if source.document else "its pools keep their members"
        if source.failing_for is not None and source.failing_for >= STALE_SECONDS:
            yield Problem(
                level=Level.DEGRADED,
                code="source_failing",
                object=f"source {source.name}",
                reason=f"the source cannot be read: {source.failure}; {stays}",
                remedy=f"repair {source.location}; `hadirector source list` shows the state",
                age=source.failing_for,
            )
        if source.document is not None and source.document.refusal:
            yield Problem(
                level=Level.DEGRADED,
                code="document_refused",
                object=f"source {source.name}",
                reason=f"its document is not taken: {source.document.refusal}",
                remedy="correct the document; if an older revision is right,"
                f" `hadirector source accept {source.name}` takes it",
            )
        for pool in source.pools:
            if pool.refusal:
                yield Problem(
                    level=Level.DEGRADED,
                    code="members_refused",
                    object=pool.virtual_server,
                    reason=f"the list of {source.name} is not taken: {pool.refusal}",
                    remedy="correct the source; if the list is right,"
                    f" `hadirector source accept {source.name}` takes it",
                )


def publication_problems(publication: PublicationStatus | None) -> Iterator[Problem]:
    """Yield that the store does not take the summaries of this director."""
    if publication is None or publication.failing_for is None:
        return
    if publication.failing_for >= STALE_SECONDS:
        yield Problem(
            level=Level.DEGRADED,
            code="summary_not_written",
            object="director",
            reason=f"the store of summaries does not take this one: {publication.failure}",
            remedy=f"repair {publication.location}; the director serves without it",
            age=publication.failing_for,
        )
