"""A site with a load under a price per interval, stated twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator as Random
from numpy.typing import NDArray

from tests.truth.optimizer.programme import INFINITY, Programme, Terms
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff
from wattmesh_optimizer.domain.electrical import FixedLoad
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import Asset, AssetKind, PowerLimits, Site

Floats = NDArray[np.float64]
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMIT_PRICE = 100.0
MOST_KW = 1_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A problem as the product takes it, and what its best plan costs.

    `weights_per_kw`: what each kW in an interval weighs besides, by the names of batteries;
    `least_weighed`: the least sum of both.
    """

    problem: Problem
    least: float
    least_weighed: float
    weights_per_kw: Mapping[str, float] = field(default_factory=dict)

    def error(self, plan: Plan) -> float:
        """Return by how much a plan costs more than the best one.

        Or costs and weighs, which is sought where the least cost loses energy on purpose: no plan
        costs less than the best one then either.
        """
        weighed = sum(
            weight * float(np.abs(plan.asset(name).powers_kw).sum())
            for name, weight in self.weights_per_kw.items()
        )
        errors = (plan.total_cost - self.least, plan.total_cost + weighed - self.least_weighed)
        return min(errors, key=abs)


@dataclass(kw_only=True, slots=True)
class Home:
    """A site in the making; `inflow` is what goes into its assets, by interval."""

    name: str
    programme: Programme
    count: int
    hours: float
    buy: Floats
    sell: Floats
    load_kw: Floats
    max_import_kw: float = INFINITY
    max_export_kw: float = INFINITY
    assets: list[Asset] = field(default_factory=list)
    ramp_price_per_kw: float = 0.0
    weights_per_kw: dict[str, float] = field(default_factory=dict)
    inflow: list[Terms] = field(init=False)
    fixed_kw: Floats = field(init=False)
    imports: list[int] = field(default_factory=list)
    exports: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inflow = [[] for _ in range(self.count)]
        self.fixed_kw = self.load_kw.copy()
        self.add("load", FixedLoad(powers_kw=self.load_kw))

    @property
    def horizon(self) -> Horizon:
        """The intervals."""
        return Horizon(start=START, resolution=timedelta(hours=self.hours), count=self.count)

    def add(self, label: str, kind: AssetKind) -> None:
        """Add an asset as the product takes it."""
        self.assets.append(Asset(name=f"{self.name}/assets/{label}", kind=kind))

    def connect(self, *, billed: bool = True) -> None:
        """Balance every interval; buy and sell at its prices, beyond limits at theirs."""
        of = self.programme
        for k in range(self.count):
            buy, sell = (self.buy[k], self.sell[k]) if billed else (0.0, 0.0)
            bought = of.column(buy * self.hours, upper=MOST_KW)
            sold = of.column(-sell * self.hours, upper=MOST_KW)
            of.either(bought, MOST_KW, sold, MOST_KW)
            balance = [*self.inflow[k], (bought, -1.0), (sold, 1.0)]
            of.row(balance, -self.fixed_kw[k], -self.fixed_kw[k])
            for column, limit in ((bought, self.max_import_kw), (sold, self.max_export_kw)):
                if limit < INFINITY:
                    beyond = of.column(LIMIT_PRICE * self.hours)
                    of.row([(column, 1.0), (beyond, -1.0)], upper=limit)
            self.imports.append(bought)
            self.exports.append(sold)

    def net(self, k: int) -> Terms:
        """Return import less export."""
        return [(self.imports[k], 1.0), (self.exports[k], -1.0)]

    def tariff(self, **more: Any) -> Tariff:
        """Return the prices as the product takes them."""
        return Tariff(
            id=TariffId("truth"),
            currency_code="EUR",
            import_rates=_rates(self.horizon, self.buy),
            export_rates=_rates(self.horizon, self.sell),
            **more,
        )

    def site(self, **more: Any) -> Site:
        """Return the site as the product takes it."""
        limits = PowerLimits(
            max_import_power_kw=_known(self.max_import_kw),
            max_export_power_kw=_known(self.max_export_kw),
        )
        return Site(
            name=self.name,
            zone=ZoneInfo("UTC"),
            assets=tuple(self.assets),
            **{"tariff": self.tariff(), "limits": limits, **more},
        )

    def case(self, **more: Any) -> Case:
        """Return the case of this home alone; `more` goes to its site."""
        return case_of([self], sites=(self.site(**more),))


def _rates(horizon: Horizon, prices: Floats) -> EnergyRates:
    published = Series(horizon.start, horizon.resolution, prices)
    return EnergyRates(real_time=RealTimePrice(published=published))


def _known(limit: float) -> float | None:
    return None if limit == INFINITY else limit


def case_of(homes: Sequence[Home], **more: Any) -> Case:
    """Return the case of homes that share a programme; `more` goes to the problem."""
    sites = tuple(home.site() for home in homes)
    problem = Problem(horizon=homes[0].horizon, currency_code="EUR", **{"sites": sites, **more})
    weights = {name: weight for home in homes for name, weight in home.weights_per_kw.items()}
    least = homes[0].programme.least()
    return Case(
        problem=problem,
        least=least,
        least_weighed=homes[0].programme.least(weighed=True) if weights else least,
        weights_per_kw=weights,
    )


def random_home(
    random: Random,
    programme: Programme | None = None,
    *,
    name: str = "sites/home",
    count: int | None = None,
    hours: float | None = None,
    limited: bool = True,
) -> Home:
    """Return a home with a load and a price per interval, some with limits."""
    count = int(random.integers(3, 10)) if count is None else count
    buy = random.uniform(0.05, 0.6, count)
    if random.random() < 0.3:
        buy = random.choice([0.1, 0.3], count)  # many plans cost the same
    return Home(
        name=name,
        programme=programme or Programme(),
        count=count,
        hours=float(random.choice([0.25, 0.5, 1.0])) if hours is None else hours,
        buy=buy,
        sell=buy * random.uniform(0.0, 0.9),
        load_kw=random.uniform(0.0, 4.0, count),
        max_import_kw=float(random.uniform(2, 9))
        if limited and random.random() < 0.4
        else INFINITY,
        max_export_kw=float(random.uniform(0, 4))
        if limited and random.random() < 0.3
        else INFINITY,
    )
