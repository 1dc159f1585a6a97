import assert from "node:assert/strict";
import { test } from "node:test";
import { sentence, type StorePlan } from "./why.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2016, 8, 6, 7); // midnight in California
const AT = { locale: "en-GB", zone: "America/Los_Angeles" };
const text = (plan: StorePlan, hour: number): string =>
  sentence(plan, START + hour * HOUR + 60_000, AT).replaceAll(" ", " ").replaceAll(" ", " ");

function plan(powersKw: Record<number, number>, change: Partial<StorePlan> = {}): StorePlan {
  const powersW = Array.from({ length: 24 }, (_, hour) => (powersKw[hour] ?? 0) * 1000);
  const prices = powersW.map((_, hour) => (hour >= 16 && hour < 21 ? 0.54 : 0.22));
  const reasons = powersW.map((watts) => (watts > 0 ? "stores the sun" : watts < 0 ? "avoids dear import" : ""));
  return {
    start: START,
    step: HOUR,
    powersW,
    prices,
    currency: "USD",
    reasons,
    bought: powersW.map(() => false),
    usableKwh: 6,
    ...change,
  };
}

test("a battery that waits says for when it holds what, and what a kWh costs then", () => {
  const held = plan({ 16: -1, 17: -1, 18: -1.1 });
  assert.equal(text(held, 13), "Holds 3.10 kWh for 16:00–19:00 at US$0.54/kWh.");
});

test("it never holds more than is in it", () => {
  const low = plan({ 16: -1, 17: -1 }, { usableKwh: 0.5 });
  assert.match(text(low, 13), /^Holds 0\.50 kWh/);
  const empty = plan({ 16: -1, 20: 1 }, { usableKwh: 0 });
  assert.doesNotMatch(text(empty, 13), /Holds/);
});

test("a battery that gives says until when, what that saves a kWh, and why", () => {
  const gives = plan({ 17: -1.2, 18: -1.2 });
  assert.equal(text(gives, 17), "Gives 1.20 kW until 19:00 at US$0.54/kWh: avoids dear import.");
});

test("the sun is stored without a price, what is bought has one", () => {
  const own = plan({ 10: 2 });
  assert.equal(text(own, 10), "Charges with 2.00 kW until 11:00: stores the sun.");
  const bought = plan({ 2: 2 }, { bought: Array.from({ length: 24 }, () => true) });
  assert.match(text(bought, 2), /at US\$0\.22\/kWh/);
});

test("an empty battery says when it will charge", () => {
  assert.equal(text(plan({ 9: 1, 10: 2 }), 6), "Waits, and charges 3.00 kWh from 09:00: stores the sun.");
});

test("a trifle is not worth a word, and the first reason of a run is its reason", () => {
  const trifle = plan({ 6: 0.03, 9: 1, 10: 2 });
  assert.match(text(trifle, 5), /charges 3\.00 kWh from 09:00/);
  const later = plan({ 9: 1, 10: 2 });
  const reasons = later.reasons.map((_, hour) => (hour === 10 ? "stores the sun" : ""));
  assert.match(text({ ...later, reasons }, 6), /from 09:00: stores the sun\.$/);
});

test("a plan that has run out is no plan", () => {
  assert.equal(text(plan({}), 24), "There is no plan for this hour.");
  assert.equal(text(plan({}), -1), "There is no plan for this hour.");
});

test("a price that is not published is left out", () => {
  const unknown = plan({ 16: -1 }, { prices: Array.from({ length: 24 }, () => NaN) });
  assert.equal(text(unknown, 13), "Holds 1.00 kWh for 16:00–17:00.");
});
