"""Which registers measure which asset."""

from collections.abc import Collection, Mapping, Sequence

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_metering.adapters.shelves import asset_kind
from wattmesh_metering.domain.balance import MeteredAsset, role_of
from wattmesh_runtime.database import Database

_ASSETS = """
SELECT sites.name, assets.name, assets.kind, assets.parameters,
    array_agg(points.point_key)
        FILTER (WHERE points.quantity = 'import_energy_wh'),
    array_agg(points.point_key)
        FILTER (WHERE points.quantity = 'export_energy_wh')
FROM sites
LEFT JOIN assets ON assets.site = sites.name
LEFT JOIN devices ON devices.asset = assets.name
LEFT JOIN points ON points.device = devices.name AND NOT points.removed
WHERE sites.name = ANY(%s)
GROUP BY sites.name, assets.name
ORDER BY sites.name, assets.name
"""


class PostgresMeteredAssets:
    """Reads assets, devices and points together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_sites(self, sites: Collection[SiteId]) -> Mapping[SiteId, Sequence[MeteredAsset]]:
        """Return all assets of each site by name; a site that is not there is left out."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_ASSETS, ([site.name for site in sites],))
            rows = await cursor.fetchall()
        found: dict[SiteId, list[MeteredAsset]] = {}
        for site, asset, kind, parameters, imports, exports in rows:
            assets = found.setdefault(SiteId.parse(site), [])
            if asset is not None:
                assets.append(
                    MeteredAsset(
                        id=AssetId.parse(asset),
                        role=role_of(asset_kind(kind, parameters)),
                        import_keys=tuple(imports or ()),
                        export_keys=tuple(exports or ()),
                    )
                )
        return found
