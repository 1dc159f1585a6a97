"""The states of the lines to gateways in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from wattmesh_control.adapters.rows import Row, gateway_id
from wattmesh_control.app.gateway_links import GatewayLinkState
from wattmesh_control.domain.clock_skew import ClockSkew, ClockState
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_PUT = """
INSERT INTO gateway_links (gateway, connected, change_time, epoch,
                           clock_state, skew_s, uncertainty_s, compare_time)
VALUES (%(gateway)s, %(connected)s, %(change)s, %(epoch)s,
        %(state)s, %(skew)s, %(uncertainty)s, %(compared)s)
ON CONFLICT (gateway) DO UPDATE SET
    connected = excluded.connected, change_time = excluded.change_time, epoch = excluded.epoch,
    clock_state = excluded.clock_state, skew_s = excluded.skew_s,
    uncertainty_s = excluded.uncertainty_s, compare_time = excluded.compare_time
WHERE gateway_links.epoch <= excluded.epoch
"""

# A process that died said no goodbye: whoever took its lease over did so under a higher epoch.
_SELECT = """
SELECT gateway, connected AND COALESCE(leases.epoch, gateway_links.epoch) = gateway_links.epoch,
       change_time, gateway_links.epoch, clock_state, skew_s, uncertainty_s, compare_time
FROM gateway_links LEFT JOIN leases ON leases.name = gateway_links.gateway
"""

_GET = f"{_SELECT} WHERE gateway = %s"

_THESE = f"{_SELECT} WHERE gateway = ANY(%s)"

_PAGE = f"{_SELECT} WHERE gateway > %s ORDER BY gateway LIMIT %s"


class PostgresLinkStates:
    """LinkStates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, state: GatewayLinkState) -> None:
        """Keep a state, unless one of a later lease is there."""
        async with self._database.connection() as connection:
            await connection.execute(_PUT, _values(state))

    async def get(self, gateway: GatewayId) -> GatewayLinkState | None:
        """Return the state of one."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_GET, (gateway.name,))).fetchone()
        return None if row is None else _state(row)

    async def connected(self, gateways: Collection[GatewayId]) -> frozenset[GatewayId]:
        """Return which of these are connected."""
        names = [gateway.name for gateway in gateways]
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_THESE, (names,))).fetchall()
        return frozenset(each.gateway for each in map(_state, rows) if each.connected)

    async def page(self, after: str, size: int) -> list[GatewayLinkState]:
        """Return at most `size` states, by name, of gateways named after `after`."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_PAGE, (after, size))
            return [_state(row) for row in await cursor.fetchall()]


def _values(state: GatewayLinkState) -> Mapping[str, object]:
    skew = state.clock_skew
    return {
        "gateway": state.gateway.name,
        "connected": state.connected,
        "change": state.change_time,
        "epoch": state.epoch,
        "state": skew and skew.state.value,
        "skew": skew and skew.skew.total_seconds(),
        "uncertainty": skew and skew.uncertainty.total_seconds(),
        "compared": skew and skew.compare_time,
    }


def _state(row: Row) -> GatewayLinkState:
    gateway, connected, change_time, epoch, state, skew_s, uncertainty_s, compare_time = row
    skew = None
    if state is not None:
        skew = ClockSkew(
            state=ClockState(state),
            skew=timedelta(seconds=skew_s),
            uncertainty=timedelta(seconds=uncertainty_s),
            compare_time=to_utc(compare_time),
        )
    return GatewayLinkState(
        gateway=gateway_id(gateway),
        connected=connected,
        change_time=to_utc(change_time),
        epoch=epoch,
        clock_skew=skew,
    )
