"""Converts sections of a configuration file to values of the model.

The declaration of each key names the field of the model that the key sets.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import msgspec

from hadirector.config.keys.key import Key
from hadirector.config.keys.section import Section

Struct = TypeVar("Struct", bound=msgspec.Struct)


def build_struct(struct: type[Struct], section: Section, **values: object) -> Struct:
    """Build a struct of the model from a section.

    A key sets the field of the same name, or the field that its declaration names
    (`Key.field`). ``values`` replace the values of keys and set further fields. A list becomes
    a tuple, and a nested section becomes its own ``model``. If a value is None, the field keeps
    its default.
    """
    for field, key in filled_fields(struct, type(section)):
        if field not in values:
            values[field] = getattr(section, key)
    given = {
        field: _convert(value) if isinstance(value, Section | list) else value
        for field, value in values.items()
        if value is not None
    }
    return struct(**given)


@cache
def filled_fields(
    struct: type[msgspec.Struct], section: type[Section]
) -> tuple[tuple[str, str], ...]:
    """Return the fields of a struct that a section fills, each with the name of its key."""
    keys = {}
    for name in section.model_fields:
        key = declaration(section, name)
        keys[(key and key.field) or name] = name
    return tuple((field, keys[field]) for field in struct.__struct_fields__ if field in keys)


def declaration(section: type[Section], name: str) -> Key | None:
    """Return the declaration of a key."""
    metadata = section.model_fields[name].metadata
    return next((item for item in metadata if isinstance(item, Key)), None)


def _convert(value: Section | list[object]) -> object:
    if isinstance(value, Section):
        assert value.model is not None, type(value)
        return build_struct(value.model, value)
    return tuple(_convert(item) if isinstance(item, Section) else item for item in value)
