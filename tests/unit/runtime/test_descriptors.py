"""The reserve of descriptors that clients leave free."""

from __future__ import annotations

import resource

import pytest

from hadirector.runtime.descriptors import API_RESERVE, RELAY_RESERVE, is_reserved, raise_limit


@pytest.mark.parametrize(
    ("limit", "reserve", "first"),
    [
        (16384, RELAY_RESERVE, 16192),
        (16384, API_RESERVE, 16288),
        (1024, RELAY_RESERVE, 832),
        (256, RELAY_RESERVE, 160),
        (256, API_RESERVE, 208),
    ],
)
def test_the_highest_numbers_are_reserved(
    monkeypatch: pytest.MonkeyPatch, limit: int, reserve: int, first: int
) -> None:
    """A small limit has a smaller reserve. Clients of the API get more than those of a service."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert not is_reserved(first - 1, reserve)
    assert is_reserved(first, reserve)


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [(1024, 524288, 16384), (1024, 4096, 4096), (65536, 65536, 65536), (1024, -1, 16384)],
)
def test_the_soft_limit_is_raised_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, limit: int
) -> None:
    chosen: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: chosen.append(limits))
    assert raise_limit(16384) == limit
    assert chosen == [(limit, hard)]
