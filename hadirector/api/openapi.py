"""Makes the OpenAPI 3.1 document of the API from its routes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hadirector.api.problems import KINDS, MEDIA_TYPE, Code, ProblemDetails
from hadirector.api.route import AnyRoute

VERSION: Final = "1"
"""The version of the API, which is also the first part of the paths."""
REFERENCE: Final = "#/components/schemas/{name}"
NAMES: Final[dict[str, str]] = {
    "virtual_server": "The name of a virtual server.",
    "real_server": "The address of a real server, with its port unless the address is unique.",
    "instance": "The name of a VRRP instance.",
    "peer": "The name of a peer of the pair.",
    "source": "The name of a discovery source.",
    "drill": "The number of a drill.",
    "code": "The code of a problem.",
    "number": "The number of a configuration in the archive.",
}
"""The names in paths."""
ALWAYS: Final = (Code.MALFORMED, Code.EXPECTATION_FAILED, Code.INTERNAL)
"""The codes that every operation can return."""
WITH_ROLE: Final = (Code.FORBIDDEN,)
WITH_BODY: Final = (Code.REQUEST_INCOMPLETE, Code.TOO_LARGE, Code.UNSUPPORTED)
WITH_CHANGE: Final = (Code.TOO_MANY,)
OUTSIDE: Final = (Code.UNAUTHENTICATED, Code.MISDIRECTED, Code.CROSS_SITE, Code.UNREACHABLE)
"""The codes of the web process, for every operation that needs a role."""

Schema = dict[str, Any]


def describe_api(routes: Iterable[AnyRoute], version: str) -> Schema:
    """Return the document. ``version`` is the version of the program."""
    found = list(routes)
    types = _types(found)
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    by_type = dict(zip(map(_key, types), schemas, strict=True))
    paths: dict[str, Schema] = {}
    for route in found:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, by_type, components
        )
    for route in found:
        # The properties of a query are parameters of its operation.
        components.pop(_component(by_type[_key(route.query)]), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hadirector",
            "version": version,
            "summary": "The API of a director.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"certificate": []}, {}],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
    }


def codes_of(route: AnyRoute) -> list[Code]:
    """Return the codes that an operation can return on the Unix socket, in the order of status."""
    codes = {*ALWAYS, *route.problems}
    if route.role is not None:
        codes |= {*WITH_ROLE}
    if route.has_body:
        codes |= {*WITH_BODY}
    if route.changes:
        codes |= {*WITH_CHANGE}
    return sorted(codes, key=lambda code: (KINDS[code].status, code))


def _types(routes: Iterable[AnyRoute]) -> list[Any]:
    types: dict[int, Any] = {_key(ProblemDetails): ProblemDetails}
    for route in routes:
        for kind in (route.query, route.body, route.answer):
            if kind is not bytes:
                types.setdefault(_key(kind), kind)
    return list(types.values())


def _key(kind: Any) -> int:
    return hash(kind)


def _operation(route: AnyRoute, by_type: dict[int, Schema], components: Schema) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.segments[1] if len(route.segments) > 1 else route.segments[0]],
        "x-hadirector-role": route.role.value if route.role else None,
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(by_type[_key(route.query)], components),
            *_header_parameters(route),
        ],
        "responses": _responses(route, by_type),
    }
    if route.has_body:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {route.body_media: {"schema": _schema(route.body, by_type)}},
        }
    if route.role is None:
        operation["security"] = []
    return operation


def _schema(kind: Any, by_type: dict[int, Schema]) -> Schema:
    return {"type": "string"} if kind is bytes else by_type[_key(kind)]


def _path_parameters(route: AnyRoute) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": NAMES[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(schema: Schema, components: Schema) -> list[Schema]:
    found = components[_component(schema)]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in found.get("required", ()),
            "schema": _without_null(each),
        }
        for name, each in found["properties"].items()
    ]


def _component(schema: Schema) -> str:
    """Return the name of the component that a schema refers to."""
    return str(schema["$ref"].rpartition("/")[2])


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a parameter. A parameter cannot be null, but it may be missing."""
    found = {key: each for key, each in schema.items() if (key, each) != ("default", None)}
    if "anyOf" in found:
        kinds = [each for each in found.pop("anyOf") if each != {"type": "null"}]
        found |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if "enum" in found:
        found["enum"] = [value for value in found["enum"] if value is not None]
    return found


def _header_parameters(route: AnyRoute) -> list[Schema]:
    names = {"If-None-Match": route.conditional, "If-Match": Code.STALE in route.problems}
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": "Entity tags (RFC 9110 section 13.1), or *.",
            "schema": {"type": "string"},
        }
        for name, used in names.items()
        if used
    ]


def _responses(route: AnyRoute, by_type: dict[int, Schema]) -> Schema:
    headers: Schema = {"X-Request-ID": _header("The id of the request, which is in the log.")}
    if route.conditional or route.tagged:
        headers["ETag"] = _header("Changes with the object.")
    responses: Schema = {
        str(route.status): {
            "description": route.summary,
            "headers": headers,
            "content": {route.media: {"schema": _schema(route.answer, by_type)}},
        }
    }
    if route.conditional:
        responses["304"] = {"description": "The client has the current content."}
    by_status: dict[int, list[Code]] = {}
    for code in [*codes_of(route), *(OUTSIDE if route.role else ())]:
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status in sorted(by_status):
        texts = [f"`{code}`: {KINDS[code].title}." for code in by_status[status]]
        responses[str(status)] = {
            "description": " ".join(texts),
            "content": {MEDIA_TYPE: {"schema": by_type[_key(ProblemDetails)]}},
        }
    return responses


def _header(description: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}}
