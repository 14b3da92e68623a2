"""Readers of single configuration values: numbers, durations, words and text.

A reader checks one value and converts it; durations become seconds. It refuses a value with a
`PydanticCustomError` that states the expected form. ``document.explain`` adds the place and the
value that was found.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, LiteralString, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from hadirector.model.policy import HealthyMinimum

JsonSchema = Mapping[str, object]
"""A part of a JSON Schema (draft 2020-12)."""

TEXT: JsonSchema = {"type": "string"}

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=str)

EXPECTED: LiteralString = "expected"
HIDDEN: LiteralString = "hidden"

DURATION_PATTERN = r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h)"
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PERCENTAGE = re.compile(r"[1-9][0-9]?%|100%", re.ASCII)
_PERCENTAGE_FORM: JsonSchema = {**TEXT, "pattern": f"^(?:{_PERCENTAGE.pattern})$"}
REGEX_CHARACTERS_MAX = 1024


@dataclass(frozen=True)
class Reader(Generic[Value]):
    """Reads the values of one type.

    ``description`` is the text for the column "type" of docs/configuration.md. In an annotation
    (``Annotated[int, integer(1, 255)]``) a reader makes pydantic read the value with it.
    ``json_schema`` describes the values for an editor. It may accept more values than ``read``.
    """

    read: Callable[[object], Value]
    description: str
    json_schema: JsonSchema = field(default_factory=lambda: TEXT, compare=False)

    def __call__(self, value: object) -> Value:
        """Read a value. Raises PydanticCustomError if it does not have the expected form."""
        return self.read(value)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema that pydantic uses for a value annotated with this reader."""
        return core_schema.no_info_plain_validator_function(self.read)


def expectation_error(what: str) -> PydanticCustomError:
    """Return the error for a value that does not have the expected form."""
    return PydanticCustomError(EXPECTED, "{what}", {"what": what})


def hidden_expectation_error(what: str) -> PydanticCustomError:
    """Return the error for a secret value: the message does not show the value."""
    return PydanticCustomError(HIDDEN, "{what}", {"what": what})


def integer(low: int, high: int) -> Reader[int]:
    """Return a reader of whole numbers from ``low`` to ``high``."""

    def read(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise expectation_error(f"a whole number from {low} to {high}")
        return value

    forms = {"type": "integer", "minimum": low, "maximum": high}
    return Reader(read, f"{low} to {high}", forms)


def duration(low: str, high: str) -> Reader[float]:
    """Return a reader of durations from ``low`` to ``high``.

    A number without a unit is in seconds.
    """
    low_seconds, high_seconds = _seconds(low), _seconds(high)

    def read(value: object) -> float:
        seconds = _seconds(value)
        # The comparison is also false for NaN.
        if not low_seconds <= seconds <= high_seconds:
            raise expectation_error(f"a duration from {low} to {high}, such as 200ms, 2s, 1m or 1h")
        return seconds

    forms = _duration_forms(low_seconds, high_seconds)
    return Reader(read, f"duration, `{low}` to `{high}`", forms)


def whole_seconds(low: str, high: str) -> Reader[int]:
    """Return a reader of durations of whole seconds."""
    read_duration = duration(low, high)

    def read(value: object) -> int:
        seconds = read_duration(value)
        if not seconds.is_integer():
            raise expectation_error(f"whole seconds from {low} to {high}")
        return int(seconds)

    forms = _duration_forms(_seconds(low), _seconds(high))
    return Reader(read, f"duration, whole seconds `{low}` to `{high}`", forms)


def choice(allowed: Iterable[Choice]) -> Reader[Choice]:
    """Return a reader that accepts a fixed set of words."""
    return mapping({str(word): word for word in allowed})


def mapping(values: Mapping[str, Value]) -> Reader[Value]:
    """Return a reader that converts words to values."""

    def read(value: object) -> Value:
        if isinstance(value, str) and value in values:
            return values[value]
        raise expectation_error("one of " + ", ".join(values))

    return Reader(read, ", ".join(f"`{word}`" for word in values), {"enum": [*values]})


def text(pattern: str, what: str, description: str) -> Reader[str]:
    """Return a reader of texts that match ``pattern`` as a whole.

    ``what`` names the expected text in a message.
    """
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        if isinstance(value, str) and compiled.fullmatch(value):
            return value
        if isinstance(value, int | float):
            raise expectation_error(f"{what}, in quotes")
        raise expectation_error(what)

    return Reader(read, description, {**TEXT, **_ecma_pattern(pattern)})


def _ecma_pattern(pattern: str) -> JsonSchema:
    """Return the pattern as an editor understands it (ECMA 262); nothing if it cannot be one."""
    if "(?s" in pattern or "\\U" in pattern:
        return {}
    return {"pattern": f"^(?:{pattern})$".replace(r"\Z", "$")}


def _duration_forms(low: float, high: float) -> JsonSchema:
    """Describe a duration: a number of seconds, or a number with a unit."""
    number = {"type": "number", "minimum": low, "maximum": high}
    return {"anyOf": [{**TEXT, "pattern": f"^{DURATION_PATTERN}$"}, number]}


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise expectation_error("true or false")
    return value


def _percentage(value: object) -> int:
    if isinstance(value, str) and _PERCENTAGE.fullmatch(value):
        return int(value.removesuffix("%"))
    raise expectation_error("a percentage from 1% to 100%")


def _healthy_minimum(value: object) -> HealthyMinimum:
    if type(value) is int and 0 <= value <= 65535:
        return HealthyMinimum(count=value)
    if isinstance(value, str) and _PERCENTAGE.fullmatch(value):
        return HealthyMinimum(percent=int(value.removesuffix("%")))
    raise expectation_error("a number of real servers, or a percentage from 1% to 100%")


def _regular_expression(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= REGEX_CHARACTERS_MAX:
        raise expectation_error(
            f"a regular expression of at most {REGEX_CHARACTERS_MAX} characters"
        )
    try:
        with warnings.catch_warnings():
            # Python warns about patterns whose meaning may change in a later version.
            warnings.simplefilter("ignore")
            re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise expectation_error(f"a regular expression: {error}") from error
    return value


BOOLEAN = Reader(_boolean, "`true`, `false`", {"type": "boolean"})
PERCENTAGE = Reader(_percentage, "`1%` to `100%`", _PERCENTAGE_FORM)
HEALTHY_MINIMUM = Reader(
    _healthy_minimum,
    "a number of real servers, or `1%` to `100%` of them",
    {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, _PERCENTAGE_FORM]},
)
REGULAR_EXPRESSION = Reader(
    _regular_expression,
    "regular expression",
    {**TEXT, "minLength": 1, "maxLength": REGEX_CHARACTERS_MAX},
)


def _seconds(value: object) -> float:
    """Convert a duration to seconds. The result is NaN if the value is not a duration."""
    if isinstance(value, bool):
        return float("nan")
    if isinstance(value, int | float):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return float("nan")
    number, unit = match.groups()
    # Division keeps 13ms exactly 0.013; 13 * 0.001 is 0.013000000000000001.
    return float(number) / 1000 if unit == "ms" else float(number) * _UNIT_SECONDS[unit]
