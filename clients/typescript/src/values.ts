// Times and series, to and from the contracts' types. Instants are milliseconds since 1970, lengths are milliseconds.

export interface ProtoTime {
  seconds: bigint;
  nanos: number;
}

/** An instant or a length of time, as the contracts have it. */
export function timestamp(ms: number | Date): ProtoTime {
  const whole = Math.floor(Number(ms) / 1000);
  return { seconds: BigInt(whole), nanos: Math.round((Number(ms) - whole * 1000) * 1e6) };
}

export const duration = timestamp;

/** Milliseconds of an instant or a length of time. */
export function ms(time: ProtoTime): number {
  return Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** The range from `start` on, and before `end`. */
export function range(start: number | Date, end: number | Date): { startTime: ProtoTime; endTime: ProtoTime } {
  return { startTime: timestamp(start), endTime: timestamp(end) };
}

export interface Regular {
  startTime?: ProtoTime | undefined;
  resolution?: ProtoTime | undefined;
}

/** Start and value of each interval of a series; NaN is missing. */
export function* samples(series: Regular, values: readonly number[]): Generator<{ start: number; value: number }> {
  if (series.startTime === undefined || series.resolution === undefined) return;
  const [first, step] = [ms(series.startTime), ms(series.resolution)];
  for (const [place, value] of values.entries()) yield { start: first + place * step, value };
}
