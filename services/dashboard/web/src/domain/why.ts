// One sentence that says what a battery does and why, from its plan.

import { clock, energy, perKwh, power, span, type Locale } from "../lib/format.ts";

export interface StorePlan {
  /** Start of the first planned interval [ms]. */
  start: number;
  /** Interval length [ms]. */
  step: number;
  /** Planned power into the battery per interval [W]. */
  powersW: readonly number[];
  /** Import price per interval [currency/kWh]; NaN: not published. */
  prices: readonly number[];
  currency: string;
  /** Why, per interval, in words; empty: not said. */
  reasons: readonly string[];
  /** Whether an interval's charge is bought, not surplus of one's own. */
  bought: readonly boolean[];
  /** What is in it now above its lower edge [kWh]; null: not known. */
  usableKwh: number | null;
}

const LEAST_W = 25;
/** Less is not worth a word. */
const LEAST_KWH = 0.05;

interface Block {
  first: number;
  /** The interval after the last one. */
  end: number;
}

export function sentence(plan: StorePlan, now: number, at: Locale): string {
  const current = Math.floor((now - plan.start) / plan.step);
  if (current < 0 || current >= plan.powersW.length) return "There is no plan for this hour.";
  const watts = plan.powersW[current] ?? 0;
  if (Math.abs(watts) >= LEAST_W) return acting(plan, current, watts, at);
  return waiting(plan, current, at);
}

function acting(plan: StorePlan, current: number, watts: number, at: Locale): string {
  const block = extent(plan, current, watts > 0);
  const until = clock(timeOf(plan, block.end), at);
  const verb = watts > 0 ? "Charges with" : "Gives";
  const price = watts < 0 ? highest(plan, block) : bought(plan, current, block);
  const worth = Number.isFinite(price) ? ` at ${perKwh(price, plan.currency, at.locale)}` : "";
  const reason = reasonOf(plan, block);
  return `${verb} ${power(Math.abs(watts), at.locale)} until ${until}${worth}${reason}.`;
}

function waiting(plan: StorePlan, current: number, at: Locale): string {
  const gives = next(plan, current, false);
  const takes = next(plan, current, true);
  if (gives !== null && (takes === null || gives.first < takes.first)) {
    const kwh = Math.abs(kwhOf(plan, gives));
    const held = plan.usableKwh === null ? kwh : Math.min(kwh, Math.max(plan.usableKwh, 0));
    if (held >= LEAST_KWH) {
      const when = span(timeOf(plan, gives.first), timeOf(plan, gives.end), at);
      return `Holds ${energy(held, at.locale)} for ${when}${priceOf(plan, gives, at)}.`;
    }
  }
  if (takes !== null) {
    const when = clock(timeOf(plan, takes.first), at);
    const amount = energy(kwhOf(plan, takes), at.locale);
    return `Waits, and charges ${amount} from ${when}${reasonOf(plan, takes)}.`;
  }
  const reason = plan.reasons[current];
  return reason ? `Waits: ${reason}.` : "Waits: nothing is gained by acting.";
}

/** The run of intervals around one in which the battery goes on in one direction. */
function extent(plan: StorePlan, at: number, charging: boolean): Block {
  let end = at;
  while (end < plan.powersW.length && moves(plan.powersW[end], charging)) end += 1;
  return { first: at, end };
}

function next(plan: StorePlan, from: number, charging: boolean): Block | null {
  for (let first = from; first < plan.powersW.length; first += 1) {
    if (!moves(plan.powersW[first], charging)) continue;
    const block = extent(plan, first, charging);
    if (Math.abs(kwhOf(plan, block)) >= LEAST_KWH) return block;
    first = block.end;
  }
  return null;
}

/** The first reason that a run of intervals has. */
function reasonOf(plan: StorePlan, block: Block): string {
  const reason = plan.reasons.slice(block.first, block.end).find((each) => each !== "");
  return reason === undefined ? "" : `: ${reason}`;
}

function moves(watts: number | undefined, charging: boolean): boolean {
  return watts !== undefined && (charging ? watts >= LEAST_W : watts <= -LEAST_W);
}

function kwhOf(plan: StorePlan, block: Block): number {
  const hours = plan.step / 3_600_000;
  return plan.powersW.slice(block.first, block.end).reduce((sum, w) => sum + (w * hours) / 1000, 0);
}

function timeOf(plan: StorePlan, interval: number): number {
  return plan.start + interval * plan.step;
}

function priceOf(plan: StorePlan, block: Block, at: Locale): string {
  const price = highest(plan, block);
  return Number.isFinite(price) ? ` at ${perKwh(price, plan.currency, at.locale)}` : "";
}

function highest(plan: StorePlan, block: Block): number {
  return Math.max(...known(plan, block));
}

/** What is paid for a charge; NaN: it is one's own. */
function bought(plan: StorePlan, current: number, block: Block): number {
  return plan.bought[current] ? Math.min(...known(plan, block)) : NaN;
}

function known(plan: StorePlan, block: Block): number[] {
  return plan.prices.slice(block.first, block.end).filter(Number.isFinite);
}
