import { useMemo } from "react";
import { useLocation } from "wouter";
import { useAssets, useDevices, useSiteNamed, useSites } from "../api/queries.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import type { Locale } from "../lib/format.ts";
import { shortName } from "../lib/format.ts";

export interface Page {
  path: string;
  title: string;
}

export const PAGES: readonly Page[] = [
  { path: "now", title: "Now" },
  { path: "plan", title: "Plan" },
  { path: "proof", title: "Proof" },
  { path: "savings", title: "Savings" },
  { path: "devices", title: "Devices" },
  { path: "forecasts", title: "Forecasts" },
  { path: "carbon", title: "Carbon" },
  { path: "comfort", title: "Comfort and EVs" },
  { path: "alerts", title: "Alerts" },
  { path: "settings", title: "Settings" },
];

/** Which page and which site a path names; a site is empty where it names none. */
export function partsOf(path: string): { page: string; site: string } {
  const [, page = "now", site = ""] = path.split("/");
  return { page: page || "now", site: site === "" ? "" : `sites/${site}` };
}

export function usePath(): { page: string; site: string } {
  const [location] = useLocation();
  return partsOf(location);
}

export function pathOf(page: string, site: string): string {
  return site === "" ? `/${page}` : `/${page}/${shortName(site)}`;
}

export function siteTitle(site: Site): string {
  return titleOf(site);
}

/** What people call something that has a name of its own. */
export function titleOf(named: { name: string; displayName: string }): string {
  return named.displayName || shortName(named.name);
}

/** What people call the assets and devices of a site, by their names. */
export function useTitles(site: string): (name: string) => string {
  const assets = useAssets(site).data;
  const devices = useDevices(site).data;
  return useMemo(() => {
    const known = new Map([...(assets ?? []), ...(devices ?? [])].map((each) => [each.name, titleOf(each)]));
    return (name) => known.get(name) ?? shortName(name);
  }, [assets, devices]);
}

/** Sites in the order in which people count: home-2 before home-10. */
export function inOrder(sites: readonly Site[]): Site[] {
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...sites].sort((one, other) => order.compare(siteTitle(one), siteTitle(other)));
}

/** The site of the path, or where the path names none the first. */
export function useSite(): Site | undefined {
  const { site } = usePath();
  const named = useSiteNamed(site).data;
  const { data } = useSites();
  const first = useMemo(() => (data === undefined ? undefined : inOrder(data)[0]), [data]);
  return site === "" ? first : (named ?? undefined);
}

/** The reader's locale and the site's zone. */
export function localeOf(site: Site | undefined): Locale {
  return { locale: undefined, zone: site?.timeZone ?? "UTC" };
}
