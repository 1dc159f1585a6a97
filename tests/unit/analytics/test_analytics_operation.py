"""How well operation went: by hand, and as the other services tell it."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from tests.fakes.telling_operation import HOME, HOUR, PUMP, START, TellingControl, TellingPlanner
from wattmesh.control.v1 import (
    control_pb2_grpc,
    execution_pb2_grpc,
)
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh_analytics.adapters.control import GrpcControlled
from wattmesh_analytics.adapters.planner import GrpcPlanned
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.operation_indicators import (
    CommandOutcome,
    Effect,
    OperationRecord,
    Outage,
    PlanCounts,
    ZoneComfort,
    outages_of,
)
from wattmesh_analytics.domain.operation_sums import (
    Forecast,
    OperationSums,
    SkillSums,
    operation_sums,
    with_counts,
    with_skill,
)
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.testing import channel_for_test, serve_for_test

DAY = TimeRange.of(START, 24 * HOUR)
BATTERY, ZONE = AssetId(HOME, "battery"), AssetId(HOME, "zone")
INVERTER = DeviceId(HOME, "inverter")
NAN = float("nan")


def hours(values: list[float]) -> Series:
    return Series(START, HOUR, np.array(values, dtype=float))


def test_a_day_of_operation_by_hand() -> None:
    """Half a day without one device of two, three verdicts, an hour of 2 K, 3 of 6 kWh beside."""
    at = [START + hour * HOUR for hour in range(4)]
    record = OperationRecord(
        devices={BATTERY: INVERTER, ZONE: PUMP},
        commands=[
            CommandOutcome(start=at[0], effect=Effect.CONFIRMED),
            CommandOutcome(start=at[1], effect=Effect.CONFIRMED),
            CommandOutcome(start=at[2], effect=Effect.INEFFECTIVE),
            CommandOutcome(start=at[3], effect=Effect.UNKNOWN),
            CommandOutcome(start=DAY.end, effect=Effect.INEFFECTIVE),
        ],
        outages=[Outage(device=PUMP, range=TimeRange.of(START - 6 * HOUR, 18 * HOUR))],
        planned_wh=[hours([2_000, 2_000, 1_000, *[NAN] * 21])],
        metered=[Energy.of_net(hours([2_000, 3_000, -1_000, *[500.0] * 21]))],
        zones={
            ZONE: ZoneComfort(
                air=hours([18, 21, 20, NAN, *[20.0] * 20]),
                low_celsius=np.full(24, 20.0),
                high_celsius=np.full(24, 20.95),
            )
        },
    )
    found = operation_sums(record, DAY).indicators()

    assert found.availability_by_asset == {BATTERY: 1.0, ZONE: 0.5}
    assert found.availability_ratio == 0.75
    assert found.effects == {
        Effect.CONFIRMED: 2,
        Effect.PARTIAL: 0,
        Effect.INEFFECTIVE: 1,
        Effect.UNKNOWN: 1,
    }
    assert found.effect_ratio == pytest.approx(2 / 3)
    assert found.plan_adherence_ratio == pytest.approx(1 - (1 + 2) / 6)
    assert found.discomfort_kelvin_hours == pytest.approx(2.05)
    assert found.comfortable_ratio == pytest.approx(22 / 23)
    assert found.discomfort_by_zone == {ZONE: found.discomfort_kelvin_hours}


def test_what_nobody_tells_is_not_told() -> None:
    found = operation_sums(OperationRecord(missing=("control is away",)), DAY).indicators()

    assert found.availability_ratio is found.effect_ratio is found.plan_adherence_ratio is None
    assert found.discomfort_kelvin_hours is None
    assert found.missing == ("control is away",)
    assert found.planned_ratio is found.wind_skill_ratio is None


def test_a_year_is_told_by_the_sums_of_its_months_and_not_by_the_mean_of_their_ratios() -> None:
    """Nine of ten commands in one month, none of one in the other: nine of eleven."""
    months = [
        operation_sums(
            OperationRecord(
                devices={BATTERY: INVERTER, ZONE: PUMP},
                commands=[
                    *[command(DAY.start, Effect.CONFIRMED, INVERTER)] * confirmed,
                    *[command(DAY.start, Effect.INEFFECTIVE, INVERTER)],
                ],
                outages=[Outage(device=PUMP, range=TimeRange.of(START, away * HOUR))],
                planned_wh=[hours([planned] * 24)],
                metered=[Energy.of_net(hours([1_000.0] * 24))],
                zones={
                    ZONE: ZoneComfort(
                        air=hours([air] * 24),
                        low_celsius=np.full(24, 20.0),
                        high_celsius=np.full(24, 21.0),
                    )
                },
            ),
            DAY,
        )
        for confirmed, away, planned, air in ((9, 12, 1_000.0, 20.5), (0, 0, 500.0, 18.0))
    ]
    one, other = months
    wind = AssetId(HOME, "turbine")
    first = with_skill(one, wind, SkillSums(kind=Forecast.WIND, error_w=10, naive_error_w=40))
    first = with_counts(first, PlanCounts(made=20, late=1, failed=4))
    second = with_skill(other, wind, SkillSums(kind=Forecast.WIND, error_w=50, naive_error_w=40))
    found = (OperationSums() + first + second).indicators()

    assert found.effect_ratio == pytest.approx(9 / 11)
    assert found.effects_by_asset[BATTERY][Effect.INEFFECTIVE] == 2
    assert sum(found.effects_by_asset[ZONE].values()) == 0
    assert found.availability_by_asset == {BATTERY: 1.0, ZONE: 0.75}
    assert found.plan_adherence_ratio == pytest.approx(1 - 12_000 / 48_000)
    assert found.planned_ratio == pytest.approx(19 / 24)
    assert found.comfortable_ratio == 0.5
    assert found.discomfort_kelvin_hours == pytest.approx(48)
    assert found.wind_skill_ratio == pytest.approx(1 - 60 / 80)
    assert found.skill_by_asset == {wind: pytest.approx(0.25)}
    assert found.load_skill_ratio is found.pv_skill_ratio is None


def command(start: datetime, effect: Effect, device: DeviceId) -> CommandOutcome:
    return CommandOutcome(start=start, effect=effect, device=device)


def test_a_device_is_away_as_long_as_anything_keeps_it_away() -> None:
    def at(hour: float, kind: str, back: bool) -> tuple[datetime, DeviceId, object, bool]:
        return START + hour * HOUR, PUMP, kind, back

    events = [
        at(1, "offline", False),
        at(2, "set aside", False),
        at(3, "offline", True),
        at(4, "set aside", True),
        at(5, "set aside", True),
        at(6, "offline", False),
    ]
    assert [each.range for each in outages_of(events, START + 8 * HOUR)] == [
        TimeRange(START + HOUR, START + 4 * HOUR),
        TimeRange(START + 6 * HOUR, START + 8 * HOUR),
    ]


async def test_control_tells_what_came_of_commands_and_who_was_away() -> None:
    control = TellingControl()  # type: ignore[abstract]

    def register(server: Any) -> None:
        control_pb2_grpc.add_ControlServiceServicer_to_server(control, server)
        execution_pb2_grpc.add_ExecutionServiceServicer_to_server(control, server)

    async with serve_for_test(register) as target, channel_for_test(target) as channel:
        controlled = GrpcControlled(channel)
        commands = await controlled.commands(HOME, DAY)
        outages = await controlled.outages(HOME, DAY)

    assert [each.effect for each in commands] == [Effect.INEFFECTIVE, Effect.UNKNOWN]
    assert outages == [Outage(device=PUMP, range=TimeRange(START - HOUR, START + 2 * HOUR))]


async def test_a_plan_counts_until_the_next_one_that_was_taken_begins() -> None:
    planner = TellingPlanner()  # type: ignore[abstract]

    def register(server: Any) -> None:
        planner_pb2_grpc.add_PlannerServiceServicer_to_server(planner, server)

    span = TimeRange.of(START, 6 * HOUR)
    async with serve_for_test(register) as target, channel_for_test(target) as channel:
        planned = GrpcPlanned(channel)
        (series,) = await planned.exchange(HOME, [HOME], span, HOUR / 2)
        counts = await planned.counts(HOME, span)

    known = [500.0, 500.0, 498.0, 498.0, 600.0, 600.0, 598.0, 598.0, 601.0, 601.0]
    assert series.values[:10].tolist() == known
    assert np.isnan(series.values[10:]).all()
    assert counts == PlanCounts(made=2, late=1, failed=1)
