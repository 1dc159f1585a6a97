"""Everything of one kind, kept by name in a table."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from psycopg import AsyncConnection
from psycopg.errors import IntegrityError, UniqueViolation

from wattmesh_kernel.errors import FailedPrecondition, NotFound, WattmeshError
from wattmesh_metering.adapters.shelf import Shelf
from wattmesh_metering.app.ports import (
    Created,
    CreateOutcome,
    NameTaken,
    Repeated,
    RequestIdTaken,
)
from wattmesh_runtime.database import Database

V = TypeVar("V")

_ADD_REQUEST = """
INSERT INTO create_requests (kind, request_id, name, fingerprint) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_FINGERPRINT = "SELECT fingerprint FROM create_requests WHERE kind = %s AND request_id = %s"

_BROKEN: Mapping[str, Callable[[], WattmeshError]] = {
    "sites_tariff": lambda: NotFound("TARIFF_NOT_FOUND", "the site's tariff is not there"),
    "group_sites_site": lambda: NotFound("SITE_NOT_FOUND", "a site of the group is not there"),
    "group_sites_one_group": lambda: FailedPrecondition(
        "SITE_IN_OTHER_GROUP", "a site of the group belongs to another group"
    ),
    "assets_site": lambda: NotFound("SITE_NOT_FOUND", "the asset's site is not there"),
    "assets_one_derived_load": lambda: FailedPrecondition(
        "DERIVED_LOAD_TAKEN", "a site has one derived load at most: the balance leaves one rest"
    ),
    "devices_asset": lambda: NotFound("ASSET_NOT_FOUND", "the device's asset is not there"),
}
"""What it means when a constraint of that name is broken."""


class PostgresCatalog(Generic[V]):
    """The catalog of one shelf."""

    def __init__(self, database: Database, shelf: Shelf[V]) -> None:
        self._database = database
        self._shelf = shelf
        columns = ", ".join(shelf.columns)
        places = ", ".join(["%s"] * len(shelf.columns))
        excluded = ", ".join(f"{column} = excluded.{column}" for column in shelf.columns)
        settings = ", ".join(f"{column} = %s" for column in shelf.columns)
        self._insert = f"INSERT INTO {shelf.table} ({columns}) VALUES ({places})"
        self._put = f"{self._insert} ON CONFLICT (name) DO UPDATE SET {excluded}"
        self._replace = f"UPDATE {shelf.table} SET {settings} WHERE name = %s"
        self._select = f"SELECT {shelf.selected} FROM {shelf.table}"

    async def create(self, value: V, request_id: str) -> CreateOutcome:
        """Keep a new one."""
        row = self._shelf.to_row(value)
        fingerprint = hashlib.sha256(repr((row, self._shelf.parts(value))).encode()).digest()
        try:
            async with self._database.transaction() as connection:
                if request_id:
                    added = await connection.execute(
                        _ADD_REQUEST, (self._shelf.kind, request_id, row[0], fingerprint)
                    )
                    if not added.rowcount:
                        return await self._answer_repeat(connection, request_id, fingerprint)
                with _rules():
                    await connection.execute(self._insert.encode(), row)
                    await self._shelf.write_parts(connection, value)
        except UniqueViolation:  # the rules' own are turned into domain errors before
            return NameTaken()
        return Created()

    async def get(self, name: str) -> V | None:
        """Return the one of that name."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"{self._select} WHERE {self._shelf.table}.name = %s".encode(), (name,)
            )
            row = await cursor.fetchone()
        return None if row is None else self._shelf.from_row(row)

    async def list(self, filters: Mapping[str, str], after: str, limit: int) -> Sequence[V]:
        """Return at most `limit` whose names follow `after`, by name."""
        name = f"{self._shelf.table}.name"
        conditions = [f"{name} > %s", *(self._shelf.filters[key] for key in filters)]
        query = f"{self._select} WHERE {' AND '.join(conditions)} ORDER BY {name} LIMIT %s"
        async with self._database.connection() as connection:
            cursor = await connection.execute(query.encode(), (after, *filters.values(), limit))
            return [self._shelf.from_row(row) for row in await cursor.fetchall()]

    async def update(self, value: V, *, allow_missing: bool) -> bool:
        """Replace the one of that name, or create it when allowed."""
        row = self._shelf.to_row(value)
        async with self._database.transaction() as connection:
            with _rules():
                if allow_missing:
                    await connection.execute(self._put.encode(), row)
                else:
                    cursor = await connection.execute(self._replace.encode(), (*row, row[0]))
                    if not cursor.rowcount:
                        return False
                await self._shelf.write_parts(connection, value)
        return True

    async def _answer_repeat(
        self, connection: AsyncConnection, request_id: str, fingerprint: bytes
    ) -> CreateOutcome:
        cursor = await connection.execute(_FINGERPRINT, (self._shelf.kind, request_id))
        (first,) = await cursor.fetchone() or (None,)
        return Repeated() if first == fingerprint else RequestIdTaken()


@contextmanager
def _rules() -> Iterator[None]:
    """Say in the domain's words which rule among resources a write has broken."""
    try:
        yield
    except IntegrityError as error:
        broken = _BROKEN.get(error.diag.constraint_name or "")
        if broken is None:
            raise
        raise broken() from error
