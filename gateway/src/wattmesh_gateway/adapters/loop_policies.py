"""Loop policies in the journal's file."""

import logging
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.message import DecodeError

from wattmesh.gateway.v1 import loop_policy_pb2
from wattmesh_contracts.loop_policies import loop_policy_from_proto, loop_policy_to_proto
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.ports import KeptPolicy
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import SiteId

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_Row = tuple[str, bytes, int, int]


class SqliteLoopPolicies:
    """Survives the end of the process; documents are the messages of the wire."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    async def keep(self, policies: Sequence[KeptPolicy]) -> None:
        """Keep policies, each in place of the one of its site."""
        rows = [_row(each) for each in policies]
        await self._database.run(
            lambda db: db.executemany(
                "INSERT OR REPLACE INTO loop_policies VALUES (?, ?, ?, ?)", rows
            )
        )

    async def forget(self, site: SiteId) -> None:
        """Forget the policy of a site."""
        await self._database.run(
            lambda db: db.execute("DELETE FROM loop_policies WHERE site = ?", (site.name,))
        )

    async def all(self) -> Sequence[KeptPolicy]:
        """Return everything that is kept; what makes no sense is logged and left out."""
        rows = await self._database.run(_select)
        return [each for row in rows if (each := _kept(row)) is not None]


def _select(db: sqlite3.Connection) -> list[_Row]:
    return db.execute(
        "SELECT site, document, issue_time_us, expire_time_us FROM loop_policies ORDER BY site"
    ).fetchall()


def _row(kept: KeptPolicy) -> _Row:
    document = loop_policy_to_proto(kept.policy).SerializeToString()
    return (kept.policy.site.name, document, _to_us(kept.issue_time), _to_us(kept.expire_time))


def _kept(row: _Row) -> KeptPolicy | None:
    site, document, issue_us, expire_us = row
    try:
        return KeptPolicy(
            policy=loop_policy_from_proto(loop_policy_pb2.LoopPolicy.FromString(document)),
            issue_time=_EPOCH + issue_us * _MICROSECOND,
            expire_time=_EPOCH + expire_us * _MICROSECOND,
        )
    except (DecodeError, WattmeshError) as error:
        log.error("the loop policy of %s is passed over: %r", site, error)
        return None


def _to_us(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
