"""A small storm of events, told twice, late and called off: nothing is lost or doubled."""

from tests.bench.event_storm import storm


async def test_nothing_of_a_storm_is_lost_doubled_or_changed_by_what_comes_late(
    database_url: str,
) -> None:
    found = await storm(database_url, 30)

    assert found["errors"] == {}
    assert (found["kept"], found["cancelled"]) == (30, 10)
    assert found["changed_wrongly"] == 0
    assert (found["follower_lacks"], found["follower_up_to_date_after_s"] is None) == (0, False)
