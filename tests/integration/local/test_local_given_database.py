"""Databases that a run is given: what cannot be used is said before anything starts."""

import psycopg
import pytest

from wattmesh_local.given_database import check_given_database
from wattmesh_local.postgres import PostgresError


def test_an_empty_database_will_do(database_url: str) -> None:
    check_given_database(database_url)


def test_a_database_that_was_only_migrated_will_do(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA metering CREATE TABLE readings (point integer)")

    check_given_database(database_url)


def test_a_database_of_an_earlier_run_is_refused_and_the_way_out_told(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA metering CREATE TABLE readings (point integer)")
        connection.execute("INSERT INTO metering.readings VALUES (1)")

    with pytest.raises(PostgresError, match=r"earlier run.*empty one"):
        check_given_database(database_url)


@pytest.mark.parametrize("url", ["nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_does_not_answer_is_named_at_once(url: str) -> None:
    with pytest.raises(PostgresError, match="WATTMESH_DATABASE_URL cannot be used"):
        check_given_database(url)
