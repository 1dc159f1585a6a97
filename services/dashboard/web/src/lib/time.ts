// Times of the mesh are milliseconds since 1970 by the mesh's clock, which may run faster than the wall's.

export interface ProtoTime {
  seconds: bigint;
  nanos: number;
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export function toMs(time: ProtoTime): number {
  return Number(time.seconds) * 1000 + time.nanos / 1e6;
}

export function optionalMs(time: ProtoTime | undefined): number | null {
  return time === undefined ? null : toMs(time);
}

export function fromMs(ms: number): ProtoTime {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

export function duration(ms: number): ProtoTime {
  return fromMs(ms);
}

export function floorTo(ms: number, step: number): number {
  return Math.floor(ms / step) * step;
}

export function ceilTo(ms: number, step: number): number {
  return Math.ceil(ms / step) * step;
}

export function range(start: number, end: number): { startTime: ProtoTime; endTime: ProtoTime } {
  return { startTime: fromMs(start), endTime: fromMs(end) };
}

const fields = new Map<string, Intl.DateTimeFormat>();

/** Making one takes longer than using it a hundred times. */
function fieldsOf(zone: string): Intl.DateTimeFormat {
  let format = fields.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    fields.set(zone, format);
  }
  return format;
}

/** Offset of a zone at a time, so that `local = utc + offset` [ms]. */
export function zoneOffset(ms: number, zone: string): number {
  const parts = fieldsOf(zone).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
  const local = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  return local - Math.floor(ms / 1000) * 1000;
}

/** Start of the local day that a time lies in, by the zone: 23, 24 or 25 hours before the next one. */
export function dayStart(ms: number, zone: string, days = 0): number {
  const local = floorTo(ms + zoneOffset(ms, zone), DAY) + days * DAY;
  // The offset at the day's start may be another than now: ask again there.
  const guess = local - zoneOffset(local, zone);
  return local - zoneOffset(guess, zone);
}

/** The longest raster on which a time lies: days of zones with half and quarter hours begin between hours. */
export function rasterOf(ms: number): number {
  return [HOUR, HOUR / 2, HOUR / 4].find((step) => ms % step === 0) ?? 5 * MINUTE;
}
