"""What the sections of a configuration file share: their base, and types of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator

from hadirector.config.keys.values import address, duration, text, whole

Item = TypeVar("Item")

# A name stands in commands as VIRTUAL_SERVER/REAL_SERVER, so it holds no blank and no slash.
Name = Annotated[
    str,
    PlainValidator(text(r"[A-Za-z0-9_.:@\[\]-]{1,64}", "a name of letters, digits and _.:@[]-")),
]
# net/core/dev.c, dev_valid_name.
InterfaceName = Annotated[
    str,
    PlainValidator(
        text(
            r"(?!\.{1,2}\Z)[^\s/:\x00-\x1f\x7f-\U0010ffff]{1,15}",
            "an interface name of 1 to 15 characters",
        )
    ),
]
FilePath = Annotated[
    str, PlainValidator(text(r"/[\x20-\x7e]{1,1023}", "the absolute path of a file"))
]
Address = Annotated[str, PlainValidator(address)]
Port = Annotated[int, PlainValidator(whole(1, 65535))]
Count = Annotated[int, PlainValidator(whole(1, 100))]
ProbeDuration = Annotated[float, PlainValidator(duration("10ms", "1h"))]


class Section(BaseModel):
    """A mapping in the file.

    ``later`` are keys that a later version will know. ``renamed`` maps the old names of keys to the
    new ones: an old name is refused, and the message names the new one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    later: ClassVar[frozenset[str]] = frozenset()
    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def key_names(cls) -> list[str]:
        """The keys as they are written."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def valid_items(items: Sequence[Item | None] | None) -> Iterator[tuple[int, Item]]:
    """Go through the elements that were not cut out, each with its index in the file."""
    for index, item in enumerate(items or ()):
        if item is not None:
            yield index, item
