"""What energy amounts to: footprints, matching, and what was avoided."""

from collections.abc import Sequence
from datetime import datetime

from wattmesh_carbon.app.intensities import check_span
from wattmesh_carbon.app.keep_factors import KeepFactors
from wattmesh_carbon.app.ports import CertificateStore, IntensityStore
from wattmesh_carbon.domain.accounting import Footprint, FuelUse, footprint
from wattmesh_carbon.domain.avoided import Avoided, avoided
from wattmesh_carbon.domain.certificates import Claim, Subject, claims
from wattmesh_carbon.domain.intensity import Basis
from wattmesh_carbon.domain.matching import Matching, match
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class Accounts:
    """Reckons from intensities, factors and retired certificates."""

    def __init__(
        self, intensities: IntensityStore, factors: KeepFactors, certificates: CertificateStore
    ) -> None:
        self._intensities = intensities
        self._factors = factors
        self._certificates = certificates

    async def footprint(
        self,
        zone: ZoneId,
        import_wh: Series,
        *,
        export_wh: Series | None = None,
        fuels: Sequence[FuelUse] = (),
        subjects: Sequence[Subject] = (),
        as_of: datetime | None = None,
    ) -> Footprint:
        """Return what imported energy and fuel amount to, by scopes."""
        check_span(import_wh.range, import_wh.resolution)
        average, _ = await self._intensities.read(
            zone, Basis.AVERAGE, import_wh.range, import_wh.resolution, as_of
        )
        return footprint(
            import_wh,
            average,
            await self._factors.of_zone(zone),
            export_wh=export_wh,
            fuels=fuels,
            claims=await self._claims(subjects, import_wh.range),
        )

    async def matching(
        self, consumption_wh: Series, own_wh: Series | None, subjects: Sequence[Subject]
    ) -> Matching:
        """Return how much of a consumption carbon-free energy matched."""
        check_span(consumption_wh.range, consumption_wh.resolution)
        found = await self._claims(subjects, consumption_wh.range)
        return match(consumption_wh, own_wh, found)

    async def avoided(self, zone: ZoneId, avoided_wh: Series) -> Avoided:
        """Return what less consumption has avoided, by the marginal intensity."""
        check_span(avoided_wh.range, avoided_wh.resolution)
        marginal, _ = await self._intensities.read(
            zone, Basis.MARGINAL, avoided_wh.range, avoided_wh.resolution
        )
        return avoided(avoided_wh, marginal)

    async def _claims(self, subjects: Sequence[Subject], span: TimeRange) -> list[Claim]:
        once = frozenset(subjects)
        require(len(once) == len(subjects), "REPEATED_SITE", "a subject stands once", "subjects")
        if not once:
            return []
        return claims(await self._certificates.retired_for(once, span), once, span)
