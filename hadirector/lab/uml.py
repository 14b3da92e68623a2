"""Run a command in User-Mode Linux, on a machine whose kernel has no IPVS.

``python -m hadirector.lab.uml [--timeout SECONDS] -- COMMAND...`` boots Debian's ``linux.uml`` with
the file system of this machine as its root, and loads IPVS and the network modules. Then it runs
the command in the current directory, copies its output, and exits with its status. It needs no
image, no KVM and no privileges.

The command can read and write the files of this machine, except ``/tmp``, ``/run`` and
``/dev/shm``, which are empty. The current directory and the virtual environment are always visible.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from hadirector.lab import xsave

MODULES = (
    *("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc", "ip_vs_lblc", "ip_vs_lblcr"),
    *("ip_vs_dh", "ip_vs_sh", "ip_vs_sed", "ip_vs_nq", "ip_vs_fo", "ip_vs_ovf", "ip_vs_mh"),
    *("bridge", "veth", "macvlan", "dummy", "ipip", "ip_gre", "ip6_tunnel", "fou", "sctp"),
    *("nf_conntrack", "iptable_nat", "iptable_filter", "xt_ipvs", "xt_MASQUERADE"),
)
"""Modules that are loaded before the command starts. The kernel loads others on demand."""

FRESH_DIRECTORIES = ("/tmp", "/run", "/dev/shm")  # noqa: S108  # mount points, not files we create
HOST_TREE = "/run/host"
"""The mount point of the whole host file system, with the directories that are hidden."""

CARRIED_VARIABLES = (
    *("CI", "COLUMNS", "FORCE_COLOR", "HOME", "LANG", "LC_ALL", "NO_COLOR", "TERM", "VIRTUAL_ENV"),
    *("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED"),
)
ADMINISTRATOR_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

TIMEOUT_STATUS = 124
"""The exit status after the time limit, as of timeout(1)."""

_POLL_SECONDS = 0.05

_BOOT = """\
exec 3<&0
(read -r _ <&3; rm -rf "$0"; kill -KILL 0) &
exec linux.uml "$@" </dev/null 3<&-
"""
"""Starts the kernel and a watcher. When this process ends, the pipe of the watcher closes; then the
watcher removes the directory and kills the process group."""

_INIT = """\
#!/bin/sh
set -eu
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p {host_tree} /run/netns /run/lock /run/kernel/lib
mount --bind / {host_tree}
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
{visible}
{environment}
ln -s /usr/lib/uml/modules /run/kernel/lib/modules
printf '#!/bin/sh\\nexec modprobe -d /run/kernel "$@"\\n' >/run/kernel/modprobe
chmod 755 /run/kernel/modprobe
echo /run/kernel/modprobe >/proc/sys/kernel/modprobe
ip link set lo up
modprobe -d /run/kernel -a {modules}
cd {directory}
set +e
{command} </dev/null >{files}/output 2>&1
echo $? >{files}/status.new
sync
mv {files}/status.new {files}/status
sleep 60
"""
"""Prepares the system and runs the command. After the status is written, run() kills the kernel."""


class UmlError(RuntimeError):
    """User-Mode Linux is missing or did not boot. The message has the remedy or its output."""


def kernel_has_ipvs() -> bool:
    """Return whether this kernel has IPVS; load its module if possible."""
    if Path("/proc/net/ip_vs").exists():
        return True
    if shutil.which("modprobe", path=_search_path()) is not None:
        with contextlib.suppress(OSError):
            subprocess.run(
                ["modprobe", "-q", "ip_vs"],
                env={**os.environ, "PATH": _search_path()},
                capture_output=True,
                check=False,
            )
    return Path("/proc/net/ip_vs").exists()


def missing_programs() -> list[str]:
    """Return the programs that User-Mode Linux needs and that are missing, with their packages."""
    packages = {
        "linux.uml": "user-mode-linux",
        "modprobe": "kmod",
        "ip": "iproute2",
    }
    if xsave.has_amx():
        packages[xsave.COMPILER] = "gcc, libc6-dev"
    path = _search_path()
    return [
        f"{program} (Debian package {package})"
        for program, package in packages.items()
        if shutil.which(program, path=path) is None
    ]


def run(
    command: Sequence[str],
    timeout: float = 600.0,
    *,
    output: BinaryIO | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    memory: str = "1G",
    tap: str | None = None,
) -> int:
    """Run a command in User-Mode Linux and return its exit status.

    Standard output and standard error are copied to ``output``, by default the standard output.
    ``timeout`` is in seconds and includes the boot of about 2 s. After the timeout the kernel is
    killed, and the status is 124. ``tap`` is a tap interface of this machine; its other end is the
    interface ``vec0`` inside. Raises UmlError if the kernel does not boot.
    """
    missing = missing_programs()
    if missing:
        raise UmlError(f"User-Mode Linux needs {', '.join(missing)}")
    with _host_directory() as files:
        (files / "output").touch()
        init = files / "init"
        init.write_text(
            init_script(
                command,
                files=files,
                directory=directory or Path.cwd(),
                environment={**_carried_environment(), **(environment or {})},
            )
        )
        init.chmod(0o700)
        with _boot(init, memory, files / "console", tap) as kernel:
            return _follow(kernel, files, output or sys.stdout.buffer, timeout)


def init_script(
    command: Sequence[str], *, files: Path, directory: Path, environment: Mapping[str, str]
) -> str:
    """Return the script of the first process, which prepares the system and runs the command."""
    visible = dict.fromkeys([files, directory, Path(sys.prefix), Path(sys.base_prefix)])
    return _INIT.format(
        host_tree=HOST_TREE,
        visible="\n".join(_uncover(path) for path in visible if _is_hidden(path)),
        environment="\n".join(
            f"export {name}={shlex.quote(value)}" for name, value in environment.items()
        ),
        modules=" ".join(MODULES),
        directory=shlex.quote(str(directory)),
        command=shlex.join(command),
        files=shlex.quote(str(files)),
    )


def _is_hidden(path: Path) -> bool:
    return any(path.is_relative_to(fresh) for fresh in FRESH_DIRECTORIES)


def _uncover(path: Path) -> str:
    inside, on_host = shlex.quote(str(path)), shlex.quote(f"{HOST_TREE}{path}")
    return f"mkdir -p {inside}\nmount --bind {on_host} {inside}"


def _search_path() -> str:
    return f"{os.environ.get('PATH', '')}:{ADMINISTRATOR_PATH}".lstrip(":")


def _carried_environment() -> dict[str, str]:
    carried = {name: os.environ[name] for name in CARRIED_VARIABLES if name in os.environ}
    return {**carried, "PATH": _search_path()}


@contextlib.contextmanager
def _host_directory() -> Iterator[Path]:
    """Create a directory that both kernels can access, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="hadirector-uml-", dir="/var/tmp") as name:
        yield Path(name)


@contextlib.contextmanager
def _boot(
    init: Path, memory: str, console: Path, tap: str | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the kernel in a process group of its own, and kill the whole group at the end.

    Its console is a file, because it would change the settings of a terminal. Its standard input is
    a pipe: if this process is killed, the pipe closes and the watcher kills the kernel.
    """
    arguments = [f"mem={memory}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"]
    arguments += ["quiet", f"init={init}", "con=null", "con0=null,fd:2"]
    arguments.append(f"uml_dir={init.parent}/")  # instead of the user's ~/.uml
    if tap is not None:
        arguments.append(f"vec0:transport=tap,ifname={tap}")
    environment = {**os.environ, "PATH": _search_path()}
    if Path("/dev/shm").is_dir():  # noqa: S108  # the kernel creates and unlinks a unique file
        environment["TMPDIR"] = "/dev/shm"  # noqa: S108  # the memory of the kernel is a file; keep it in RAM
    if xsave.has_amx():
        environment["LD_PRELOAD"] = str(xsave.build_library(init.parent))
    with console.open("wb") as log:
        kernel = subprocess.Popen(
            ["sh", "-c", _BOOT, str(init.parent), *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    try:
        yield kernel
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(kernel.pid, signal.SIGKILL)
        assert kernel.stdin is not None
        kernel.stdin.close()
        kernel.wait()


def _follow(kernel: subprocess.Popen[bytes], files: Path, output: BinaryIO, timeout: float) -> int:
    """Copy the output of the command until its end; return its exit status."""
    deadline = time.monotonic() + timeout
    status = files / "status"
    with (files / "output").open("rb") as source:
        while True:
            ended = status.exists() or kernel.poll() is not None
            shutil.copyfileobj(source, output)
            output.flush()
            if ended:
                break
            if time.monotonic() > deadline:
                print(f"hadirector.lab.uml: killed after {timeout:g} s", file=sys.stderr)
                return TIMEOUT_STATUS
            time.sleep(_POLL_SECONDS)
    if not status.exists():
        console = (files / "console").read_text(errors="replace").strip()
        raise UmlError(f"User-Mode Linux ended before the command; its console:\n{console}")
    return int(status.read_text())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command from the arguments in User-Mode Linux. Return 2 if it does not boot."""
    parser = argparse.ArgumentParser(
        prog="python -m hadirector.lab.uml", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=600.0,
        help="seconds, including the boot (default: %(default)g)",
    )
    parser.add_argument(
        "--tap", metavar="NAME", help="a tap interface of this machine: it leads to vec0 inside"
    )
    parser.add_argument(
        "--kernel-has-ipvs",
        action="store_true",
        help="run no command; exit 0 if the kernel of this machine has IPVS, 1 if not",
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    options = parser.parse_args(arguments)
    if options.kernel_has_ipvs:
        return 0 if kernel_has_ipvs() else 1
    if not options.command:
        parser.error("a command is needed")
    signal.signal(signal.SIGTERM, _end)
    try:
        return run(options.command, options.timeout, tap=options.tap)
    except UmlError as error:
        print(f"hadirector.lab.uml: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
