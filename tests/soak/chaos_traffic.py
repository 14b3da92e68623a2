"""A client that sends requests without a pause, and the windows in which they failed."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from pathlib import Path
from typing import Final

from hadirector.demo.client import Sample
from hadirector.lab.topology import Host

INTERVAL_MILLISECONDS: Final = 25
TIMEOUT_MILLISECONDS: Final = 1000


class Traffic:
    """A request to one address every 25 ms, each on a new connection."""

    def __init__(self, host: Host, address: str, directory: Path) -> None:
        file = directory / "traffic.jsonl"
        with file.open("w") as output:
            host.start(
                *(sys.executable, "-m", "hadirector.demo.client", "--address", address),
                *("--interval", str(INTERVAL_MILLISECONDS)),
                *("--timeout", str(TIMEOUT_MILLISECONDS)),
                output=output,
            )
        self._reader = file.open()
        self._unread = ""
        self._samples: list[Sample] = []

    def between(self, began: float, ended: float) -> list[Sample]:
        """Return the requests that began in this time, in monotonic seconds; forget older ones.

        A request that has not ended by now is left out.
        """
        *lines, self._unread = (self._unread + self._reader.read()).split("\n")
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # a warning of the interpreter
                self._samples.append(Sample(**json.loads(line)))
        self._samples = [sample for sample in self._samples if sample.began >= began]
        return [sample for sample in self._samples if sample.began < ended]


def failures(samples: list[Sample]) -> list[str]:
    """Return the reasons of the failed requests."""
    return [sample.failure for sample in samples if sample.failure]


def longest_outage(samples: list[Sample]) -> float:
    """Return the longest time from one answered request to the next, in seconds.

    The begin of the first and of the last request bound it as well.
    """
    answered = [sample.began for sample in samples if not sample.failure]
    if not samples:
        return 0.0
    moments = sorted([samples[0].began, *answered, samples[-1].began])
    return max(later - earlier for earlier, later in itertools.pairwise(moments))
