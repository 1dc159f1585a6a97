import assert from "node:assert/strict";
import { test } from "node:test";
import { length, number, percent, power, span } from "./format.ts";
import { isFresh } from "./fresh.ts";
import { DAY, dayStart, fromMs, HOUR, MINUTE, rasterOf, toMs, zoneOffset } from "./time.ts";

const plain = (text: string): string => text.replaceAll(" ", " ");

test("a time comes back as it was, before 1970 too", () => {
  for (const ms of [0, 1_473_059_758_018, -1_500]) assert.equal(toMs(fromMs(ms)), ms);
});

test("a day of the zone begins at its midnight, also when the clocks change", () => {
  const zone = "Europe/Berlin";
  const before = Date.UTC(2024, 2, 30, 12);
  const spring = dayStart(before, zone, 1);
  assert.equal(spring, Date.UTC(2024, 2, 30, 23));
  assert.equal(dayStart(before, zone, 2) - spring, 23 * HOUR);
  const autumn = dayStart(Date.UTC(2024, 9, 27, 12), zone);
  assert.equal(dayStart(Date.UTC(2024, 9, 28, 12), zone) - autumn, 25 * HOUR);
  assert.equal(dayStart(Date.UTC(2024, 5, 1, 12), "UTC", -1), Date.UTC(2024, 4, 31));
  assert.equal(zoneOffset(Date.UTC(2024, 5, 1), zone), 2 * HOUR);
});

test("times are the site's, whatever zone the reader is in", () => {
  const noon = Date.UTC(2016, 8, 6, 19);
  const at = { locale: "de", zone: "America/Los_Angeles" };
  assert.equal(span(noon, noon + HOUR, at), "12:00–13:00");
});

test("numbers are written as the reader writes them, and nothing is minus zero", () => {
  assert.equal(number(-0.001, 2, "en"), "0.00");
  assert.equal(plain(power(1234, "de")), "1,23 kW");
  assert.equal(plain(power(12.4, "en")), "12 W");
  assert.equal(percent(0.5, "en"), "50%");
  assert.equal(plain(length(25 * HOUR)), "25 h");
});

test("an old reading is never fresh, and one that cannot be newer yet is", () => {
  const quarter = HOUR / 4;
  assert.ok(isFresh(0, quarter, 2 * quarter, 1));
  assert.ok(!isFresh(0, quarter, 3 * quarter, 1));
  assert.ok(!isFresh(null, quarter, 0, 1));
  assert.ok(!isFresh(0, null, DAY, 1));
});

test("a day that begins between hours is asked for on a raster that has its start", () => {
  const noon = Date.UTC(2024, 5, 1, 12);
  const step = (zone: string): number => rasterOf(dayStart(noon, zone)) / MINUTE;
  assert.equal(step("Europe/Berlin"), 60);
  assert.equal(step("Asia/Kolkata"), 30);
  assert.equal(step("Australia/Lord_Howe"), 30);
  assert.equal(step("Asia/Kathmandu"), 15);
});
