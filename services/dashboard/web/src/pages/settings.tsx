// What is registered: the site, its assets and its tariff. Edited as a file, for now.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useAssets, useDevices } from "../api/queries.ts";
import { sites } from "../api/transport.ts";
import { spoken } from "../domain/words.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { energy, perKwh, power, shortName } from "../lib/format.ts";
import { Asked, Card, Empty } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite } from "../parts/pages.ts";

export default function SettingsPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <Settings site={site} />;
}

function Settings({ site }: { site: Site }) {
  const assets = useAssets(site.name);
  const devices = useDevices(site.name).data ?? [];
  const controller = (asset: string): string => {
    const found = devices.find((each) => each.functions.some((one) => one.asset === asset && one.controls));
    return found === undefined ? "" : found.displayName || shortName(found.name);
  };
  return (
    <div className="page">
      <div className="title">
        <h1>Settings of {siteTitle(site)}</h1>
      </div>
      <p className="notice">
        <span>
          Shown, not edited here yet. Edit it as a file: <code>wattmesh site export {shortName(site.name)} --to site.yaml</code>, then{" "}
          <code>wattmesh site apply site.yaml --dry-run</code>.
        </span>
      </p>
      <div className="columns">
        <Card title="Assets" flush>
          <Asked of={assets}>
            {(list) => (
              <table className="phone-cards">
                <thead>
                  <tr>
                    <th scope="col">Asset</th>
                    <th scope="col">Kind</th>
                    <th scope="col">What it is able to do</th>
                    <th scope="col">Controlled by</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((asset) => (
                    <tr key={asset.name}>
                      <td>
                        <strong>{asset.displayName || shortName(asset.name)}</strong>
                      </td>
                      <td>{kindTitle(asset)}</td>
                      <td className="muted">{ability(asset)}</td>
                      <td className="muted">{controller(asset.name) || "nothing"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Asked>
        </Card>
        <div className="stack">
          <Card title="Site">
            <dl className="pairs">
              <Pair name="Name">{shortName(site.name)}</Pair>
              <Pair name="Time zone">{site.timeZone}</Pair>
              <Pair name="Currency">{site.currencyCode}</Pair>
              <Pair name="Carbon zone">{site.carbonZone === "" ? "none" : shortName(site.carbonZone)}</Pair>
              <Pair name="Place">
                {site.latitudeDegrees === undefined || site.longitudeDegrees === undefined
                  ? "not known"
                  : `${site.latitudeDegrees.toFixed(2)}°, ${site.longitudeDegrees.toFixed(2)}°`}
              </Pair>
            </dl>
          </Card>
          {site.tariff !== "" && <TariffCard site={site} />}
        </div>
      </div>
    </div>
  );
}

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function TariffCard({ site }: { site: Site }) {
  const at = localeOf(site);
  const tariff = useQuery({
    queryKey: ["tariff", site.tariff],
    queryFn: async ({ signal }) => (await sites.getTariff({ name: site.tariff }, { signal })).tariff,
  });
  const price = (value: number): string => perKwh(value, site.currencyCode, at.locale);
  return (
    <Card title="Tariff" aside={tariff.data?.displayName || shortName(site.tariff)}>
      <Asked of={tariff}>
        {(found) => (
          <dl className="pairs">
            {(found?.importRates?.touPeriods ?? []).map((period, place) => (
              <Pair key={place} name={period.displayName || "Period"}>
                {price(period.pricePerKwh)}
              </Pair>
            ))}
            {(found?.importRates?.basePerKwh ?? 0) !== 0 && <Pair name="Import">{price(found?.importRates?.basePerKwh ?? 0)}</Pair>}
            {found?.importRates?.realTime !== undefined && <Pair name="Import">dynamic</Pair>}
            {(found?.exportRates?.basePerKwh ?? 0) !== 0 && <Pair name="Export earns">{price(found?.exportRates?.basePerKwh ?? 0)}</Pair>}
            {(found?.demandCharges ?? []).map((charge) => (
              <Pair key={charge.id} name={charge.displayName || "Demand charge"}>
                {charge.pricePerKw} {site.currencyCode}/kW
              </Pair>
            ))}
            {(found?.fixedCharges ?? []).map((charge, place) => (
              <Pair key={place} name={charge.displayName || "Fixed"}>
                {charge.amount} {site.currencyCode}
              </Pair>
            ))}
          </dl>
        )}
      </Asked>
    </Card>
  );
}

const KINDS: Record<string, string> = {
  gridConnection: "grid connection",
  load: "load",
  pvArray: "solar",
  windTurbine: "wind",
  battery: "battery",
  evCharger: "charge point",
  hvacZone: "zone",
  thermalTank: "tank",
  deferrableLoad: "deferrable load",
  generator: "generator",
};

function kindTitle(asset: Asset): string {
  return KINDS[asset.kind.case ?? ""] ?? spoken(asset.kind.case ?? "not known");
}

function ability(asset: Asset): string {
  switch (asset.kind.case) {
    case "gridConnection":
      return asset.kind.value.maxImportPowerW === undefined ? "no limit" : `up to ${power(asset.kind.value.maxImportPowerW)} in`;
    case "battery":
      return `${energy(asset.kind.value.capacityWh / 1000)}, charges ${power(asset.kind.value.maxChargePowerW)}, gives ${power(asset.kind.value.maxDischargePowerW)}`;
    case "pvArray":
      return `${power(asset.kind.value.peakPowerW)} peak${asset.kind.value.curtailable ? ", can be curtailed" : ""}`;
    case "windTurbine":
      return `${power(asset.kind.value.maxOutputPowerW)} rated`;
    case "evCharger":
      return `${asset.kind.value.minCurrentA} to ${asset.kind.value.maxCurrentA} A`;
    case "load":
      return asset.kind.value.derived ? "what the others leave" : "metered";
    default:
      return "";
  }
}
