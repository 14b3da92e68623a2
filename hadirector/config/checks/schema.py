"""The keys of a check: those of every check, and for each type of probe a section made of what
`checks.definition.options` declares. A type is added there; nothing is to be changed here.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import AfterValidator, ConfigDict, PlainValidator, create_model

from checks.definition.check import Route, Timing
from checks.definition.option_types import Duration, Integer, OptionType, Text, ValueFormat
from checks.definition.options import PROBE_TYPES, Member, Members, Probe
from hadirector.config.checks import values as check_values
from hadirector.config.keys.section import (
    Address,
    Count,
    InterfaceName,
    Port,
    ProbeDuration,
    Section,
)
from hadirector.config.keys.values import (
    boolean,
    choice,
    duration,
    expected,
    percentage,
    regular_expression,
    text,
    whole,
)

NONE = "none"
TYPES = (*PROBE_TYPES, NONE)

_READERS = {
    ValueFormat.REGULAR_EXPRESSION: regular_expression,
    ValueFormat.PAYLOAD: check_values.payload,
    ValueFormat.STATUS_RANGE: check_values.status_range,
    ValueFormat.HEADERS: check_values.headers,
    ValueFormat.JSON_VALUES: check_values.json_values,
    ValueFormat.HIDDEN_TEXT: check_values.hidden_text,
}


class CheckSection(Section):
    """How a real server is probed: the keys of every type. A good one is of a type's own class."""

    renamed = {"sentinel": "idle_connection"}

    type: Annotated[str, PlainValidator(choice(TYPES))]
    address: Address | None = None
    port: Port | None = None
    source: Address | None = None
    interface: InterfaceName | None = None
    mark: Annotated[int, PlainValidator(whole(0, 2**32 - 1))] = 0
    via: Annotated[Literal["vip"], PlainValidator(choice(("vip",)))] | None = None
    interval: ProbeDuration = 2.0
    timeout: ProbeDuration | None = None
    rise: Count = 2
    fall: Count = 2
    fast_interval: ProbeDuration | None = None
    slow_interval: ProbeDuration | None = None
    jitter: Annotated[float, PlainValidator(duration("0s", "1h"))] = 0.0
    idle_connection: Annotated[bool, PlainValidator(boolean)] = False
    weight_step: Annotated[int, PlainValidator(percentage)] | None = None

    @property
    def timing(self) -> Timing:
        """When to probe; a timeout that is not given is one second, or an interval if shorter."""
        shortest = min(self.interval, self.fast_interval or self.interval)
        return Timing(
            interval=self.interval,
            timeout=min(1.0, shortest) if self.timeout is None else self.timeout,
            rise=self.rise,
            fall=self.fall,
            fast_interval=self.fast_interval,
            slow_interval=self.slow_interval,
            jitter=self.jitter,
            weight_step=self.weight_step,
        )

    @property
    def route(self) -> Route:
        """How its probes leave this host."""
        return Route(source=self.source, interface=self.interface, mark=self.mark)

    @property
    def probe(self) -> Probe:
        """What to ask; not of the type none."""
        options = PROBE_TYPES[self.type]
        given = {name: getattr(self, name) for name in options.__struct_fields__}
        if self.members:
            given["checks"] = tuple(
                Member(probe=each.probe, address=each.address, port=each.port)
                for each in self.members
            )
        return options(**given)

    @property
    def members(self) -> tuple[CheckSection, ...]:
        """The checks within this one, of the types all and any."""
        found: tuple[CheckSection, ...] = getattr(self, "checks", ())
        return found


class _UnknownCheckSection(CheckSection):
    """A check whose type is missing or unknown: its options cannot be judged."""

    model_config = ConfigDict(extra="ignore")


def read_check(value: object) -> CheckSection:
    """Read a check by the keys of its type; ``check: none`` is a check of the type none."""
    if value == NONE:
        value = {"type": NONE}
    if not isinstance(value, dict):
        raise expected("a mapping")
    return section_of(value).model_validate(value)


def _read_member(value: object) -> CheckSection:
    """Read a check within a check."""
    section = read_check(value)
    if section.type == NONE:
        raise expected("a check other than none")
    return section


def section_of(value: dict[str, object]) -> type[CheckSection]:
    """Choose the keys by which a check is read."""
    kind = value.get("type")
    return SECTIONS.get(kind if isinstance(kind, str) else "", _UnknownCheckSection)


def _section(options: type[Probe]) -> type[CheckSection]:
    fields: dict[str, Any] = {
        field.name: (_read_as(field.type), ... if field.required else field.default)
        for field in msgspec.structs.fields(options)
    }
    made: type[CheckSection] = create_model(
        f"{options.__name__}Section", __base__=CheckSection, **fields
    )
    return made


def _read_as(declared: Any) -> Any:
    """Turn the declared type of an option into one that pydantic reads it by."""
    origin, arguments = get_origin(declared), get_args(declared)
    if declared == Members:
        member = Annotated[CheckSection, PlainValidator(_read_member)]
        return Annotated[list[member], AfterValidator(tuple)]
    if declared is bool:
        return Annotated[bool, PlainValidator(boolean)]
    if origin is Literal:
        return Annotated[str, PlainValidator(choice(arguments))]
    if origin is types.UnionType or origin is Union:
        (one,) = (each for each in arguments if each is not types.NoneType)
        return _read_as(one) | None
    if origin is tuple:
        return Annotated[list[_read_as(arguments[0])], AfterValidator(tuple)]  # type: ignore[misc]
    assert origin is Annotated, declared
    return Annotated[Any, PlainValidator(_reader(arguments[1]))]


def _reader(option_type: OptionType) -> Callable[[object], object]:
    match option_type:
        case Text():
            return text(option_type.pattern, option_type.description)
        case Integer():
            return whole(option_type.low, option_type.high)
        case Duration():
            return duration(option_type.low, option_type.high)
        case ValueFormat():
            return _READERS[option_type]


class NoneSection(CheckSection):
    """No check at all."""


SECTIONS: dict[str, type[CheckSection]] = {
    NONE: NoneSection,
    **{name: _section(options) for name, options in PROBE_TYPES.items()},
}
KEYS_OF_SOME_TYPE = frozenset(key for each in SECTIONS.values() for key in each.model_fields)
