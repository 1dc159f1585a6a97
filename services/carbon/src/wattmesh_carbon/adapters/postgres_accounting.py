"""Factors and certificates in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection

from wattmesh_carbon.domain.certificates import Certificate, Retirement, Subject
from wattmesh_carbon.domain.factors import Factor, FactorKind
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import CertificateId, ZoneId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_CERTIFICATES = DocumentCodec[Certificate](Certificate)
_RETIREMENTS = DocumentCodec[Retirement](Retirement)

_PUBLISH = """
INSERT INTO factors (kind, zone, year, value, source, licence) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (kind, zone, year) DO UPDATE SET value = excluded.value, source = excluded.source,
    licence = excluded.licence
"""
_FACTORS = """
SELECT kind, zone, year, value, source, licence FROM factors
WHERE %(zone)s::text IS NULL OR zone IN (%(zone)s, '') ORDER BY kind, zone, year
"""
_REGISTER = """
INSERT INTO certificates (name, issuer, serial_number, zone, document)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_KEPT = """
SELECT document FROM certificates WHERE name = %(name)s
    OR (issuer = %(issuer)s AND serial_number = %(number)s) ORDER BY name = %(name)s LIMIT 1
"""
_PAGE = """
SELECT document FROM certificates
WHERE name > %(after)s AND (%(zone)s::text IS NULL OR zone = %(zone)s) ORDER BY name LIMIT %(limit)s
"""
_RETIRED_FOR = """
SELECT document FROM certificates WHERE name IN (
    SELECT certificate FROM retirements
    WHERE subject = ANY(%(subjects)s) AND start_time < %(end)s AND end_time > %(start)s
) ORDER BY name
"""
_RETIRE = """
INSERT INTO retirements (request_id, certificate, subject, start_time, end_time, document)
VALUES (%s, %s, %s, %s, %s, %s)
"""


class PostgresFactorStore:
    """FactorStore, in the table `factors`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, factor: Factor) -> None:
        """Store a factor; one of the same kind, zone and year is replaced."""
        async with self._database.connection() as connection:
            await connection.execute(
                _PUBLISH, (*factor.key, factor.value, factor.source, factor.licence)
            )

    async def of_zone(self, zone: ZoneId | None) -> Sequence[Factor]:
        """Return a zone's factors and those that hold everywhere; None: all."""
        values = {"zone": None if zone is None else zone.name}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_FACTORS, values)).fetchall()
        return [
            Factor(
                kind=FactorKind(kind),
                zone=ZoneId.parse(name) if name else None,
                year=year,
                value=value,
                source=source,
                licence=licence,
            )
            for kind, name, year, value, source, licence in rows
        ]


class PostgresCertificateStore:
    """CertificateStore: whoever retires holds the certificate's row, so nothing is spent twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, certificate: Certificate) -> Certificate:
        """Keep a certificate, and return what is kept under its name or number in the registry."""
        values = (
            certificate.id.name,
            certificate.issuer,
            certificate.serial_number,
            certificate.zone.name,
            _CERTIFICATES.to_json(certificate).decode(),
        )
        kept = {
            "name": certificate.id.name,
            "issuer": certificate.issuer,
            "number": certificate.serial_number,
        }
        async with self._database.connection() as connection:
            await connection.execute(_REGISTER, values)
            ((document,),) = await (await connection.execute(_KEPT, kept)).fetchall()
        return _CERTIFICATES.from_document(document)

    async def get(self, name: CertificateId) -> Certificate | None:
        """Return a certificate."""
        async with self._database.connection() as connection:
            return await _get(connection, name, lock=False)

    async def page(self, zone: ZoneId | None, after: str, limit: int) -> Sequence[Certificate]:
        """Return at most `limit` certificates by name, behind a name; None: of all zones."""
        values = {"zone": None if zone is None else zone.name, "after": after, "limit": limit}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_PAGE, values)).fetchall()
        return [_CERTIFICATES.from_document(row[0]) for row in rows]

    async def retire(
        self, name: CertificateId, retirement: Retirement, request_id: str, now: datetime
    ) -> Certificate | None:
        """Spend energy of a certificate, once for a request id; None: there is no such one."""
        async with self._database.transaction() as connection:
            kept = await _get(connection, name, lock=True)
            if kept is None or await _is_repeat(connection, name, retirement, request_id):
                return kept
            spent = kept.retire(retirement, now)
            await connection.execute(
                _RETIRE,
                (
                    *(request_id, name.name, retirement.subject.name),
                    *(retirement.consumption.start, retirement.consumption.end),
                    _RETIREMENTS.to_json(retirement).decode(),
                ),
            )
            await connection.execute(
                "UPDATE certificates SET document = %s WHERE name = %s",
                (_CERTIFICATES.to_json(spent).decode(), name.name),
            )
        return spent

    async def retired_for(
        self, subjects: frozenset[Subject], span: TimeRange
    ) -> Sequence[Certificate]:
        """Return certificates of which something was retired for subjects in a span."""
        names = [each.name for each in subjects]
        values = {"subjects": names, "start": span.start, "end": span.end}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_RETIRED_FOR, values)).fetchall()
        return [_CERTIFICATES.from_document(row[0]) for row in rows]


async def _get(
    connection: AsyncConnection, name: CertificateId, *, lock: bool
) -> Certificate | None:
    query = "SELECT document FROM certificates WHERE name = %s"
    cursor = await connection.execute(
        (f"{query} FOR UPDATE" if lock else query).encode(), (name.name,)
    )
    row = await cursor.fetchone()
    return None if row is None else _CERTIFICATES.from_document(row[0])


async def _is_repeat(
    connection: AsyncConnection, name: CertificateId, retirement: Retirement, request_id: str
) -> bool:
    cursor = await connection.execute(
        "SELECT certificate, document FROM retirements WHERE request_id = %s", (request_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    if (row[0], _RETIREMENTS.from_document(row[1])) != (name.name, retirement):
        raise InvalidArgument(
            "REQUEST_ID_TAKEN", f"{request_id!r} stands for another request", field="request_id"
        )
    return True
