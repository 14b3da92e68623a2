"""The documents make one site: each link leads somewhere, and each page is reachable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SETTINGS = "packaging/site.yml"


def build(tree: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--strict"),
            *("--config-file", SETTINGS, "--site-dir", str(site)),
        ],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )


def test_the_site_is_built_with_all_parts(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    landing = (tmp_path / "index.html").read_text()
    assert 'src="images/demo.svg"' in landing
    assert 'href="tutorial.html"' in landing
    assert "hadirector drain" in (tmp_path / "commands.html").read_text()
    assert 'href="examples/pair-one-file.html"' in (tmp_path / "configuration.html").read_text()


def test_a_strict_build_fails(tmp_path: Path) -> None:
    """A broken link, a missing heading, and a page that nothing leads to."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    settings = (ROOT / SETTINGS).read_text()
    hook = str(ROOT / "tests/reference/site.py")
    (tmp_path / "packaging").mkdir()
    (tmp_path / SETTINGS).write_text(settings.replace("../tests/reference/site.py", hook))
    with (tmp_path / "docs/glossary.md").open("a") as file:
        file.write("\n[a](nowhere.md) [b](api.md#nowhere)\n")
    (tmp_path / "docs/orphan.md").write_text("# Orphan\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert "contains a link 'nowhere.md', but the target is not found" in done.stderr
    assert "does not contain an anchor '#nowhere'" in done.stderr
    assert 'not included in the "nav" configuration:\n  - orphan.md\n' in done.stderr


def test_the_picture_of_the_demo_loads_nothing_from_other_hosts() -> None:
    picture = (ROOT / "docs/images/demo.svg").read_text()
    assert "@font-face" not in picture
    assert "url(https:" not in picture.replace('"', "")
