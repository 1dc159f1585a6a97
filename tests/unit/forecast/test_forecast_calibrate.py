"""Bands that come true for each asset."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START, load_hours, pv_hours
from tests.fakes.forecast_ports import FakeModels, FixedHistory, GivenHolidays, SimpleSky
from tests.fakes.forecast_sites import sites_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.calibrate import VALID, Calibration
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import Answer, ModelUnavailable
from wattmesh_forecast.domain.backcast import backcast, backcasts
from wattmesh_forecast.domain.conformal import AS_GIVEN, Stretch, stretch_of
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series

LOAD = AssetId(SiteId("home-1"), "load")
NOW = START + timedelta(days=60)


class NarrowModels(FakeModels):
    """Knows the middle and is far too sure of it."""

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        self.asked.append((model, len(asked)))
        if self.away:
            raise ModelUnavailable(model)
        quantiles = np.tile(np.array([0.95, 1.0, 1.05], dtype=np.float32), (len(asked), 1))
        return Answer(version=3, quantiles=quantiles)


def world(models: FakeModels) -> tuple[Calibration, Subject, ManualClock]:
    power = Series(START, HOUR, load_hours(70, ahead=0).power_w)
    past = Past(EachHistory(FixedHistory({LOAD: power})), SimpleSky(), GivenHolidays())
    clock = ManualClock(NOW)
    (subject,) = sites_of([LOAD], location=None).required([LOAD])
    return Calibration(past=past, models=models, clock=clock), subject, clock


async def test_too_narrow_bands_are_stretched_until_they_are_right() -> None:
    models = NarrowModels()
    calibration, subject, clock = world(models)
    task = asyncio.create_task(calibration())

    assert calibration.stretch(subject, 3) == AS_GIVEN
    await eventually(lambda: calibration.stretch(subject, 3) != AS_GIVEN)

    found = calibration.stretch(subject, 3)
    assert found.below > 2
    assert found.above > 2
    calls = len(models.asked)
    assert calibration.stretch(subject, 3) == found
    clock.advance(VALID)
    calibration.stretch(subject, 3)
    await eventually(lambda: len(models.asked) > calls)
    task.cancel()


async def test_another_version_begins_with_its_own_bands() -> None:
    calibration, subject, _ = world(NarrowModels())
    task = asyncio.create_task(calibration())
    calibration.stretch(subject, 3)
    await eventually(lambda: calibration.stretch(subject, 3) != AS_GIVEN)

    assert calibration.stretch(subject, 4) == AS_GIVEN
    task.cancel()


async def test_a_model_that_is_away_leaves_the_bands_and_is_asked_later() -> None:
    models = NarrowModels()
    calibration, subject, _ = world(models)
    models.away = True
    task = asyncio.create_task(calibration())

    assert calibration.stretch(subject, 3) == AS_GIVEN
    await eventually(lambda: len(models.asked) > 0)
    assert calibration.stretch(subject, 3) == AS_GIVEN
    models.away = False
    await eventually(lambda: calibration.stretch(subject, 3) != AS_GIVEN)
    task.cancel()


@pytest.mark.parametrize("true_width", [0.5, 1.0, 2.0])
def test_a_stretch_covers_four_fifths_of_what_came(true_width: float) -> None:
    random = np.random.default_rng(1)
    came = random.normal(100, true_width * 10 / 1.2816, 42 * 24)
    said = np.tile([90.0, 100.0, 110.0], (len(came), 1))

    hour = np.tile(np.arange(24.0), 42)
    stretched = stretch_of(said, came, hour).apply(said, hour, hour + 1)

    inside = (stretched[:, 0] <= came) & (came <= stretched[:, 2])
    assert 0.77 <= inside.mean() <= 0.83


def test_a_week_whose_days_are_off_as_a_whole_covers_four_fifths_of_the_day_to_come() -> None:
    random, hour, inside = np.random.default_rng(1), np.tile(np.arange(24.0), 8), []
    said = np.tile([90.0, 100.0, 110.0], (8 * 24, 1))
    for _ in range(200):
        of_days = np.repeat(random.normal(0, 6, 8), 24)
        came = 100 + of_days + random.normal(0, 8, 8 * 24)
        found = stretch_of(said[:-24], came[:-24], hour[:-24])
        low, _, high = found.apply(said[-24:], hour[-24:], hour[-24:] + 1).T
        inside.append(((low <= came[-24:]) & (came[-24:] <= high)).mean())

    assert 0.77 <= np.mean(inside) <= 0.83


def test_a_few_hours_change_the_bands_a_little() -> None:
    said = np.tile([90.0, 100.0, 110.0], (3, 1))

    hour = np.arange(3.0)
    found = stretch_of(said, np.array([160.0, 160.0, 160.0]), hour)

    assert 1 < found.above < 1.5
    assert stretch_of(said, np.full(3, np.nan), hour) == Stretch()


def test_evenings_that_are_known_worse_than_nights_have_wider_bands() -> None:
    random, hour = np.random.default_rng(2), np.tile(np.arange(24.0), 42)
    width = np.where(hour >= 18, 3.0, 1.0)
    came = random.normal(100, width * 10 / 1.2816)
    said = np.tile([90.0, 100.0, 110.0], (len(came), 1))

    stretched = stretch_of(said, came, hour).apply(said, hour, hour + 1)

    inside = (stretched[:, 0] <= came) & (came <= stretched[:, 2])
    for of_part in (hour < 6, (hour >= 6) & (hour < 18), hour >= 18):
        assert 0.74 <= inside[of_part].mean() <= 0.88


def test_what_is_asked_again_of_the_past_is_what_was_known_then() -> None:
    hours = load_hours(60, ahead=0)
    asked = backcast(Kind.LOAD, hours)
    cut = 50 * 24
    other = load_hours(60, ahead=0)
    other.power_w[cut:] = 7.0
    again = backcast(Kind.LOAD, other)

    assert asked is not None
    assert again is not None
    before = slice(0, 20 * 24)
    for name, tensor in asked.asked.tensors.items():
        assert np.array_equal(tensor[before], again.asked.tensors[name][before]), name
    assert np.array_equal(asked.came_w[before], again.came_w[before])
    assert np.array_equal(asked.beside.middle_w[before], again.beside.middle_w[before])


@pytest.mark.parametrize("kind", [Kind.LOAD, Kind.PV])
def test_the_past_of_some_asked_together_is_that_of_each_alone(kind: Kind) -> None:
    of_kind = load_hours if kind is Kind.LOAD else pv_hours
    assets = [of_kind(75, ahead=0, seed=seed) for seed in range(4)]
    assets[1].power_w[: 60 * 24] = np.nan  # is there since two weeks
    assets[2].power_w[:] = np.nan

    together = backcasts(kind, [replace(each, clock=assets[0].clock) for each in assets])

    assert [each is None for each in together] == [False, False, True, False]
    for found, hours in zip(together, assets, strict=True):
        alone = backcast(kind, hours)
        if found is None or alone is None:
            assert found is alone
            continue
        for name, tensor in alone.asked.tensors.items():
            np.testing.assert_allclose(found.asked.tensors[name], tensor, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.beside.middle_w, alone.beside.middle_w, rtol=1e-9)
        assert np.array_equal(found.came_w, alone.came_w, equal_nan=True)


class StubbornModels(FakeModels):
    """Says the mean of the week of every hour."""

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        self.asked.append((model, len(asked)))
        quantiles = np.tile(np.array([0.9, 1.0, 1.1], dtype=np.float32), (len(asked), 1))
        return Answer(version=3, quantiles=quantiles)


async def test_what_a_model_is_off_by_every_evening_moves_the_evenings_to_come() -> None:
    calibration, subject, _ = world(StubbornModels())
    task = asyncio.create_task(calibration())
    calibration.stretch(subject, 3)
    await eventually(lambda: calibration.stretch(subject, 3) != AS_GIVEN)
    task.cancel()

    shift = calibration.stretch(subject, 3).shift
    said, hour = np.tile([0.9, 1.0, 1.1], (24, 1)), np.arange(24.0)
    moved = calibration.stretch(subject, 3).apply(said, hour, hour + 1)
    later = calibration.stretch(subject, 3).apply(said, hour, hour + 1 + 6 * 24)

    power = load_hours(60, ahead=0).power_w.reshape(-1, 24)[-14:]
    usual = power.mean(axis=0) / power.mean()
    assert np.corrcoef(shift, usual - 1)[0, 1] > 0.8
    assert np.abs(moved[:, 1] - usual).mean() < 0.9 * np.abs(1 - usual).mean()
    assert np.abs(later[:, 1] - 1).max() < 0.1
    noon = Stretch(shift=(0.4,) * 24).apply(said, (hour + 12) % 24, hour + 1)
    assert noon[[0, 11, 12, 23], 1].tolist() == [1.1, 1.4, 1.2, 1.2]


async def test_the_day_that_has_ended_counts_from_midnight_on() -> None:
    models = NarrowModels()
    calibration, subject, clock = world(models)
    task = asyncio.create_task(calibration())
    calibration.stretch(subject, 3)
    await eventually(lambda: calibration.stretch(subject, 3) != AS_GIVEN)
    await asyncio.sleep(0.2)  # what was due meanwhile
    calls = len(models.asked)
    local = clock.now().astimezone(subject.zone)
    to_midnight = timedelta(days=1) - timedelta(hours=local.hour, minutes=local.minute)

    clock.advance(to_midnight - timedelta(minutes=1))
    calibration.stretch(subject, 3)
    await asyncio.sleep(0.05)
    assert len(models.asked) == calls
    clock.advance(timedelta(minutes=1))
    calibration.stretch(subject, 3)
    await eventually(lambda: len(models.asked) > calls)
    task.cancel()
