"""Footprints, matching and certificates: what an auditor could reckon by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_carbon.domain.accounting import FuelUse, UncertifiedBasis, footprint
from wattmesh_carbon.domain.avoided import avoided
from wattmesh_carbon.domain.certificates import Certificate, Claim, Retirement, claims
from wattmesh_carbon.domain.factors import KNOWN, Factor, FactorKind, Factors
from wattmesh_carbon.domain.footprint import location_based
from wattmesh_carbon.domain.matching import match
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.ids import CertificateId, SiteId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
START = datetime(2023, 1, 1, tzinfo=UTC)
HOME, OTHER, DE = SiteId("home-1"), SiteId("home-2"), ZoneId("de")
NAN = float("nan")


def series(*values: float) -> Series:
    return Series(START, HOUR, np.array(values))


def factor(kind: FactorKind, value: float, year: int = 2023) -> Factor:
    return Factor(kind=kind, zone=DE, year=year, value=value, source="a test", licence="CC0")


def certificate(energy_wh: float = 1000.0, span: TimeRange | None = None) -> Certificate:
    return Certificate(
        id=CertificateId("wind-1"),
        issuer="HKNR",
        serial_number="0001",
        zone=DE,
        technology="wind",
        energy_wh=energy_wh,
        generation=span or TimeRange.of(START, YEAR),
    )


def retirement(energy_wh: float, span: TimeRange | None = None) -> Retirement:
    return Retirement(
        subject=HOME, consumption=span or TimeRange.of(START, YEAR), energy_wh=energy_wh
    )


def test_footprint_is_energy_times_intensity() -> None:
    found = location_based(series(2_000, 1_000), series(150, 300))

    assert found.total_gco2e == pytest.approx(600)
    assert found.covered_energy_ratio == 1


def test_energy_without_intensity_is_said_to_be_left_out() -> None:
    found = location_based(series(3_000, 1_000), series(100, NAN))

    assert found.total_gco2e == pytest.approx(300)
    assert found.covered_energy_ratio == pytest.approx(0.75)


def test_an_hour_that_was_not_metered_lowers_the_coverage() -> None:
    """It was 1 before: whoever metered one hour of a year spoke for all of it."""
    found = location_based(series(1_000, NAN, 2_000, 3_000), series(100, 100, 100, 100))

    assert found.total_gco2e == pytest.approx(600)
    assert found.covered_energy_ratio == pytest.approx(0.75)


def test_a_meter_that_was_always_silent_speaks_for_nothing() -> None:
    assert location_based(series(NAN, NAN), series(100, 100)).covered_energy_ratio == 0


@given(st.lists(st.tuples(st.floats(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_coverage_is_a_share_and_never_grows_when_a_reading_is_lost(
    hours: list[tuple[float, bool, bool]],
) -> None:
    energy = [value if metered else NAN for value, metered, _ in hours]
    intensity = series(*(100.0 if known else NAN for _, _, known in hours))
    equal = [1.0 if np.isfinite(value) else NAN for value in energy]
    before = location_based(series(*equal), intensity).covered_energy_ratio
    after = location_based(series(NAN, *equal[1:]), intensity).covered_energy_ratio

    assert 0 <= location_based(series(*energy), intensity).covered_energy_ratio <= 1
    assert after <= before + 1e-9


def test_negative_energy_has_no_footprint() -> None:
    with pytest.raises(InvalidArgument):
        location_based(series(-1.0), series(100))


def test_market_and_location_are_different_results() -> None:
    """Of 10 kWh, 4 are certified wind; the rest by the residual mix of 500 g."""
    claim = Claim(energy_wh=4_000, emission_gco2e_per_kwh=0.0, generation=TimeRange.of(START, YEAR))
    factors = Factors([factor(FactorKind.RESIDUAL_MIX, 500)])
    found = footprint(series(6_000, 4_000), series(200, 200), factors, claims=[claim])

    assert found.location.total_gco2e == pytest.approx(2_000)
    assert found.market_based_gco2e == pytest.approx(3_000)
    assert found.certified_wh == 4_000
    assert found.uncertified_basis is UncertifiedBasis.RESIDUAL_MIX


def test_without_a_residual_mix_the_average_is_taken_and_told() -> None:
    found = footprint(series(1_000), series(200), Factors([]))

    assert found.market_based_gco2e == pytest.approx(200)
    assert found.uncertified_basis is UncertifiedBasis.AVERAGE
    assert found.factors == ()


def test_certificates_never_speak_for_more_than_was_imported() -> None:
    claim = Claim(
        energy_wh=9_000, emission_gco2e_per_kwh=10.0, generation=TimeRange.of(START, YEAR)
    )
    found = footprint(series(1_000), series(200), Factors([]), claims=[claim])

    assert found.certified_wh == 1_000
    assert found.market_based_gco2e == pytest.approx(10)


def test_export_is_told_and_taken_off_nowhere() -> None:
    found = footprint(series(1_000), series(200), Factors([]), export_wh=series(5_000))

    assert found.location.total_gco2e == pytest.approx(200)
    assert found.export_wh == 5_000


def test_scopes_one_and_three_stand_apart_with_their_factors() -> None:
    """5 % lost are 5.26 % of what arrived; 10 kWh of gas are 2,026 g by the IPCC's gases."""
    known = [factor(FactorKind.GRID_LOSSES, 0.05), factor(FactorKind.UPSTREAM, 40)]
    found = footprint(
        series(1_000),
        series(200),
        Factors([*KNOWN, *known]),
        fuels=[FuelUse(fuel=FactorKind.NATURAL_GAS, energy_wh=10_000)],
    )

    assert found.grid_losses_gco2e == pytest.approx(200 * 0.05 / 0.95)
    assert found.upstream_gco2e == pytest.approx(40)
    assert found.scope1_gco2e == pytest.approx(2_025.6, abs=0.1)
    assert {each.kind for each in found.factors} == {
        *(FactorKind.GRID_LOSSES, FactorKind.UPSTREAM, FactorKind.NATURAL_GAS)
    }


def test_a_factor_holds_until_there_is_a_newer_one_and_not_before_its_year() -> None:
    factors = Factors([factor(FactorKind.UPSTREAM, 50, 2020), factor(FactorKind.UPSTREAM, 40)])

    def of(year: int) -> float | None:
        found = factors.of_year(FactorKind.UPSTREAM, year)
        return None if found is None else found.value

    assert [of(year) for year in (2019, 2020, 2022, 2023, 2030)] == [None, 50, 50, 40, 40]


def test_a_certificate_is_not_spent_twice() -> None:
    kept = certificate().retire(retirement(700), START)

    assert kept.remaining_wh == 300
    with pytest.raises(FailedPrecondition, match="300 Wh"):
        kept.retire(retirement(400), START)


def test_a_certificate_that_has_ended_is_not_spent() -> None:
    kept = replace(certificate(), last_retirement=START + 2 * YEAR)
    with pytest.raises(FailedPrecondition) as caught:
        kept.retire(retirement(1), START + 2 * YEAR)
    assert caught.value.reason == "CERTIFICATE_EXPIRED"


def test_what_was_retired_for_a_year_counts_a_day_at_a_time_and_for_nobody_else() -> None:
    kept = certificate(365_000).retire(retirement(365_000), START)
    day = TimeRange.of(START, timedelta(days=1))

    assert [each.energy_wh for each in claims([kept], frozenset({HOME}), day)] == [
        pytest.approx(1_000)
    ]
    assert claims([kept], frozenset({OTHER}), day) == []


def test_a_certificate_of_an_hour_matches_that_hour_alone() -> None:
    """3 kWh of the first hour match 2: half of it by the hour, three quarters by volume."""
    claim = Claim(energy_wh=3_000, emission_gco2e_per_kwh=0.0, generation=TimeRange.of(START, HOUR))
    found = match(series(2_000, 2_000), None, [claim])

    assert (found.hourly_ratio, found.volume_ratio) == (0.5, 0.75)
    assert found.excess_wh == 1_000
    assert found.matched_wh.values.tolist() == [2_000, 0]


def test_a_certificate_of_a_year_matches_no_hour() -> None:
    claim = Claim(energy_wh=4_000, emission_gco2e_per_kwh=0.0, generation=TimeRange.of(START, YEAR))
    found = match(series(2_000, 2_000), None, [claim])

    assert (found.hourly_ratio, found.volume_ratio) == (0.0, 1.0)


def test_own_energy_matches_first_and_quarters_add_up_to_hours() -> None:
    quarters = Series(START, HOUR / 4, np.array([250.0] * 4 + [NAN] + [250.0] * 3))
    own = quarters.with_values(np.full(8, 100.0))
    found = match(quarters, own, [])

    assert found.hourly_ratio == pytest.approx(0.4)
    assert found.covered_ratio == 0.5


def test_avoided_emissions_go_by_the_margin_and_may_be_caused() -> None:
    found = avoided(series(1_000, -1_000, NAN), series(700, 300, 500))

    assert found.gco2e == pytest.approx(400)
    assert found.covered_ratio == pytest.approx(2 / 3)
