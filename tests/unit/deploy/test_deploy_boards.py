"""Grafana's boards: written from their source, laid out without overlaps, and provisioned."""

import itertools
import json
import re
from typing import Any

import pytest
import yaml

from tests.fakes.board_questions import Question, questions
from tests.fakes.deployments import compose, overlay
from tools.board_panels import BOARDS
from tools.boards import FOLDER, board_json, written
from tools.bootstrap import ROOT
from wattmesh_runtime.tracing import TurnIds

UIDS = [each.uid for each in BOARDS]


def board(uid: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{uid}.json").read_text())
    return content


def test_the_boards_are_what_their_source_says() -> None:
    assert {path: path.read_text() for path in FOLDER.glob("*.json")} == written(BOARDS)


@pytest.mark.parametrize("uid", UIDS)
def test_panels_have_their_own_place_on_the_grid(uid: str) -> None:
    places = [each["gridPos"] for each in board(uid)["panels"]]
    for place in places:
        assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


def test_every_source_that_is_asked_is_provisioned() -> None:
    text = (ROOT / "deploy/grafana/datasource.yaml").read_text()
    known = {each["uid"]: each["type"] for each in yaml.safe_load(text)["datasources"]}
    for each in BOARDS:
        for panel in board_json(each)["panels"]:
            assert known[panel["datasource"]["uid"]] == panel["datasource"]["type"]


def test_every_board_reaches_grafana_in_compose_and_in_the_cluster() -> None:
    files = {f"{uid}.json" for uid in UIDS}
    mounts = compose()["services"]["grafana"]["volumes"]
    assert "./grafana/boards:/etc/grafana/boards:ro" in mounts
    documents = [each for each in overlay("production") if each["kind"] == "ConfigMap"]
    (kept,) = [each for each in documents if each["metadata"]["name"].startswith("grafana-boards")]
    assert set(kept["data"]) == files


def _variables(question: Question) -> set[str]:
    return set(re.findall(r"\$(?!__)([a-z]+)", question.text))


@pytest.mark.parametrize("question", questions(), ids=lambda each: each.title)
def test_a_question_uses_variables_of_its_board(question: Question) -> None:
    names = {each["name"] for each in board(question.board)["templating"]["list"]}
    assert _variables(question) <= names


def test_the_trace_of_a_plan_is_found_by_its_name() -> None:
    first, again = TurnIds.of("plans/home-1-20160905t0700z"), TurnIds.of("home-1-20160905t0700z-12")
    assert first == again
    assert first != TurnIds.of("plans/home-1-20160905t0800z")
