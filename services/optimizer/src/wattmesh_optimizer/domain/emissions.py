"""Emissions of a site's exchange with the grid."""

from dataclasses import replace

from wattmesh_optimizer.domain.plan import SitePlan
from wattmesh_optimizer.domain.site import Site


def with_emissions(plan: SitePlan, site: Site, hours: float) -> SitePlan:
    """Return the plan with its emissions [kg CO2e], as far as the intensities are known.

    By the average intensity imports count; by the marginal one exports count back. 2 kWh imported
    at 300 g/kWh are 0.6 kg.
    """
    carbon = site.carbon
    if carbon is None:
        return plan
    average, marginal = carbon.average_gco2e_per_kwh, carbon.marginal_gco2e_per_kwh
    to_kg = hours / 1000.0
    return replace(
        plan,
        average_emissions_kg=(None if average is None else float(average @ plan.import_kw) * to_kg),
        marginal_emissions_kg=(None if marginal is None else float(marginal @ plan.net_kw) * to_kg),
    )
