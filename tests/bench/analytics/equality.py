"""Bill, carbon and peak of CityLearn's homes beside the same by numpy alone."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_analytics.domain.bills import cost_of, exact_total
from wattmesh_analytics.domain.energy import Energy, peak_kw
from wattmesh_carbon.domain.footprint import location_based
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff

Floats = NDArray[np.float64]

_HOUR = timedelta(hours=1)
_ZONE = ZoneInfo("America/Los_Angeles")
_START = datetime(2016, 8, 1, 7, tzinfo=UTC)
_WEEK = slice(35 * 24, 42 * 24)
"""From Monday 2016-09-05 on."""


def measure(folder: Path) -> dict[str, Any]:
    """Return the largest differences, and the week without control of homes 1 to 5."""
    prices = _column(folder / "pricing.csv", "Electricity Pricing")
    intensity = _column(folder / "carbon_intensity.csv", "kg_CO2")
    nets = [_net_kwh(folder, number) for number in range(1, 18)]
    cents, grams, kilowatts = [], [], []
    for net in nets:
        product = _product(net, prices, intensity)
        alone = _alone(net, prices, intensity)
        cents.append(abs(product[0] - alone[0]))
        grams.append(abs(product[1] - alone[1]))
        kilowatts.append(abs(product[2] - alone[2]))
    week = [net[_WEEK] for net in nets[:5]]
    costs, masses, _ = zip(
        *(_product(net, prices[_WEEK], intensity[_WEEK]) for net in week), strict=True
    )
    together = Series(_START, _HOUR, np.sum(week, axis=0) * 1000)
    return {
        "homes": len(nets),
        "hours": len(prices),
        "largest_difference": {
            "currency": float(max(cents)),
            "gco2e": float(max(grams)),
            "kw": float(max(kilowatts)),
        },
        "week_without_control": {
            "cost": round(sum(costs), 2),
            "carbon_kg": round(sum(masses) / 1000, 2),
            "peak_kw": round(peak_kw(together.values, 1.0), 3),
        },
    }


def _product(net_kwh: Floats, prices: Floats, intensity: Floats) -> tuple[float, float, float]:
    """Return cost, emissions [g] and peak [kW] as the product reckons them."""
    tariff = Tariff(
        id=TariffId("dynamic"),
        currency_code="USD",
        import_rates=EnergyRates(real_time=RealTimePrice(published=Series(_START, _HOUR, prices))),
    )
    energy = Energy.of_net(Series(_START, _HOUR, net_kwh * 1000))
    cost = float(exact_total(cost_of(tariff, energy, _ZONE, energy.range)))
    per_kwh = Series(_START, _HOUR, intensity * 1000)
    grams = location_based(energy.import_wh, per_kwh).total_gco2e
    return cost, grams, peak_kw(energy.net_wh, 1.0)


def _alone(net_kwh: Floats, prices: Floats, intensity: Floats) -> tuple[float, float, float]:
    """Return the same without the product's code."""
    imported = np.clip(net_kwh, 0, None)
    return (
        float(imported @ prices),
        float(imported @ intensity * 1000),
        float(max(net_kwh.max(), 0)),
    )


def _net_kwh(folder: Path, number: int) -> Floats:
    """Return a home's load less its sun, per hour."""
    schema = json.loads((folder / "schema.json").read_text())
    pv = schema["buildings"][f"Building_{number}"]["pv"]["attributes"]["nominal_power"]
    file = folder / f"Building_{number}.csv"
    load = _column(file, "Equipment Electric Power")
    sun = _column(file, "Solar Generation")
    return np.asarray(load - sun * pv / 1000)


def _column(file: Path, name: str) -> Floats:
    with file.open() as lines:
        rows = list(csv.reader(lines))
    column = next(index for index, title in enumerate(rows[0]) if title.startswith(name))
    return np.array([float(row[column]) for row in rows[1:]])
