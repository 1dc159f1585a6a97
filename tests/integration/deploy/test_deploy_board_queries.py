"""Every question of the boards to the database, asked of the schemas as migrations make them."""

from datetime import UTC, datetime
from importlib import import_module

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.fakes.board_questions import Question, filled_in, questions
from tools.deployment_secrets import DATABASE_SERVICES
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.tracing import TurnIds

START, END = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
PLAN = "plans/home-1-20240501t0700z-2"
VARIABLES = {"site": "sites/home-1", "plan": PLAN}
_TO_DATABASE = [each for each in questions() if each.source == "database"]


async def migrated(url: str) -> None:
    for name in DATABASE_SERVICES:
        import_module(f"wattmesh_{name}")
        async with Database(url, name) as database:
            await migrate(database, f"wattmesh_{name}")


def asked(url: str, question: Question) -> list[str]:
    """Return the names of the columns of an answer, by a role that may only read."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.commit()
        cursor = connection.execute(filled_in(question.text, START, END, VARIABLES).encode())
        return [each.name for each in cursor.description or ()]


@pytest.mark.time_limit(120)
async def test_every_question_has_an_answer_in_the_shape_of_its_panel(database_url: str) -> None:
    await migrated(database_url)
    assert len(_TO_DATABASE) > 25
    for question in _TO_DATABASE:
        columns = asked(database_url, question)
        if "time" in columns and "value" in columns:
            assert columns == ["time", "metric", "value"], question.title


async def test_the_board_finds_the_trace_of_a_plan(database_url: str) -> None:
    (question,) = (each for each in _TO_DATABASE if each.panel == "$trace")
    with psycopg.connect(database_url) as connection:
        sql = filled_in(question.text, START, END, VARIABLES)
        (found,) = connection.execute(sql.encode()).fetchone() or ("",)
    assert found == f"{TurnIds.of(PLAN).trace_id:032x}"
