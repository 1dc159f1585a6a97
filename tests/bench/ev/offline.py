"""What a week costs at least, everything known from the start: a bound for any controller."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from tests.bench.ev.place import CHARGERS, LIMIT_W, RATING, STEP, ZONE
from tests.bench.ev.sessions import Visit
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import ceil_time, floor_time
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import Asset, PowerLimits, Site
from wattmesh_optimizer.domain.storage import EvCharger, EvSession

_SHORTFALL_PRICE_PER_KWH = 1000.0


def offline_bound(visits: Sequence[Visit], tariff: Tariff) -> tuple[float, float]:
    """Return the least cost [currency] and what cannot be delivered anyhow [kWh].

    A linear programme over the whole week, without the least current: no controller does better.
    """
    start = floor_time(visits[0].arrival, STEP)
    end = ceil_time(max(each.departure for each in visits), STEP)
    problem = Problem(
        horizon=Horizon(start=start, resolution=STEP, count=(end - start) // STEP),
        currency_code=tariff.currency_code,
        sites=(
            Site(
                name="workplace",
                zone=ZONE,
                assets=tuple(_chargers(visits)),
                limits=PowerLimits(max_import_power_kw=LIMIT_W / 1000),
                tariff=tariff,
            ),
        ),
    )
    plan = SolvePlan(OrToolsSolver())(problem, SolveOptions(time_limit=timedelta(minutes=2)))
    missed = sum(each.amount for each in plan.costs if each.cause is CostCause.PENALTY)
    return plan.total_cost - missed, missed / _SHORTFALL_PRICE_PER_KWH


def _chargers(visits: Sequence[Visit]) -> list[Asset]:
    by_charger = defaultdict[int, list[Visit]](list)
    for visit in visits:
        by_charger[visit.charger].append(visit)
    return [
        Asset(
            name=f"charger-{number}",
            phase=Phase.L1,
            kind=EvCharger(
                max_current_a=RATING.max_current_a,
                voltage_v=RATING.voltage_v,
                sessions=tuple(_session(each) for each in by_charger[number]),
            ),
        )
        for number in range(CHARGERS)
    ]


def _session(visit: Visit) -> EvSession:
    return EvSession(
        id=visit.id,
        arrival=visit.arrival,
        departure=visit.departure,
        capacity_kwh=2 * visit.energy_wh / 1000,
        initial_soc_ratio=0.0,
        target_energy_kwh=visit.energy_wh / 1000,
        shortfall_price_per_kwh=_SHORTFALL_PRICE_PER_KWH,
    )
