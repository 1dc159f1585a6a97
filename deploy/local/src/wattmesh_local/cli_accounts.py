"""Commands about money and certificates: what was, what would have been, what is settled."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from wattmesh.analytics.v1 import scenario_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_local.accounts_desk import (
    CHARGING,
    CLIMATES,
    POLICIES,
    RUNS,
    TANKS,
    AccountsDesk,
    Days,
    accounts_desk,
)
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.options import state_folder

app = typer.Typer()

Site = Annotated[str, typer.Argument(help="home-1, or sites/home-1.")]
First = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, of the site's zone.")
]
Count = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days.")]


class Against(StrEnum):
    """What to compare with."""

    IDLE = "idle"
    PLAIN_RULE = "plain-rule"
    CHARGE_AT_ONCE = "charge-at-once"
    THERMOSTAT = "thermostat"
    UNCONTROLLED = "uncontrolled"


class Division(StrEnum):
    """How days are taken together."""

    WHOLE = "whole"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Charging(StrEnum):
    """When vehicles charge in a scenario."""

    METERED = "metered"
    AT_ONCE = "at-once"
    FORESIGHT = "foresight"


class Climate(StrEnum):
    """How zones are heated and cooled in a scenario."""

    METERED = "metered"
    THERMOSTAT = "thermostat"
    FORESIGHT = "foresight"


class Tanks(StrEnum):
    """How tanks are heated in a scenario."""

    METERED = "metered"
    THERMOSTAT = "thermostat"
    FORESIGHT = "foresight"


class Runs(StrEnum):
    """When work that can wait is done in a scenario."""

    METERED = "metered"
    AT_ONCE = "at-once"
    FORESIGHT = "foresight"


class Policy(StrEnum):
    """By what batteries act."""

    FORESIGHT = "foresight"
    PLAIN_RULE = "plain-rule"
    IDLE = "idle"


@app.command()
def bill(
    site: Site,
    first: First,
    days: Count = 30,
    tariff: Annotated[str, typer.Option(help="Another contract than the site's.")] = "",
    without: Annotated[
        Against | None, typer.Option(help="What would have been, had nobody controlled this.")
    ] = None,
    substitutes: Annotated[
        bool, typer.Option(help="Bill gaps by what validation put in their place, and say so.")
    ] = False,
) -> None:
    """What a site's days cost, line by line; status 1 when something could not be billed."""
    told = "" if without is None else without.value
    _ask(lambda desk: desk.bill(site, _days(first, days), tariff, told, substitutes=substitutes))


@app.command()
def savings(
    first: First,
    days: Count = 30,
    site: Annotated[list[str] | None, typer.Option(help="Which sites; else all.")] = None,
    against: Annotated[Against, typer.Option(help="What to compare with.")] = Against.IDLE,
) -> None:
    """What control saved beside what would have been, and why; 1 if something is left out."""
    _ask(lambda desk: desk.savings(site or [], _days(first, days), against.value))


@app.command()
def tariffs(
    site: Site,
    first: First,
    days: Count = 30,
    tariff: Annotated[list[str] | None, typer.Option(help="Which tariffs; else all.")] = None,
) -> None:
    """What tariffs would have cost over the same energy, the cheapest first."""
    _ask(lambda desk: desk.tariffs(site, _days(first, days), tariff or []))


@app.command()
def indicators(
    site: Site,
    first: First,
    days: Count = 7,
    by: Annotated[Division, typer.Option(help="How days are taken together.")] = Division.WHOLE,
) -> None:
    """How much was a site's own and, to 92 days, how operation went; 1: not all of it is told."""
    _ask(lambda desk: desk.indicators(site, _days(first, days), by.value))


@app.command()
def measure(
    site: Site,
    first: First,
    days: Count = 30,
    baseline_days: Annotated[int, typer.Option(min=28, max=400, help="Days before it.")] = 365,
) -> None:
    """What a measure of efficiency has saved from the first day on, in the weather there was."""
    before = Days(first=(first - timedelta(days=baseline_days)).date(), count=baseline_days)
    _ask(lambda desk: desk.measure(site, before, _days(first, days)))


@app.command()
def settle(site: Site, first: First, days: Count = 1) -> None:
    """Settle days that are over; those that have changed get another version, with the reason."""
    _ask(lambda desk: desk.settle(site, _days(first, days)))


@app.command()
def scenario(
    site: Site,
    first: First,
    days: Count = 7,
    policy: Annotated[Policy, typer.Option(help="By what batteries act.")] = Policy.FORESIGHT,
    tariff: Annotated[str, typer.Option(help="Another contract than the site's.")] = "",
    battery_kwh: Annotated[
        float | None, typer.Option(min=0, help="Another battery; 0: none at all.")
    ] = None,
    battery_kw: Annotated[float, typer.Option(min=0, help="Its power, both ways.")] = 5.0,
    generation: Annotated[
        float | None, typer.Option(min=0, help="So many times the generation that was metered.")
    ] = None,
    charging: Annotated[Charging, typer.Option(help="When vehicles charge.")] = Charging.METERED,
    charger_kw: Annotated[
        float | None, typer.Option(min=0.1, help="Another power of all charge points.")
    ] = None,
    v2g: Annotated[bool, typer.Option(help="Vehicles give back, too.")] = False,
    climate: Annotated[Climate, typer.Option(help="How rooms are heated.")] = Climate.METERED,
    tanks: Annotated[Tanks, typer.Option(help="How hot water is made.")] = Tanks.METERED,
    runs: Annotated[Runs, typer.Option(help="When work that can wait is done.")] = Runs.METERED,
    lower_kelvin: Annotated[
        float, typer.Option(min=-20, max=20, help="Lower edge of comfort moved [K].")
    ] = 0.0,
    upper_kelvin: Annotated[
        float, typer.Option(min=-20, max=20, help="Upper edge of comfort moved [K].")
    ] = 0.0,
) -> None:
    """Run past days again with another tariff, battery, generation, policy or times of use."""
    asked = scenario_pb2.Scenario(
        site=site,
        policy=POLICIES[policy.value],
        tariff=tariff,
        battery=_battery(battery_kwh, battery_kw) if battery_kwh else None,
        without_batteries=battery_kwh == 0,
        generation_ratio=generation,
        charging=CHARGING[charging.value],
        charger_power_w=None if charger_kw is None else charger_kw * 1000,
        vehicle_to_grid=v2g,
        climate=CLIMATES[climate.value],
        tanks=TANKS[tanks.value],
        runs=RUNS[runs.value],
        lower_edge_shift_kelvin=lower_kelvin,
        upper_edge_shift_kelvin=upper_kelvin,
    )
    _ask(lambda desk: desk.scenario(asked, _days(first, days)))


@app.command()
def certificates(
    zone: Annotated[str, typer.Argument(help="de, or zones/de; none: all.")] = "",
) -> None:
    """Certificates of energy: who issued them, and what is left to be retired."""
    _ask(lambda desk: desk.certificates(zone))


def _battery(capacity_kwh: float, power_kw: float) -> rating_pb2.BatteryRating:
    return rating_pb2.BatteryRating(
        capacity_wh=capacity_kwh * 1000,
        max_charge_power_w=power_kw * 1000,
        max_discharge_power_w=power_kw * 1000,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
    )


def _days(first: datetime, count: int) -> Days:
    return Days(first=first.date(), count=count)


def _ask(work: Callable[[AccountsDesk], Awaitable[int]]) -> None:
    async def ask() -> int:
        async with accounts_desk(state_folder(), console) as desk:
            return await work(desk)

    say_errors(ask)
