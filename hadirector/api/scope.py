"""Refuses changes of the whole director by an actor that may change only some objects."""

from __future__ import annotations

from hadirector.api.actor import Actor
from hadirector.api.problems import Code, ProblemError


def require_whole_director(actor: Actor) -> None:
    """Raise ProblemError for an actor that may change only some real servers."""
    if actor.only:
        raise ProblemError(
            Code.FORBIDDEN,
            f"{actor.name} may change only {', '.join(actor.only)}, not the whole director",
        )
