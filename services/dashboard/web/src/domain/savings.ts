// What a saving comes to in words: how sure it is, and what could have been saved at best.

export interface Sureness {
  low: number | null;
  high: number | null;
  /** Share of the intervals that count, 0 to 1. */
  covered: number;
}

interface Told {
  money: (amount: number) => string;
  percent: (ratio: number) => string;
}

const CENT = 0.005;

/** Amounts are decimal text; an empty one is not known. */
export function amount(text: string | undefined): number | null {
  return text === undefined || text === "" ? null : Number(text);
}

export function howSure({ low, high, covered }: Sureness, { money, percent }: Told): string {
  if (covered > 0.9995) return "All of it was metered: nothing is missing in what was saved.";
  if (low === null || high === null) return "Some of it is missing. How sure that leaves the rest can be said once two whole days count.";
  return (
    `Had all of it been metered, it would be between ${money(low)} and ${money(high)}, by 90 %: ` +
    `${percent(1 - covered)} is missing, and taken for days like the others.`
  );
}

/** The saving and the regret together: the most that could have been saved. */
export function atBest(saved: number, regret: number): { possible: number; share: number | null } {
  const possible = saved + regret;
  return { possible, share: possible > CENT && saved >= 0 ? Math.min(saved / possible, 1) : null };
}

export function whatWasMissed(saved: number, regret: number, moved: string, { money, percent }: Told): string {
  if (regret <= -CENT) return `Nothing was missed: knowing two days ahead would have come out ${money(-regret)} dearer.`;
  if (regret < CENT) return "Nothing was missed: knowing what would come would have changed no cent.";
  const { possible, share } = atBest(saved, regret);
  const more = `Had control known what would come, ${moved} would have saved ${money(regret)} more`;
  return share === null ? `${more}.` : `${more}: ${money(possible)} in all, of which ${percent(share)} was had.`;
}

/** Where a bar from zero to a value stands on a scale that has all of them, as shares of its width. */
export function bar(value: number, all: readonly number[]): { left: number; width: number } {
  const low = Math.min(0, ...all);
  const span = Math.max(0, ...all) - low;
  if (span === 0) return { left: 0, width: 0 };
  return { left: (Math.min(value, 0) - low) / span, width: Math.abs(value) / span };
}
