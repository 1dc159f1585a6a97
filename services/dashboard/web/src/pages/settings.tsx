// What is registered: the site, its assets, devices and tariff, each in an editor that says what would come of it.

import { create, type Message } from "@bufbuild/protobuf";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useAssets, useDevices, useSites } from "../api/queries.ts";
import { sites } from "../api/transport.ts";
import { spoken } from "../domain/words.ts";
import { AssetSchema, type Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import { DeviceSchema, type Device } from "../gen/wattmesh/site/v1/device_pb.ts";
import { SiteSchema, type Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { TariffSchema, type Tariff } from "../gen/wattmesh/type/v1/tariff_pb.ts";
import { energy, perKwh, power, shortName } from "../lib/format.ts";
import { Asked, Card, Empty } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite } from "../parts/pages.ts";
import { Editor, type Editing } from "./settings/editor.tsx";
import { Users } from "./settings/users.tsx";

const EVERY = { paths: ["*"] };

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
  const assets = useAssets(site.name);
  const devices = useDevices(site.name);
  const tariffs = useQuery({
    queryKey: ["tariffs"],
    queryFn: async ({ signal }) => (await sites.listTariffs({ pageSize: 1000 }, { signal })).tariffs,
  });
  const [editing, setEditing] = useState<Editing | null>(null);
  const controller = (asset: string): string => {
    const found = (devices.data ?? []).find((each) => each.functions.some((one) => one.asset === asset && one.controls));
    return found === undefined ? "" : found.displayName || shortName(found.name);
  };
  const choices = {
    "wattmesh.site.v1.Site.tariff": [{ value: "", title: "none yet" }, ...(tariffs.data ?? []).map((each) => ({ value: each.name, title: each.displayName || shortName(each.name) }))],
    "wattmesh.site.v1.DeviceFunction.asset": (assets.data ?? []).map((each) => ({ value: each.name, title: each.displayName || shortName(each.name) })),
  };
  return (
    <div className="page">
      <div className="title">
        <h1>Settings of {siteTitle(site)}</h1>
      </div>
      <div className="columns">
        <div className="stack">
          <Card title="Assets" flush aside={<AddButton what="an asset" onClick={() => setEditing(newAsset(site))} />}>
            <Asked of={assets}>
              {(list) => (
                <table className="phone-cards">
                  <Heads of={["Asset", "Kind", "What it is able to do", "Controlled by"]} />
                  <tbody>
                    {list.map((asset) => (
                      <tr key={asset.name}>
                        <td>
                          <strong>{asset.displayName || shortName(asset.name)}</strong>
                        </td>
                        <td>{kindTitle(asset)}</td>
                        <td className="muted">{ability(asset)}</td>
                        <td className="muted">{controller(asset.name) || "nothing"}</td>
                        <td className="end">
                          <EditButton of={asset.displayName || shortName(asset.name)} onClick={() => setEditing(ofAsset(asset))} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </Asked>
          </Card>
          <Card title="Devices" flush aside={<AddButton what="a device" onClick={() => setEditing(newDevice(site))} />}>
            <Asked of={devices}>
              {(list) => (
                <table className="phone-cards">
                  <Heads of={["Device", "Profile", "Reached by", "Gateway"]} />
                  <tbody>
                    {list.map((device) => (
                      <tr key={device.name}>
                        <td>
                          <strong>{device.displayName || shortName(device.name)}</strong>
                        </td>
                        <td className="muted">{device.profile}</td>
                        <td className="muted">{reached(device)}</td>
                        <td className="muted">{shortName(device.gateway)}</td>
                        <td className="end">
                          <EditButton of={device.displayName || shortName(device.name)} onClick={() => setEditing(ofDevice(device))} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </Asked>
          </Card>
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
                  : `${site.latitudeDegrees.toFixed(2)}°, ${site.longitudeDegrees.toFixed(2)}°`}
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

function Heads({ of }: { of: string[] }) {
  return (
    <thead>
      <tr>
        {of.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
        <th scope="col">
          <span className="hidden">Change</span>
        </th>
      </tr>
    </thead>
  );
}

function EditButton({ of, onClick }: { of: string; onClick: () => void }) {
  return (
    <button type="button" className="button" aria-label={`Edit ${of}`} onClick={onClick}>
      Edit
    </button>
  );
}

function AddButton({ what, onClick }: { what: string; onClick: () => void }) {
  return (
    <button type="button" className="button" onClick={onClick}>
      Add {what}
    </button>
  );
}

function ofSite(site: Site): Editing {
  return {
    title: `Edit ${siteTitle(site)}`,
    schema: SiteSchema,
    stored: site,
    begun: site,
    record: "changedSite",
    save: (record) => sites.updateSite({ site: record as Site, updateMask: EVERY }),
  };
}

function ofAsset(asset: Asset): Editing {
  return {
    title: `Edit ${asset.displayName || shortName(asset.name)}`,
    schema: AssetSchema,
    stored: asset,
    begun: asset,
    record: "changedAsset",
    fixed: ["kind"],
    save: (record) => sites.updateAsset({ asset: record as Asset, updateMask: EVERY }),
    remove: () => sites.deleteAsset({ name: asset.name, etag: asset.etag }),
  };
}

function newAsset(site: Site): Editing {
  const request = crypto.randomUUID();
  return {
    title: "Add an asset",
    schema: AssetSchema,
    stored: null,
    begun: create(AssetSchema),
    record: "changedAsset",
    parent: `${site.name}/assets`,
    save: (record) => sites.createAsset({ asset: record as Asset, requestId: request }),
  };
}

function ofDevice(device: Device): Editing {
  return {
    title: `Edit ${device.displayName || shortName(device.name)}`,
    schema: DeviceSchema,
    stored: device,
    begun: device,
    record: "changedDevice",
    finish: withPoints,
    save: (record) => sites.updateDevice({ device: record as Device, updateMask: EVERY }),
    remove: () => sites.deleteDevice({ name: device.name, etag: device.etag }),
  };
}

function newDevice(site: Site): Editing {
  const request = crypto.randomUUID();
  return {
    title: "Add a device",
    schema: DeviceSchema,
    stored: null,
    begun: create(DeviceSchema, { reportingInterval: { seconds: 60n } }),
    record: "changedDevice",
    parent: `${site.name}/devices`,
    finish: withPoints,
    save: (record) => sites.createDevice({ device: record as Device, requestId: request }),
  };
}

/** Points that were told by their quantity alone get the device's name. */
function withPoints(record: Message): Message {
  const device = record as Device;
  for (const point of device.points) {
    if (!point.name.includes("/")) point.name = `${device.name}/points/${point.name}`;
  }
  return device;
}

function ofTariff(tariff: Tariff): Editing {
  return {
    title: `Edit ${tariff.displayName || shortName(tariff.name)}`,
    schema: TariffSchema,
    stored: tariff,
    begun: tariff,
    record: "changedTariff",
    note: "Every site that pays by it is planned and billed by what is stored.",
    save: (record) => sites.updateTariff({ tariff: record as Tariff, updateMask: EVERY }),
  };
}

function reached(device: Device): string {
  const protocol = device.connection?.protocol;
  switch (protocol?.case) {
    case "mqtt":
      return `MQTT, ${protocol.value.address}`;
    case "modbusTcp":
      return `Modbus TCP, ${protocol.value.host}:${protocol.value.port ?? 502}`;
    case "ocpp":
      return `OCPP, ${protocol.value.chargePointId}/${protocol.value.connectorId}`;
    case "custom":
      return protocol.value.protocol;
    default:
      return "not said";
  }
}

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function TariffCard({ site, onEdit }: { site: Site; onEdit: (tariff: Tariff) => void }) {
  const at = localeOf(site);
  const tariff = useQuery({
    queryKey: ["tariff", site.tariff],
    queryFn: async ({ signal }) => (await sites.getTariff({ name: site.tariff }, { signal })).tariff,
  });
  const price = (value: number): string => perKwh(value, site.currencyCode, at.locale);
  return (
    <Card
      title={`Tariff: ${tariff.data?.displayName || shortName(site.tariff)}`}
      aside={tariff.data !== undefined && <EditButton of="the tariff" onClick={() => onEdit(tariff.data as Tariff)} />}
    >
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
