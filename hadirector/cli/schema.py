"""Print the JSON Schema of a configuration file."""

from __future__ import annotations

import argparse

import msgspec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Print the JSON Schema (draft 2020-12) of a configuration file. An editor with a language"
        " server for YAML completes and describes the keys with it."
    )


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001  # every command takes them
    """Print the schema."""
    from hadirector.config.json_schema import make_schema

    print(msgspec.json.format(msgspec.json.encode(make_schema()), indent=2).decode())
    return 0
