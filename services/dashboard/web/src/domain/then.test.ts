import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, reasons } from "./then.ts";

const none = { planned: [null, null], happened: [null, null] };

test("a plan of then is compared where it and what happened are known", () => {
  const then = compared({
    stepHours: 0.5,
    grid: { planned: [2, -1, 3], happened: [3, -2, null] },
    used: { planned: [2, 2, 2], happened: [3, 2, null] },
    solar: none,
    battery: none,
    importPrice: [0.4, 0.4, 0.4],
    exportPrice: [0.1, 0.1, 0.1],
  });
  assert.equal(then.intervals, 2);
  assert.ok(Math.abs((then.cost?.planned ?? 0) - (0.4 - 0.05)) < 1e-9);
  assert.ok(Math.abs((then.cost?.happened ?? 0) - (0.6 - 0.1)) < 1e-9);
  assert.deepEqual(then.used, { planned: 2, happened: 2.5 });
  assert.equal(then.solar, null);
  assert.equal(reasons(then, (kwh) => `${kwh} kWh`), "0.5 kWh more was used.");
});

test("what came as planned needs no reason", () => {
  const same = { planned: [1, 1], happened: [1, 1.02] };
  const then = compared({ stepHours: 1, grid: same, used: same, solar: none, battery: none, importPrice: [1, 1], exportPrice: [0, 0] });
  assert.equal(reasons(then, String), "It came as it was planned.");
});
