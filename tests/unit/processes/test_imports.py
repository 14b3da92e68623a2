"""What the processes of a director import: memory and start time depend on it."""

from __future__ import annotations

import subprocess
import sys

PREPARE = (
    "import sys\n"
    "from hadirector.processes.__main__ import DeferredModule, DeferringFinder\n"
    "sys.meta_path.insert(0, DeferringFinder())\n"
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


def test_the_vrrp_process_leaves_tls_out() -> None:
    program = f"{PREPARE}import hadirector.processes.vrrp_process\n{DEFERRED}"
    program += "print('_ssl' in sys.modules)"
    assert printed(program) == ["['asyncio.sslproto', 'ssl']", "False"]


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
    assert printed(program) == ["ssl False False", "SSLProtocol SSLContext", "True True", "[]"]


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
