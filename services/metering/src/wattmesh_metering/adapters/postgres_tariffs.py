"""Tariffs as JSON of their wire message, and their published prices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from google.protobuf.json_format import MessageToDict, ParseDict
from psycopg import AsyncConnection

from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.tariff import tariff_from_proto, tariff_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import EnergyDirection, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.adapters.shelf import Row
from wattmesh_metering.adapters.shelves import Json
from wattmesh_metering.domain.prices import (
    LONGEST_PRICE_INTERVAL,
    Publication,
    PublishedPrice,
    without_prices,
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

_PUBLISHED = """
SELECT direction, start_time, resolution, publish_time, price_per_kwh
FROM tariff_prices
WHERE tariff = %(tariff)s
  AND start_time > %(earliest)s AND start_time < %(end)s
  AND start_time + resolution > %(start)s
  AND (%(known_by)s::timestamptz IS NULL OR publish_time <= %(known_by)s)
ORDER BY publish_time, start_time
"""


class TariffShelf:
    """Tariffs, without published prices."""

    kind = "tariff"
    table = "tariffs"
    columns = ("name", "display_name", "currency_code", "body")
    selected = "body"
    filters: Mapping[str, str] = MappingProxyType({})

    def to_row(self, value: Tariff) -> Row:
        """Return the values of the columns."""
        body = MessageToDict(
            tariff_to_proto(without_prices(value)), preserving_proto_field_name=True
        )
        return value.id.name, value.display_name, value.currency_code, Json(body)

    def from_row(self, row: Row) -> Tariff:
        """Return the tariff of a row."""
        return tariff_from_proto(ParseDict(row[0], tariff_pb2.Tariff()))

    def parts(self, value: Tariff) -> Row:
        """Return nothing: prices are published, not created."""
        return ()

    async def write_parts(self, connection: AsyncConnection, value: Tariff) -> None:
        """Write nothing: prices are published, not created."""


class PostgresPriceBook:
    """Published prices, every publication of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, publication: Publication) -> None:
        """Keep prices; the same publication again replaces itself."""
        prices = publication.prices()
        async with self._database.transaction() as connection:
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

    async def published(
        self, tariff: TariffId, span: TimeRange, known_by: datetime | None
    ) -> Sequence[PublishedPrice]:
        """Return every price that holds in the span and was published by then."""
        parameters = {
            "tariff": tariff.name,
            "earliest": span.start - LONGEST_PRICE_INTERVAL,
            "start": span.start,
            "end": span.end,
            "known_by": known_by,
        }
        async with self._database.connection() as connection:
            cursor = await connection.execute(_PUBLISHED, parameters)
            rows = await cursor.fetchall()
        return [
            PublishedPrice(
                direction=EnergyDirection(direction),
                start_time=start_time,
                resolution=resolution,
                publish_time=publish_time,
                price_per_kwh=price_per_kwh,
            )
            for direction, start_time, resolution, publish_time, price_per_kwh in rows
        ]
