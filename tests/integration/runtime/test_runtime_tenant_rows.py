"""What the database lets a tenant be told, should a service forget whose rows it asks for."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest

from tests.fakes.deployed_role import deployed
from wattmesh_alerting.adapters.postgres import PostgresAlertStore
from wattmesh_analytics.adapters.postgres_reports import PostgresReportStore
from wattmesh_analytics.adapters.postgres_settlements import PostgresSettlementStore
from wattmesh_forecast.adapters.postgres_forecasts import PostgresForecastStore
from wattmesh_forecast.adapters.postgres_trainings import PostgresTrainingStore
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.input_faults import Finding, InputFault
from wattmesh_forecast.domain.kinds import Kind as ForecastKind
from wattmesh_forecast.domain.training import Training, TrainingOrder
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, SiteId, ZoneScheduleId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.postgres import PostgresPlanStore
from wattmesh_runtime.access.guard import enter_identity
from wattmesh_runtime.database import Database
from wattmesh_usage.adapters.postgres import PostgresRecords
from wattmesh_usage.domain.records import Kind, Parent
from wattmesh_usage.domain.zones import ZoneSchedule

ADA = Caller(name="ada", permissions=frozenset(), sites=frozenset({"sites/home-1"}))
OLGA = Caller(name="olga", permissions=frozenset())
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)

_DAY = TimeRange(NOW, NOW + timedelta(days=1))

_EACH = "FROM generate_series(1, 2) AS n"
_TIMES = f"'{NOW}', '{NOW}'"
PLANS = f"""
INSERT INTO planner.plans (name, scope, sites, start_time, end_time, resolution, issue_time, state)
SELECT 'plans/' || n, 'sites/home-' || n, ARRAY['sites/home-' || n], '{NOW}', '2024-06-02T12:00Z',
    '1 h', '{NOW}', 'failed' {_EACH};
"""
REPORTS = f"""
INSERT INTO analytics.monthly_reports
    SELECT 'sites/home-' || n, '2024-05', {_TIMES}, '{NOW}', '' {_EACH};
INSERT INTO analytics.report_files
    SELECT 'sites/home-' || n, '2024-05', 'csv', 'f', 't', '' {_EACH};
INSERT INTO analytics.report_deliveries
    SELECT 'sites/home-' || n, '2024-05', 'ada', 'sent', '{NOW}', '' {_EACH};
INSERT INTO analytics.settlements
    SELECT 'sites/home-' || n, '2024-05-01', 1, '{{}}', '', '' {_EACH};
"""
ALERTS = f"""
INSERT INTO alerting.alerts (name, rule, site, fire_time, revision, document)
SELECT 'alerts/' || n, 'x', 'sites/home-' || n, '{NOW}', 1, '{{}}' {_EACH};
"""


async def plans(database: Database) -> set[str]:
    return {each.scope for each in await PostgresPlanStore(database).page("", None, 9, None)}


async def reports(database: Database) -> set[str]:
    settled = PostgresSettlementStore(database)
    page = await PostgresReportStore(database).page(None, None, 9)
    found = {each.subject.name for each in page}
    for name in {"sites/home-1", "sites/home-2"} - found:
        assert await settled.get(SiteId.parse(name), date(2024, 5, 1), 0) is None
    return found


async def alerts(database: Database) -> set[str]:
    """Their content is none that could be read: who is let through to it is seen by that."""
    found = set()
    for number in (1, 2):
        try:
            told = await PostgresAlertStore(database).get(f"alerts/{number}")
        except Exception:  # of the document, which is empty
            found.add(f"sites/home-{number}")
        else:
            assert told is None
    return found


async def schedules(database: Database) -> set[str]:
    records = PostgresRecords(database)
    names = [f"sites/home-{n}/assets/zone/zone-schedules/one" for n in (1, 2)]
    listed = await records.list(Kind.ZONE_SCHEDULE, Parent(), None, "", 9)
    changed = (await records.since(0, Parent())).records
    got = [name for name in names if await records.get(name) is not None]
    assert len(listed) == len(changed) == len(got)
    return {name.partition("/assets")[0] for name in got}


async def fill_usage(database: Database) -> None:
    async with PostgresRecords(database).change() as change:
        for number in (1, 2):
            name = f"sites/home-{number}/assets/zone/zone-schedules/one"
            await change.put(ZoneSchedule(id=ZoneScheduleId.parse(name)))


async def issue_forecasts(database: Database) -> None:
    await PostgresForecastStore(database).add([_forecast(number) for number in (1, 2)])
    trainings = PostgresTrainingStore(database)
    for name, numbers in (("a", (1,)), ("b", (1, 2))):
        order = TrainingOrder(
            model="load", assets=tuple(map(_asset, numbers)), range=_DAY, request_id=""
        )
        training = Training(name=f"operations/{name}", order=order, start_time=NOW)
        assert await trainings.begin(training) == training


async def forecasts(database: Database) -> set[str]:
    """A training is told to whoever sees all that it learnt from."""
    store, trainings = PostgresForecastStore(database), PostgresTrainingStore(database)
    each = [_asset(number) for number in (1, 2)]
    issued = [found.name async for found in store.issued_in(each, _DAY)]
    paged = [found.name for asset in each for found in await store.page(asset, None, None, 9)]
    got = set[str]()
    for number in (1, 2):
        with suppress(NotFound):
            got.add((await store.get(f"forecasts/{number}")).asset.site.name)
    assert sorted(issued) == sorted(paged)
    assert len(issued) == len(got)
    names = [each.name for each in await trainings.page("", 9)]
    assert names == ["operations/b", "operations/a"][2 - len(got) :]
    if len(got) < 2:
        with pytest.raises(NotFound):
            await trainings.get("operations/b")
    return got


def _asset(number: int) -> AssetId:
    return AssetId.parse(f"sites/home-{number}/assets/load")


def _forecast(number: int) -> Forecast:
    return Forecast(
        name=f"forecasts/{number}",
        asset=_asset(number),
        kind=ForecastKind.LOAD,
        issue_time=NOW,
        source="seasonal",
        start=NOW,
        resolution=timedelta(hours=1),
        ratios=(0.5,),
        power_w=np.array([[100.0, 200.0]]),
        last_measured=NOW,
        findings=(Finding(fault=InputFault.STUCK, hours=3),),
        refusal=None,
    )


@dataclass(frozen=True, kw_only=True)
class Part:
    """A service: its tables that are held to a caller's reach, rows of two sites, its own reads."""

    held: frozenset[str]
    rows: str | Callable[[Database], Awaitable[None]]
    told: Callable[[Database], Awaitable[set[str]]]


PARTS = {
    "planner": Part(held=frozenset({"plans"}), rows=PLANS, told=plans),
    "analytics": Part(
        held=frozenset({"settlements", "monthly_reports", "report_files", "report_deliveries"}),
        rows=REPORTS,
        told=reports,
    ),
    "alerting": Part(held=frozenset({"alerts"}), rows=ALERTS, told=alerts),
    "forecast": Part(
        held=frozenset({"issued_forecasts", "trainings"}), rows=issue_forecasts, told=forecasts
    ),
    "usage": Part(held=frozenset({"records"}), rows=fill_usage, told=schedules),
}
_HELD = """
SELECT relname FROM pg_class
WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = to_regnamespace(%s)
"""


@pytest.mark.parametrize("service", PARTS)
async def test_what_one_tenant_is_told_comes_from_rows_of_its_own(
    database_url: str, service: str
) -> None:
    part = PARTS[service]
    async with deployed(database_url, service) as (database, url):
        if callable(part.rows):
            await part.rows(database)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw:
            if isinstance(part.rows, str):
                await raw.execute(part.rows.encode())
            found = await (await raw.execute(_HELD, (service,))).fetchall()
            assert {name for (name,) in found} == part.held
            for reach, count in (("*", 2), ("sites/home-1 sites/home-7", 1), ("", 0)):
                await raw.execute("SELECT set_config('wattmesh.reach', %s, false)", (reach,))
                for table in part.held:
                    cursor = await raw.execute(f"SELECT count(*) FROM {service}.{table}".encode())
                    assert await cursor.fetchone() == (count,), (table, reach)
        both = {"sites/home-1", "sites/home-2"}
        for caller, sees in ((ADA, {"sites/home-1"}), (OLGA, both), (None, both)):
            enter_identity(caller)
            assert await part.told(database) == sees
