"""Whoever follows limits hears what stands, then each change, and when it is over."""

from datetime import UTC, datetime, timedelta

from tests.fakes.control_process import BATTERY, HOUR, ControlWorld
from tests.fakes.eventually import within
from wattmesh.control.v1 import control_pb2 as pb

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_limits_are_told_as_they_stand_change_and_end(control: ControlWorld) -> None:
    first = await control.limit(None, 2000.0, HOUR)
    stream = control.stub.WatchLimits(pb.WatchLimitsRequest(parent="sites/-/devices/-"))

    async def heard() -> pb.WatchLimitsResponse:
        """What comes next that is no heartbeat."""
        async with within(20):
            while True:
                news: pb.WatchLimitsResponse = await stream.read()
                if news.snapshot or news.limits or news.ended_names:
                    return news

    told = await heard()
    assert (told.snapshot, told.complete, list(told.limits)) == (True, True, [first])

    changed = await control.limit(None, 1000.0, HOUR)
    told = await heard()
    assert (told.snapshot, list(told.limits)) == (False, [changed])
    assert changed.name == first.name, "an owner has one limit a subject"

    later = await control.limit(None, 500.0, HOUR, owner="storm", starts_in=MINUTE)
    assert list((await heard()).limits) == [later], "told before it begins"

    await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=later.name))
    assert list((await heard()).ended_names) == [later.name]
    control.clock.advance(2 * HOUR)
    assert list((await heard()).ended_names) == [first.name], "an end by itself is told, too"
    stream.cancel()
    assert first.subject == BATTERY
