"""Small problems with round numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import CostCause, Plan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import Asset, AssetKind, Site

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = "sites/home"


def horizon_of(count: int, minutes: int = 60, start: datetime = START) -> Horizon:
    return Horizon(start=start, resolution=timedelta(minutes=minutes), count=count)


def prices(
    horizon: Horizon, imports: Sequence[float], exports: Sequence[float] | float = 0.0, **more: Any
) -> Tariff:
    """Return a tariff with a price per interval [currency/kWh]."""

    def rates(values: Sequence[float] | float) -> EnergyRates:
        series = np.broadcast_to(np.asarray(values, dtype=np.float64), (horizon.count,))
        published = Series(horizon.start, horizon.resolution, series)
        return EnergyRates(real_time=RealTimePrice(published=published))

    return Tariff(
        id=TariffId("test"),
        currency_code="EUR",
        import_rates=rates(imports),
        export_rates=rates(exports),
        **more,
    )


def asset(label: str, kind: AssetKind, **more: Any) -> Asset:
    return Asset(name=f"{SITE}/assets/{label}", kind=kind, **more)


def site(*assets: Asset, zone: str = "UTC", **more: Any) -> Site:
    return Site(name=SITE, zone=ZoneInfo(zone), assets=assets, **more)


def problem(horizon: Horizon, *sites: Site, **more: Any) -> Problem:
    return Problem(horizon=horizon, currency_code="EUR", sites=sites, **more)


def solve(of: Problem, **options: Any) -> Plan:
    """Return the plan of a problem, solved to the last cent."""
    return SolvePlan(OrToolsSolver())(of, SolveOptions(**{"gap_ratio": 1e-6, **options}))


def cost(plan: Plan, cause: CostCause) -> float:
    return sum(item.amount for item in plan.costs if item.cause is cause)


def power(plan: Plan, label: str) -> Floats:
    return plan.asset(f"{SITE}/assets/{label}").powers_kw
