"""What the processes of a director import: memory and start time depend on it."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import PROBE_TYPES, AllProbe, AnyProbe, Probe, TcpProbe
from checks.probes.registry import find_prober
from hadirector.processes.messages import (
    ConfigureChecks,
    FromChecks,
    FromVrrp,
    Stop,
    VerdictChanged,
)
from hadirector.processes.supervisor import Child, ChildStarted

PREPARE = (
    "import sys\n"
    "from hadirector.runtime.imports import DeferredModule\n"
    "from hadirector.processes.__main__ import prepare_imports\n"
    "prepare_imports()\n"
)
DEFERRED = (
    "print([name for name, module in sorted(sys.modules.items())"
    " if isinstance(module, DeferredModule)])\n"
)


def printed(program: str) -> list[str]:
    """The lines that a program prints in a Python of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()


@pytest.mark.parametrize("process", ["vrrp", "checks"])
def test_a_child_process_imports_only_what_it_needs(process: str) -> None:
    """Neither TLS, nor the probes of types that are not configured, nor what the director needs."""
    unwanted = {
        *("_hashlib", "_ssl", "aiohttp", "asyncio_dgram", "dns", "h2", "httptools", "prometheus"),
        *("pydantic", "pyroute2", "rich", "secrets", "structlog", "yaml", "hadirector.director"),
        *("checks.probes.http", "checks.script_runner.runner", "hadirector.config", "dataclasses"),
    }
    program = (
        f"{PREPARE}import hadirector.processes.{process}_process\n"
        f"print(sorted({unwanted} & sys.modules.keys()))\n{DEFERRED}"
    )
    found, deferred = printed(program)
    assert found == "[]"
    assert {"ssl", "inspect"} <= set(ast.literal_eval(deferred))


def maps(pid: int) -> str:
    """The files that a process has mapped (proc(5))."""
    return Path(f"/proc/{pid}/maps").read_text()


async def libraries_of(process: str, configuration: msgspec.Struct, heard: type) -> str:
    """The mapped files of a child process that has sent such a message after its configuration."""
    module = f"hadirector.processes.{process}_process"
    messages: asyncio.Queue[object] = asyncio.Queue()
    child: Child[object] = Child(process, module, FromChecks | FromVrrp, messages.put)
    running = asyncio.create_task(child.run())
    async with asyncio.timeout(20):
        while not isinstance(await messages.get(), ChildStarted):
            pass
        child.send(configuration)
        while not isinstance(await messages.get(), heard):
            pass
    assert child.pid is not None
    mapped = maps(child.pid)
    child.stop(Stop())
    await running
    return mapped


async def test_a_running_checks_process_does_without_openssl() -> None:
    """A failing TCP check has a reason, which must not need TLS either."""
    check = CheckDefinition(
        identity="tcp",
        address="127.0.0.1",
        port=9,
        probe=TcpProbe(),
        timing=Timing(interval=0.1, timeout=0.1, fall=1),
    )
    mapped = await libraries_of("checks", ConfigureChecks((check,)), VerdictChanged)
    assert "libcrypto" not in mapped


def test_a_deferred_module_is_executed_at_its_first_use() -> None:
    """It can be imported several times before. Names with two underscores are no use."""
    program = (
        f"{PREPARE}import asyncio, ssl\n"
        "from asyncio import sslproto\n"
        "import ssl as again\n"
        "print(ssl.__name__, hasattr(ssl, '__path__'), '_ssl' in sys.modules)\n"
        "print(sslproto.SSLProtocol.__name__, again.SSLContext.__name__)\n"
        f"print('_ssl' in sys.modules, again is ssl)\n{DEFERRED}"
    )
    assert printed(program) == [
        "ssl False False",
        "SSLProtocol SSLContext",
        "True True",
        "['inspect']",
    ]


@pytest.mark.parametrize(
    "probe_type", [each for each in PROBE_TYPES.values() if each not in (AllProbe, AnyProbe)]
)
def test_every_type_of_probe_has_a_function(probe_type: type[Probe]) -> None:
    assert callable(find_prober(probe_type))


def test_logs_do_without_rich() -> None:
    """Even where rich is installed; it can be imported later."""
    program = (
        "import sys, hadirector.log\n"
        "print(sorted({'rich', 'pygments'} & sys.modules.keys()))\n"
        "import rich\n"
        "print(rich.__name__)"
    )
    assert printed(program) == ["[]", "rich"]


def test_the_director_imports_the_exposition_of_metrics_at_the_first_scrape() -> None:
    program = (
        "import sys, hadirector.log, hadirector.api.server\n"
        "print(sorted({'prometheus_client', 'pydantic', 'yaml', 'rich', 'pyroute2'}"
        " & sys.modules.keys()))"
    )
    assert printed(program) == ["[]"]
