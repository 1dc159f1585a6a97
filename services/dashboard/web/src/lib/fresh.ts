// Whether a number may still be shown as what is: two and a half reporting intervals, and what a
// reading takes on its way.

export const WAY_SECONDS = 5;

/** How old a reading may be [ms of the mesh]. `rate` is seconds of the mesh per second of the wall. */
export function freshFor(reportingIntervalMs: number | null, rate: number): number {
  return 2.5 * (reportingIntervalMs ?? 60_000) + WAY_SECONDS * 1000 * rate;
}

export function isFresh(
  measured: number | null,
  reportingIntervalMs: number | null,
  now: number,
  rate: number,
): boolean {
  return measured !== null && now - measured <= freshFor(reportingIntervalMs, rate);
}
