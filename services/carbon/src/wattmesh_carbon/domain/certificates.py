"""Certificates of energy: bought once, and spent once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.checks import require, require_at_least, require_positive, require_text
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import CertificateId, GroupId, SiteId, ZoneId
from wattmesh_kernel.time import TimeRange

GRANULAR = timedelta(hours=1)
"""The longest time of generation that can match consumption hour by hour."""
_DUST_WH = 1e-6

Subject = SiteId | GroupId


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """Energy spent for good on the consumption of a subject in a time."""

    subject: Subject
    consumption: TimeRange
    energy_wh: float

    def __post_init__(self) -> None:
        """Refuse what is none."""
        require_positive(self.energy_wh, "energy_wh")
        filled = not self.consumption.empty
        require(filled, "INVALID_CERTIFICATE", "a time has a length", "consumption_range")


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What a registry issued; `last_retirement` None: it can be retired for ever."""

    id: CertificateId
    issuer: str
    serial_number: str
    zone: ZoneId
    technology: str
    energy_wh: float
    generation: TimeRange
    emission_gco2e_per_kwh: float = 0.0
    last_retirement: datetime | None = None
    retirements: tuple[Retirement, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is none."""
        require_text(self.issuer, 128, "issuer", required=True)
        require_text(self.serial_number, 128, "serial_number", required=True)
        require_text(self.technology, 128, "technology", required=True)
        require_positive(self.energy_wh, "energy_wh")
        require_at_least(self.emission_gco2e_per_kwh, 0.0, "emission_gco2e_per_kwh")
        filled = not self.generation.empty
        require(filled, "INVALID_CERTIFICATE", "generation takes time", "generation_range")
        later = self.last_retirement is None or self.last_retirement > self.generation.end
        require(later, "INVALID_CERTIFICATE", "it ends after its generation", "retirement_range")

    @property
    def remaining_wh(self) -> float:
        """Energy that is not retired yet [Wh]."""
        left = self.energy_wh - sum(each.energy_wh for each in self.retirements)
        return 0.0 if left < _DUST_WH else left

    @property
    def granular(self) -> bool:
        """Whether it can match consumption hour by hour."""
        return self.generation.duration <= GRANULAR

    def retire(self, retirement: Retirement, now: datetime) -> "Certificate":
        """Return it with some of its energy spent.

        Of 1,000 Wh of which 700 are retired, 300 are left, and 400 cannot be retired.
        Errors: FailedPrecondition `CERTIFICATE_SPENT` and `CERTIFICATE_EXPIRED`.
        """
        if self.last_retirement is not None and now >= self.last_retirement:
            raise FailedPrecondition(
                "CERTIFICATE_EXPIRED", f"{self.id} could be retired until {self.last_retirement}"
            )
        if retirement.energy_wh > self.remaining_wh + _DUST_WH:
            raise FailedPrecondition(
                "CERTIFICATE_SPENT", f"{self.remaining_wh:g} Wh of {self.id} are left"
            )
        return replace(self, retirements=(*self.retirements, retirement))


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Certified energy that counts in a span of consumption [Wh]."""

    energy_wh: float
    emission_gco2e_per_kwh: float
    generation: TimeRange

    @property
    def granular(self) -> bool:
        """Whether it can match consumption hour by hour."""
        return self.generation.duration <= GRANULAR


def claims(
    certificates: Iterable[Certificate], subjects: frozenset[Subject], span: TimeRange
) -> list[Claim]:
    """Return what was retired for subjects and counts in a span.

    A retirement counts in proportion to time: of 365 kWh retired for a year a day gets 1 kWh. What
    was generated within an hour of that time counts in that hour.
    """
    found = list[Claim]()
    for certificate in certificates:
        for each in certificate.retirements:
            counts = each.consumption
            if certificate.granular:
                counts = counts.intersect(certificate.generation) or counts
            common = counts.intersect(span)
            if common is None or each.subject not in subjects:
                continue
            found.append(
                Claim(
                    energy_wh=each.energy_wh * (common.duration / counts.duration),
                    emission_gco2e_per_kwh=certificate.emission_gco2e_per_kwh,
                    generation=certificate.generation,
                )
            )
    return found
