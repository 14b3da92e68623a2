"""``python -m hadirector`` and the ``hadirector`` command."""

import sys

from hadirector.runtime import signals


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:2] == ["run"]:
        # Before anything else is imported: a signal in that time would end the director.
        signals.block()
    from hadirector.cli import main as run_command

    return run_command()


if __name__ == "__main__":
    sys.exit(main())
