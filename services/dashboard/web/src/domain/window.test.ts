import assert from "node:assert/strict";
import { test } from "node:test";
import { TariffDay } from "../gen/wattmesh/type/v1/tariff_pb.ts";
import { whenItHolds } from "./window.ts";

const evening = {
  seasons: [{ startMonth: 6, startDay: 1, endMonth: 9, endDay: 30 }],
  days: [TariffDay.MONDAY, TariffDay.TUESDAY, TariffDay.WEDNESDAY, TariffDay.THURSDAY, TariffDay.FRIDAY],
  clockRanges: [{ startMinute: 16 * 60, endMinute: 21 * 60 }],
};

test("a period says when it holds, as its reader writes it", () => {
  assert.equal(whenItHolds(evening, "en-US").replaceAll(/\s/g, " "), "Jun 1 – Sep 30 · Mon–Fri · 4:00 PM–9:00 PM");
  assert.equal(whenItHolds(evening, "de-DE"), "1. Juni – 30. Sept. · Mo–Fr · 16:00–21:00");
});

test("days apart and holidays are told one by one, and no window is always", () => {
  const days = [TariffDay.SATURDAY, TariffDay.MONDAY, TariffDay.HOLIDAY];
  assert.equal(whenItHolds({ seasons: [], days, clockRanges: [] }, "en-US"), "Mon, Sat, holiday");
  assert.equal(whenItHolds(undefined, "en-US"), "");
});
