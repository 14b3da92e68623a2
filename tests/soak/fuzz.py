"""All readers of bytes accept or refuse any input: ``python -m tests.soak.fuzz``.

Good inputs are mutated at random (`mutation.py`) and given to the readers. An unexpected exception
ends the run. An input costs about 10 us if it is a packet, up to 100 if it is a reply, 300 in a
channel, a thousand in a keepalived.conf, several thousand in a YAML file. Therefore ``--count`` is
the number of packets. Replies, answers of sources and keepalived.conf get a tenth, channels a
hundredth, and YAML files a two-thousandth. Exit 1 with the bytes and the command that repeats the
failure. It uses every core.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple, Protocol

from tests.soak.channels import every_direction
from tests.soak.configurations import Configurations
from tests.soak.keepalived_files import KeepalivedFiles
from tests.soak.mutation import Mutator
from tests.soak.packets import every_kind
from tests.soak.registries import every_answer
from tests.soak.replies import every_reply

CHUNK = 20_000


class Target(Protocol):
    """A reader of bytes from outside."""

    @property
    def name(self) -> str:
        """The name of the reader."""

    @property
    def samples(self) -> Sequence[bytes]:
        """Return good inputs, of all kinds."""

    def take(self, data: bytes) -> str:
        """Read an input; return a word for the result. An exception is a bug."""

    def mend(self, data: bytes) -> bytes:
        """Repair what would end the reading early, for example a checksum."""


class Kind(NamedTuple):
    """The readers of one sort, and the share of the count that each of them gets."""

    make: Callable[[], Sequence[Target]]
    divisor: int


KINDS = (
    Kind(every_kind, 1),
    Kind(every_reply, 10),
    Kind(every_answer, 10),
    Kind(every_direction, 100),
    Kind(lambda: [Configurations()], 2000),
    Kind(lambda: [KeepalivedFiles()], 10),
)


class Chunk(NamedTuple):
    """Some inputs of one target, from their own seed."""

    kind: int
    target: int
    number: int
    inputs: int
    seed: int


class Outcome(NamedTuple):
    """The results of a chunk; ``bug`` describes an input that raised an exception."""

    name: str
    words: Counter[str]
    seconds: float
    bug: str = ""


def fuzz(target: Target, seed: str, count: int) -> tuple[Counter[str], str]:
    """Give ``count`` inputs to a target; return the results, and the bug that ended it."""
    mutator, words = Mutator(seed, target.samples), Counter[str]()
    for number in range(count):
        data = mutator.next()
        if mutator.sometimes():
            data = target.mend(data)
        try:
            words[target.take(data)] += 1
        except Exception:  # noqa: BLE001  (any exception is a fault of the code under test)
            story = traceback.format_exc()
            return words, f"{target.name}, seed {seed}, input {number}: {data.hex()}\n{story}"
    return words, ""


def run(chunk: Chunk) -> Outcome:
    """Play one chunk, in a process of the pool."""
    began = time.process_time()
    target = KINDS[chunk.kind].make()[chunk.target]
    words, bug = fuzz(target, f"{chunk.seed}/{chunk.number}", chunk.inputs)
    return Outcome(target.name, words, time.process_time() - began, bug)


def plan(count: int, seed: int) -> list[Chunk]:
    """Divide the inputs into chunks."""
    chunks = []
    for at, kind in enumerate(KINDS):
        targets = len(kind.make())
        each = max(1, count // kind.divisor // targets)
        for target in range(targets):
            for number, start in enumerate(range(0, each, CHUNK)):
                chunks.append(Chunk(at, target, number, min(CHUNK, each - start), seed))
    return chunks


def main() -> int:
    """Fuzz all readers; return 1 if there is a bug."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.fuzz")
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    words: dict[str, Counter[str]] = {}
    seconds: dict[str, float] = {}
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        for outcome in pool.map(run, plan(options.count, options.seed)):
            if outcome.bug:
                print(outcome.bug)
                pool.shutdown(cancel_futures=True)
                return 1
            words.setdefault(outcome.name, Counter()).update(outcome.words)
            seconds[outcome.name] = seconds.get(outcome.name, 0.0) + outcome.seconds
    for name, counted in words.items():
        total = counted.total()
        print(f"{name}: {total} inputs, {seconds[name] / total * 1e6:.0f} us each")
        print("   ", ", ".join(f"{word} {number}" for word, number in counted.most_common()))
    total = sum(each.total() for each in words.values())
    print(f"{total} inputs in {time.monotonic() - began:.0f} s, seed {options.seed}: no bug")
    return 0


if __name__ == "__main__":
    sys.exit(main())
