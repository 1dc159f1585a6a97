import assert from "node:assert/strict";
import { test } from "node:test";
import { cameBack, told, waysOf } from "./alert-links.ts";

const pages = (subject: string, ...links: string[]): string[] => waysOf({ subject, links }).map((way) => way.page);

test("an alert leads to the pages of what it names, each once", () => {
  assert.deepEqual(pages("sites/a/devices/b", "commands/12"), ["proof"]);
  assert.deepEqual(pages("groups/street", "plans/1", "sites/a/assets/ev", "sites/b/assets/ev"), ["plan", "now"]);
  assert.deepEqual(pages("sites/a", "sites/a/devices/meter/points/import_energy_wh"), ["devices"]);
  assert.deepEqual(pages("sites/a", "zones/US-TX"), ["carbon"]);
  assert.deepEqual(pages("sites/a", "tariffs/tou", "sites/a/assets/grid"), ["savings", "now"]);
});

test("one without links leads to its subject, and one of nothing known nowhere", () => {
  assert.deepEqual(pages("sites/a/devices/b"), ["devices"]);
  assert.deepEqual(pages("gateways/g"), []);
});

test("what happened is told without the command's name, and a return counts as people count", () => {
  assert.equal(told("commands/cb86: no effect: 3 W where 5 W were asked"), "no effect: 3 W where 5 W were asked");
  assert.deepEqual([0, 1, 3].map(cameBack), ["", "came back once", "came back 3 times"]);
});
