// What is registered: the site, its assets, devices and tariff, each in an editor that says what would come of it.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAssets, useDevices, useSites } from "../api/queries.ts";
import { sites } from "../api/transport.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { number, shortName } from "../lib/format.ts";
import { Card, Empty } from "../parts/bits.tsx";
import { localeOf, siteTitle, titleOf, useSite } from "../parts/pages.ts";
import { EditButton, Pair } from "./settings/bits.tsx";
import { newAsset, newDevice, ofAsset, ofDevice, ofSite, ofTariff } from "./settings/editings.ts";
import { Editor, type Editing } from "./settings/editor.tsx";
import { Assets, Devices } from "./settings/tables.tsx";
import { TariffCard } from "./settings/tariff-card.tsx";
import { Users } from "./settings/users.tsx";

export default function SettingsPage() {
  const site = useSite();
  return (
    <>
      {site === undefined ? <NoSite /> : <Settings key={site.name} site={site} />}
      <Users />
    </>
  );
}

/** Users are there before the first site is. */
function NoSite() {
  const { data } = useSites();
  return data?.length === 0 ? <h1>Settings</h1> : <Empty>Loading…</Empty>;
}

function Settings({ site }: { site: Site }) {
  const at = localeOf(site);
  const assets = useAssets(site.name);
  const devices = useDevices(site.name);
  const tariffs = useQuery({
    queryKey: ["tariffs"],
    queryFn: async ({ signal }) => (await sites.listTariffs({ pageSize: 1000 }, { signal })).tariffs,
  });
  const [editing, setEditing] = useState<Editing | null>(null);
  const controller = (asset: string): string => {
    const found = (devices.data ?? []).find((each) => each.functions.some((one) => one.asset === asset && one.controls));
    return found === undefined ? "" : titleOf(found);
  };
  const choices = {
    "wattmesh.site.v1.TariffAssignment.tariff": (tariffs.data ?? []).map((each) => ({ value: each.name, title: titleOf(each) })),
    "wattmesh.site.v1.Site.tariff": [{ value: "", title: "none yet" }, ...(tariffs.data ?? []).map((each) => ({ value: each.name, title: titleOf(each) }))],
    "wattmesh.site.v1.DeviceFunction.asset": (assets.data ?? []).map((each) => ({ value: each.name, title: titleOf(each) })),
  };
  return (
    <div className="page">
      <div className="title">
        <h1>Settings of {siteTitle(site)}</h1>
      </div>
      <div className="columns">
        <div className="stack">
          <Assets assets={assets} controller={controller} add={() => setEditing(newAsset(site))} edit={(asset) => setEditing(ofAsset(asset))} />
          <Devices devices={devices} add={() => setEditing(newDevice(site))} edit={(device) => setEditing(ofDevice(device))} />
        </div>
        <div className="stack">
          <Card title="Site" aside={<EditButton of={siteTitle(site)} onClick={() => setEditing(ofSite(site))} />}>
            <dl className="pairs">
              <Pair name="Name">{shortName(site.name)}</Pair>
              <Pair name="Time zone">{site.timeZone}</Pair>
              <Pair name="Currency">{site.currencyCode}</Pair>
              <Pair name="Carbon zone">{site.carbonZone === "" ? "none" : shortName(site.carbonZone)}</Pair>
              <Pair name="Place">
                {site.latitudeDegrees === undefined || site.longitudeDegrees === undefined
                  ? "not known"
                  : `${number(site.latitudeDegrees, 2, at.locale)}°, ${number(site.longitudeDegrees, 2, at.locale)}°`}
              </Pair>
            </dl>
          </Card>
          {site.tariff !== "" && <TariffCard site={site} onEdit={(tariff) => setEditing(ofTariff(tariff))} />}
          <Card title="The whole site as a file">
            <p className="muted small">
              <code>wattmesh site export {shortName(site.name)} --to site.yaml</code>
              <br />
              <code>wattmesh site apply site.yaml --dry-run</code>
            </p>
          </Card>
        </div>
      </div>
      {editing !== null && <Editor editing={editing} site={site} choices={choices} onClose={() => setEditing(null)} />}
    </div>
  );
}
