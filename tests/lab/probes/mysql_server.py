"""A MariaDB server in its own folder, with one user: watcher, without a password."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.probes.processes import server, unprivileged

TABLES = Path("/usr/share/mysql/mysql_system_tables.sql")
WATCHER = "INSERT INTO global_priv VALUES ('%', 'watcher', '{}');"


@contextlib.contextmanager
def mariadb(folder: Path, *settings: str) -> Iterator[int]:
    """Create the system tables, start the server, and yield its port."""
    data = folder / "data"
    (data / "mysql").mkdir(parents=True)
    unprivileged(folder)
    who = ["--user=nobody"] if os.geteuid() == 0 else []
    small = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--pid-file=pid"]
    common = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", *who, *small]
    tables = f"use mysql;\n{TABLES.read_text()}\n{WATCHER}\n"
    subprocess.run(
        [*common, "--bootstrap"], input=tables, text=True, capture_output=True, check=True
    )
    where = ["--bind-address=127.0.0.1", f"--socket={folder}/socket"]
    with server(lambda port: [*common, *where, f"--port={port}", *settings]) as port:
        yield port
