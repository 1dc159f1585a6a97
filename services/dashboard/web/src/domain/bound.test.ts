import assert from "node:assert/strict";
import { test } from "node:test";
import { bound } from "./bound.ts";

const told = {
  title: (name: string) => (name.endsWith("/pv") ? "Solar roof" : name),
  money: (amount: number) => `${amount.toFixed(2)} €`,
  span: (from: number, to: number) => `${from}–${to}`,
  planned: { start: 100, step: 10 },
};

test("a limit is told by its asset's title, in the reader's money and clock", () => {
  const limit = { subject: "sites/a/assets/pv", constraint: "available_power", intervals: [0, 1, 2, 7], totalValue: 2.31 };
  assert.equal(bound(limit, told), "Solar roof: 1 kW more generation would save 2.31 € in what is planned; it binds 100–130, 170–180");
});

test("stores are told by the kWh, what is not known by its name, and many times by their number", () => {
  const limit = { subject: "a", constraint: "min_soc", intervals: [0, 2, 4, 6], totalValue: 1 };
  assert.match(bound(limit, told), /1 kWh less energy kept back .* 140–150 and 1 more$/);
  assert.match(bound({ ...limit, constraint: "demand_charge:winter" }, told), /less peak that the demand charge counts \(winter\)/);
  assert.match(bound({ ...limit, constraint: "new_rule" }, told), /1 kW of new rule/);
});
