"""Makes build/image: python -m tests.image PACKAGE VERSION [BASE].

BASE is a tar archive of a Debian system with the packages of the Dockerfile. Without it, mmdebstrap
makes such a system. It needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.image.dockerfile import Copy, Recipe, Run, read_dockerfile
from tests.image.layout import write_layout

TREE: Final = Path(__file__).parents[2]
DOCKERFILE: Final = TREE / "packaging/image/Dockerfile"
PACKAGE: Final = "build/hadirector.deb"
RELEASES: Final = {"debian:12-slim": "bookworm"}
SECONDS_MAX: Final = 600

ENTER: Final = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'


def main(package: str, version: str, base: str | None = None) -> None:
    """Assemble the image, and print the digest of its manifest."""
    moment = _read_moment()
    recipe = read_dockerfile(DOCKERFILE.read_text(), {"VERSION": version})
    with tempfile.TemporaryDirectory(prefix="hadirector-image-") as directory:
        root = Path(directory) / "root"
        if base is None:
            _make_base(root, recipe, str(moment))
        else:
            root.mkdir()
            subprocess.run(["tar", "-xpf", base, "-C", root], check=True, timeout=SECONDS_MAX)
        for step in recipe.steps:
            match step:
                case Copy(source, target):
                    file = Path(package) if source == PACKAGE else TREE / source
                    shutil.copy(file, root / target.lstrip("/"))
                case Run(script):
                    _run(root, script)
        layout = TREE / "build/image"
        print(write_layout(layout, root, recipe.config, moment, version))


def _read_moment() -> int:
    """Return when the last commit was made, in seconds since 1970: no file of the package is newer.

    A compiled module has the time of its source. An earlier moment would make it useless.
    """
    asked = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(asked, cwd=TREE, capture_output=True, text=True, check=True)
    return int(done.stdout)


def _make_base(root: Path, recipe: Recipe, moment: str) -> None:
    packages = ",".join(recipe.packages)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}"]
    subprocess.run(
        [*command, RELEASES[recipe.base], root],
        check=True,
        timeout=SECONDS_MAX,
        env={**os.environ, "SOURCE_DATE_EPOCH": moment},
    )


def _run(root: Path, script: str) -> None:
    """Run a script in the root, in mount and process namespaces of its own."""
    subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ENTER, root, "sh", "-ec", script],
        check=True,
        timeout=SECONDS_MAX,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
