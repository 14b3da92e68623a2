"""The keys of a check: the keys of every check, and a section for each type of probe.

The section of a type is made from the options in `checks.definition.options`. To add a type, add it
there; this module does not change.
"""

from __future__ import annotations

import types
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import AfterValidator, ConfigDict, PlainValidator, create_model

from checks.definition.check import EXIT_WEIGHT_MAX, Route, Timing
from checks.definition.option_types import Duration, Integer, OptionType, Text, ValueFormat
from checks.definition.options import PROBE_TYPES, Member, Members, Probe
from checks.definition.queries import requests_exit_weight
from checks.script_runner.search_path import find_on_path
from hadirector.config.checks import readers
from hadirector.config.keys.addresses import Address, Port
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Count, InterfaceName, ProbeDuration
from hadirector.config.keys.readers import (
    BOOLEAN,
    PERCENTAGE,
    Reader,
    choice,
    duration,
    expectation_error,
    integer,
    text,
)
from hadirector.config.keys.section import Section, SectionClass

NONE = "none"
TYPES = (*PROBE_TYPES, NONE)


class CheckSection(Section):
    """The keys that all types of checks have. Each type has a subclass with its own keys."""

    renamed = {"sentinel": "idle_connection"}

    type: Annotated[
        str, choice(TYPES), Key("The type of the probe.", type="a type below, or `none`")
    ]
    address: Annotated[
        Address | None, Key("The address to probe.", default="the real server's")
    ] = None
    port: Annotated[Port | None, Key("The port to probe.", default="the real server's")] = None
    source: Annotated[
        Address | None,
        Key(
            "The source address of the probes. It must be of the address family of the probed"
            " address.",
            type="address of this host",
            default="the kernel's choice",
        ),
    ] = None
    interface: Annotated[
        InterfaceName | None,
        Key(
            "The interface that probes leave by, regardless of the routes (SO_BINDTODEVICE)."
            " It needs CAP_NET_RAW.",
            default="the kernel's choice",
        ),
    ] = None
    mark: Annotated[
        int,
        integer(0, 2**32 - 1),
        Key(
            "The firewall mark of the packets of a probe, for routing rules (SO_MARK)."
            " It needs CAP_NET_ADMIN."
        ),
    ] = 0
    via: Annotated[
        Annotated[Literal["vip"], choice(("vip",))] | None,
        Key(
            "Send probes the way that the packets of clients take: [via vip](#via-vip).",
            default="straight to the real server",
        ),
    ] = None
    interval: Annotated[
        ProbeDuration,
        Key(
            "The time from the start of one probe to the start of the next. A probe that takes"
            " longer delays the next one, which then starts at once: two probes of a target never"
            " overlap."
        ),
    ] = 2.0
    timeout: Annotated[
        ProbeDuration | None,
        Key(
            "The time within which the whole probe must end. It may be longer than `interval`.",
            default="`1s`, or `interval` if that is shorter",
        ),
    ] = None
    rise: Annotated[
        Count, Key("Successive passing probes that make a failing target pass again.")
    ] = 2
    fall: Annotated[Count, Key("Successive failing probes that make a passing target fail.")] = 2
    fast_interval: Annotated[
        ProbeDuration | None,
        Key(
            "The interval while the latest results contradict the verdict, so that the verdict"
            " is about to change.",
            type="duration, `10ms` to `interval`",
            default="`interval`",
        ),
    ] = None
    slow_interval: Annotated[
        ProbeDuration | None,
        Key(
            "The interval while the target is failing.",
            type="duration, `interval` to `1h`",
            default="`interval`",
        ),
    ] = None
    jitter: Annotated[
        float,
        duration("0s", "1h"),
        Key(
            "Each probe starts up to this much later, so that several directors do not probe in"
            " step.",
            type="duration, up to half of the shortest interval",
            default="`0s`",
        ),
    ] = 0.0
    idle_connection: Annotated[
        bool,
        BOOLEAN,
        Key(
            "Keep an idle connection to the target. The end of the connection causes a probe at"
            " once: [idle connection](#idle_connection)."
        ),
    ] = False
    weight_step: Annotated[
        Annotated[int, PERCENTAGE] | None,
        Key(
            "The largest change of the weight by one probe, for the types that can request a"
            " part of the weight ([agent](#agent), [script](#script), [file](#file), and several"
            " probes in one check). A request for 0 takes effect at once, and so does the first"
            " request after a recovery.",
            default="no limit",
        ),
    ] = None
    weight_max: Annotated[
        int,
        readers.REQUESTED_WEIGHT,
        Key(
            "The largest part of the configured weight that a target can request. A larger"
            " request counts as this. Without a limit, one server could request the connections"
            " of all others.",
            default="`100%`",
        ),
    ] = 100

    @classmethod
    def for_value(cls, value: object) -> SectionClass:
        """Return the section for the type that a check names."""
        return section_for(value) if isinstance(value, dict) else cls

    @classmethod
    def explain_unknown_key(cls, key: str) -> str | None:
        """Return why this type of check has no such key, if another type has it; else None."""
        return f"a check of this type has no {key}" if key in KEYS_OF_SOME_TYPE else None

    @property
    def timing(self) -> Timing:
        """The timing. The default timeout is one second, or the interval if it is shorter."""
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
            weight_max=EXIT_WEIGHT_MAX if requests_exit_weight(self.probe) else self.weight_max,
        )

    @property
    def route(self) -> Route:
        """The source, interface, mark and destination of the probes."""
        return Route(source=self.source, interface=self.interface, mark=self.mark)

    @cached_property
    def probe(self) -> Probe:
        """The probe with its options. A check of type none has no probe.

        The program of a script has its path on this host.
        """
        options = PROBE_TYPES[self.type]
        given = {name: getattr(self, name) for name in options.__struct_fields__}
        if self.members:
            given["checks"] = tuple(
                Member(
                    probe=member.probe,
                    address=member.address,
                    port=member.port,
                    source=member.source,
                    interface=member.interface,
                    mark=member.mark if "mark" in member.model_fields_set else None,
                )
                for member in self.members
            )
        if given.get("script") is not None:
            given["script"] = find_on_path(given["script"])
        return options(**given)

    @property
    def members(self) -> tuple[CheckSection, ...]:
        """The member checks, if the type is ``all`` or ``any``."""
        found: tuple[CheckSection, ...] = getattr(self, "checks", ())
        return found


class _UnknownCheckSection(CheckSection):
    """A check whose type is missing or unknown: its options cannot be checked."""

    model_config = ConfigDict(extra="ignore")


def read_check(value: object) -> CheckSection:
    """Read a check with the keys of its type; ``check: none`` is a check of type none."""
    if value == NONE:
        value = {"type": NONE}
    if not isinstance(value, dict):
        raise expectation_error("a mapping")
    return section_for(value).model_validate(value)


Check = Annotated[CheckSection, PlainValidator(read_check)]


def _read_member(value: object) -> CheckSection:
    """Read a check within a check."""
    section = read_check(value)
    if section.type == NONE:
        raise expectation_error("a check other than none")
    return section


def section_for(value: dict[str, object]) -> type[CheckSection]:
    """Return the section class that reads this check."""
    name = value.get("type")
    if name == NONE:
        return NoneSection
    options = PROBE_TYPES.get(name) if isinstance(name, str) else None
    return _UnknownCheckSection if options is None else _section(options)


@cache
def _section(options: type[Probe]) -> type[CheckSection]:
    """Make the section of a type for the first check of this type, because this takes 2 ms."""
    fields: dict[str, Any] = {
        field.name: (_annotation(field.type), ... if field.required else field.default)
        for field in msgspec.structs.fields(options)
    }
    section: type[CheckSection] = create_model(
        f"{options.__name__}Section", __base__=CheckSection, **fields
    )
    return section


def _annotation(declared: Any) -> Any:
    """Return the annotation with which pydantic reads an option of a declared type."""
    origin, arguments = get_origin(declared), get_args(declared)
    if declared == Members:
        member = Annotated[CheckSection, PlainValidator(_read_member)]
        return Annotated[list[member], AfterValidator(tuple)]
    if declared is bool:
        return Annotated[bool, BOOLEAN]
    if origin is Literal:
        return Annotated[str, choice(arguments)]
    if origin is types.UnionType or origin is Union:
        (option,) = (argument for argument in arguments if argument is not types.NoneType)
        return _annotation(option) | None
    if origin is tuple:
        item = _annotation(arguments[0])
        return Annotated[list[item], AfterValidator(tuple)]  # type: ignore[valid-type]
    assert origin is Annotated, declared
    return Annotated[Any, _reader(arguments[1])]


def _reader(option_type: OptionType) -> Reader[Any]:
    match option_type:
        case Text():
            return text(option_type.pattern, option_type.description, "text")
        case Integer():
            return integer(option_type.low, option_type.high)
        case Duration():
            return duration(option_type.low, option_type.high)
        case ValueFormat():
            return readers.OPTION_READERS[option_type]


class NoneSection(CheckSection):
    """The type ``none``: the real server is not checked."""


KEYS_OF_SOME_TYPE = frozenset(
    {*CheckSection.model_fields}.union(*(each.__struct_fields__ for each in PROBE_TYPES.values()))
)
