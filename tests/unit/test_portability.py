"""Every binary layout is the same on x86_64 and aarch64.

Both are little-endian, with 64-bit pointers and longs. A layout with a byte order has no padding of
the compiler. A layout of a structure of the kernel must therefore have its padding written out.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"Struct", "pack", "unpack", "pack_into", "unpack_from", "iter_unpack", "calcsize"}

NATIVE = {
    "@ll",  # struct timeval (SO_RCVTIMEO): two longs
    "@ii",  # struct linger: two ints
    "@HBBI",  # struct sock_filter
    "@HP",  # struct sock_fprog: a length, padding, and a pointer
}
"""The only layouts with the alignment and the types of the machine."""


def layouts() -> Iterator[tuple[str, str]]:
    """Yield each layout in the code, with its place."""
    for package in ("hadirector", "vrrp", "checks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in FUNCTIONS and node.args:
                    first = node.args[0]
                    text = first.value if isinstance(first, ast.Constant) else None
                    if isinstance(text, str) and re.fullmatch(r"[@=<>!]?[0-9a-zA-Z? ]+", text):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr if _is_struct(function.value) else ""
    return function.id if isinstance(function, ast.Name) else ""


def _is_struct(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id == "struct"


LAYOUTS = sorted(layouts())


def test_layouts_are_found() -> None:
    assert len(LAYOUTS) > 70


@pytest.mark.parametrize(("place", "layout"), LAYOUTS)
def test_a_layout_names_its_byte_order(place: str, layout: str) -> None:
    """Or it is in the list of native layouts."""
    assert layout[0] in "=<>!" or layout in NATIVE, place


@pytest.mark.parametrize(("place", "layout"), [each for each in LAYOUTS if each[1][0] == "="])
def test_a_structure_of_the_kernel_has_its_padding_written_out(place: str, layout: str) -> None:
    """With the alignment of the machine, the layout would have the same size."""
    assert struct.calcsize(layout) == struct.calcsize("@" + layout[1:]), place


@pytest.mark.parametrize(("layout", "size"), [("@ll", 16), ("@ii", 8), ("@HBBI", 8), ("@HP", 16)])
def test_native_layouts_have_the_sizes_of_a_64_bit_kernel(layout: str, size: int) -> None:
    assert struct.calcsize(layout) == size
