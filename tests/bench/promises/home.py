"""One metered home at a time: what it took and generated, what is expected, and its model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.bench.citylearn.forecasts import KINDS, LOAD, PAST_HOURS, PV, RATIOS, columns_of
from tests.bench.citylearn.homes import HOUR, UserSettings, asset_of, site_ids, site_model, start_of
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.hours import AssetHours, Floats, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.questions import Question, groups, question, seasonal_replies
from wattmesh_forecast.domain.subjects import Subject, subject_of
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, PvRating, SiteModel, SiteModelChange
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_planner.domain.spread import spread_of

AHEAD = 24
SITE = site_ids()[0]
"""As which every home is planned."""
PEAK_KW = (4, 4, 4, 5, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5)


class Home:
    """A year of one home [W], by hours since the first one, UTC; NaN where none was metered."""

    def __init__(self, folder: Path, number: int) -> None:
        peak_kw = PEAK_KW[number - 1]
        measured = columns_of(folder / f"Building_{number}.csv", LOAD, PV)
        offsets = [(start_of(hour) - start_of(0)) // HOUR for hour in range(len(measured))]
        self.power_w: dict[str, Floats] = {
            "load": np.full(offsets[-1] + 1, np.nan),
            "pv": np.full(offsets[-1] + 1, np.nan),
        }
        self.power_w["load"][offsets] = measured[:, 0] * 1e3
        self.power_w["pv"][offsets] = measured[:, 1] * peak_kw
        self.number = number
        self.model = _model(peak_kw)
        self.subjects = {name: _subject(name, self.model) for name in KINDS}

    @property
    def rest_w(self) -> Floats:
        """What it exchanges without its battery, importing positive."""
        return self.power_w["load"] - self.power_w["pv"]

    @property
    def tariff(self) -> Tariff:
        """The tariff of all homes."""
        return next(iter(self.model.tariffs.values()))


class Expected:
    """What the forecast service says of homes at an hour: seasonal, as without a trained model."""

    def __init__(self, homes: Sequence[Home]) -> None:
        self._homes = homes
        self._count = len(homes[0].rest_w)
        span = TimeRange.of(start_of(0), (self._count + 2 * AHEAD) * HOUR)
        subject = homes[0].subjects["pv"]
        assert subject.location is not None
        self._clock = LocalClock.of(span, subject.zone, Holidays().days(subject.zone, span))
        self._sun = PvlibSky().suns([subject.location], span)[subject.location]

    def at(self, hour: int) -> list[dict[str, AssetForecast]]:
        """Return, home by home, what is expected from `hour` on, by all before it."""
        found: list[dict[str, AssetForecast]] = [{} for _ in self._homes]
        for name, kind in KINDS.items():
            asked = [self._question(each, name, hour) for each in self._homes]
            (group,) = groups(asked)
            wanted = self._wanted(self._homes[0].subjects[name], hour)
            for home, reply in zip(found, seasonal_replies(kind, group, wanted), strict=True):
                home[name] = _forecast(reply.power_w, wanted.span)
        return found

    def _question(self, home: Home, name: str, hour: int) -> Question:
        subject = home.subjects[name]
        first = max(0, hour - PAST_HOURS)
        whole = AssetHours(
            start=start_of(0),
            power_w=np.full(len(self._clock.hour), np.nan),
            clock=self._clock,
            sun=self._sun if subject.kind is Kind.PV else None,
        ).between(first, hour + AHEAD)
        known = np.concatenate([home.power_w[name][first:hour], np.full(AHEAD, np.nan)])
        hours = AssetHours(start=whole.start, power_w=known, clock=whole.clock, sun=whole.sun)
        asked = question(subject, hours, self._wanted(subject, hour))
        assert isinstance(asked, Question), "there are weeks before it"
        return asked

    def _wanted(self, subject: Subject, hour: int) -> Wanted:
        span = TimeRange.of(start_of(0) + hour * HOUR, AHEAD * HOUR)
        return Wanted(assets=(subject.asset,), span=span, resolution=HOUR, ratios=RATIOS)


def _forecast(quantiles_w: Floats, span: TimeRange) -> AssetForecast:
    columns = dict(zip(RATIOS, quantiles_w.T, strict=True))
    spread = spread_of(columns)
    assert spread is not None, "outer quantiles are asked for"
    deviation_w, above_w = (Series(span.start, HOUR, each) for each in spread)
    return AssetForecast(
        power_w=Series(span.start, HOUR, columns[0.5]),
        source="seasonal",
        deviation_w=deviation_w,
        above_w=above_w,
    )


def _subject(name: str, model: SiteModel) -> Subject:
    found = subject_of(asset_of(SITE, name), model)
    assert isinstance(found, Subject)
    return found


def _model(peak_kw: float) -> SiteModel:
    found = [
        replace(each, rating=PvRating(peak_power_w=peak_kw * 1e3))
        if isinstance(each, Asset) and isinstance(each.rating, PvRating)
        else each
        for each in site_model(UserSettings()).snapshot().changed
        if getattr(each, "id", None) == SITE
        or getattr(getattr(each, "id", None), "site", None) == SITE
        or isinstance(each, Tariff)
    ]
    return SiteModel().apply(SiteModelChange(revision=1, changed=tuple(found)))
