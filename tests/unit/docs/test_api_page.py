"""docs/api.md and docs/openapi-v1.json describe the API of the code, which only grows."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.reference.api import (
    DOCUMENT,
    PAGE,
    committed_document,
    current_document,
    render,
    render_document,
)
from tests.reference.api_growth import shrinkage

RUN_MAKE_TABLES = "run `make tables`"
PATH = "/v1/virtual-servers"


def test_the_page_describes_the_operations_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == render(PAGE.read_text("utf-8")), RUN_MAKE_TABLES


def test_the_committed_document_is_that_of_the_code() -> None:
    current = render_document(current_document())
    assert DOCUMENT.read_text("utf-8") == current, RUN_MAKE_TABLES


def test_nothing_of_the_committed_document_is_lost() -> None:
    assert shrinkage(committed_document(), current_document()) == []


def _remove_path(document: dict[str, Any]) -> None:
    del document["paths"][PATH]


def _remove_parameter(document: dict[str, Any]) -> None:
    document["paths"][PATH]["get"]["parameters"].pop(0)


def _narrow_parameter(document: dict[str, Any]) -> None:
    document["paths"][PATH]["get"]["parameters"][0]["schema"]["maximum"] = 100


def _remove_field(document: dict[str, Any]) -> None:
    del document["components"]["schemas"]["Overview"]["properties"]["age"]


def _require_field(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["OverrideRequest"]["required"].append("reason")


def _remove_value(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Action"]["enum"].remove("drain")


def _change_type(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Overview"]["properties"]["name"]["type"] = "integer"


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (_remove_path, "GET /v1/virtual-servers: it is missing"),
        (_remove_parameter, "GET /v1/virtual-servers: the parameter limit is missing"),
        (_narrow_parameter, "GET /v1/virtual-servers: limit: maximum was 200 and is 100"),
        (_remove_field, "Overview.age: it is missing"),
        (_require_field, "OverrideRequest.reason: it is required"),
        (_remove_value, "Action: the values ['drain'] are missing"),
        (_change_type, "Overview.name: type was string and is integer"),
    ],
)
def test_each_kind_of_loss_is_found(change: Any, lost: str) -> None:
    changed = deepcopy(current_document())
    change(changed)
    assert lost in shrinkage(current_document(), changed)
    assert shrinkage(current_document(), current_document()) == []


def test_growth_is_no_loss() -> None:
    grown = deepcopy(current_document())
    grown["paths"]["/v1/new"] = grown["paths"][PATH]
    grown["components"]["schemas"]["Overview"]["properties"]["new"] = {"type": "string"}
    grown["components"]["schemas"]["Action"]["enum"].append("pause")
    assert shrinkage(current_document(), grown) == []
