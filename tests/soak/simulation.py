"""Plays many worlds of the VRRP simulation: ``python -m tests.soak.simulation``, on every core.

Exit 1 with the seeds of the worlds in which a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.certificates import CertificateCourse, CertificateGroupCourse
from tests.simulation.clocks import ClockCourse
from tests.simulation.groups import GroupCourse
from tests.simulation.link_course import LinkCourse
from tests.simulation.plan import Course

CLOCKS_EVERY = 10
"""A world of clocks takes ten times as long as another world."""


def play(seed: int) -> str:
    """Play the worlds of a seed; return the broken promises."""
    told = []
    courses: list[tuple[str, Course | GroupCourse | ClockCourse]] = [
        ("", Course(seed)),
        (" WORLD=groups", GroupCourse(seed)),
        (" WORLD=certificates", CertificateCourse(seed)),
        (" WORLD=certificate_groups", CertificateGroupCourse(seed)),
        (" WORLD=link", LinkCourse(seed)),
    ]
    if seed % CLOCKS_EVERY == 0:
        courses.append((" WORLD=clocks", ClockCourse(seed)))
    for name, course in courses:
        try:
            course.run()
        except AssertionError as failure:
            told.append(f"make simulate SEED={seed}{name}: {failure}")
    return "\n".join(told)


def main() -> int:
    """Play all worlds, also after a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.simulation")
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    with ProcessPoolExecutor() as pool:
        failures = [told for told in pool.map(play, seeds, chunksize=100) if told]
    print(*failures, sep="\n", end="\n" if failures else "")
    took = time.monotonic() - began
    worlds = 5 * len(seeds) + len(seeds[::CLOCKS_EVERY])
    print(f"{worlds} worlds in {took:.0f} s, in {len(failures)} a promise was broken")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
