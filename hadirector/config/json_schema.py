"""Makes a JSON Schema of a configuration file from the declarations of the keys, for editors.

It is a document of draft 2020-12. It refuses every unknown key, and describes each key. It accepts
more than `hadirector check-config` does: no rule between keys is part of it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from checks.definition.options import PROBE_TYPES
from hadirector.config.checks.schema import NONE, CheckSection, section_for
from hadirector.config.hosts.merge import HOSTS, NAMED_LISTS
from hadirector.config.keys.build import declaration
from hadirector.config.keys.readers import JsonSchema, Reader
from hadirector.config.keys.section import Section
from hadirector.config.schema import Root

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
INCLUDE: Final = "include_dir"
_ONLY_AT_THE_TOP: Final = frozenset({HOSTS, INCLUDE})


def make_schema() -> JsonSchema:
    """Return the schema of a file. With hosts, a required key may be in the part of each host."""
    whole, part = _Maker(partial=False), _Maker(partial=True)
    file, shared, host = (maker.describe_keys(Root) for maker in (whole, part, part))
    properties = _properties(host)
    for key in NAMED_LISTS:
        properties[key] = {"type": "object", "additionalProperties": properties[key]["items"]}
    hosts = {
        "description": "The values that differ between the hosts of a pair, by the host's name.",
        "type": "object",
        "additionalProperties": host,
    }
    for each in (file, shared):
        _properties(each)[HOSTS] = hosts
    _properties(shared)[INCLUDE] = _properties(file)[INCLUDE]
    return {
        "$schema": DRAFT,
        "title": "Configuration of hadirector",
        "if": {"required": [HOSTS]},
        "then": shared,
        "else": file,
        "$defs": {**part.definitions, **whole.definitions},
    }


def _properties(section: dict[str, object]) -> dict[str, Any]:
    found = section["properties"]
    assert isinstance(found, dict)
    return found


class _Maker:
    """Describes sections. The definitions of the sections below are collected.

    With ``partial``, the sections are for a host, and no key is required. Checks are the same.
    """

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial
        self._prefix = "host_" if partial else ""
        self.definitions: dict[str, JsonSchema] = {}

    def describe_keys(self, section: type[Section]) -> dict[str, object]:
        """Return the schema of a mapping with the keys of a section."""
        fields = {
            field.alias or name: (field, declaration(section, name))
            for name, field in section.model_fields.items()
            if not (self._partial and name in _ONLY_AT_THE_TOP)
        }
        required = [
            key for key, (field, _) in fields.items() if field.is_required() and not self._partial
        ]
        return {
            "type": "object",
            "properties": {
                key: self._describe(field, known.meaning if known else None)
                for key, (field, known) in fields.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }

    def _describe(self, field: FieldInfo, meaning: str | None) -> JsonSchema:
        value = dict(self._value(field.annotation, field.metadata))
        if meaning:
            value["description"] = _LINK.sub(r"\1", meaning)
        if isinstance(field.default, bool | int | str) and "type" in value:
            value["default"] = field.default
        return value

    def _value(self, annotation: Any, metadata: Sequence[Any]) -> JsonSchema:
        for item in metadata:
            if isinstance(item, Reader):
                return item.json_schema
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._value(arguments[0], arguments[1:])
        if origin in (types.UnionType, Union):
            (option,) = (each for each in arguments if each is not types.NoneType)
            return self._value(option, [])
        if origin is list:
            return {"type": "array", "items": self._value(arguments[0], [])}
        if origin is dict:
            return {"type": "object"}
        assert issubclass(annotation, Section), annotation
        return self._refer(annotation)

    def _refer(self, section: type[Section]) -> JsonSchema:
        """Return a reference to the definition of a section, which is made at the first one."""
        words = re.findall(r"[A-Z][a-z0-9]*", section.__name__.removesuffix("Section"))
        name = "_".join(words).lower()
        if section is not CheckSection:
            name = self._prefix + name
        if name not in self.definitions:
            self.definitions[name] = {}  # a check can have checks
            self.definitions[name] = self._define(section)
        return {"$ref": f"#/$defs/{name}"}

    def _define(self, section: type[Section]) -> JsonSchema:
        if section is CheckSection:
            return {"anyOf": [{"const": NONE}, *map(self._describe_check, (*PROBE_TYPES, NONE))]}
        keys = self.describe_keys(section)
        if section.other_form is None:
            return keys
        return {"anyOf": [section.other_form, keys]}

    def _describe_check(self, probe: str) -> JsonSchema:
        keys = self.describe_keys(section_for({"type": probe}))
        assert isinstance(keys["properties"], dict)
        keys["properties"]["type"] = {"const": probe}
        return keys
