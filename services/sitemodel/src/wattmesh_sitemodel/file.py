"""The last known site model on disk, as the snapshot that metering would send."""

import asyncio
import hashlib
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.site_model import change_from_pieces, pieces_from_change
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.sites import SiteModel, SiteModelChange

log = logging.getLogger(__name__)

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST_SIZE = hashlib.sha256().digest_size


class SiteModelFile:
    """One file, replaced as a whole; one that cannot be read counts as none, and says so.

    It is a SHA-256 digest and the snapshot: half a file can be a whole message, and half a model
    would be believed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> SiteModelChange | None:
        """Return the model that was kept, as the change that makes it."""
        return await asyncio.to_thread(self._load)

    async def store(self, model: SiteModel) -> None:
        """Keep a model in place of the one before."""
        await asyncio.to_thread(self._store, model)

    def _load(self) -> SiteModelChange | None:
        try:
            content = self._path.read_bytes()
            digest, snapshot = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
            if hashlib.sha256(snapshot).digest() != digest:
                raise DecodeError("the file is not whole")
            piece = site_service_pb2.WatchSiteModelResponse.FromString(snapshot)
            return change_from_pieces([piece])
        except FileNotFoundError:
            return None
        except (OSError, DecodeError, WattmeshError) as error:
            log.warning("the kept site model cannot be read and is left aside: %s", error)
            return None

    def _store(self, model: SiteModel) -> None:
        whole = site_service_pb2.WatchSiteModelResponse()
        for piece in pieces_from_change(model.snapshot(), _NO_TIME):
            whole.MergeFrom(piece)
        snapshot = whole.SerializeToString()
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(hashlib.sha256(snapshot).digest() + snapshot)
            os.replace(fresh, self._path)
        except OSError as error:
            log.warning("the site model cannot be kept on disk: %s", error)
