"""Translates the timing of a check. A real server and a virtual server may define it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.values import duration

_COUNT_MAX: Final = 2**32 - 1
_DELAY_MIN: Final = 0.01
"""The shortest interval of a check, in seconds."""


class Setting(NamedTuple):
    """A number, with the places of its value and its keyword. ``given`` is False for a default."""

    value: float
    place: Place
    key: Place
    given: bool = True

    def node(self, value: str | int) -> Node:
        """Make a node with the place of this setting."""
        return scalar(value, self.place, self.key)


class Defaults(NamedTuple):
    """The default timing of a checker in keepalived. Durations are in seconds."""

    retry: int = 1
    delay: float | None = 1.0
    """None stands for delay_loop."""
    delay_loop: float = 60.0
    timeout: float = 5.0


OWN: Final = Defaults(retry=1, delay=None, delay_loop=2.0, timeout=1.0)
"""The timing of a check of hadirector without a key."""


class Timing(NamedTuple):
    """The timing of a check, in keepalived's terms (delay_loop, retry and so on)."""

    delay_loop: Setting
    timeout: Setting
    retry: Setting
    delay: Setting


Chain = Sequence[Block]
"""The blocks that may have a keyword: the checker, the real server, the virtual server."""


def read_timing(chain: Chain, place: Place, defaults: Defaults) -> Timing:
    """Read the timing of a check at ``place``."""
    delay_loop = read_seconds(chain, place, defaults.delay_loop, "delay_loop")
    pause = delay_loop.value if defaults.delay is None else defaults.delay
    return Timing(
        delay_loop,
        read_seconds(chain, place, defaults.timeout, "connect_timeout"),
        _read_retry(chain, place, defaults.retry),
        read_seconds(chain, place, pause, "delay_before_retry"),
    )


def read_seconds(chain: Chain, place: Place, default: float, name: str) -> Setting:
    """Read a duration from the innermost block that has the keyword."""
    for block in chain:
        statement = block.last(name)
        if statement is not None:
            value = block.seconds(statement)
            return _setting(statement, default if value is None else value)
    return Setting(default, place, place, given=False)


def _read_retry(chain: Chain, place: Place, default: int) -> Setting:
    for level, block in enumerate(chain):
        statement = block.last("retry", "nb_get_retry")
        if statement is not None:
            value = block.number(statement, 1 if level else 0, _COUNT_MAX)
            return _setting(statement, default if value is None else value)
    return Setting(default, place, place, given=False)


def _setting(statement: Statement, value: float) -> Setting:
    return Setting(value, statement.arguments[0].place, statement.keyword.place)


def combine(timings: Sequence[Timing]) -> Timing:
    """Return one timing for several checkers: the shortest interval and the most retries."""
    return Timing(
        min((each.delay_loop for each in timings), key=_value),
        max((each.timeout for each in timings), key=_value),
        max((each.retry for each in timings), key=_value),
        min((each.delay for each in timings), key=_value),
    )


def _value(setting: Setting) -> float:
    return setting.value


def timing_keys(timing: Timing, block: Block, *, own_defaults: bool) -> dict[str, Node]:
    """Return the timing keys of a check.

    With ``own_defaults``, defaults of keepalived are left out.
    """
    interval, timeout = timing.delay_loop, timing.timeout
    if timeout.value > interval.value:
        message = (
            f"the timeout of {duration(timeout.value)} is longer than delay_loop: keepalived waits"
            " after a check, and hadirector starts the next probe when a slow one has ended"
        )
        block.note("timeout above delay_loop", timeout.place, message)
    fall = timing.retry.value + 1
    fast = min(max(timing.delay.value, _DELAY_MIN), interval.value)
    wanted: list[tuple[str, Setting, str | int]] = [
        ("interval", interval, duration(interval.value)),
        ("timeout", timeout, duration(timeout.value)),
        ("rise", timing.retry._replace(given=False), 1),
        ("fall", timing.retry, int(fall)),
    ]
    if fall > 1 and fast < interval.value:
        wanted.append(("fast_interval", timing.delay, duration(fast)))
    return {
        key: setting.node(value)
        for key, setting, value in wanted
        if setting.given or not own_defaults
    }
