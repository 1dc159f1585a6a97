"""A declaration is of the sites and just the time that are asked about."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_analytics.app.declared import check_declared, with_declared
from wattmesh_analytics.app.question import Span
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

START, HOUR = datetime(2024, 6, 1, tzinfo=UTC), timedelta(hours=1)
HOME, OTHER = SiteId("home-1"), SiteId("home-2")
SPAN = Span(range=TimeRange(START, START + 3 * HOUR), resolution=HOUR)


def series(values_kwh: list[float], start: datetime = START) -> Series:
    return Series(start, HOUR, np.array(values_kwh) * 1000)


def home(into: list[float], out: list[float]) -> SiteEnergy:
    grid = Energy(import_wh=series(into), export_wh=series(out))
    return SiteEnergy(site=HOME, zone=ZoneInfo("UTC"), grid=grid)


def test_a_declaration_changes_nothing_before_it_begins() -> None:
    energy = with_declared(home([2.0, 2.0, 2.0], [0.0, 0.0, 0.0]), series([1.0], START + 2 * HOUR))
    without = energy.exchange(Counterfactual.DECLARED)
    assert without.import_wh.values == pytest.approx([2_000, 2_000, 3_000])


@pytest.mark.parametrize(
    ("declared", "counterfactual", "reason"),
    [
        ({}, Counterfactual.DECLARED, "MISSING_FIELD"),
        ({HOME: series([0.0] * 3)}, Counterfactual.IDLE_STORAGE, "UNEXPECTED_MESSAGE"),
        ({OTHER: series([0.0] * 3)}, Counterfactual.DECLARED, "INVALID_NAME"),
        ({HOME: series([0.0] * 2)}, Counterfactual.DECLARED, "UNEQUAL_SERIES"),
        ({HOME: series([0.0] * 3, START - HOUR)}, Counterfactual.DECLARED, "UNEQUAL_SERIES"),
        ({HOME: series([0.0, 1e300, 0.0])}, Counterfactual.DECLARED, "INVALID_VALUE"),
        ({HOME: series([0.0, float("inf"), 0.0])}, Counterfactual.DECLARED, "INVALID_VALUE"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(
    declared: dict[SiteId, Series], counterfactual: Counterfactual, reason: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_declared(declared, [HOME], SPAN, counterfactual)
    assert refused.value.reason == reason
