// What an editor needs of each record: its contract, what it begins as, and how it is stored.

import { create, type Message } from "@bufbuild/protobuf";
import { sites } from "../../api/transport.ts";
import { AssetSchema, type Asset } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import { DeviceSchema, type Device } from "../../gen/wattmesh/site/v1/device_pb.ts";
import { SiteSchema, type Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { TariffSchema, type Tariff } from "../../gen/wattmesh/type/v1/tariff_pb.ts";
import { siteTitle, titleOf } from "../../parts/pages.ts";
import type { Editing } from "./editor.tsx";

const EVERY = { paths: ["*"] };

export function ofSite(site: Site): Editing {
  return {
    title: `Edit ${siteTitle(site)}`,
    schema: SiteSchema,
    stored: site,
    begun: site,
    record: "changedSite",
    save: (record) => sites.updateSite({ site: record as Site, updateMask: EVERY }),
  };
}

export function ofAsset(asset: Asset): Editing {
  return {
    title: `Edit ${titleOf(asset)}`,
    schema: AssetSchema,
    stored: asset,
    begun: asset,
    record: "changedAsset",
    fixed: ["kind"],
    save: (record) => sites.updateAsset({ asset: record as Asset, updateMask: EVERY }),
    remove: () => sites.deleteAsset({ name: asset.name, etag: asset.etag }),
  };
}

export function newAsset(site: Site): Editing {
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

export function ofDevice(device: Device): Editing {
  return {
    title: `Edit ${titleOf(device)}`,
    schema: DeviceSchema,
    stored: device,
    begun: device,
    record: "changedDevice",
    finish: withPoints,
    save: (record) => sites.updateDevice({ device: record as Device, updateMask: EVERY }),
    remove: () => sites.deleteDevice({ name: device.name, etag: device.etag }),
  };
}

export function newDevice(site: Site): Editing {
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

export function ofTariff(tariff: Tariff): Editing {
  return {
    title: `Edit ${titleOf(tariff)}`,
    schema: TariffSchema,
    stored: tariff,
    begun: tariff,
    record: "changedTariff",
    note: "Every site that pays by it is planned and billed by what is stored.",
    save: (record) => sites.updateTariff({ tariff: record as Tariff, updateMask: EVERY }),
  };
}
