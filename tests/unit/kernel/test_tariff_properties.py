from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.tariff_strategies import meterings, tariffs, zones
from tests.unit.kernel.tariff_by_hand import ByHand
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    Bill,
    EnergyRates,
    Tariff,
    bill,
    evaluate,
    lower_tariff,
)
from wattmesh_kernel.time import TimeRange

Metering = tuple[Series, Series]
some = settings(max_examples=60, deadline=None)


def exact(answer: Bill) -> float:
    assert not answer.gaps
    return float(sum(line.amount for line in answer.lines))


@some
@given(tariffs, meterings(), zones)
def test_a_bill_is_what_plain_python_adds_up_interval_by_interval(
    tariff: Tariff, metering: Metering, zone: ZoneInfo
) -> None:
    by_hand = ByHand(tariff, *metering, zone).total()
    assert exact(bill(tariff, *metering, zone)) == pytest.approx(by_hand, abs=1e-6)


@some
@given(tariffs, meterings(), zones, st.data())
def test_bills_of_parts_with_carried_state_add_up_to_the_bill_of_the_whole(
    tariff: Tariff, metering: Metering, zone: ZoneInfo, data: st.DataObject
) -> None:
    imports, exports = metering
    count, step = len(imports), imports.resolution
    cuts = sorted({0, count, *data.draw(st.lists(st.integers(1, count - 1), max_size=4))})
    total, state = 0.0, None
    for first, last in pairwise(cuts):
        span = TimeRange(imports.start + first * step, imports.start + last * step)
        part = bill(tariff, imports.window(span), exports.window(span), zone, state)
        total, state = total + exact(part), part.state
    whole = bill(tariff, imports, exports, zone)
    assert total == pytest.approx(exact(whole), abs=1e-6)
    assert state is not None
    assert state.as_of == whole.state.as_of
    kept = {(p.charge_id, p.period_start): p.peak_kw for p in state.demand_peaks}
    for peak in whole.state.demand_peaks:
        assert kept[peak.charge_id, peak.period_start] == pytest.approx(peak.peak_kw)


@some
@given(tariffs, meterings(), zones, st.sampled_from([0.5, 2.0, 10.0]))
def test_scaling_every_price_scales_the_bill(
    tariff: Tariff, metering: Metering, zone: ZoneInfo, factor: float
) -> None:
    once = exact(bill(tariff, *metering, zone))
    assert exact(bill(scaled(tariff, factor), *metering, zone)) == pytest.approx(
        factor * once, abs=1e-5
    )


@some
@given(tariffs, meterings(), zones)
def test_the_grid_prices_a_plan_as_the_bill_does(
    tariff: Tariff, metering: Metering, zone: ZoneInfo
) -> None:
    """The sum in the words of the lowered tariff, as an optimizer writes it, is the bill."""
    imports, exports = (series.values / 1000 for series in metering)
    lowered = lower_tariff(tariff, metering[0].range, metering[0].resolution, zone)
    cost = lowered.import_price_per_kwh @ imports - lowered.export_price_per_kwh @ exports
    for tier in lowered.tiers:
        imported = tier.direction.value == "import"
        energy = tier.counted_ratio @ (imports if imported else exports)
        widths, prices = tier.segments()
        for width, price in zip(widths, prices, strict=True):
            cost += (1 if imported else -1) * price * min(width, energy)
            energy -= min(width, energy)
    peaks: list[float] = []
    for demand in lowered.demands:
        peaks.append(max(demand.peak_so_far_kw, *demand.averages_kw(imports / lowered.hours)))
        ratchet = [link.share_ratio * peaks[link.demand] for link in demand.ratchets]
        billed = max(peaks[-1], demand.floor_kw, *ratchet)
        cost += demand.price_per_kw * (billed - demand.billed_before_kw)
    cost += sum(fixed.amount * fixed.units.sum() for fixed in lowered.fixed)
    assert cost == pytest.approx(exact(bill(tariff, *metering, zone)), abs=1e-6)
    assert evaluate(lowered, imports, exports).total == pytest.approx(cost, abs=1e-6)


@some
@given(tariffs, meterings(80), zones)
def test_finer_readings_of_even_power_cost_the_same_without_demand_charges(
    tariff: Tariff, metering: Metering, zone: ZoneInfo
) -> None:
    tariff = replace(tariff, demand_charges=())
    fine = [
        Series(each.start, timedelta(minutes=5), np.repeat(each.values, k) / k)
        for each in metering
        for k in (each.resolution // timedelta(minutes=5),)
    ]
    assert exact(bill(tariff, fine[0], fine[1], zone)) == pytest.approx(
        exact(bill(tariff, *metering, zone)), abs=1e-5
    )


def scaled(tariff: Tariff, factor: float) -> Tariff:
    return replace(
        tariff,
        import_rates=scaled_rates(tariff.import_rates, factor),
        export_rates=scaled_rates(tariff.export_rates, factor),
        fixed_charges=tuple(
            replace(each, amount=each.amount * factor) for each in tariff.fixed_charges
        ),
        demand_charges=tuple(
            replace(each, price_per_kw=each.price_per_kw * factor) for each in tariff.demand_charges
        ),
        coincident_peak_charges=tuple(
            replace(each, price_per_kw=each.price_per_kw * factor)
            for each in tariff.coincident_peak_charges
        ),
    )


def scaled_rates(rates: EnergyRates, factor: float) -> EnergyRates:
    real_time = rates.real_time
    if real_time is not None:
        real_time = replace(
            real_time,
            multiplier=real_time.multiplier * factor,
            adder_per_kwh=real_time.adder_per_kwh * factor,
            maximum_per_kwh=real_time.maximum_per_kwh and real_time.maximum_per_kwh * factor,
        )
    return EnergyRates(
        base_per_kwh=rates.base_per_kwh * factor,
        real_time=real_time,
        tou_periods=tuple(
            replace(each, price_per_kwh=each.price_per_kwh * factor) for each in rates.tou_periods
        ),
        tiered_rates=tuple(
            replace(
                each,
                tiers=tuple(replace(t, price_per_kwh=t.price_per_kwh * factor) for t in each.tiers),
            )
            for each in rates.tiered_rates
        ),
    )
