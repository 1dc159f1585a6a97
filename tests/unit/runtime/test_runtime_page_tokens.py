"""Page tokens: sealed on the way out, opened on the way in."""

import pytest

from wattmesh.planner.v1 import planner_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.page_tokens import open_token, seal_token

METHOD = "/wattmesh.planner.v1.PlannerService/ListPlans"


def sealed(own: str, parent: str = "sites/a") -> str:
    response = planner_pb2.ListPlansResponse(next_page_token=own)
    seal_token(METHOD, planner_pb2.ListPlansRequest(parent=parent), response)
    return response.next_page_token


def test_a_token_comes_back_as_the_use_case_gave_it_and_shows_nothing() -> None:
    token = sealed("sites/a/plans/20240101")
    request = planner_pb2.ListPlansRequest(parent="sites/a", page_token=token)
    open_token(METHOD, request)
    assert request.page_token == "sites/a/plans/20240101"
    assert "plans" not in token
    assert len(token) < 50


def test_the_first_page_and_the_last_have_none() -> None:
    open_token(METHOD, planner_pb2.ListPlansRequest())
    assert sealed("") == ""


@pytest.mark.parametrize(
    "token",
    [
        "sites/a/plans/x",
        "ä",
        "====",
        "A" * 100_000,
        sealed("x", parent="sites/b"),
        sealed("x")[:-1],
        "99999999999999999999",
    ],
)
def test_a_foreign_token_is_refused(token: str) -> None:
    request = planner_pb2.ListPlansRequest(parent="sites/a", page_token=token)
    with pytest.raises(InvalidArgument) as refused:
        open_token(METHOD, request)
    assert (refused.value.reason, refused.value.field) == ("INVALID_PAGE_TOKEN", "page_token")
