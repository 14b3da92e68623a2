"""The parts of every experiment: web servers, a client, directors, and the kernel as witness."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hadirector.lab.topology import Host


def start_web(host: Host, name: str, address: str, port: int = 80) -> subprocess.Popen[str]:
    """Start a web server that answers with its name; return once it listens."""
    arguments = ["--address", address, "--port", str(port), "--name", name]
    process = host.start(
        sys.executable, "-m", "hadirector.lab.web", *arguments, output=subprocess.PIPE
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if said != "ready\n":
        raise RuntimeError(f"the web server {name} did not start: {said}{process.stdout.read()}")
    return process


def fetch(client: Host, address: str, count: int, *, seconds: float = 5.0) -> list[str]:
    """Make ``count`` requests one after the other, each on a new connection; return their answers.

    A request that fails, or takes longer than ``seconds``, leaves ``failed: `` and curl's reason in
    its place. One curl process makes them all.
    """
    limit = ["--max-time", f"{seconds:g}", "--header", "Connection: close"]
    told = ["--silent", "--write-out", "%{onerror}failed: %{errormsg}\n"]
    result = client.run(
        *("curl", *limit, *told, f"http://{address}/[1-{count}]"),
        timeout=count * seconds + 60.0,
        check=False,
    )
    return result.stdout.splitlines()


def start_director(host: Host, configuration: str, directory: Path) -> subprocess.Popen[str]:
    """Start ``hadirector run`` on this configuration; it logs to ``NAME.log`` in ``directory``."""
    file = directory / f"{host.name}.yaml"
    file.write_text(configuration)
    with (directory / f"{host.name}.log").open("a") as log:
        return host.start(sys.executable, "-m", "hadirector", "run", "-c", str(file), output=log)


def kernel_table(host: Host) -> list[str]:
    """Return the host's IPVS table in the form of ``ipvsadm --save --numeric``, sorted."""
    return sorted(line.strip() for line in host.run("ipvsadm", "-Sn").stdout.splitlines())


def eventually(condition: Callable[[], bool], seconds: float, *, pause: float = 0.1) -> bool:
    """Ask again and again until the condition holds; False when ``seconds`` are over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
