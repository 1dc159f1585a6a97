// Numbers, money and times as the reader's locale writes them, times by the site's zone.

const NBSP = " ";

export interface Locale {
  locale: string | undefined;
  zone: string;
}

const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();

export function number(value: number, digits: number, locale?: string): string {
  const key = `${locale}|${digits}`;
  let format = numbers.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    numbers.set(key, format);
  }
  return format.format(Object.is(value, -0) || Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value);
}

/** `1.24 kW`; watts below 100 W are small enough to be told as they are. */
export function power(watts: number, locale?: string): string {
  const size = Math.abs(watts);
  if (size < 100) return `${number(watts, 0, locale)}${NBSP}W`;
  if (size < 1e6) return `${number(watts / 1000, size < 1e4 ? 2 : 1, locale)}${NBSP}kW`;
  return `${number(watts / 1e6, 2, locale)}${NBSP}MW`;
}

export function energy(kwh: number, locale?: string): string {
  const size = Math.abs(kwh);
  if (size < 1000) return `${number(kwh, size < 10 ? 2 : 1, locale)}${NBSP}kWh`;
  return `${number(kwh / 1000, 2, locale)}${NBSP}MWh`;
}

export function percent(ratio: number, locale?: string, digits = 0): string {
  const key = `${locale}|%|${digits}`;
  let format = numbers.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      style: "percent",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    numbers.set(key, format);
  }
  return format.format(Math.abs(ratio) < 0.005 * 10 ** -digits ? 0 : ratio);
}

export function money(
  amount: number,
  currency: string,
  locale?: string,
  digits = 2,
  most = digits,
): string {
  const key = `${locale}|${currency}|${digits}|${most}`;
  let format = numbers.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      style: "currency",
      currency: currency || "XXX",
      minimumFractionDigits: digits,
      maximumFractionDigits: most,
    });
    numbers.set(key, format);
  }
  return format.format(Math.abs(amount) < 0.5 * 10 ** -most ? 0 : amount);
}

export function perKwh(price: number, currency: string, locale?: string): string {
  return `${money(price, currency, locale, 2, 3)}/kWh`;
}

function date(options: Intl.DateTimeFormatOptions, { locale, zone }: Locale): Intl.DateTimeFormat {
  const key = `${locale}|${zone}|${JSON.stringify(options)}`;
  let format = dates.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone || "UTC" });
    dates.set(key, format);
  }
  return format;
}

const twelve = new Map<string | undefined, boolean>();

/** `9:00 AM`, but `09:00`. */
function hourOf(locale: string | undefined): "numeric" | "2-digit" {
  let known = twelve.get(locale);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hour12 ?? false;
    twelve.set(locale, known);
  }
  return known ? "numeric" : "2-digit";
}

export function clock(ms: number, at: Locale): string {
  return date({ hour: hourOf(at.locale), minute: "2-digit" }, at).format(ms);
}

export function clockSeconds(ms: number, at: Locale): string {
  return date({ hour: hourOf(at.locale), minute: "2-digit", second: "2-digit" }, at).format(ms);
}

export function day(ms: number, at: Locale): string {
  return date({ weekday: "short", day: "numeric", month: "short" }, at).format(ms);
}

export function moment(ms: number, at: Locale): string {
  const options = { weekday: "short", hour: hourOf(at.locale), minute: "2-digit" } as const;
  return date(options, at).format(ms);
}

export function fullMoment(ms: number, at: Locale): string {
  return date({ dateStyle: "medium", timeStyle: "short" }, at).format(ms);
}

export function span(from: number, to: number, at: Locale): string {
  return `${clock(from, at)}–${clock(to, at)}`;
}

/** How long ago, in the largest unit that says enough: `12 s`, `3 min`, `2 h`, `4 d`. */
export function length(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 90) return `${Math.round(seconds)}${NBSP}s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)}${NBSP}min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)}${NBSP}h`;
  return `${Math.round(seconds / 86_400)}${NBSP}d`;
}

export function ago(ms: number): string {
  return ms < 1500 ? "just now" : `${length(ms)} ago`;
}

/** The last part of a resource name: `sites/home-1` is `home-1`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
