"""One home of the street: its load and its sun, what is known of both, and its tariff."""

import csv
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tests.bench.citylearn.homes import HOUR, ZONE, UserSettings, site_ids, site_model, start_of
from wattmesh_kernel.sites import Asset, LoadRating, Microgrid, Site, SiteModel, SiteModelChange
from wattmesh_kernel.tariff import Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange

Floats = NDArray[np.float64]
LOAD, PV = "Equipment Electric Power [kWh]", "Solar Generation [W/kW]"
DAY, PAST_DAYS, LATELY_DAYS = 24, 28, 7
CRITICAL_RATIO = 0.4
"""What of a home's load is critical: refrigerators, light, heating's pumps, communication."""


class Home:
    """A year of one home [kW]; `forecast` knows nothing of the hour it is made at, or later."""

    def __init__(self, folder: Path, number: int, microgrid: Microgrid | None) -> None:
        self.site = site_ids()[number - 1]
        self.model = _model(number, microgrid)
        with (folder / f"Building_{number}.csv").open(encoding="utf-8") as lines:
            rows = [(float(row[LOAD]), float(row[PV])) for row in csv.DictReader(lines)]
        values = np.array(rows)
        peak_kw = next(
            each.rating.peak_power_w / 1e3  # type: ignore[union-attr]
            for each in self.model.assets_of(self.site)
            if each.id.segment == "pv"
        )
        self.load_kw: Floats = values[:, 0]
        self.pv_kw: Floats = values[:, 1] * peak_kw / 1e3

    def forecast(
        self, hour: int, count: int
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return mean and standard deviation of load and of sun [kW], each of `count` hours.

        The same hour of the last seven days, and how far it was off them over four weeks.
        """
        return (_alike(self.load_kw, hour, count), _alike(self.pv_kw, hour, count))

    def prices(self, hour: int, count: int) -> Floats:
        """Return what a kWh costs in each of `count` hours."""
        return self._prices[hour : hour + count]

    @cached_property
    def _prices(self) -> Floats:
        span = TimeRange(start_of(0), start_of(len(self.load_kw) - 1) + HOUR)
        lowered = lower_tariff(self.tariff, span, HOUR, ZoneInfo(ZONE))
        return np.asarray(lowered.import_price_per_kwh)

    @property
    def tariff(self) -> Tariff:
        """The tariff of all homes."""
        return next(iter(self.model.tariffs.values()))


def _alike(values: Floats, hour: int, count: int) -> tuple[Floats, Floats]:
    past = values[hour - PAST_DAYS * DAY : hour].reshape(PAST_DAYS, DAY)
    mean = past[-LATELY_DAYS:].mean(axis=0)
    off = np.sqrt(((past - mean) ** 2).mean(axis=0))
    repeats = -(-count // DAY)
    return np.tile(mean, repeats)[:count], np.tile(off, repeats)[:count]


def _model(number: int, microgrid: Microgrid | None) -> SiteModel:
    site = site_ids()[number - 1]
    whole = site_model(UserSettings())
    rating = LoadRating(critical_ratio=CRITICAL_RATIO)
    found = [
        replace(each, microgrid=microgrid)
        if isinstance(each, Site)
        else replace(each, rating=rating)
        if isinstance(each, Asset) and isinstance(each.rating, LoadRating)
        else each
        for each in whole.snapshot().changed
        if getattr(each, "id", None) == site
        or getattr(getattr(each, "id", None), "site", None) == site
        or isinstance(each, Tariff)
    ]
    return SiteModel().apply(SiteModelChange(revision=1, changed=tuple(found)))
