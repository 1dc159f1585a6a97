"""What a kWh costs: time-of-use, real-time and tiered rates [currency/kWh]."""

from dataclasses import dataclass
from itertools import pairwise

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff.checks import MOST, require_finite, require_tariff
from wattmesh_kernel.tariff.windows import ALWAYS, Window


@dataclass(frozen=True, kw_only=True, slots=True)
class TouPeriod:
    """A price [currency/kWh] that holds in a window; `name` stands on the bill."""

    name: str
    price_per_kwh: float
    window: Window = ALWAYS

    def __post_init__(self) -> None:
        require_tariff(
            bool(self.name), "a time-of-use period needs a name", "tou_periods.display_name"
        )
        require_finite("tou_periods.price_per_kwh", self.price_per_kwh)


@dataclass(frozen=True, kw_only=True, slots=True)
class RealTimePrice:
    """A price that is published interval by interval, e.g. day-ahead.

    The price is `multiplier * published + adder_per_kwh`, kept between the minimum and maximum
    [currency/kWh]. `published` None, NaN, or a time outside the series: not published yet, which
    is missing and never 0. At 0.05 published, 20 % tax and 0.10 network fee it is 0.16.
    """

    published: Series | None = None
    multiplier: float = 1.0
    adder_per_kwh: float = 0.0
    minimum_per_kwh: float | None = None
    maximum_per_kwh: float | None = None

    def __post_init__(self) -> None:
        require_finite("real_time.multiplier", self.multiplier)
        require_finite("real_time.adder_per_kwh", self.adder_per_kwh)
        low, high = self.minimum_per_kwh, self.maximum_per_kwh
        require_tariff(
            low is None or high is None or low <= high,
            "the minimum price exceeds the maximum price",
            "real_time.minimum_per_kwh",
        )
        if self.published is not None:
            require_tariff(
                not bool((abs(self.published.values) > MOST).any()),
                f"published prices must be NaN or within {MOST:,}",
                "real_time.price_per_kwh",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """Every further kWh beyond a threshold costs `price_per_kwh`, until the next tier.

    The threshold is `from_kwh + from_kwh_per_day * days` of the billing period; the days are those
    whose date is within the window's seasons.
    """

    price_per_kwh: float
    from_kwh: float = 0.0
    from_kwh_per_day: float = 0.0

    def __post_init__(self) -> None:
        require_finite("tiers", self.price_per_kwh, self.from_kwh, self.from_kwh_per_day)
        require_tariff(
            self.from_kwh >= 0 and self.from_kwh_per_day >= 0,
            "thresholds must not be negative",
            "tiers.from_kwh",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TieredRate:
    """A price that steps with the energy counted since the billing period's start.

    Only energy within `window` is counted and priced; before the first threshold it is 0 here.
    The price comes on top of the other parts: a baseline credit is a first tier with a negative
    price; a cap on paid export is a tier whose price is minus the export price. Error:
    InvalidArgument without an id or tiers, or when thresholds do not ascend.
    """

    id: str
    tiers: tuple[Tier, ...]
    window: Window = ALWAYS

    def __post_init__(self) -> None:
        require_tariff(bool(self.id), "a tiered rate needs an id", "tiered_rates.id")
        require_tariff(
            bool(self.tiers), f"tiered rate {self.id} has no tiers", "tiered_rates.tiers"
        )
        steps = [(tier.from_kwh, tier.from_kwh_per_day) for tier in self.tiers]
        ascending = all(a[0] <= b[0] and a[1] <= b[1] and a != b for a, b in pairwise(steps))
        require_tariff(
            ascending,
            f"the thresholds of tiered rate {self.id} do not ascend",
            "tiered_rates.tiers",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyRates:
    """The price of energy in one direction: the sum of its parts [currency/kWh].

    Of the time-of-use periods the first whose window holds an instant counts; when there are
    periods and none holds it, the price is missing there.
    """

    base_per_kwh: float = 0.0
    tou_periods: tuple[TouPeriod, ...] = ()
    real_time: RealTimePrice | None = None
    tiered_rates: tuple[TieredRate, ...] = ()

    def __post_init__(self) -> None:
        require_finite("base_per_kwh", self.base_per_kwh)
