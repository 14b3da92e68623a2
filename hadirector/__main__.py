"""``python -m hadirector`` and the ``hadirector`` command."""

import sys

from hadirector.runtime import core_files, signals, standard_streams


def main() -> int:
    """Run the command line and return its exit code."""
    standard_streams.fill_missing()
    core_files.forbid()
    if sys.argv[1:2] in (["run"], ["observe"]):
        # Before anything else is imported: a signal in that time would end the director.
        signals.block()
    from hadirector.cli import main as run_command

    return run_command()


if __name__ == "__main__":
    sys.exit(main())
