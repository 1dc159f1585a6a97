// What can be set on a device.

import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Device } from "../gen/wattmesh/site/v1/device_pb.ts";
import { SetpointKind } from "../gen/wattmesh/type/v1/setpoint_pb.ts";

const OF_KIND: Record<string, SetpointKind[]> = {
  battery: [SetpointKind.ACTIVE_POWER_W],
  pvArray: [SetpointKind.GENERATION_LIMIT_W],
  windTurbine: [SetpointKind.GENERATION_LIMIT_W],
  evCharger: [SetpointKind.CURRENT_A],
  hvacZone: [SetpointKind.TEMPERATURE_CELSIUS],
  thermalTank: [SetpointKind.TEMPERATURE_CELSIUS],
  deferrableLoad: [SetpointKind.ON_OFF],
  generator: [SetpointKind.ACTIVE_POWER_W],
};

export function kindsOf(device: Device, assets: readonly Asset[]): SetpointKind[] {
  const found = device.functions
    .filter((each) => each.controls)
    .flatMap((each) => {
      if (each.setpointKinds.length > 0) return each.setpointKinds;
      const kind = assets.find((asset) => asset.name === each.asset)?.kind.case;
      return OF_KIND[kind ?? ""] ?? [];
    });
  return [...new Set(found)];
}
