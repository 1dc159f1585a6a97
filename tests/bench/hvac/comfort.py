"""What two weeks of comfort cost: the product against a thermostat's schedule, and that by price.

All keep the same bands in the same zone and weather, at the same prices. The product is forecast's
outlook, the planner's kind, the optimizer and control's envelope, in this process; nobody tells it
a parameter of the zone, the weather to come, or who will be there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tests.bench.hvac.houses import START
from tests.bench.hvac.identification import LEARNT_DAYS, Zone, zone
from tests.bench.hvac.product import Product
from tests.bench.hvac.wanted import Comfort, comfort_of, price_per_kwh
from wattmesh_twin.domain.zone import Mode, Thermostat, ZoneState, as_shown
from wattmesh_twin.domain.zone import Zone as TwinZone

JUDGED_DAYS = 14
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Decide = Callable[[datetime, ZoneState], float]
"""The temperature that a zone is told for the hour that begins [°C]."""


@dataclass(kw_only=True)
class Fortnight:
    """What two weeks came to."""

    cost: float = 0.0
    energy_kwh: float = 0.0
    kelvin_hours_outside: float = 0.0

    def as_json(self) -> dict[str, float]:
        return {
            "cost": round(self.cost, 2),
            "energy_kwh": round(self.energy_kwh, 1),
            "kelvin_hours_outside": round(self.kelvin_hours_outside, 2),
        }


def compared(seeds: range, days: int = JUDGED_DAYS) -> dict[str, Any]:
    """Return cost and comfort of every way, zone by zone and together."""
    zones = [_zone(seed, days) for seed in seeds]
    ways = ("schedule", "price_rule", "product")
    total = {
        way: {
            key: round(sum(float(each[way][key]) for each in zones), 2)
            for key in ("cost", "energy_kwh", "kelvin_hours_outside")
        }
        for way in ways
    }
    saved = 1.0 - total["product"]["cost"] / total["schedule"]["cost"]
    return {
        "judged_days": days,
        "zones": len(zones),
        "saved_against_schedule_ratio": round(saved, 3),
        "saved_against_price_rule_ratio": round(
            1.0 - total["product"]["cost"] / total["price_rule"]["cost"], 3
        ),
        "total": total,
        "each": zones,
    }


def _zone(seed: int, days: int) -> dict[str, dict[str, float]]:
    found = zone(seed, LEARNT_DAYS, LEARNT_DAYS + days)
    comfort = comfort_of(found.house.cooling is not None, found.office)
    product = Product(found, comfort)
    return {
        "schedule": _lived(found, comfort, days, lambda at, state: comfort.edge(at)).as_json(),
        "price_rule": _lived(
            found, comfort, days, lambda at, state: comfort.by_price(at)
        ).as_json(),
        "product": _lived(found, comfort, days, product.decide, product).as_json(),
    }


def _lived(
    found: Zone,
    comfort: Comfort,
    days: int,
    decide: Decide,
    product: Product | None = None,
) -> Fortnight:
    """Play two weeks, an hour at a time."""
    house, cooled = found.house, found.house.cooling is not None
    twin = TwinZone(
        spec=house.spec, climate=found.climate, heating=house.heating, cooling=house.cooling
    )
    random = np.random.default_rng(found.seed + 99)
    state, came = replace(found.end, import_wh=0.0), Fortnight()
    begin = START + timedelta(days=LEARNT_DAYS)
    mode = Mode.COOLING if cooled else Mode.HEATING
    for hour in range(days * 24):
        at = begin + hour * HOUR
        told = Thermostat(setpoint_celsius=decide(at, state), mode=mode)
        for half in range(2):
            before = state.import_wh
            for _ in range(30):
                state = twin.advance(state, told, state.time + MINUTE)
                low, high = comfort.band(state.time - MINUTE)
                outside = max(low - state.interior_celsius, state.interior_celsius - high, 0.0)
                came.kelvin_hours_outside += outside / 60.0
            used_kwh = (state.import_wh - before) / 1000.0
            came.energy_kwh += used_kwh
            came.cost += used_kwh * price_per_kwh(at)
            if product is not None:
                shown = as_shown(state.interior_celsius + random.normal(0, 0.1))
                product.metered(at + half * 30 * MINUTE, shown, used_kwh * 2000.0)
    return came
