// The flows of a site with their freshness.

import { FlowKind, type KindFlow, type SiteFlow } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { isFresh } from "../../lib/fresh.ts";
import { optionalMs, toMs } from "../../lib/time.ts";

export interface Flow {
  kind: FlowKind;
  /** Power into the assets [W]; null: not known of all of them. */
  watts: number | null;
  socRatio: number | null;
  measured: number | null;
  fresh: boolean;
  silent: number;
  count: number;
  derived: boolean;
}

export function flowsOf(site: SiteFlow | undefined, now: number | null, rate: number): Flow[] {
  if (site === undefined || now === null) return [];
  return site.flows.map((flow) => flowOf(flow, now, rate));
}

function flowOf(flow: KindFlow, now: number, rate: number): Flow {
  const interval = flow.reportingInterval === undefined ? null : toMs(flow.reportingInterval);
  const measured = optionalMs(flow.measureTime);
  return {
    kind: flow.kind,
    watts: flow.powerW ?? null,
    socRatio: flow.socRatio ?? null,
    measured,
    fresh: isFresh(measured, interval, now, rate),
    silent: flow.silentCount,
    count: flow.assetCount,
    derived: flow.derived,
  };
}

export function wattsOf(flows: readonly Flow[], kind: FlowKind): number | null {
  return flows.find((flow) => flow.kind === kind)?.watts ?? null;
}

/** The oldest reading of a site's flows; null: there is none. */
export function oldest(flows: readonly Flow[]): number | null {
  const times = flows.map((flow) => flow.measured).filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}

export const COLOURS: Partial<Record<FlowKind, string>> = {
  [FlowKind.GRID]: "var(--grid)",
  [FlowKind.PV]: "var(--pv)",
  [FlowKind.WIND]: "var(--wind)",
  [FlowKind.GENERATOR]: "var(--generator)",
  [FlowKind.BATTERY]: "var(--battery)",
  [FlowKind.EV]: "var(--ev)",
  [FlowKind.HEAT]: "var(--heat)",
  [FlowKind.LOAD]: "var(--load)",
};

/** What a power of a kind means: `exports` rather than a minus. */
export function doing(kind: FlowKind, watts: number): string {
  const still = Math.abs(watts) < 1;
  switch (kind) {
    case FlowKind.GRID:
      return still ? "balanced" : watts > 0 ? "importing" : "exporting";
    case FlowKind.PV:
    case FlowKind.WIND:
    case FlowKind.GENERATOR:
      return still ? "no output" : "generating";
    case FlowKind.BATTERY:
    case FlowKind.EV:
      return still ? "idle" : watts > 0 ? "charging" : "discharging";
    default:
      return still ? "nothing" : "consuming";
  }
}
