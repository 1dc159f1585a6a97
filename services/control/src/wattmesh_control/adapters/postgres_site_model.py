"""The last known site model in PostgreSQL, as the snapshot that metering would send."""

import logging

from google.protobuf.message import DecodeError

from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.site_model import change_from_pieces, pieces_from_change
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.sites import SiteModel, SiteModelChange
from wattmesh_kernel.time import EPOCH
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_LOAD = "SELECT content FROM site_model"

_STORE = """
INSERT INTO site_model (revision, content) VALUES (%s, %s)
ON CONFLICT (one) DO UPDATE SET revision = excluded.revision, content = excluded.content
WHERE site_model.revision <> excluded.revision
"""


class PostgresSiteModel:
    """SiteModelStore: one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> SiteModelChange | None:
        """Return the model that was kept; one that cannot be read counts as none, and says so."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_LOAD)).fetchone()
        if row is None:
            return None
        try:
            piece = site_service_pb2.WatchSiteModelResponse.FromString(row[0])
            return change_from_pieces([piece])
        except (DecodeError, WattmeshError) as error:
            log.warning("the kept site model cannot be read and is left aside: %s", error)
            return None

    async def store(self, model: SiteModel) -> None:
        """Keep a model in place of the one before."""
        whole = site_service_pb2.WatchSiteModelResponse()
        for piece in pieces_from_change(model.snapshot(), EPOCH):
            whole.MergeFrom(piece)
        async with self._database.connection() as connection:
            await connection.execute(_STORE, (model.revision, whole.SerializeToString()))
