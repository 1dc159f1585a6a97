"""The published tariff, and prices that become known day by day."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.app.publish_prices import PricePublication
from wattmesh_twin.domain.dataset import EnergyPrices
from wattmesh_twin.domain.measured import LookAhead
from wattmesh_twin.domain.tariff import DayAheadPrices, PublishedDay, flat_tariff, published_tariff

HOUR = timedelta(hours=1)
LONDON = ZoneInfo("Europe/London")
START = datetime(2019, 6, 1, tzinfo=UTC)


def prices(import_per_kwh: Series | float) -> EnergyPrices:
    return EnergyPrices(
        tariff=TariffId("test"),
        display_name="Test",
        currency_code="GBP",
        import_per_kwh=import_per_kwh,
        export_per_kwh=0.05,
    )


def year(values: np.ndarray) -> Series:
    return Series(datetime(2019, 1, 1, tzinfo=UTC), HOUR, values)


def test_prices_that_recur_are_a_time_of_use_tariff_with_the_same_prices() -> None:
    start = datetime(2019, 1, 1, tzinfo=UTC)
    local = [(start + hour * HOUR).astimezone(LONDON) for hour in range(8760)]
    values = np.array(
        [0.4 if 16 <= each.hour < 21 and each.weekday() < 5 else 0.2 for each in local]
    )
    tariff = published_tariff(prices(year(values)), LONDON)
    assert tariff.import_rates.real_time is None
    lowered = lower_tariff(tariff, TimeRange(start, start + 8760 * HOUR), HOUR, LONDON)
    np.testing.assert_allclose(lowered.import_price_per_kwh, values)


def test_other_prices_are_dynamic_and_none_is_in_the_tariff() -> None:
    tariff = published_tariff(prices(year(np.arange(8760) / 1e4)), LONDON)
    assert tariff.import_rates.real_time is not None
    assert tariff.import_rates.real_time.published is None
    assert tariff.export_rates.base_per_kwh == 0.05


def test_one_price_for_all_times_is_a_base_price() -> None:
    tariff = published_tariff(prices(0.3), LONDON)
    assert tariff.import_rates.base_per_kwh == 0.3
    assert flat_tariff(tariff, prices(0.3)) is None, "there is nothing to compare it with"


def test_a_flat_contract_at_the_mean_price_is_there_to_be_compared_with() -> None:
    hourly = prices(year(np.tile([0.2, 0.4], 4380)))
    flat = flat_tariff(published_tariff(hourly, LONDON), hourly)
    assert flat is not None
    assert flat.import_rates.base_per_kwh == 0.3
    assert (flat.id, flat.export_rates.base_per_kwh) == (TariffId("test-flat"), 0.05)


def test_tomorrows_prices_are_known_from_16_oclock_local_time() -> None:
    clock = ManualClock(datetime(2019, 6, 1, 14, 59, tzinfo=UTC))
    day_ahead = DayAheadPrices(Series(START, HOUR, np.arange(72.0)), LONDON, clock)
    assert day_ahead.last_day() == date(2019, 6, 1)
    with pytest.raises(LookAhead):
        day_ahead.day(date(2019, 6, 2))
    clock.advance(timedelta(minutes=1))
    assert day_ahead.last_day() == date(2019, 6, 2)
    published = day_ahead.day(date(2019, 6, 2))
    assert published.prices.start == datetime(2019, 6, 1, 23, tzinfo=UTC)
    assert published.prices.values.tolist() == list(range(23, 47))
    assert published.publish_time == datetime(2019, 6, 1, 15, tzinfo=UTC)


class MemoryBoard:
    """A PriceBoard that keeps what it is given."""

    def __init__(self) -> None:
        self.days: list[PublishedDay] = []

    async def publish(self, tariff: TariffId, day: PublishedDay) -> None:
        self.days.append(day)


async def test_each_day_is_published_once_when_it_becomes_known() -> None:
    clock = ManualClock(START + 12 * HOUR)
    board = MemoryBoard()
    publication = PricePublication(
        tariff=TariffId("test"),
        prices=DayAheadPrices(Series(START, HOUR, np.arange(240.0)), LONDON, clock),
        first_day=date(2019, 5, 31),
        board=board,
        clock=clock,
    )
    task = asyncio.create_task(publication.run())
    await clock.run_for(HOUR)
    assert [day.day.day for day in board.days] == [31, 1]
    await clock.run_for(timedelta(days=2))
    task.cancel()
    assert [day.day.day for day in board.days] == [31, 1, 2, 3]
