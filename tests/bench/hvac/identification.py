"""How well zones are known after two weeks of ordinary operation."""

import time
from dataclasses import dataclass

import numpy as np

from tests.bench.hvac.houses import House, MadeClimate, drawn
from tests.bench.hvac.operation import Log, lived, rating, record_of
from wattmesh_forecast.domain.thermal.identify import identify
from wattmesh_forecast.domain.thermal.tracking import free_run
from wattmesh_twin.domain.zone import ZoneState

LEARNT_DAYS = 14
JUDGED_DAYS = 4
_PER_DAY = 48
_COLD_CELSIUS, _WARM_CELSIUS = 4.0, 27.0


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One zone as it was drawn."""

    seed: int
    house: House
    climate: MadeClimate
    office: bool
    log: Log
    end: ZoneState


def zone(seed: int, days: int, weather_days: int = 0) -> Zone:
    """Return a zone that has lived: every fourth is cooled, every second an office."""
    cooled, office = seed % 4 == 3, seed % 2 == 1
    house = drawn(seed, cooled)
    outside = _WARM_CELSIUS if cooled else _COLD_CELSIUS
    climate = MadeClimate(seed, max(days, weather_days), outside, office)
    log = lived(house, climate, days, office)
    return Zone(
        end=log.end,
        seed=seed,
        house=house,
        climate=climate,
        office=office,
        log=log,
    )


def measured(seed: int) -> dict[str, object]:
    """Return what was said of one zone a day ahead, each day anew, and what came [K]."""
    found = zone(seed, LEARNT_DAYS + JUDGED_DAYS)
    plant = rating(found.house)
    days = LEARNT_DAYS + JUDGED_DAYS
    record = record_of(found.log, found.climate, 0, days * _PER_DAY)
    began = time.process_time()
    known = identify(record.part(0, LEARNT_DAYS * _PER_DAY), plant)
    spent = time.process_time() - began
    errors, stays = [], []
    for day in range(LEARNT_DAYS, days):
        past, ahead = (
            record.part(0, day * _PER_DAY),
            record.part(day * _PER_DAY, (day + 1) * _PER_DAY),
        )
        if known.fit is not None:
            errors.append(free_run(known.fit, plant, past, ahead) - ahead.temperature_celsius)
        stays.append(past.temperature_celsius[-_PER_DAY:] - ahead.temperature_celsius)
    return {
        "seed": seed,
        "plant": "cooling" if found.house.cooling else "heating",
        "verdict": known.verdict.value,
        "order": known.fit.rates.order if known.fit else None,
        "rmse_k": _rms(errors),
        "rmse_as_yesterday_k": _rms(stays),
        "own_estimate_k": known.day_ahead_rmse_k,
        "own_upper_k": known.day_ahead_upper_k,
        "cpu_seconds": round(spent, 3),
    }


def summary(seeds: range) -> dict[str, object]:
    """Return how well all zones of some seeds are known."""
    zones = [measured(seed) for seed in seeds]
    errors = np.array([float(str(each["rmse_k"])) for each in zones])
    return {
        "learnt_days": LEARNT_DAYS,
        "judged_days": JUDGED_DAYS,
        "zones": len(zones),
        "identified": sum(each["verdict"] == "identified" for each in zones),
        "pooled_rmse_k": round(float(np.sqrt(np.mean(errors**2))), 3),
        "median_rmse_k": round(float(np.median(errors)), 3),
        "highest_rmse_k": round(float(errors.max()), 3),
        "within_0_3_k": int((errors <= 0.3).sum()),
        "within_own_upper": sum(_is_covered(each) for each in zones),
        "each": zones,
    }


def _is_covered(found: dict[str, object]) -> bool:
    """Return whether a zone's error is below what was said that it stays below."""
    upper = found["own_upper_k"]
    return isinstance(upper, float) and float(str(found["rmse_k"])) <= upper


def _rms(errors: list[np.ndarray]) -> float:
    return round(float(np.sqrt(np.mean(np.concatenate(errors) ** 2))), 3) if errors else np.nan
