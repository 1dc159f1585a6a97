"""The site model of metering in memory: its history, and a follower that has caught up with it."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.sites import Device, Resource
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.domain.records import Document, EndedDevice, ModelNews, Record


class MemoryModelHistory:
    """ModelHistory that a test changes by hand; a change is known at once, or when it is shown."""

    def __init__(self, *resources: Resource, point_keys: Mapping[str, int] | None = None) -> None:
        self.away = False
        self._news = [
            ModelNews(
                revision=1,
                whole=True,
                records=tuple(map(_record, resources)),
                point_keys=_by_device(point_keys or {}),
            )
        ]

    def change(self, *resources: Resource) -> None:
        """Keep new or changed resources."""
        self._add(
            ModelNews(revision=self._next, whole=False, records=tuple(map(_record, resources)))
        )

    def delete(self, resource: Resource, moment: datetime) -> None:
        """Delete a resource."""
        ended = (EndedDevice(device=resource, end_time=moment),) if _is_device(resource) else ()  # type: ignore[arg-type]
        record = Record(document=_document(resource), revision=self._next, delete_time=moment)
        self._add(ModelNews(revision=self._next, whole=False, records=(record,), ended=ended))

    async def since(self, revision: int) -> ModelNews:
        if self.away:
            raise Unavailable("AWAY", "the database is away")
        later = [news for news in self._news if news.revision > revision]
        return ModelNews(
            revision=self._news[-1].revision,
            whole=bool(later) and later[0].whole,
            records=tuple(record for news in later for record in news.records),
            ended=tuple(ended for news in later for ended in news.ended),
            point_keys=tuple(keys for news in later for keys in news.point_keys),
        )

    @property
    def _next(self) -> int:
        return self._news[-1].revision + 1

    def _add(self, news: ModelNews) -> None:
        self._news.append(news)


def following(history: MemoryModelHistory) -> FollowSiteModel:
    """A follower that knows what there is."""
    follower = FollowSiteModel(history)
    asyncio.run(follower.catch_up())
    return follower


def _is_device(resource: Resource) -> bool:
    return isinstance(resource, Device)


def _record(resource: Resource) -> Record:
    return Record(document=_document(resource), revision=1)


def _document(resource: Resource) -> Document:
    return Document(resource=resource, body=repr(resource).encode())


def _by_device(point_keys: Mapping[str, int]) -> tuple[tuple[str, dict[str, int]], ...]:
    found: dict[str, dict[str, int]] = {}
    for name, key in point_keys.items():
        device, _, quantity = name.rpartition("/points/")
        found.setdefault(device, {})[quantity] = key
    return tuple(found.items())
