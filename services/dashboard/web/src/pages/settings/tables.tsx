// Assets and devices of a site, each with its editor.

import type { UseQueryResult } from "@tanstack/react-query";
import type { Asset } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import type { Device } from "../../gen/wattmesh/site/v1/device_pb.ts";
import { shortName } from "../../lib/format.ts";
import { Asked, Card } from "../../parts/bits.tsx";
import { titleOf } from "../../parts/pages.ts";
import { ability, kindTitle, reached } from "./abilities.ts";
import { AddButton, EditButton, Heads } from "./bits.tsx";

interface AssetsProps {
  assets: UseQueryResult<Asset[]>;
  /** What controls an asset; empty: nothing. */
  controller: (asset: string) => string;
  add: () => void;
  edit: (asset: Asset) => void;
}

export function Assets({ assets, controller, add, edit }: AssetsProps) {
  return (
    <Card title="Assets" flush aside={<AddButton what="an asset" onClick={add} />}>
      <Asked of={assets}>
        {(list) => (
          <table className="phone-cards">
            <Heads of={["Asset", "Kind", "What it is able to do", "Controlled by"]} />
            <tbody>
              {list.map((asset) => (
                <tr key={asset.name}>
                  <td>
                    <strong>{titleOf(asset)}</strong>
                  </td>
                  <td>{kindTitle(asset)}</td>
                  <td className="muted">{ability(asset)}</td>
                  <td className="muted">{controller(asset.name) || "nothing"}</td>
                  <td className="end">
                    <EditButton of={titleOf(asset)} onClick={() => edit(asset)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Asked>
    </Card>
  );
}

interface DevicesProps {
  devices: UseQueryResult<Device[]>;
  add: () => void;
  edit: (device: Device) => void;
}

export function Devices({ devices, add, edit }: DevicesProps) {
  return (
    <Card title="Devices" flush aside={<AddButton what="a device" onClick={add} />}>
      <Asked of={devices}>
        {(list) => (
          <table className="phone-cards">
            <Heads of={["Device", "Profile", "Reached by", "Gateway"]} />
            <tbody>
              {list.map((device) => (
                <tr key={device.name}>
                  <td>
                    <strong>{titleOf(device)}</strong>
                  </td>
                  <td className="muted">{device.profile}</td>
                  <td className="muted">{reached(device)}</td>
                  <td className="muted">{shortName(device.gateway)}</td>
                  <td className="end">
                    <EditButton of={titleOf(device)} onClick={() => edit(device)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Asked>
    </Card>
  );
}
