"""What a plan counts on at a grid connection goes to the gateway, and not to an older one."""

from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest

from tests.fakes.control_metering import ControlMetering, metered_home
from tests.fakes.control_process import HOUR, ControlWorld, eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import loop_policy_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOME = "sites/home-1"


@pytest.fixture
def control_metering() -> ControlMetering:
    return ControlMetering(*metered_home("home-1", interval=SECOND))


def counted_on(
    request_id: str, start: datetime, *powers_w: float, owner: str = "planner"
) -> pb.SubmitScheduleRequest:
    intervals = [
        pb.ExchangeInterval(
            range=time_range_to_proto(TimeRange.of(start + index * HOUR, HOUR)),
            net_power_w=power_w,
            peak_power_w=4000.0,
            averaging_interval=duration_to_proto(timedelta(minutes=15)),
        )
        for index, power_w in enumerate(powers_w)
    ]
    return pb.SubmitScheduleRequest(
        request_id=request_id,
        source=f"plans/{request_id}",
        owner=owner,
        priority=10,
        exchanges=[pb.ExchangeSchedule(site=HOME, intervals=intervals)],
    )


async def test_a_plans_exchange_is_followed_interval_by_interval_and_replaced(
    control: ControlWorld,
) -> None:
    async with control.gateway(loops=True) as gateway:

        async def told(target_w: float) -> loop_policy_pb2.LoopPolicy:
            async def there() -> loop_policy_pb2.LoopPolicy | None:
                last = gateway.policies[-1].policies if gateway.policies else ()
                found = [each for each in last if each.WhichOneof("target")]
                return found[0] if found and found[0].net_power_w == target_w else None

            return await eventually(there)

        await control.stub.SubmitSchedule(counted_on("one", T0, 1500.0, 500.0, 400.0))
        policy = await told(1500.0)
        assert policy.target_expire_time.ToDatetime(UTC) == T0 + HOUR
        (peak,) = policy.limits
        assert (peak.max_import_power_w, peak.only_metered) == (4000.0, True)
        await control.stub.SubmitSchedule(counted_on("two", T0 + HOUR, -200.0))
        control.clock.set(T0 + HOUR)
        await told(-200.0)
        rows = await control.rows("SELECT count(*) FROM control.exchanges")
        assert rows == [(2,)], "what runs until the newer one begins stays"
        await control.stub.SubmitSchedule(counted_on("three", T0 + HOUR, -300.0))
        await told(-300.0)
        limit = await control.limit(None, 3000.0, HOUR, device=HOME)
        policy = await told(-300.0)

        async def limited() -> bool | None:
            (last,) = gateway.policies[-1].policies
            return any("grid-operator" in each.id for each in last.limits) or None

        await eventually(limited)
        await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=limit.name))


_OF_AN_OLDER_REPLICA = """
INSERT INTO control.exchanges (site, owner, priority, source, start_time, end_time, document)
VALUES ('sites/home-1', 'older', 20, 'plans/old', '2024-05-01T10:00Z', '2024-05-01T11:00Z',
        '{"site": "sites/home-1", "intervals": [{
            "span": {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01T11:00:00Z"},
            "net_power_w": 700.0, "peak_power_w": null, "averaging": null}]}')
"""


async def test_what_an_older_replica_has_written_goes_to_the_gateway_too(
    control: ControlWorld,
) -> None:
    async with await psycopg.AsyncConnection.connect(control.database_url) as connection:
        await connection.execute(_OF_AN_OLDER_REPLICA)
    async with control.gateway(loops=True) as gateway:

        async def told() -> float | None:
            last = gateway.policies[-1].policies if gateway.policies else ()
            return next((each.net_power_w for each in last if each.WhichOneof("target")), None)

        assert await eventually(told) == 700.0


async def test_what_energy_is_worth_goes_ahead_of_its_interval_and_of_the_newest_plan(
    control: ControlWorld,
) -> None:
    def worthy(request_id: str, start: datetime, *prices: float) -> pb.SubmitScheduleRequest:
        request = counted_on(request_id, start, *prices)
        for interval, price in zip(request.exchanges[0].intervals, prices, strict=True):
            interval.worth.import_price_per_kwh = price
            stored = interval.worth.stores.add(
                device=f"{HOME}/devices/battery",
                values_per_kwh=[price / 2, price / 4],
                charge_efficiency_ratio=0.95,
                discharge_efficiency_ratio=0.95,
            )
            stored.capacity_wh = 6400.0
        return request

    async with control.gateway(loops=True) as gateway:

        async def told(*prices: float) -> loop_policy_pb2.LoopPolicy:
            async def there() -> loop_policy_pb2.LoopPolicy | None:
                last = gateway.policies[-1].policies if gateway.policies else ()
                for one in last:
                    if [each.worth.import_price_per_kwh for each in one.worths] == list(prices):
                        return one
                return None

            return await eventually(there)

        for hour in range(3):  # plans of before, which count no more
            old = worthy(f"old{hour}", T0 - (3 - hour) * HOUR, *[0.9] * 6)
            await control.stub.SubmitSchedule(old)
        await control.stub.SubmitSchedule(worthy("one", T0, 0.1, 0.2, 0.3))
        policy = await told(0.1, 0.2, 0.3)
        assert list(policy.worths[0].worth.stores[0].values_per_kwh) == [0.05, 0.025]
        assert {each.owner for each in policy.worths} == {"planner"}
        await control.stub.SubmitSchedule(worthy("two", T0 + HOUR, 0.4, 0.5))
        await told(0.1, 0.4, 0.5)
        control.clock.set(T0 + HOUR)
        await told(0.4, 0.5)


async def test_worth_that_makes_no_sense_is_refused_with_its_field(control: ControlWorld) -> None:
    request = counted_on("wrong", T0, 100.0)
    worth = request.exchanges[0].intervals[0].worth
    worth.import_price_per_kwh, worth.export_price_per_kwh = 0.1, 0.2
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.stub.SubmitSchedule(request)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_exchange_that_makes_no_sense_is_refused_with_its_field(
    control: ControlWorld,
) -> None:
    request = counted_on("wrong", T0, 100.0)
    request.exchanges[0].intervals[0].ClearField("averaging_interval")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.stub.SubmitSchedule(request)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not await control.rows("SELECT 1 FROM control.exchanges")
