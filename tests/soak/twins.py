"""Compares keepalived and hadirector with many generated files: ``python -m tests.soak.twins``.

Exit 1 with the seeds whose files have different effects.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.generated_files import generate
from tests.lab.twins import try_files


def main() -> int:
    """Run all files, also after a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.twins")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    failed = 0
    seeds = range(options.first, options.first + options.files)
    with tempfile.TemporaryDirectory() as directory:
        for seed, found in try_files(seeds, generate, Path(directory)).items():
            failed += bool(found)
            print(*(f"seed {seed}: {line}" for line in found), sep="\n", end="\n" if found else "")
    took = time.monotonic() - began
    print(f"{options.files} files in {took:.0f} s, {failed} of them with different effects")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
