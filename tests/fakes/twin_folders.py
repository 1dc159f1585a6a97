"""Small data folders: a CityLearn one, and half-hourly Parquet with a layout file."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_ROW = datetime(2016, 8, 1)  # noqa: DTZ001 (local wall clock)


def citylearn_folder(
    folder: Path, *, homes: int = 2, days: int = 365, thermal: float = 0.0
) -> Path:
    """Homes with 1 kWh in every hour of home 1, 2 kWh of home 2..., and sun from 10 to 14."""
    folder.mkdir(parents=True, exist_ok=True)
    local = [FIRST_ROW + timedelta(hours=row) for row in range(24 * days)]
    hours = np.array([each.hour for each in local])
    buildings = {}
    for number in range(1, homes + 1):
        _building(folder / f"Building_{number}.csv", local, float(number), thermal)
        buildings[f"Building_{number}"] = _schema(number)
    (folder / "schema.json").write_text(json.dumps({"buildings": buildings}))
    price = np.where((hours >= 16) & (hours < 21), 0.5, 0.2)
    pd.DataFrame(
        {
            "Electricity Pricing [$/kWh]": price,
            "6h Prediction Electricity Pricing [$/kWh]": np.roll(price, -6),
        }
    ).to_csv(folder / "pricing.csv", index=False)
    pd.DataFrame({"kg_CO2/kWh": 0.1 + hours / 1000}).to_csv(
        folder / "carbon_intensity.csv", index=False
    )
    return folder


def _building(path: Path, local: list[datetime], load_kwh: float, thermal: float) -> None:
    labels = [(each.hour or 24, (each - timedelta(hours=1)).isoweekday()) for each in local]
    sun = [500.0 if 10 <= each.hour < 14 else 0.0 for each in local]
    table = pd.DataFrame({"Hour": [hour for hour, _ in labels], "Day Type": [d for _, d in labels]})
    table["Equipment Electric Power [kWh]"] = load_kwh
    for column in ("DHW Heating [kWh]", "Cooling Load [kWh]", "Heating Load [kWh]"):
        table[column] = thermal
    table["Solar Generation [W/kW]"] = sun
    table.to_csv(path, index=False)


def _schema(number: int) -> dict[str, object]:
    return {
        "include": True,
        "energy_simulation": f"Building_{number}.csv",
        "pricing": "pricing.csv",
        "carbon_intensity": "carbon_intensity.csv",
        "electrical_storage": {
            "attributes": {"capacity": 6.4, "efficiency": 0.9, "nominal_power": 5.0}
        },
        "pv": {"attributes": {"nominal_power": 4.0}},
    }


PLANT_LAYOUT = """
title: A plant with two halls
time_zone: Europe/Berlin
currency: EUR
group: plant
peak_price_per_kw: 4.5
files:
  power: {path: power.parquet, clock: utc, time_column: start, resolution_minutes: 30}
  prices: {path: prices.csv, clock: local, time_column: hour}
sites:
  - id: plant
    loads:
      - {id: hall-a, file: power, column: a_kwh}
      - {id: hall-b, file: power, column: b_kw, unit: kW}
    pv: {file: power, column: sun_kwh, unit: kWh/kWp, peak_power_kw: 100}
price:
  import_per_kwh: {file: prices, column: eur_per_kwh}
  export_per_kwh: 0.05
"""


def plant_folder(folder: Path, *, days: int = 30) -> Path:
    """A plant in May 2024: hall A 5 kWh a half hour, hall B 20 kW, sun 0.25 kWh/kWp."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wattmesh-data.yaml").write_text(PLANT_LAYOUT)
    halves = pd.date_range("2024-05-01", periods=48 * days, freq="30min", tz="UTC")
    power = pd.DataFrame({"start": halves, "a_kwh": 5.0, "b_kw": 20.0, "sun_kwh": 0.25})
    power.loc[10, "sun_kwh"] = np.nan
    power.to_parquet(folder / "power.parquet")
    hours = pd.date_range("2024-05-01", periods=24 * days, freq="h")
    prices = pd.DataFrame({"hour": hours, "eur_per_kwh": np.arange(24 * days) / 1000})
    prices.to_csv(folder / "prices.csv", index=False)
    return folder
