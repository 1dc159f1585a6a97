"""Published prices of tariffs."""

from datetime import datetime, timedelta
from typing import Any

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import EnergyDirection, Tariff
from wattmesh_kernel.time import EPOCH, TimeRange
from wattmesh_metering.adapters.documents import COLUMNS
from wattmesh_metering.adapters.known_when import AS_KNOWN, KNOWN_COLUMNS, known_record
from wattmesh_metering.adapters.revisions import alone, next_revision
from wattmesh_metering.app.ports import PricedTariff
from wattmesh_metering.domain.prices import (
    LONGEST_PRICE_INTERVAL,
    Publication,
    PublishedPrice,
)
from wattmesh_runtime.database import Database

_PUBLISH = """
INSERT INTO tariff_prices
    (tariff, direction, start_time, publish_time, resolution, price_per_kwh)
SELECT %s, direction, start_time, %s, resolution, price_per_kwh
FROM unnest(%s::text[], %s::timestamptz[], %s::interval[], %s::float8[])
    AS p (direction, start_time, resolution, price_per_kwh)
ON CONFLICT (tariff, direction, start_time, publish_time) DO UPDATE
    SET resolution = excluded.resolution, price_per_kwh = excluded.price_per_kwh
"""

# The tariff and its prices in one answer; prices as JSON, since an array has one type.
_PRICES = """(
    SELECT jsonb_agg(jsonb_build_array(
        direction, extract(epoch FROM start_time), extract(epoch FROM resolution),
        extract(epoch FROM publish_time), price_per_kwh
    ) ORDER BY publish_time, start_time)
    FROM tariff_prices
    WHERE tariff = %(tariff)s
      AND start_time > %(earliest)s AND start_time < %(end)s
      AND start_time + resolution > %(start)s
      AND (%(known_by)s::timestamptz IS NULL OR publish_time <= %(known_by)s)
)"""
_PRICED = f"""
SELECT {COLUMNS}, false, NULL::timestamptz, {_PRICES}
FROM records WHERE name = %(tariff)s AND delete_time IS NULL
"""
_PRICED_AS_KNOWN = f"SELECT {KNOWN_COLUMNS}, {_PRICES} {AS_KNOWN}"


class PostgresPriceBook:
    """Published prices, every publication of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, publication: Publication) -> None:
        """Keep prices; the same publication again replaces itself."""
        prices = publication.prices()
        async with self._database.transaction() as connection:
            await alone(connection)
            await next_revision(connection, publication.published)
            await connection.execute(
                _PUBLISH,
                (
                    publication.tariff.name,
                    publication.publish_time,
                    [price.direction.value for price in prices],
                    [price.start_time for price in prices],
                    [price.resolution for price in prices],
                    [price.price_per_kwh for price in prices],
                ),
            )

    async def priced(
        self, tariff: TariffId, span: TimeRange | None, known_by: datetime | None
    ) -> PricedTariff | None:
        """Return a tariff and every price that holds in the span, as known by then."""
        parameters = {
            "tariff": tariff.name,
            "name": tariff.name,
            "earliest": None if span is None else span.start - LONGEST_PRICE_INTERVAL,
            "start": None if span is None else span.start,
            "end": None if span is None else span.end,
            "known_by": known_by,
        }
        async with self._database.connection() as connection:
            query = _PRICED if known_by is None else _PRICED_AS_KNOWN
            cursor = await connection.execute(query, parameters)
            row = await cursor.fetchone()
        return None if row is None else _priced(row)


def _priced(row: tuple[Any, ...]) -> PricedTariff | None:
    *columns, prices = row
    record = known_record(tuple(columns))
    if record is None or not isinstance(record.resource, Tariff):
        return None
    return PricedTariff(
        record=record,
        tariff=record.resource,
        prices=tuple(_price(*each) for each in prices or ()),
    )


def _price(
    direction: str, start: float, resolution: float, published: float, price_per_kwh: float
) -> PublishedPrice:
    return PublishedPrice(
        direction=EnergyDirection(direction),
        start_time=EPOCH + timedelta(seconds=start),
        resolution=timedelta(seconds=resolution),
        publish_time=EPOCH + timedelta(seconds=published),
        price_per_kwh=price_per_kwh,
    )
