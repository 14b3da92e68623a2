"""Lists what the language rules find: ``python -m tests.language [PATH_PREFIX ...]``."""

from __future__ import annotations

import sys

from tests.language.findings import findings, participles
from tests.language.prose import passages


def main(prefixes: list[str]) -> int:
    """Print every finding below the prefixes, and how many there are per 1000 words."""
    words = hits = 0
    for passage in passages():
        if prefixes and not passage.file.startswith(tuple(prefixes)):
            continue
        words += len(passage.text.split())
        for finding in findings(passage):
            hits += finding.counts
            print(finding)
    for place in participles():
        if not prefixes or place.startswith(tuple(prefixes)):
            print(f"{place}: a participle as the name of a function (use a verb or a noun)")
    print(f"{hits} findings in {words} words: {1000 * hits / max(words, 1):.1f} per 1000")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
