// What a limit allows, who follows it since when, and what is metered under it, in words.

import type { Limit } from "../gen/wattmesh/control/v1/control_pb.ts";
import { shortName } from "../lib/format.ts";
import { optionalMs } from "../lib/time.ts";

export interface Told {
  now: number;
  /** What the site's connection is metered to draw [W], feeding in negative; null: not known. */
  gridW: number | null;
  power: (watts: number) => string;
  clock: (ms: number) => string;
  moment: (ms: number) => string;
}

type Asked = Pick<Limit, "subject" | "owner" | "reason" | "startTime" | "expireTime" | "acknowledgements"> &
  Partial<Pick<Limit, "minPowerW" | "maxPowerW" | "minPhasePowerW" | "maxPhasePowerW">>;

/** A meter's register, and a watt more for a second, are no fault of anybody's. */
const MARGIN = 1.02;
const MARGIN_W = 25;

export function limitTold(limit: Asked, site: string, told: Told): { title: string; rest: string; exceeded: boolean } {
  const start = optionalMs(limit.startTime) ?? 0;
  const end = optionalMs(limit.expireTime);
  const holds = start <= told.now;
  const from = holds ? "" : ` from ${told.moment(start)}`;
  const until = end === null ? "" : ` until ${told.moment(end)}`;
  const exceeded = holds && limit.subject === site && isAbove(limit, told.gridW);
  const words = [
    `by ${limit.owner}${limit.reason === "" ? "" : `: ${limit.reason}`}`,
    followed(limit, start, told),
    holds && limit.subject === site ? metered(told, exceeded) : "",
  ];
  return {
    title: `${ofWhat(limit.subject, site)}${allowed(limit, told)}${from}${until}`,
    rest: `, ${words.filter((each) => each !== "").join(" · ")}`,
    exceeded,
  };
}

function ofWhat(subject: string, site: string): string {
  if (subject === site) return "";
  const parts = subject.split("/");
  const name = shortName(subject);
  if (parts.length > 2) return `${parts[2] === "nodes" ? "Node" : "Device"} ${name}${parts[0] === "groups" ? ` of group ${parts[1]}` : ""}: `;
  return `Group ${name}: `;
}

function allowed(limit: Asked, { power }: Told): string {
  const bounds = [
    limit.maxPowerW === undefined ? "" : `at most ${power(limit.maxPowerW)} drawn`,
    limit.minPowerW === undefined ? "" : limit.minPowerW > 0 ? `at least ${power(limit.minPowerW)} drawn` : `at most ${power(-limit.minPowerW)} fed in`,
    limit.maxPhasePowerW === undefined ? "" : `at most ${power(limit.maxPhasePowerW)} in a conductor`,
    limit.minPhasePowerW === undefined ? "" : `at most ${power(-limit.minPhasePowerW)} out of a conductor`,
  ];
  return bounds.filter((each) => each !== "").join(", ");
}

/** Gateways that keep it by themselves; a node's and a device's is kept in commands. */
function followed(limit: Asked, start: number, told: Told): string {
  if (limit.acknowledgements.length === 0) return "told to no gateway: plans and commands keep it";
  return limit.acknowledgements
    .map((each) => {
      const when = optionalMs(each.acknowledgeTime) ?? 0;
      const where = each.site === limit.subject ? "" : ` (${shortName(each.site)})`;
      const gateway = `gateway ${shortName(each.gateway)}${where}`;
      return start > told.now
        ? `told to ${gateway} at ${told.clock(when)}`
        : `told to ${gateway}, followed since ${told.clock(Math.max(when, start))}`;
    })
    .join(" · ");
}

function metered({ gridW, power }: Told, exceeded: boolean): string {
  if (gridW === null) return "not metered now";
  const doing = gridW < 0 ? `${power(-gridW)} fed in now` : `${power(gridW)} drawn now`;
  return exceeded ? `${doing}: exceeded` : `${doing}: kept`;
}

function isAbove(limit: Asked, gridW: number | null): boolean {
  if (gridW === null) return false;
  const { maxPowerW, minPowerW } = limit;
  const above = maxPowerW !== undefined && gridW > Math.max(maxPowerW * MARGIN, maxPowerW + MARGIN_W);
  const below = minPowerW !== undefined && gridW < Math.min(minPowerW * MARGIN, minPowerW - MARGIN_W);
  return above || below;
}
