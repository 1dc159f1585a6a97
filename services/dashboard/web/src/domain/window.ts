// When a period of a tariff holds, as the reader's locale writes months, days and hours.

import { TariffDay, type TariffWindow } from "../gen/wattmesh/type/v1/tariff_pb.ts";
import { clock, type Locale } from "../lib/format.ts";
import { MINUTE } from "../lib/time.ts";
import { every, spoken } from "./words.ts";

type Window = Pick<TariffWindow, "days"> & {
  seasons: ReadonlyArray<{ startMonth: number; startDay: number; endMonth: number; endDay: number }>;
  clockRanges: ReadonlyArray<{ startMinute: number; endMinute: number }>;
};

const DAYS = every<TariffDay, number | null>(TariffDay, () => null, {
  [TariffDay.MONDAY]: 1,
  [TariffDay.TUESDAY]: 2,
  [TariffDay.WEDNESDAY]: 3,
  [TariffDay.THURSDAY]: 4,
  [TariffDay.FRIDAY]: 5,
  [TariffDay.SATURDAY]: 6,
  [TariffDay.SUNDAY]: 7,
});
/** A year that is none of a site's: days of it are written, none is reckoned with. It begins on a Monday. */
const YEAR = 2018;

export function whenItHolds(window: Window | undefined, locale: string | undefined): string {
  if (window === undefined) return "";
  const at = { locale, zone: "UTC" };
  const parts = [
    window.seasons.map((each) => `${date(each.startMonth, each.startDay, locale)} – ${date(each.endMonth, each.endDay, locale)}`).join(", "),
    dayWords(window.days, locale),
    window.clockRanges.map((each) => `${hour(each.startMinute, at)}–${hour(each.endMinute, at)}`).join(", "),
  ];
  return parts.filter((each) => each !== "").join(" · ");
}

function date(month: number, day: number, locale: string | undefined): string {
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  return format.format(Date.UTC(YEAR, month - 1, day));
}

function hour(minute: number, at: Locale): string {
  return clock((minute % (24 * 60)) * MINUTE, at);
}

/** Days that follow each other as one: `Mon–Fri`. */
function dayWords(days: readonly TariffDay[], locale: string | undefined): string {
  const format = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
  const name = (place: number): string => format.format(Date.UTC(YEAR, 0, place));
  const places = days.map((each) => DAYS[each]).filter((each) => each !== null).sort((one, other) => one - other);
  const runs: Array<[number, number]> = [];
  for (const place of places) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] + 1 === place) last[1] = place;
    else runs.push([place, place]);
  }
  const rest = days.filter((each) => DAYS[each] === null && each !== TariffDay.UNSPECIFIED).map((each) => spoken(TariffDay[each] ?? ""));
  return [...runs.map(([from, to]) => (from === to ? name(from) : `${name(from)}–${name(to)}`)), ...rest].join(", ");
}
