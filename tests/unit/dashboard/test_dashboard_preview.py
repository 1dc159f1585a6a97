"""What a change would come to: the same energies, billed by one tariff and by the other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_dashboard.app.ports import Exchanged
from wattmesh_dashboard.app.preview_change import PreviewChange, with_published_prices
from wattmesh_kernel.errors import InvalidArgument, NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, GridConnectionRating, Site, SiteModelChange
from wattmesh_kernel.tariff import Bill, EnergyRates, FixedCharge, RealTimePrice, Tariff
from wattmesh_kernel.tariff.charges import ChargeInterval
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

HOME, NOON, HOUR = SiteId("home-1"), datetime(2024, 6, 1, 12, tzinfo=UTC), timedelta(hours=1)
SPAN = TimeRange.of(NOON, HOUR)
DEAR = Tariff(id=TariffId("dear"), currency_code="USD", import_rates=EnergyRates(base_per_kwh=0.4))
SITE = Site(id=HOME, time_zone="UTC", currency_code="USD", tariff=TariffId("dear"))
GRID = Asset(id=AssetId(HOME, "grid"), display_name="grid", rating=GridConnectionRating())


class KnownTariffs:
    def __init__(self, **tariffs: Tariff) -> None:
        self._tariffs = tariffs

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        return self._tariffs[tariff.segment]


class Metered:
    """A kWh in each quarter, of which the third was not metered."""

    async def exchanged(
        self, connections: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Exchanged:
        assert [*connections] == [GRID.id]
        import_wh = Series(span.start, resolution, np.array([1000.0, 1000.0, np.nan, 1000.0]))
        export_wh = Series(span.start, resolution, np.array([0.0, 0.0, np.nan, 0.0]))
        return Exchanged(import_wh=import_wh, export_wh=export_wh)


def _sum(of: Bill | None) -> float:
    assert of is not None
    return float(of.subtotal.amount)


async def preview_of(site: Site = SITE, **tariffs: Tariff) -> PreviewChange:
    view = SiteModelView(ManualClock(NOON))
    await view.take(SiteModelChange(revision=1, snapshot=True, changed=(site, GRID)))
    return PreviewChange(view, KnownTariffs(dear=DEAR, **tariffs), Metered())


async def test_an_edited_tariff_bills_what_was_metered_and_says_how_much_was() -> None:
    preview = await preview_of()
    edited = replace(
        DEAR,
        import_rates=EnergyRates(base_per_kwh=0.1),
        fixed_charges=(FixedCharge(name="meter", interval=ChargeInterval.DAY, amount=24.0),),
    )
    found = await preview(HOME, edited, SPAN)
    assert (_sum(found.before), _sum(found.after)) == pytest.approx((1.2, 0.3 + 1.0))
    assert found.covered_ratio == 0.75


async def test_another_tariff_of_the_site_is_compared_and_the_same_one_is_not() -> None:
    cheap = replace(DEAR, id=TariffId("cheap"), import_rates=EnergyRates(base_per_kwh=0.1))
    preview = await preview_of(cheap=cheap)
    found = await preview(HOME, replace(SITE, tariff=TariffId("cheap")), SPAN)
    assert _sum(found.after) == pytest.approx(0.3)
    assert (await preview(HOME, replace(SITE, display_name="Home"), SPAN)).after is None


async def test_what_has_no_price_has_no_bill() -> None:
    preview = await preview_of()
    assert (await preview(HOME, GRID, SPAN)).after is None
    assert (await preview(HOME, DEAR, None)).after is None


def test_an_edited_tariff_keeps_the_prices_that_were_published() -> None:
    published = Series(NOON, HOUR, np.array([0.2]))
    stored = replace(DEAR, import_rates=EnergyRates(real_time=RealTimePrice(published=published)))
    edited = replace(DEAR, import_rates=EnergyRates(real_time=RealTimePrice(multiplier=1.2)))
    kept = with_published_prices(edited, stored).import_rates.real_time
    assert kept is not None
    assert (kept.published, kept.multiplier) == (published, 1.2)


async def test_no_site_no_model_and_a_crooked_time_are_refused() -> None:
    preview = await preview_of()
    with pytest.raises(NotFound):
        await preview(SiteId("nowhere"), DEAR, SPAN)
    with pytest.raises(InvalidArgument) as off:
        await preview(HOME, DEAR, TimeRange.of(NOON + timedelta(minutes=1), HOUR))
    assert off.value.field == "bill_range.start_time"
    with pytest.raises(InvalidArgument):
        await preview(HOME, DEAR, TimeRange.of(NOON, timedelta(days=63)))
    unknown = PreviewChange(SiteModelView(ManualClock(NOON)), KnownTariffs(), Metered())
    with pytest.raises(Unavailable):
        await unknown(HOME, DEAR, SPAN)
