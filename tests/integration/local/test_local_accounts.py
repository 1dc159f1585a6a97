"""The commands about money and certificates, against analytics, metering and carbon as they run."""

import io
from collections.abc import AsyncIterator
from datetime import date, timedelta

import numpy as np
import pytest
from google.longrunning import operations_pb2_grpc
from rich.console import Console
from typer.testing import CliRunner

from tests.fakes.analytics_world import (
    DAY,
    HOUR,
    START,
    AnalyticsWorld,
    HomeDays,
    analytics_world,
)
from wattmesh.analytics.v1 import scenario_pb2
from wattmesh.carbon.v1 import carbon_pb2, footprint_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.time import TimeRange
from wattmesh_local.accounts_desk import AccountsDesk, AccountStubs, Days
from wattmesh_local.cli import app

FIRST = Days(first=date(2024, 6, 1), count=1)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    """A day of a quarter of a kilowatt-hour each quarter of an hour, at 0.20 each."""
    load = np.full(DAY, 0.25)
    flat = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
    )
    async with analytics_world(database_url, START + timedelta(days=1) + HOUR) as world:
        days = HomeDays(sun=np.zeros(DAY), battery=np.zeros(DAY), load=load)
        await world.add_home(flat, days)
        await world.publish(np.full(24, 300.0))
        yield world


def desk_of(world: AnalyticsWorld) -> tuple[AccountsDesk, io.StringIO]:
    said = io.StringIO()
    stubs = AccountStubs(
        sites=world.metering.sites,
        analytics=world.analytics,
        carbon=world.carbon,
        operations=operations_pb2_grpc.OperationsStub(world.channel),
    )
    return AccountsDesk(stubs, Console(file=said, width=200), look_seconds=0.05), said


async def test_what_days_cost_and_would_have_cost_is_told_in_words(world: AnalyticsWorld) -> None:
    desk, said = desk_of(world)
    assert await desk.bill("home-1", FIRST, "", "") == 0
    assert "total" in said.getvalue()
    assert "4.80 USD" in said.getvalue()
    assert await desk.savings(["home-1"], FIRST, "idle") == 0
    assert await desk.savings(["home-1"], FIRST, "uncontrolled") == 0
    assert "0.00 USD" in said.getvalue()
    assert await desk.tariffs("home-1", FIRST, []) == 0
    assert "tariffs/home" in said.getvalue()
    assert await desk.indicators("home-1", FIRST, "day") == 1
    assert "load factor" in said.getvalue()
    assert "not told: control is not asked" in said.getvalue()
    assert await desk.settle("home-1", FIRST) == 0
    assert "2024-06-01  1" in said.getvalue()
    assert await desk.settle("home-1", FIRST) == 0
    assert "1 days as they were" in said.getvalue()
    asked = scenario_pb2.Scenario(
        site="home-1",
        policy=scenario_pb2.SCENARIO_POLICY_IDLE,
        without_batteries=True,
        charging=scenario_pb2.SCENARIO_CHARGING_AT_ONCE,
    )
    assert await desk.scenario(asked, FIRST) == 0
    assert "would have saved" in said.getvalue()
    with pytest.raises(NotFound, match="sites/nowhere"):
        await desk.bill("nowhere", FIRST, "", "")


async def test_certificates_are_listed_with_what_is_left(world: AnalyticsWorld) -> None:
    desk, said = desk_of(world)
    await desk.certificates("")
    assert "no certificates" in said.getvalue()
    certificate = footprint_pb2.Certificate(
        name="certificates/w1",
        issuer="HKNR",
        serial_number="7",
        zone="zones/de",
        technology="wind",
        energy_wh=2e6,
        generation_range=time_range_to_proto(TimeRange.of(START, HOUR)),
    )
    await world.carbon.RegisterCertificate(
        carbon_pb2.RegisterCertificateRequest(certificate=certificate)
    )
    await desk.certificates("de")
    assert "HKNR 7" in said.getvalue()
    assert "2.000" in said.getvalue()


@pytest.mark.parametrize(
    "command",
    ["bill", "savings", "tariffs", "indicators", "measure", "settle", "scenario", "certificates"],
)
def test_each_is_a_command_that_says_what_it_takes(command: str) -> None:
    found = CliRunner().invoke(app, [command, "--help"])
    assert found.exit_code == 0
    assert "Usage" in found.output
