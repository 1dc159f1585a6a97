// What assets are and are able to do, and how devices are reached, in words.

import { spoken } from "../../domain/words.ts";
import type { Asset } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import type { Device } from "../../gen/wattmesh/site/v1/device_pb.ts";
import { energy, power } from "../../lib/format.ts";

export function reached(device: Device): string {
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

export function kindTitle(asset: Asset): string {
  return KINDS[asset.kind.case ?? ""] ?? spoken(asset.kind.case ?? "not known");
}

export function ability(asset: Asset): string {
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
