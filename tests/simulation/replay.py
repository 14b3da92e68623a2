"""Plays one seed again and prints its events.

``python -m tests.simulation.replay SEED [WORLD]``, where the world is ``groups``, ``clocks``,
``certificates``, ``certificate_groups``, ``link`` or ``fleet``.
"""

from __future__ import annotations

import sys

from tests.simulation.certificates import CertificateCourse, CertificateGroupCourse
from tests.simulation.clocks import ClockCourse
from tests.simulation.fleet.course import FleetCourse
from tests.simulation.fleet.promises import BrokenPromiseError
from tests.simulation.groups import GroupCourse
from tests.simulation.link_course import LinkCourse
from tests.simulation.plan import Course


def replay_fleet(seed: int) -> int:
    """Play a large fleet and print its faults; return 1 if a promise was broken."""
    course = FleetCourse(seed)
    try:
        course.run()
    except BrokenPromiseError as failure:
        print(*course.world.story, failure, sep="\n")
        return 1
    print(*course.world.story, "all promises were kept", sep="\n")
    return 0


def main() -> int:
    """Print the trace; return 1 if a promise was broken."""
    seed, *world = sys.argv[1:]
    if world == ["fleet"]:
        return replay_fleet(int(seed))
    kinds: dict[str, type[Course | GroupCourse | ClockCourse]] = {
        "groups": GroupCourse,
        "clocks": ClockCourse,
        "certificates": CertificateCourse,
        "certificate_groups": CertificateGroupCourse,
        "link": LinkCourse,
    }
    course = kinds.get("".join(world), Course)(int(seed))
    for node in course.world.nodes:
        settings = node.configuration
        print(
            f"{node.address} version {settings.version} priority {settings.priority}"
            f" interval {settings.advert_interval} preempt {settings.preempt}"
            f" delay {settings.preempt_delay} starts after {settings.start_delay}"
        )
    broken: AssertionError | None = None
    try:
        course.run()
    except AssertionError as failure:
        broken = failure
    print(*course.world.trace, sep="\n")
    print(broken or "all promises were kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
