// What people need of rooms, tanks and vehicles, in numbers that pages say.

import type { SitePlan } from "../gen/wattmesh/optimizer/v1/plan_pb.ts";
import type { Reading } from "../gen/wattmesh/metering/v1/metering_pb.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Device } from "../gen/wattmesh/site/v1/device_pb.ts";
import type { Occupancy } from "../gen/wattmesh/usage/v1/zone_pb.ts";
import { optionalMs } from "../lib/time.ts";

export interface Band {
  low: number;
  high: number;
}

/** How warm a room is to be while people are there, or a tank always [degC]; null: not said. */
export function bandOf(asset: Asset): Band | null {
  const { kind } = asset;
  if (kind.case === "thermalTank") return { low: kind.value.minTemperatureCelsius, high: kind.value.maxTemperatureCelsius };
  const band = kind.case === "hvacZone" ? kind.value.occupiedBand : undefined;
  return band === undefined ? null : { low: band.minTemperatureCelsius, high: band.maxTemperatureCelsius };
}

export function occupiedBand(asset: Asset): string {
  return asset.kind.case === "thermalTank" ? "is kept from" : "comfortable while people are there from";
}

/** The newest temperature of a room or tank itself, by the devices that are there for it; not the one outside. */
export function temperatureOf<T extends Pick<Reading, "point">>(
  zone: string,
  devices: readonly Pick<Device, "name" | "functions">[],
  readings: readonly T[],
): T | undefined {
  const own = devices.filter((device) => device.functions.some((each) => each.asset === zone));
  return readings.find((each) => own.some((device) => each.point === `${device.name}/points/temperature_celsius`));
}

/** Share of the usual people that is in a room at a time; null: nobody said. The newest word counts. */
export function occupancyAt(said: readonly Occupancy[], zone: string, now: number | null): number | null {
  if (now === null) return null;
  const holds = said.filter((each) => {
    const [from, to] = [optionalMs(each.range?.startTime), optionalMs(each.range?.endTime)];
    return each.name.startsWith(`${zone}/`) && from !== null && to !== null && from <= now && now < to;
  });
  const newest = holds.sort((one, other) => (optionalMs(other.createTime) ?? 0) - (optionalMs(one.createTime) ?? 0))[0];
  return newest === undefined ? null : newest.occupancyRatio;
}

/** The state of charge with which a vehicle is planned to leave; null: no plan says. */
export function leavesWith(plan: SitePlan | undefined, session: string): number | null {
  const stays = (plan?.assets ?? []).flatMap((asset) => asset.evSessions);
  const own = stays.find((stay) => stay.sessionId === session || session.endsWith(`/${stay.sessionId}`));
  return own?.socRatios.at(-1) ?? null;
}
