"""Asks all directors of a fleet at the same time. A director that does not answer holds no other.

Each question has a thread, because the client of the API blocks. A name server or a slow director
can block it beyond every timeout of a socket. So the answer of a thread that is late is dropped,
and the thread ends with the command.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

from hadirector.api.client import ApiError
from hadirector.fleet.inventory import FleetDirector

DEADLINE_SECONDS: Final = 3.0
"""The time in which a director must have answered."""
CONCURRENT_MAX: Final = 32
"""Directors that are asked at the same time. The others wait."""

Answer = TypeVar("Answer")


class Asked(NamedTuple, Generic[Answer]):
    """The answer of a director, or the reason why there is none.

    ``age`` is the age of the answer in seconds.
    """

    director: str
    answer: Answer | None
    failure: str = ""
    age: float = 0.0


def ask_all(
    directors: Sequence[FleetDirector],
    ask: Callable[[FleetDirector], Answer],
    *,
    deadline: float = DEADLINE_SECONDS,
    concurrent: int = CONCURRENT_MAX,
) -> tuple[Asked[Answer], ...]:
    """Return what ``ask`` returns for each director, in the order of the inventory.

    ``ask`` may raise ApiError. ``deadline`` is in seconds, for each director.
    """
    answers: queue.SimpleQueue[tuple[int, Asked[Answer]]] = queue.SimpleQueue()

    def run(number: int) -> None:
        name = directors[number].name
        try:
            answers.put((number, Asked(name, ask(directors[number]))))
        except ApiError as error:
            answers.put((number, Asked(name, None, str(error))))
        except Exception as error:  # noqa: BLE001  # an answer that cannot be read must not be awaited
            answers.put((number, Asked(name, None, f"unexpected answer: {error}")))

    found: dict[int, Asked[Answer]] = {}
    deadlines: dict[int, float] = {}
    waiting = list(reversed(range(len(directors))))
    while waiting or deadlines:
        while waiting and len(deadlines) < concurrent:
            number = waiting.pop()
            deadlines[number] = monotonic() + deadline
            threading.Thread(target=run, args=(number,), daemon=True).start()
        try:
            number, asked = answers.get(timeout=max(0.0, min(deadlines.values()) - monotonic()))
        except queue.Empty:
            pass
        else:
            if deadlines.pop(number, None) is not None:
                found[number] = asked
        now = monotonic()
        for number in [number for number, at in deadlines.items() if at <= now]:
            del deadlines[number]
            late = f"no whole answer within {deadline:g} s"
            found[number] = Asked(directors[number].name, None, late)
    return tuple(found[number] for number in range(len(directors)))
