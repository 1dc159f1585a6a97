// What is on the screen: the stream tells of that, and of no other site.

export interface Look {
  /** `sites/{site}` whose commands and events are told; empty: of none. */
  site: string;
  /** Of which sites flows and plans are told. */
  shown: readonly string[];
  /** Whether sums of all sites are told. */
  together: boolean;
}

export interface Shown {
  sites: readonly string[];
  together?: boolean;
}

/** What several parts of a page show, as one look, in an order that does not matter. */
export function lookOf(site: string, parts: Iterable<Shown>): Look {
  const names = new Set<string>();
  let together = false;
  for (const part of parts) {
    for (const name of part.sites) names.add(name);
    together ||= part.together ?? false;
  }
  return { site, shown: [...names].sort(), together };
}

/** Whether a stream that was dialled for one look tells all of another, and not far more. */
export function covers(dialled: Look, wanted: Look): boolean {
  if (dialled.site !== wanted.site || dialled.together !== wanted.together) return false;
  const told = new Set(dialled.shown);
  if (dialled.shown.length > 2 * wanted.shown.length + 100) return false;
  return wanted.shown.every((name) => name === wanted.site || told.has(name));
}
