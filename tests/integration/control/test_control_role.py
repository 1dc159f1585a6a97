"""Control as it is deployed: under a role that the database holds to the reach of a caller."""

from datetime import UTC, datetime, timedelta

import psycopg

from tests.fakes.deployed_role import deployed
from wattmesh_control.adapters.postgres_archive import PostgresCommandArchive
from wattmesh_control.adapters.postgres_holds import PostgresHoldArchive
from wattmesh_control.adapters.postgres_limits import PostgresLimitArchive
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.ids import CommandId, HoldId, LimitId
from wattmesh_runtime.access.guard import enter_identity

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
FILL = """
INSERT INTO control.holds (name, subject, kind, owner, reason, create_time)
SELECT 'holds/' || n, 'sites/home-' || n, 'opt_out', 'ada', 'why', %(now)s
FROM generate_series(1, 2) AS n;
INSERT INTO control.limits (name, subject, site, owner, max_power_w, expire_time, reason)
SELECT 'limits/' || n, 'sites/home-' || n || '/devices/d', 'sites/home-' || n, 'ada', 1, %(end)s, ''
FROM generate_series(1, 2) AS n;
INSERT INTO control.device_events (device, time, what, message)
SELECT 'sites/home-' || n || '/devices/d', %(now)s, 'lost', '' FROM generate_series(1, 2) AS n
"""
HELD = (
    *("commands", "limits", "shared_limits", "limit_acknowledgements"),
    *("holds", "device_events"),
)


async def test_what_one_tenant_is_told_comes_from_rows_of_its_own(database_url: str) -> None:
    async with deployed(database_url, "control") as (database, url):
        async with psycopg.AsyncClientCursor(
            await psycopg.AsyncConnection.connect(url, autocommit=True)
        ) as cursor:
            await cursor.execute(FILL, {"now": NOW, "end": NOW + timedelta(hours=1)})
            await cursor.execute(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
                " AND relnamespace = 'control'::regnamespace"
            )
            assert {name for (name,) in await cursor.fetchall()} == set(HELD)
            counts = {"*": 2, "sites/home-1 sites/home-7": 1, "sites/home-9": 0}
            for reach, count in counts.items():
                await cursor.execute("SELECT set_config('wattmesh.reach', %s, false)", (reach,))
                for table in ("holds", "limits", "device_events"):
                    await cursor.execute(f"SELECT count(*) FROM control.{table}".encode())
                    assert await cursor.fetchone() == (count,), (table, reach)
            await cursor.connection.close()
        holds, limits = PostgresHoldArchive(database), PostgresLimitArchive(database)
        commands = PostgresCommandArchive(database)
        sees = frozenset({"sites/home-1"})
        for caller, seen in (
            (None, {1, 2}),
            (Caller(name="ada", permissions=frozenset(), sites=sees), {1}),
            (Caller(name="olga", permissions=frozenset()), {1, 2}),
        ):
            enter_identity(caller)
            found = {n for n in (1, 2) if await holds.get(HoldId(str(n))) is not None}
            bound = {n for n in (1, 2) if await limits.get(LimitId(str(n)), NOW) is not None}
            assert found == bound == seen
            assert await commands.get(CommandId("none")) is None
        async with database.connection() as connection:
            shown = await (await connection.execute("SHOW wattmesh.reach")).fetchone()
        assert shown == ("*",), "nobody else gets a connection with a caller's reach"
