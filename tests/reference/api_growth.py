"""Finds parts of an OpenAPI document that disappeared or became narrower."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def shrinkage(old: Document, new: Document) -> list[str]:
    """Return the places where clients of the old API could fail with the new API."""
    return [*_lost_operations(old, new), *_lost_components(old, new)]


def _lost_operations(old: Document, new: Document) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            place = f"{method.upper()} {path}"
            found = new["paths"].get(path, {}).get(method)
            if found is None:
                yield f"{place}: it is missing"
                continue
            yield from _narrower_requests(place, operation, found)
            for status, answer in operation["responses"].items():
                answers = found["responses"].get(status, {}).get("content", {})
                yield from (
                    f"{place}: the answer {status} is no longer {media}"
                    for media in answer.get("content", {})
                    if media not in answers
                )


def _narrower_requests(place: str, old: Document, new: Document) -> Iterator[str]:
    known = {(each["name"], each["in"]): each for each in old["parameters"]}
    found = {(each["name"], each["in"]): each for each in new["parameters"]}
    yield from (f"{place}: the parameter {name} is missing" for name, _ in known.keys() - found)
    for key, parameter in found.items():
        before = known.get(key, {"required": False, "schema": parameter["schema"]})
        if parameter["required"] and not before["required"]:
            yield f"{place}: the parameter {key[0]} is required"
        yield from _narrower(f"{place}: {key[0]}", before["schema"], parameter["schema"])
    body = new.get("requestBody", {"required": False})
    if body["required"] and not old.get("requestBody", {"required": False})["required"]:
        yield f"{place}: the body is required"
    if "requestBody" in old and "requestBody" not in new:
        yield f"{place}: the body is missing"


def _lost_components(old: Document, new: Document) -> Iterator[str]:
    schemas = new["components"]["schemas"]
    for name, schema in old["components"]["schemas"].items():
        if name not in schemas:
            yield f"{name}: it is missing"
            continue
        found = schemas[name]
        properties = found.get("properties", {})
        for key, each in schema.get("properties", {}).items():
            if key in properties:
                yield from _narrower(f"{name}.{key}", each, properties[key])
            else:
                yield f"{name}.{key}: it is missing"
        if schema.get("additionalProperties") is False:  # a request
            added = set(found.get("required", ())) - set(schema.get("required", ()))
            yield from (f"{name}.{key}: it is required" for key in sorted(added))
        yield from _narrower(name, schema, found)


def _narrower(place: str, old: Document, new: Document) -> Iterator[str]:
    """Yield limits of a schema that are narrower, and values that are missing."""
    if missing := [value for value in old.get("enum", ()) if value not in new.get("enum", ())]:
        yield f"{place}: the values {missing} are missing"
    for key in ("type", "$ref", "format", "pattern", "const"):
        if key in old and old[key] != new.get(key) and "anyOf" not in new:
            yield f"{place}: {key} was {old[key]} and is {new.get(key)}"
    for key, smaller in (("maximum", True), ("maxLength", True), ("minimum", False)):
        if key not in new:
            continue
        if key not in old or (new[key] < old[key] if smaller else new[key] > old[key]):
            yield f"{place}: {key} was {old.get(key)} and is {new[key]}"
    lost = [each for each in old.get("anyOf", ()) if each not in new.get("anyOf", ())]
    if lost and "anyOf" in new:
        yield f"{place}: the types {lost} are missing"
