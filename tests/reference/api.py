"""docs/openapi-v1.json and the operations in docs/api.md, made from the routes of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hadirector.api.openapi import codes_of, describe_api
from hadirector.api.problems import KINDS, Code
from hadirector.api.route import AnyRoute
from hadirector.api.routes import ROUTES
from tests.reference.api_growth import shrinkage

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "api.md"
DOCUMENT: Final = DOCS / "openapi-v1.json"
START: Final = "## Operations\n"
VERSION: Final = "1"
"""In the place of the version of the program, so that a release does not change the document."""


def current_document() -> dict[str, Any]:
    """Return the document of the code."""
    return describe_api(ROUTES, VERSION)


def committed_document() -> dict[str, Any]:
    """Return the document in docs."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def render_document(document: dict[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write_document() -> None:
    """Write the file, unless the API has shrunk."""
    if DOCUMENT.exists() and (lost := shrinkage(committed_document(), current_document())):
        raise SystemExit("/v1 only grows, but:\n" + "\n".join(lost))
    DOCUMENT.write_text(render_document(current_document()), encoding="utf-8")


def render(page: str) -> str:
    """Return the page with the operations and problems of the code."""
    text, found, _ = page.partition(START)
    assert found, f"{PAGE} has a chapter of operations"
    return f"{text}{START}\n" + "\n".join([*_operations(), *_bodies(), *_problems()]) + "\n"


def _operations() -> Iterator[str]:
    yield "| Operation | Role | Effect | Query | Body | Problems |"
    yield "|---|---|---|---|---|---|"
    for route in ROUTES:
        cells = (
            f"`{route.method} {route.path}`",
            route.role.value if route.role else "none",
            route.summary,
            ", ".join(f"`{name}`" for name in route.query.__struct_fields__) or "-",
            _body(route),
            ", ".join(f"[{code}](#{code})" for code in codes_of(route) if code in route.problems)
            or "-",
        )
        yield f"| {' | '.join(cells)} |"


def _body(route: AnyRoute) -> str:
    if not route.has_body:
        return "-"
    name = route.body_media if route.body is bytes else route.body.__name__
    link = f"[{name}](#{name.lower()})" if route.body is not bytes else f"`{name}`"
    return link if route.body_required else f"{link} or none"


def _bodies() -> Iterator[str]:
    schemas = current_document()["components"]["schemas"]
    names = sorted(
        {route.body.__name__ for route in ROUTES if route.has_body and route.body is not bytes}
    )
    yield from ("", "## Bodies of requests", "")
    yield "A key without a default is required. An unknown key is refused with a suggestion."
    for name in names:
        schema = schemas[name]
        yield from ("", f"### {name}", "", schema["description"].split("\n\n")[0], "")
        yield from ("| Key | Type | Default |", "|---|---|---|")
        for key, each in schema["properties"].items():
            default = f"`{json.dumps(each['default'])}`" if "default" in each else "required"
            yield f"| `{key}` | {_type(each, schemas)} | {default} |"


def _values(schema: dict[str, Any]) -> str:
    return ", ".join(f"`{value}`" for value in schema.get("enum", ()) if value is not None)


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(_type(each, schemas) for each in kinds)
    if "$ref" in schema:
        found = schemas[schema["$ref"].rpartition("/")[2]]
        return _values(found) or "object"
    if "enum" in schema:
        return _values(schema)
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "maxLength": "at most",
    }
    texts = [f"{word} {round(schema[key])}" for key, word in limits.items() if key in schema]
    unit = " characters" if "maxLength" in schema else ""
    return str(schema["type"]) + (f", {' and '.join(texts)}{unit}" if texts else "")


def _problems() -> Iterator[str]:
    yield from ("", "## Problems", "")
    yield "Every operation can also return the problems `malformed`, `forbidden` and `internal`,"
    yield "and the problems of the web process. `GET /problems/CODE` returns the same texts."
    for code in sorted(Code, key=lambda code: (KINDS[code].status, code)):
        kind = KINDS[code]
        yield from ("", f"### {code}", "", f"Status {kind.status}. {kind.title}.", "", kind.remedy)
