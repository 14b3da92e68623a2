"""Finds the route of a request by its method and path. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import unquote

from hadirector.api.problems import Code, Fault, ProblemError
from hadirector.api.route import AnyRoute


class Match(NamedTuple):
    """The result of routing: a route, and the decoded names in the path of the request."""

    route: AnyRoute
    names: Mapping[str, str]


class Router:
    """Finds routes. A literal part of a path takes precedence over a name.

    GET routes answer HEAD as well.
    """

    def __init__(self, routes: Iterable[AnyRoute]) -> None:
        self._by_length: dict[int, list[AnyRoute]] = {}
        self._paths = sorted({route.path for route in routes})
        for route in routes:
            self._by_length.setdefault(len(route.segments), []).append(route)
        for found in self._by_length.values():
            found.sort(key=lambda route: [segment.startswith("{") for segment in route.segments])

    def find(self, method: str, path: str) -> Match:
        """Return the route for a raw path, which is percent-encoded. Raises ProblemError."""
        segments = path.split("/")[1:]
        matches = [
            Match(route, names)
            for route in self._by_length.get(len(segments), ())
            if (names := _match(route.segments, segments)) is not None
        ]
        if not matches:
            raise self._unknown_path(path)
        path_found = matches[0].route.path
        same_path = [match for match in matches if match.route.path == path_found]
        for match in same_path:
            if method == match.route.method or (method == "HEAD" and match.route.method == "GET"):
                return match
        allowed = allowed_methods([match.route for match in same_path])
        raise ProblemError(
            Code.METHOD_NOT_ALLOWED,
            f"{path} has no method {method[:20]} (expected {allowed})",
            headers={"Allow": allowed},
        )

    def _unknown_path(self, path: str) -> ProblemError:
        shown = path[:100]
        close = get_close_matches(shown, self._paths, n=1)
        guess = f"; did you mean {close[0]}?" if close else "; /openapi.json lists the paths"
        detail = f"no path {shown}{guess}"
        return ProblemError(
            Code.NOT_FOUND, detail, [Fault(detail, suggestion=close[0] if close else "")]
        )


def allowed_methods(routes: Iterable[AnyRoute]) -> str:
    """Return the methods that the routes of one path accept, for the header Allow."""
    methods = {route.method for route in routes}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """Return the names in the segments of a path, or None if the path does not match."""
    names = {}
    for expected, raw in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            name = unquote(raw)
            if not name:
                return None
            names[expected[1:-1]] = name
        elif expected != raw:
            return None
    return names
