"""Facts become the inputs of a plan: what is missing about an asset costs that asset alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState
from wattmesh_planner.domain.degradations import Degradation, Remedy, degradations_of
from wattmesh_planner.domain.errors import NothingToSteer
from wattmesh_planner.domain.facts import Fact, Known, Missing, value_of
from wattmesh_planner.domain.inputs import AssetForecast, AssetInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.model import Scope, ScopeSite, SiteAsset
from wattmesh_planner.domain.prices import PricedTariff


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeFacts:
    """What is known of a scope, by asset and by site; `peak_so_far_w` is the whole scope's.

    `states` and `prices` come first: by them alone it is known whether anything can be steered.
    `powers_before_w` has the sites whose grid power was metered in the newest interval.
    """

    states: Mapping[AssetId, Fact[Any]]
    prices: Mapping[SiteId, Fact[PricedTariff | None]]
    forecasts: Mapping[AssetId, Fact[AssetForecast]] = field(default_factory=dict)
    carbon: Mapping[SiteId, Fact[Series | None]] = field(default_factory=dict)
    billing: Mapping[SiteId, Fact[BillingState | None]] = field(default_factory=dict)
    peak_so_far_w: Fact[float] = field(default_factory=lambda: Known(value=0.0))
    powers_before_w: Mapping[SiteId, float] = field(default_factory=dict)


def site_inputs(scope: Scope, facts: ScopeFacts) -> tuple[SiteInputs, ...]:
    """Return what takes part in the plan; nothing of what is missing."""
    return tuple(_site(site, facts) for site in scope.sites)


def degradations(scope: Scope, facts: ScopeFacts) -> tuple[Degradation, ...]:
    """Return everything that was assumed, left out or ignored, each said once."""
    found = (
        *scope.degradations,
        *_of_assets(scope, facts),
        *_of_sites(scope, facts),
        *degradations_of(scope.name, [facts.peak_so_far_w], Remedy.IGNORED),
    )
    return tuple(dict.fromkeys(found))


def require_something_to_steer(scope: Scope, facts: ScopeFacts) -> None:
    """Raise NothingToSteer when every asset that could be steered has to be left out."""
    for site in scope.sites:
        for asset in site.assets:
            if KINDS[type(asset.rating)].steers(asset) and not _misses(asset, facts):
                return
    raise NothingToSteer(scope.name, degradations(scope, facts))


def _site(site: ScopeSite, facts: ScopeFacts) -> SiteInputs:
    return SiteInputs(
        site=site,
        assets=tuple(
            AssetInputs(
                asset=asset,
                state=value_of(facts.states[asset.id]),
                forecast=value_of(facts.forecasts[asset.id])
                if asset.id in facts.forecasts
                else None,
            )
            for asset in site.assets
            if not _misses(asset, facts)
        ),
        price=value_of(facts.prices[site.site.id]),
        billing_state=_value(facts.billing, site),
        average_gco2e_per_kwh=_value(facts.carbon, site),
        power_before_w=facts.powers_before_w.get(site.site.id),
    )


def _value(facts: Mapping[SiteId, Fact[Any]], site: ScopeSite) -> Any:
    fact = facts.get(site.site.id)
    return None if fact is None else value_of(fact)


def _facts_of(asset: SiteAsset, facts: ScopeFacts) -> Iterator[Fact[Any]]:
    yield facts.states[asset.id]
    if asset.id in facts.forecasts:
        yield facts.forecasts[asset.id]
    price = facts.prices[asset.id.site]
    if KINDS[type(asset.rating)].needs.price and isinstance(price, Missing):
        yield price


def _misses(asset: SiteAsset, facts: ScopeFacts) -> bool:
    return any(isinstance(fact, Missing) for fact in _facts_of(asset, facts))


def _of_assets(scope: Scope, facts: ScopeFacts) -> Iterator[Degradation]:
    for asset in scope.assets:
        steers = KINDS[type(asset.rating)].steers(asset)
        if_missing = Remedy.LEFT_OUT if steers else Remedy.IGNORED
        yield from degradations_of(asset.name, _facts_of(asset, facts), if_missing)


def _of_sites(scope: Scope, facts: ScopeFacts) -> Iterator[Degradation]:
    for site in scope.sites:
        tariff = next(iter(site.site.tariffs), None)
        if tariff is not None:
            price = facts.prices[site.site.id]
            yield from degradations_of(tariff.name, [price], Remedy.IGNORED)
        known = [
            each[site.site.id] for each in (facts.billing, facts.carbon) if site.site.id in each
        ]
        yield from degradations_of(site.site.name, known, Remedy.IGNORED)
