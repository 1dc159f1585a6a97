"""What the running billing period leaves so far, kept up to the last closed interval."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.tariff import BillingState, Tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.domain.billing import (
    billing_period_start,
    closed_until,
    missing_duration,
    needs_billing_state,
    state_after,
)
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.model import ScopeSite
from wattmesh_sitemodel.view import SiteModelView


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """A site's bill so far: up to `until`, without the time that was `missing`."""

    tariff: Tariff
    period_start: datetime
    until: datetime
    state: BillingState | None = None
    missing: timedelta = timedelta(0)


class BillingFacts:
    """Carries billing states on: only the intervals that are new are asked for.

    Readings of the last intervals that have not come yet are waited for, at most a day.
    """

    def __init__(
        self,
        clock: Clock,
        view: SiteModelView,
        energies: Energies,
        resolution: timedelta,
    ) -> None:
        self._clock = clock
        self._view = view
        self._energies = energies
        self._resolution = resolution
        self._accounts: dict[SiteId, _Account] = {}

    async def __call__(self, site: ScopeSite, target: TimeRange) -> Fact[BillingState | None]:
        """Return a site's billing state; Known(None) when none counts, or nothing has passed."""
        tariff = self._view.model.tariff_of(site.site)
        if tariff is None or not needs_billing_state(tariff):
            return Known(value=None)
        account = self._account(site, tariff, target)
        try:
            account = await self._carried_on(site, account)
        except WattmeshError as error:
            return self._without_news(account, error)
        self._accounts[site.site.id] = account
        return self._fact(account)

    def _account(self, site: ScopeSite, tariff: Tariff, target: TimeRange) -> _Account:
        """Return the account that is kept; a new one when the tariff is another."""
        period = billing_period_start(tariff, target.start, site.site.zone)
        kept = self._accounts.get(site.site.id)
        if kept is None or kept.tariff != tariff:
            begin = floor_time(period, self._resolution)
            return _Account(tariff=tariff, period_start=period, until=begin)
        if kept.period_start != period:
            return replace(kept, period_start=period, missing=timedelta(0))
        return kept

    async def _carried_on(self, site: ScopeSite, account: _Account) -> _Account:
        now = floor_time(self._clock.now(), self._resolution)
        if account.until >= now:
            return account
        grid = site.grid_connection
        asked = await self._energies.over(TimeRange(account.until, now), [grid])
        if grid not in asked:
            return account
        energy = asked[grid].until(closed_until(asked[grid].net_wh))
        if not len(energy.import_wh):
            return account
        return replace(
            account,
            until=energy.import_wh.end,
            state=state_after(account.tariff, energy, site.site.zone, account.state),
            missing=account.missing + missing_duration(energy.net_wh),
        )

    def _fact(self, account: _Account) -> Fact[BillingState | None]:
        age = max(self._clock.now() - account.until, timedelta(0))
        if account.missing:
            why = _why(Reason.INCOMPLETE, f"{account.missing} were not metered")
            return Assumed(value=account.state, why=why, age=age)
        if age > 3 * self._resolution:
            return Assumed(value=account.state, why=_why(Reason.STALE, ""), age=age)
        return Known(value=account.state, age=age)

    def _without_news(self, account: _Account, error: WattmeshError) -> Fact[BillingState | None]:
        why = _why(Reason.SERVICE_UNAVAILABLE, error.message)
        if account.state is None:
            return Missing(why=why)
        return Assumed(value=account.state, why=why, age=self._clock.now() - account.until)


def _why(reason: Reason, detail: str) -> Why:
    return Why(topic=Topic.BILLING_STATE, reason=reason, detail=detail)
