// What pages ask, each with how long an answer may be shown without being asked again.

import {
  keepPreviousData,
  QueryClient,
  useQuery,
  type UseQueryResult,
} from "@tanstack/react-query";
import type { Limit } from "../gen/wattmesh/control/v1/control_pb.ts";
import type { Device } from "../gen/wattmesh/site/v1/device_pb.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import type { Plan } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import type { Explanation } from "../gen/wattmesh/optimizer/v1/plan_pb.ts";
import { useNow, usePicture } from "../live/hooks.ts";
import type { Picture } from "../live/store.ts";
import { duration, range, toMs } from "../lib/time.ts";
import { isMissing, mayPass } from "./errors.ts";
import { control, dashboard, metering, optimizer, planner, sites } from "./transport.ts";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => mayPass(error) && count < 3,
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: true,
      networkMode: "always",
    },
  },
});

interface Page<T> {
  items: T[];
  next: string;
}

async function all<T>(page: (token: string) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let token = "";
  do {
    const { items, next } = await page(token);
    found.push(...items);
    token = next;
  } while (token !== "");
  return found;
}

const LIMITS_LOOK_MS = 5_000;

const revisionOf = (picture: Picture): string => picture.revision;

export function useSites(): UseQueryResult<Site[]> {
  const revision = usePicture(revisionOf);
  return useQuery({
    queryKey: ["sites", revision],
    queryFn: ({ signal }) =>
      all(async (pageToken) => {
        const answer = await sites.listSites({ pageToken }, { signal });
        return { items: answer.sites, next: answer.nextPageToken };
      }),
    enabled: revision !== "",
    retry: (_, error) => mayPass(error),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** One site, asked for by its name: a page of one waits for no list of a thousand. */
export function useSiteNamed(name: string): UseQueryResult<Site | null> {
  const revision = usePicture(revisionOf);
  return useQuery({
    queryKey: ["site", name, revision],
    queryFn: async ({ signal }) => {
      try {
        return (await sites.getSite({ name }, { signal })).site ?? null;
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    enabled: name !== "",
    // Without it no page says anything: it is asked for until somebody answers.
    retry: (_, error) => mayPass(error),
    placeholderData: (before) => (before?.name === name ? before : undefined),
    staleTime: Infinity,
  });
}

export function useAssets(site: string): UseQueryResult<Asset[]> {
  const revision = usePicture(revisionOf);
  return useQuery({
    queryKey: ["assets", site, revision],
    queryFn: ({ signal }) =>
      all(async (pageToken) => {
        const answer = await sites.listAssets({ parent: site, pageToken }, { signal });
        return { items: answer.assets, next: answer.nextPageToken };
      }),
    enabled: site !== "" && revision !== "",
    staleTime: Infinity,
  });
}

export function useDevices(site: string): UseQueryResult<Device[]> {
  const revision = usePicture(revisionOf);
  return useQuery({
    queryKey: ["devices", site, revision],
    queryFn: ({ signal }) =>
      all(async (pageToken) => {
        const answer = await sites.listDevices({ parent: site, pageToken }, { signal });
        return { items: answer.devices, next: answer.nextPageToken };
      }),
    enabled: site !== "" && revision !== "",
    staleTime: Infinity,
  });
}

/** Limits that hold or are to come for a site, its nodes and devices; without what the site model itself says. */
export function useLimits(site: string): UseQueryResult<Limit[]> {
  return useQuery({
    queryKey: ["limits", site],
    queryFn: async ({ signal }) => {
      const found = await all(async (pageToken) => {
        const answer = await control.listLimits({ parent: `${site}/devices/-`, pageToken }, { signal });
        return { items: answer.limits, next: answer.nextPageToken };
      });
      return found.filter((limit) => limit.owner !== "site-model");
    },
    refetchInterval: LIMITS_LOOK_MS,
    placeholderData: keepPreviousData,
  });
}

/** The plan that holds for a site, without what only the plan itself has. */
export function usePlanOf(site: string): Plan | undefined {
  return usePicture(({ plans }) => newestOf(plans.values(), site));
}

function newestOf(plans: Iterable<Plan>, site: string): Plan | undefined {
  let newest: Plan | undefined;
  for (const plan of plans) {
    if (plan.sites.includes(site) && (newest === undefined || issued(plan) > issued(newest))) newest = plan;
  }
  return newest;
}

/** The plan by which a site is steered now: the newest may be for the interval that comes next. */
export function useHoldingPlan(site: string): Plan | undefined {
  const newest = usePlanOf(site);
  const now = useNow();
  const early = newest !== undefined && now !== null && startOf(newest) > now;
  const { data } = useQuery({
    queryKey: ["plans", newest?.scope, newest?.name],
    queryFn: async ({ signal }) => {
      const asked = { parent: newest?.scope ?? "", pageSize: 4 };
      return (await planner.listPlans(asked, { signal })).plans;
    },
    enabled: early,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  if (!early) return newest;
  // Until that is known it is better to say nothing than what comes next.
  return data?.find((plan) => startOf(plan) <= (now ?? 0));
}

function startOf(plan: Plan): number {
  return plan.targetRange?.startTime === undefined ? 0 : toMs(plan.targetRange.startTime);
}

function issued(plan: Plan): number {
  return Number(plan.issueTime?.seconds ?? 0n);
}

/** A plan with problem and solution: it never changes. */
export function usePlan(name: string | undefined): UseQueryResult<Plan | undefined> {
  return useQuery({
    queryKey: ["plan", name],
    queryFn: async ({ signal }) => (await planner.getPlan({ name: name ?? "" }, { signal })).plan,
    enabled: name !== undefined && name !== "",
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
  });
}

/** Why a plan is as it is. */
export function useExplanation(plan: Plan | undefined): UseQueryResult<Explanation | null> {
  return useQuery({
    queryKey: ["explanation", plan?.name],
    queryFn: async ({ signal }) => {
      const { problem, solution } = plan ?? {};
      if (problem === undefined || solution === undefined) return null;
      const answer = await optimizer.explainPlan({ problem, plan: solution }, { signal });
      return answer.explanation ?? null;
    },
    enabled: plan?.solution !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
  });
}

export interface Prices {
  start: number;
  step: number;
  imported: number[];
  exported: number[];
  currency: string;
}

export function usePrices(
  site: string,
  start: number | null,
  end: number | null,
  step: number,
): UseQueryResult<Prices> {
  const revision = usePicture(revisionOf);
  return useQuery({
    queryKey: ["prices", site, start, end, step, revision],
    queryFn: async ({ signal }) => {
      const asked = { site, range: range(start ?? 0, end ?? 0), resolution: duration(step) };
      const answer = await dashboard.queryPrices(asked, { signal });
      return {
        start: start ?? 0,
        step,
        imported: answer.importPricePerKwh?.values ?? [],
        exported: answer.exportPricePerKwh?.values ?? [],
        currency: answer.currencyCode,
      };
    },
    enabled: site !== "" && start !== null && end !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    // In a simulation a quarter of an hour is over in seconds: what was asked of it need not stay.
    gcTime: 60_000,
  });
}

/** Mean power into an asset per interval [W], import less export; NaN where not metered. */
export interface AssetPowers {
  asset: string;
  derived: boolean;
  powersW: number[];
}

export interface Energies {
  start: number;
  step: number;
  assets: AssetPowers[];
}

export function useEnergies(
  site: string,
  start: number | null,
  end: number | null,
  step: number,
): UseQueryResult<Energies> {
  return useQuery({
    queryKey: ["energies", site, start, end, step],
    queryFn: async ({ signal }) => {
      const asked = {
        assets: [`${site}/assets/-`],
        range: range(start ?? 0, end ?? 0),
        resolution: duration(step),
      };
      const answer = await metering.queryEnergy(asked, { signal });
      const hours = step / 3_600_000;
      return {
        start: start ?? 0,
        step,
        assets: answer.energies.map((each) => ({
          asset: each.asset,
          derived: each.derived,
          powersW: net(each.importEnergyWh?.values ?? [], each.exportEnergyWh?.values ?? [], hours),
        })),
      };
    },
    enabled: site !== "" && start !== null && end !== null && start < end,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    // In a simulation a quarter of an hour is over in seconds: what was asked of it need not stay.
    gcTime: 60_000,
  });
}

/** Import less export. An asset of which one direction is never metered has none of it. */
function net(imported: number[], exported: number[], hours: number): number[] {
  const count = Math.max(imported.length, exported.length);
  const takes = imported.some(Number.isFinite);
  const gives = exported.some(Number.isFinite);
  const known = takes || gives;
  return Array.from({ length: count }, (_, place) => {
    if (!known) return NaN;
    const taken = takes ? (imported[place] ?? NaN) : 0;
    const given = gives ? (exported[place] ?? NaN) : 0;
    return (taken - given) / hours;
  });
}
