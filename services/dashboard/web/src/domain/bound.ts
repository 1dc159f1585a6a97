// What a limit that binds costs, in the reader's words, money and clock.

import type { BindingConstraint } from "../gen/wattmesh/optimizer/v1/plan_pb.ts";
import { spoken } from "./words.ts";

const MORE: Record<string, string> = {
  import_limit: "import limit",
  export_limit: "export limit",
  group_import_limit: "import limit of the group",
  group_export_limit: "export limit of the group",
  event_import_limit: "import limit of the event",
  event_export_limit: "export limit of the event",
  max_charge_power: "charging power",
  max_discharge_power: "discharging power",
  soc_charge_power: "charging power when nearly full",
  soc_discharge_power: "discharging power when nearly empty",
  max_soc: "usable capacity",
  max_power: "power",
  available_power: "generation",
  comfort_max: "warmth allowed",
  max_temperature: "warmth allowed",
};
const LESS: Record<string, string> = {
  min_soc: "energy kept back",
  peak: "peak",
  group_peak: "peak of the group",
  demand_charge: "peak that the demand charge counts",
  reserve: "reserve to hold",
  islanding_reserve: "energy held for an outage",
  comfort_min: "warmth wanted",
  min_temperature: "warmth wanted",
};
const KWH = new Set(["max_soc", "min_soc", "islanding_reserve"]);
const KELVIN = new Set(["min_temperature", "max_temperature", "comfort_min", "comfort_max"]);
const MOST_SPANS = 3;

interface Told {
  title: (name: string) => string;
  money: (amount: number) => string;
  span: (from: number, to: number) => string;
  /** When the plan's intervals are [ms]. */
  planned: { start: number; step: number };
}

export function bound(limit: Pick<BindingConstraint, "subject" | "constraint" | "intervals" | "totalValue">, told: Told): string {
  const [name = "", which = ""] = limit.constraint.split(":");
  const unit = KWH.has(name) ? "kWh" : KELVIN.has(name) ? "K" : "kW";
  const more = MORE[name];
  const wish = more !== undefined ? `more ${more}` : LESS[name] !== undefined ? `less ${LESS[name]}` : `of ${spoken(name)}`;
  const { start, step } = told.planned;
  const all = runs(limit.intervals);
  const spans = all.slice(0, MOST_SPANS).map(([from, to]) => told.span(start + from * step, start + to * step));
  const left = all.length - spans.length;
  return (
    `${told.title(limit.subject)}: 1 ${unit} ${wish}${which === "" ? "" : ` (${which})`} would save ${told.money(limit.totalValue)} in what is planned; ` +
    `it binds ${spans.join(", ")}${left > 0 ? ` and ${left} more` : ""}`
  );
}

/** Rising places as runs from the first to the one after the last. */
function runs(places: readonly number[]): Array<[number, number]> {
  const found: Array<[number, number]> = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === place) last[1] = place + 1;
    else found.push([place, place + 1]);
  }
  return found;
}
