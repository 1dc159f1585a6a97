"""The site model as it is kept: of every resource what it means, and the message that said so."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattmesh_kernel.sites import Asset, Device, PublishedPrices, Resource, Site, SiteGroup

LARGEST_BODY_BYTES = 512 * 2**10
"""Most that one resource takes, with what nobody here knows of it: everybody lists and follows
all of them."""


class RecordKind(StrEnum):
    """What a resource is."""

    SITE = "site"
    ASSET = "asset"
    DEVICE = "device"
    GROUP = "group"
    TARIFF = "tariff"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A resource and its message, byte for byte as it was sent, but without its etag.

    The message may say more than the resource: what a newer client knows goes through unharmed.
    """

    resource: Resource
    body: bytes

    @property
    def name(self) -> str:
        """The resource name."""
        return self.resource.id.name

    @property
    def kind(self) -> RecordKind:
        """What it is."""
        return kind_of(self.resource)

    @property
    def etag(self) -> str:
        """A digest of the message: the same content has the same etag."""
        return hashlib.sha256(self.body).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A document that is kept: `revision` of the model at which it last changed.

    A deleted one has a `delete_time`. `known_since`: since when it was known so, where that was
    asked and is known.
    """

    document: Document
    revision: int
    delete_time: datetime | None = None
    known_since: datetime | None = None

    @property
    def name(self) -> str:
        """The resource name."""
        return self.document.name

    @property
    def resource(self) -> Resource:
        """What the document means."""
        return self.document.resource

    @property
    def size_bytes(self) -> int:
        """How long its message is."""
        return len(self.document.body)


KEPT_KINDS = (RecordKind.SITE, RecordKind.TARIFF)
"""Of these it is kept what they said when: bills are made of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedDevice:
    """A device that was deleted: what it did up to `end_time` still counts."""

    device: Device
    end_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNews:
    """What leads from one revision of the kept model to `revision`; `whole`: from nothing.

    `point_keys` holds, per device that is in it, the keys of its points by quantity.
    """

    revision: int
    whole: bool
    records: tuple[Record, ...] = ()
    ended: tuple[EndedDevice, ...] = ()
    point_keys: tuple[tuple[str, dict[str, int]], ...] = ()
    published: tuple[PublishedPrices, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChange:
    """News as those hear them who follow the model: what is there, and what is gone.

    With `snapshot` it is all there is, and nothing else is.
    """

    revision: int
    snapshot: bool = False
    changed: tuple[Record, ...] = ()
    deleted: frozenset[str] = frozenset()
    published: tuple[PublishedPrices, ...] = ()


def kind_of(resource: Resource) -> RecordKind:
    """Return what a resource is."""
    match resource:
        case Site():
            return RecordKind.SITE
        case Asset():
            return RecordKind.ASSET
        case Device():
            return RecordKind.DEVICE
        case SiteGroup():
            return RecordKind.GROUP
        case _:
            return RecordKind.TARIFF


def refers(resource: Resource) -> frozenset[str]:
    """Return the names of all that a resource refers to, be it in the past."""
    match resource:
        case Site(tariffs=tariffs):
            return frozenset(tariff.name for tariff in tariffs)
        case Asset(site=site):
            return frozenset({site.name})
        case Device(id=device, functions=functions):
            return frozenset({device.site.name, *(each.asset.name for each in functions)})
        case SiteGroup(sites=sites):
            return frozenset(site.name for site in sites)
        case _:
            return frozenset()


def needs(resource: Resource, now: datetime) -> frozenset[str]:
    """Return the names of what must be there for as long as the resource is as it is."""
    if not isinstance(resource, Device):
        return refers(resource)
    working = (each for each in resource.functions if each.end is None or each.end > now)
    return frozenset({resource.id.site.name, *(each.asset.name for each in working)})
