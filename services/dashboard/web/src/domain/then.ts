// A plan of then beside what happened: over the intervals in which both are known.

type Values = ReadonlyArray<number | null>;

export interface Then {
  /** Intervals that count. */
  intervals: number;
  /** Cost of the exchange with the grid [currency], export earning. */
  cost: Both | null;
  /** Energy of each [kWh]. */
  used: Both | null;
  solar: Both | null;
  battery: Both | null;
}

export interface Both {
  planned: number;
  happened: number;
}

export interface Asked {
  stepHours: number;
  /** Powers [kW], of the grid import positive; what is generated is positive. */
  grid: { planned: Values; happened: Values };
  used: { planned: Values; happened: Values };
  solar: { planned: Values; happened: Values };
  battery: { planned: Values; happened: Values };
  importPrice: Values;
  exportPrice: Values;
}

export function compared(asked: Asked): Then {
  const { grid, importPrice, exportPrice, stepHours } = asked;
  let intervals = 0;
  let cost: Both | null = null;
  grid.planned.forEach((planned, place) => {
    const happened = grid.happened[place];
    const [buy, sell] = [importPrice[place], exportPrice[place]];
    if (planned === null || happened == null || buy == null) return;
    intervals += 1;
    const price = (power: number): number => power * stepHours * (power > 0 ? buy : (sell ?? 0));
    cost = { planned: (cost?.planned ?? 0) + price(planned), happened: (cost?.happened ?? 0) + price(happened) };
  });
  return {
    intervals,
    cost,
    used: energies(asked.used, stepHours),
    solar: energies(asked.solar, stepHours),
    battery: energies(asked.battery, stepHours, Math.abs),
  };
}

function energies({ planned, happened }: { planned: Values; happened: Values }, hours: number, of = (power: number): number => power): Both | null {
  let found: Both | null = null;
  planned.forEach((power, place) => {
    const other = happened[place];
    if (power === null || other == null) return;
    found = { planned: (found?.planned ?? 0) + of(power) * hours, happened: (found?.happened ?? 0) + of(other) * hours };
  });
  return found;
}

/** What made the difference, in words; energies are told by `energy`. */
export function reasons(then: Then, energy: (kwh: number) => string): string {
  const parts = [
    ["more was used", "less was used", then.used],
    ["more sun came", "less sun came", then.solar],
    ["more went through the battery", "less went through the battery", then.battery],
  ] as const;
  const told = parts.flatMap(([more, less, both]) => {
    if (both === null) return [];
    const difference = both.happened - both.planned;
    const large = Math.abs(difference) >= Math.max(0.1, 0.05 * Math.abs(both.planned));
    return large ? [`${energy(Math.abs(difference))} ${difference > 0 ? more : less}`] : [];
  });
  return told.length === 0 ? "It came as it was planned." : `${told.join(", ")}.`;
}
