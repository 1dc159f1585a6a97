import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AssetSchema } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import { called, changes, clockOf, isAt, minuteOf, secondsOf, spanOf, spokenPath } from "./fields.ts";

test("a field is called by words and has its unit", () => {
  assert.deepEqual(called("max_charge_power_w"), { label: "Max charge power", unit: "W" });
  assert.deepEqual(called("price_per_kwh"), { label: "Price", unit: "currency/kWh" });
  assert.deepEqual(called("max_soc_ratio"), { label: "Max state of charge", unit: "0 to 1" });
  assert.deepEqual(called("time_zone"), { label: "Time zone", unit: "" });
});

test("times of day and lengths of time are written as people do", () => {
  assert.equal(clockOf(510), "08:30");
  assert.equal(minuteOf("24:00"), 1440);
  assert.equal(minuteOf("24:30"), null);
  assert.equal(spanOf(900), "15 min");
  assert.equal(secondsOf("1.5 h"), 5400);
  assert.equal(secondsOf("soon"), null);
});

test("what has changed is said field by field, and nothing else", () => {
  const kind = (capacityWh: number) => ({ case: "battery" as const, value: { capacityWh } });
  const before = create(AssetSchema, { name: "sites/a/assets/b", etag: "1", kind: kind(5000) });
  const after = create(AssetSchema, { name: "sites/a/assets/b", etag: "2", displayName: "Cellar", kind: kind(7500) });
  const found = changes(AssetSchema, before, after).sort((one, other) => one.path.localeCompare(other.path));
  assert.deepEqual(found, [
    { path: "battery.capacity_wh", before: "5000", after: "7500" },
    { path: "display_name", before: "", after: "Cellar" },
  ]);
  assert.deepEqual(changes(AssetSchema, before, before), []);
  assert.equal(spokenPath("import_rates.tou_periods[1].price_per_kwh"), "Import rates, time-of-use periods 2, price");
});

test("a fault finds its field, wherever it stands in a list", () => {
  assert.ok(isAt("import_rates.tou_periods[2].price_per_kwh", "tou_periods.price_per_kwh"));
  assert.ok(!isAt("battery.capacity_wh", "max_charge_power_w"));
  assert.ok(!isAt("battery.capacity_wh", ""));
});
