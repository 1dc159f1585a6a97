// Records of a site as forms: what a field is called, its unit, what a person types, and what has changed.

import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { spoken } from "../../domain/words.ts";

/** Units by the end of a field's name, the longest that fits first. */
const UNITS: ReadonlyArray<[string, string]> = [
  ["_gco2e_per_kwh", "g CO₂e/kWh"],
  ["_wh_per_degree", "Wh/°C"],
  ["_w_per_degree", "W/°C"],
  ["_wh_per_k", "Wh/K"],
  ["_w_per_k", "W/K"],
  ["_price_per_kwh", "currency/kWh"],
  ["_price_per_kg", "currency/kg"],
  ["_price_per_kw", "currency/kW"],
  ["_per_kwh", "currency/kWh"],
  ["_per_kw", "currency/kW"],
  ["_per_day", "per day"],
  ["_gco2e", "g CO₂e"],
  ["_degrees", "°"],
  ["_celsius", "°C"],
  ["_ratio", "0 to 1"],
  ["_kwh", "kWh"],
  ["_kw", "kW"],
  ["_var", "var"],
  ["_va", "VA"],
  ["_wh", "Wh"],
  ["_hz", "Hz"],
  ["_w", "W"],
  ["_a", "A"],
  ["_v", "V"],
];

const WORDS: Readonly<Record<string, string>> = { pv: "PV", ev: "EV", soc: "state of charge", id: "id", tou: "time-of-use", mqtt: "MQTT", tcp: "TCP", ocpp: "OCPP" };

/** `max_charge_power_w` is called `Max charge power`, in W. */
export function called(name: string): { label: string; unit: string } {
  const unit = UNITS.find(([end]) => name.endsWith(end) || `_${name}` === end);
  const price = unit !== undefined && unit[0].startsWith("_price");
  const rest = unit === undefined ? name : price ? name.slice(0, name.lastIndexOf("_per_")) : name.slice(0, name.length - unit[0].length);
  const words = (rest || name).split("_").map((word) => WORDS[word] ?? word).join(" ");
  return { label: words.charAt(0).toUpperCase() + words.slice(1), unit: unit?.[1] ?? "" };
}

/** Fields that a person does not write: given by the server, or published. */
export function isGiven(field: DescField): boolean {
  return field.name === "name" || field.name === "etag" || (field.fieldKind === "message" && field.message.typeName === "wattmesh.type.v1.Series");
}

/** A fault's path without places in lists, as services say it. */
export function plainPath(path: string): string {
  return path.replace(/\[\d+\]/g, "");
}

export function isAt(path: string, fault: string): boolean {
  return fault !== "" && (plainPath(path) === plainPath(fault) || plainPath(path).endsWith(`.${plainPath(fault)}`));
}

/** `90` minutes after midnight are `01:30`; the end of the day is `24:00`. */
export function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

export function minuteOf(text: string): number | null {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (found === null) return null;
  const minute = Number(found[1]) * 60 + Number(found[2]);
  return Number(found[2]) < 60 && minute <= 1440 ? minute : null;
}

/** `15 min`, `1 h`, `10 s`: what a length of time is written as. */
export function spanOf(seconds: number): string {
  if (seconds !== 0 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  if (seconds !== 0 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

export function secondsOf(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(s|min|h|d)?$/.exec(text.trim());
  if (found === null) return null;
  const factor = { s: 1, min: 60, h: 3600, d: 86_400 }[(found[2] ?? "s") as "s" | "min" | "h" | "d"];
  return Number(found[1]) * factor;
}

export interface Changed {
  path: string;
  before: string;
  after: string;
}

/** What is another in a record than it was, field by field. */
export function changes<D extends DescMessage>(schema: D, before: MessageShape<D> | null, after: MessageShape<D>): Changed[] {
  const old = before === null ? new Map<string, string>() : flat(toJson(schema, before, { useProtoFieldName: true }));
  const now = flat(toJson(schema, after, { useProtoFieldName: true }));
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter((path) => path !== "etag" && path !== "name");
  return paths
    .map((path) => ({ path, before: old.get(path) ?? "", after: now.get(path) ?? "" }))
    .filter((each) => each.before !== each.after);
}

/** A path in words: `battery.capacity_wh` is `Battery, capacity`. */
export function spokenPath(path: string): string {
  return path
    .split(".")
    .map((part, depth) => {
      const place = /\[(\d+)\]/.exec(part);
      const label = called(part.replace(/\[\d+\]/g, "")).label;
      const words = depth > 0 && /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
      return place === null ? words : `${words} ${Number(place[1]) + 1}`;
    })
    .join(", ");
}

function flat(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) {
    if (value.some((each) => typeof each === "object")) value.forEach((each, place) => flat(each, `${path}[${place}]`, into));
    else into.set(path, value.map(String).join(", "));
  } else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0 && path !== "") into.set(path, "yes");
    for (const [key, each] of entries) flat(each, path === "" ? key : `${path}.${key}`, into);
  } else {
    into.set(path, typeof value === "string" ? value : String(value));
  }
  return into;
}

export function enumWords(name: string, prefix: string): string {
  return spoken(name.slice(prefix.length)) || "not said";
}
