"""Which route answers a request."""

from __future__ import annotations

import pytest

from hadirector.api.actor import Role
from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Method, Nothing, Reply, Route
from hadirector.api.routing import Router


async def answer(_call: Call[Nothing, Nothing]) -> Reply[int]:
    return Reply(1)


def route(method: Method, path: str) -> Route[Nothing, Nothing, int]:
    return Route(
        method=method,
        path=path,
        name="x",
        summary="x",
        role=Role.READ,
        handler=answer,
        query=Nothing,
        body=Nothing,
        answer=int,
    )


ROUTER = Router(
    [
        route("GET", "/v1/config/{number}"),
        route("POST", "/v1/config/plan"),
        route("GET", "/v1/virtual-servers/{vs}/real-servers/{rs}"),
        route("PUT", "/v1/virtual-servers/{vs}/real-servers/{rs}"),
    ]
)


def refusal(method: str, path: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        ROUTER.find(method, path)
    return caught.value


def test_names_are_decoded_after_the_path_is_split() -> None:
    found = ROUTER.find("PUT", "/v1/virtual-servers/web%2Fblue/real-servers/%5B2001:db8::1%5D:80")
    assert found.route.method == "PUT"
    assert found.names == {"vs": "web/blue", "rs": "[2001:db8::1]:80"}


def test_head_is_answered_by_get() -> None:
    assert ROUTER.find("HEAD", "/v1/config/7").route.method == "GET"


def test_a_literal_path_goes_before_a_name() -> None:
    assert ROUTER.find("POST", "/v1/config/plan").route.path == "/v1/config/plan"
    assert refusal("GET", "/v1/config/plan").headers == {"Allow": "POST"}


def test_another_method_is_refused_with_the_methods_of_the_path() -> None:
    refused = refusal("DELETE", "/v1/virtual-servers/web/real-servers/a")
    assert refused.code is Code.METHOD_NOT_ALLOWED
    assert refused.headers == {"Allow": "GET, HEAD, PUT"}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/config/", "/v1/config/1/2", "*", ""])
def test_an_unknown_path_is_refused(path: str) -> None:
    assert refusal("GET", path).code is Code.NOT_FOUND


def test_a_similar_path_is_suggested() -> None:
    assert refusal("POST", "/v1/confg/plan").errors[0].suggestion == "/v1/config/plan"
