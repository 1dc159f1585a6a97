"""What carbon needs from outside."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_carbon.domain.certificates import Certificate, Retirement, Subject
from wattmesh_carbon.domain.factors import Factor
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.issued import Issued, PastForecasts
from wattmesh_kernel.ids import CertificateId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class IntensityStore(Protocol):
    """Where published intensities are kept."""

    async def publish(self, intensity: Intensity, publish_time: datetime) -> int:
        """Store the known intervals; one that is there already is revised, and its past is kept."""

    async def read(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
    ) -> tuple[Series, str]:
        """Return what was published over `span`, NaN where nothing was, and its newest source.

        With `as_of`, what had been published by then.
        """


class ForecastStore(Protocol):
    """Where forecasts of publishers are kept, each as it was issued."""

    async def keep(self, forecast: Intensity, issue_time: datetime, now: datetime) -> bool:
        """Keep a forecast, and say whether it was new; those that are too old are forgotten."""

    async def newest(
        self, zone: ZoneId, basis: Basis, span: TimeRange, resolution: timedelta, as_of: datetime
    ) -> Issued | None:
        """Return the newest forecast that was known, over a span; NaN where it has nothing."""

    async def issued(self, asked: PastForecasts) -> Sequence[Issued]:
        """Return the first forecast of each six hours."""


class ForecastSource(Protocol):
    """A publisher of forecasts."""

    @property
    def zone(self) -> ZoneId:
        """The zone it is asked about."""

    async def forecast(self, now: datetime) -> Intensity | None:
        """Return its newest forecast, with the time of issue; None: it has none.

        Error: Unavailable.
        """


class Source(Protocol):
    """A publisher of intensities."""

    @property
    def zone(self) -> ZoneId:
        """The zone it is asked about."""

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what was published of a span; None: nothing. Error: Unavailable."""


class FactorStore(Protocol):
    """Where published factors are kept."""

    async def publish(self, factor: Factor) -> None:
        """Store a factor; one of the same kind, zone and year is replaced."""

    async def of_zone(self, zone: ZoneId | None) -> Sequence[Factor]:
        """Return a zone's factors and those that hold everywhere; None: all."""


class CertificateStore(Protocol):
    """Where certificates are kept, with what was retired of them."""

    async def register(self, certificate: Certificate) -> Certificate:
        """Keep a certificate, and return what is kept under its name or number in the registry."""

    async def get(self, name: CertificateId) -> Certificate | None:
        """Return a certificate."""

    async def page(self, zone: ZoneId | None, after: str, limit: int) -> Sequence[Certificate]:
        """Return at most `limit` certificates by name, behind a name; None: of all zones."""

    async def retire(
        self, name: CertificateId, retirement: Retirement, request_id: str, now: datetime
    ) -> Certificate | None:
        """Spend energy of a certificate, once for a request id; None: there is no such one.

        Errors: as `Certificate.retire`; InvalidArgument `REQUEST_ID_TAKEN` when the id stands for
        another retirement.
        """

    async def retired_for(
        self, subjects: frozenset[Subject], span: TimeRange
    ) -> Sequence[Certificate]:
        """Return certificates of which something was retired for subjects in a span."""
