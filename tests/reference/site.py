"""Completes the site of the documents while mkdocs builds it (`make docs`).

The site also has the pages in the root of the tree, the examples of configs, and a page with the
help of each command. Links between the files of the tree become links between the pages. A link to
a file that is not on the site becomes text.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from hadirector.cli import COMMANDS, load

ROOT: Final = Path(__file__).parents[2]
OF_THE_ROOT: Final = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "README.md": "index.md",
}
"""Files in the root of the tree, and their pages."""
EXAMPLES: Final = ("*.yaml", "fleet/*.yaml", "prometheus/*.yaml", "grafana/*.json")
WIDTH: Final = 100
_LINK: Final = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the parts of the navigation that list files."""
    lists = {
        "Examples": [page for _, page in examples()],
        "Decisions": sorted(
            f"decisions/{each.name}" for each in (ROOT / "docs/decisions").iterdir()
        ),
    }
    assert config.nav is not None
    for part in config.nav:
        for pages in part.values():
            for index, page in enumerate(pages):
                if isinstance(page, dict):
                    [title] = page
                    pages[index] = {title: lists[title]}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs."""
    for source, page in OF_THE_ROOT.items():
        if page != "index.md":
            text = link_pages((ROOT / source).read_text("utf-8"), source, page)
            files.append(File.generated(config, page, content=text))
    for source, page in examples():
        text = (ROOT / source).read_text("utf-8")
        content = f"# {source}\n\n```{PurePosixPath(source).suffix[1:]}\n{text}```\n"
        files.append(File.generated(config, page, content=content))
    files.append(File.generated(config, "commands.md", content="\n".join(describe_commands())))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links to files of the tree into links to pages."""
    source = page.file.src_uri
    return markdown if page.file.generated_by else link_pages(markdown, f"docs/{source}", source)


def examples() -> list[tuple[str, str]]:
    """Return the path of each example in the tree, and its page."""
    found = (each for pattern in EXAMPLES for each in sorted((ROOT / "configs").glob(pattern)))
    sources = (str(each.relative_to(ROOT)) for each in found)
    return [
        (source, source.replace("configs/", "examples/").rsplit(".", 1)[0] + ".md")
        for source in sources
    ]


def link_pages(text: str, source: str, page: str) -> str:
    """Return a text with links to pages. ``source`` is its file, ``page`` its place on the site."""
    pages = dict(examples()) | OF_THE_ROOT

    def replace(link: re.Match[str]) -> str:
        title, target, anchor = link[1], link[2], link[3] or ""
        path = normpath(str(PurePosixPath(source).parent / target))
        if not (ROOT / path).exists():
            return link[0]  # mkdocs reports it
        if path.startswith("docs/"):
            path = path.removeprefix("docs/")
            if (ROOT / "docs" / path).is_dir():
                path = "decisions/" + min(each.name for each in (ROOT / "docs" / path).iterdir())
        elif path in pages:
            path = pages[path]
        else:
            return title
        return f"[{title}]({relpath(path, str(PurePosixPath(page).parent))}{anchor})"

    return _LINK.sub(replace, text)


def describe_commands() -> Iterator[str]:
    """Yield the lines of the page with the help of each command."""
    yield from ("# Commands", "", "The same is in `man hadirector`.", "")
    for name, entry in COMMANDS.items():
        parser = argparse.ArgumentParser(
            prog=f"hadirector {name}",
            description=entry.summary,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=WIDTH),
        )
        load(name).add_arguments(parser)
        yield from (f"## {name}", "", f"{entry.summary[0].upper()}{entry.summary[1:]}.", "")
        yield from ("```text", parser.format_help().rstrip(), "```", "")
