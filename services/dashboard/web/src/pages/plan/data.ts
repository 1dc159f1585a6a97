// What the chart of a plan shows, on one raster: measured until now, forecast and planned from then on.

import type { Energies, Prices } from "../../api/queries.ts";
import type { Forecast } from "../../gen/wattmesh/forecast/v1/forecast_pb.ts";
import type { AssetPlan, SitePlan } from "../../gen/wattmesh/optimizer/v1/plan_pb.ts";
import type { Plan } from "../../gen/wattmesh/planner/v1/planner_pb.ts";
import type { Asset } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import { toMs } from "../../lib/time.ts";

export type Values = Array<number | null>;

export interface Regular {
  start: number;
  step: number;
  values: readonly number[];
}

/** A regular series on the times of the chart; null where it says nothing. */
export function onto(times: readonly number[], series: Regular | undefined, scale = 1): Values {
  if (series === undefined) return times.map(() => null);
  return times.map((ms) => {
    const value = series.values[Math.floor((ms - series.start) / series.step)];
    return value === undefined || !Number.isFinite(value) ? null : value * scale;
  });
}

/** Values at instants, such as states of charge: linear in between. */
export function ramp(times: readonly number[], series: Regular | undefined, scale = 1): Values {
  if (series === undefined) return times.map(() => null);
  return times.map((ms) => {
    const place = (ms - series.start) / series.step;
    const low = series.values[Math.floor(place)];
    const high = series.values[Math.ceil(place)];
    if (low === undefined || high === undefined) return null;
    return (low + (high - low) * (place - Math.floor(place))) * scale;
  });
}

export function until(times: readonly number[], values: Values, end: number): Values {
  return values.map((value, place) => ((times[place] as number) < end ? value : null));
}

export function from(times: readonly number[], values: Values, start: number): Values {
  return values.map((value, place) => ((times[place] as number) >= start ? value : null));
}

export function added(...all: Values[]): Values {
  const first = all[0] ?? [];
  return first.map((_, place) => {
    const parts = all.map((values) => values[place] ?? null);
    return parts.some((part) => part === null)
      ? null
      : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
  });
}

export interface SiteAssets {
  grid: string[];
  load: string[];
  generation: string[];
  stores: string[];
  vehicles: string[];
  heat: string[];
  runs: string[];
}

export function sorted(assets: readonly Asset[]): SiteAssets {
  const named = (...kinds: Array<string | undefined>): string[] =>
    assets.filter((asset) => kinds.includes(asset.kind.case)).map((asset) => asset.name);
  return {
    grid: named("gridConnection"),
    load: named("load"),
    generation: named("pvArray", "windTurbine", "generator"),
    stores: named("battery"),
    vehicles: named("evCharger"),
    heat: named("hvacZone", "thermalTank"),
    runs: named("deferrableLoad"),
  };
}

/** The measured power of some assets together. */
export function measured(
  times: readonly number[],
  energies: Energies | undefined,
  names: readonly string[],
  scale: number,
): Values {
  const found = (energies?.assets ?? []).filter((each) => names.includes(each.asset));
  if (energies === undefined || found.length === 0) return times.map(() => null);
  const series = found.map((each) =>
    onto(times, { start: energies.start, step: energies.step, values: each.powersW }, scale),
  );
  return added(...series);
}

export interface Planned {
  start: number;
  step: number;
  site: SitePlan;
}

export function plannedOf(plan: Plan | undefined, site: string): Planned | null {
  const own = plan?.solution?.sites.find((each) => each.siteName === site);
  const start = plan?.targetRange?.startTime;
  if (plan === undefined || own === undefined || start === undefined) return null;
  return {
    start: toMs(start),
    step: plan.resolution === undefined ? 3_600_000 : toMs(plan.resolution),
    site: own,
  };
}

export function storePlan(planned: Planned, name: string): AssetPlan | undefined {
  return planned.site.assets.find((each) => each.assetName === name);
}

/** The planned power of some assets together [kW]; nothing where none of them is planned. */
export function plannedPower(
  times: readonly number[],
  planned: Planned | null,
  names: readonly string[],
): Values {
  const found = (planned?.site.assets ?? []).filter((each) => names.includes(each.assetName));
  if (planned === null || found.length === 0) return times.map(() => null);
  const { start, step } = planned;
  return added(...found.map((each) => onto(times, { start, step, values: each.powersW }, 0.001)));
}

/** A quantile of a forecast, the nearest to what is asked for. */
export function quantile(forecast: Forecast | undefined, ratio: number): Regular | undefined {
  const found = [...(forecast?.quantiles ?? [])].sort(
    (one, other) => Math.abs(one.ratio - ratio) - Math.abs(other.ratio - ratio),
  )[0];
  if (forecast?.startTime === undefined || forecast.resolution === undefined || !found) return undefined;
  return { start: toMs(forecast.startTime), step: toMs(forecast.resolution), values: found.values };
}

export function priceSeries(prices: Prices | undefined): Regular | undefined {
  return prices && { start: prices.start, step: prices.step, values: prices.imported };
}
