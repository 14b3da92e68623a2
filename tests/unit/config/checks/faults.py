"""The first fault of a check, for the tests of its options."""

from collections.abc import Callable


def server(check: str) -> str:
    """Return a configuration whose real server has this check."""
    real_servers = f"real_servers: [{{address: 10.0.0.2, check: {check}}}]"
    return f"virtual_servers: [{{address: 10.0.0.1:80, {real_servers}}}]"


def fault_of_check(faults_of: Callable[[str], list[str]], check: str) -> str:
    """Return the first fault of a configuration with this check, from the key of the check on."""
    first = faults_of(server(check))[0]
    return first.partition(" virtual_servers[0].real_servers[0].check")[2].lstrip(".: ")
