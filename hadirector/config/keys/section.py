"""The base class of the sections of a configuration file, and functions for lists of sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict

from hadirector.config.document.finding import Path
from hadirector.config.keys.readers import JsonSchema, expectation_error

Item = TypeVar("Item")
SectionClass: TypeAlias = "type[Section]"
TRUE_OR_FALSE: JsonSchema = {"type": "boolean"}
"""The other form of a section that ``switch`` reads."""


class Section(BaseModel):
    """A mapping in the file, with a field for each key.

    ``model`` is the struct that `build_struct` builds from the section. ``other_form`` describes
    the values besides a mapping that the section is read from. ``later`` are keys that
    a later version will accept. ``renamed`` maps the old name of a key to the new name: the old
    name is refused, and the message gives the new name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    model: ClassVar[type[msgspec.Struct] | None] = None
    other_form: ClassVar[JsonSchema | None] = None
    later: ClassVar[frozenset[str]] = frozenset()
    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def key_names(cls) -> list[str]:
        """Return the names of the keys, as they are written in a file."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def for_value(cls, _value: object) -> SectionClass:
        """Return the class that reads a value; a section with variants overrides this."""
        return cls

    @classmethod
    def explain_unknown_key(cls, _key: str) -> str | None:
        """Return why a key does not belong here if another form of the section has it."""
        return None


class Placed(NamedTuple, Generic[Item]):
    """An item of a list in the file, with the path of the item."""

    path: Path
    item: Item


def place_items(path: Path, items: Sequence[Item | None] | None) -> tuple[Placed[Item], ...]:
    """Return the items of the list at ``path``, without faulty items (None)."""
    return tuple(
        Placed((*path, index), item) for index, item in enumerate(items or ()) if item is not None
    )


def switch(section: type[Section], forms: str) -> BeforeValidator:
    """Read ``true`` as a section with default values, and ``false`` as no section.

    ``forms`` names the expected forms in a message.
    """

    def read(value: Any) -> Any:
        if isinstance(value, bool):
            return section() if value else None
        if not isinstance(value, dict):
            raise expectation_error(forms)
        return value

    return BeforeValidator(read)
