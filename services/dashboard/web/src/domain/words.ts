// What the contracts' enums mean to people.

import { CommandState } from "../gen/wattmesh/control/v1/control_pb.ts";
import { Effect, EffectBasis, EffectReason } from "../gen/wattmesh/control/v1/effect_pb.ts";
import { FlowKind } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { ReasonCode } from "../gen/wattmesh/optimizer/v1/plan_pb.ts";
import { DegradationReason, FactTopic, Remedy } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { SetpointKind } from "../gen/wattmesh/type/v1/setpoint_pb.ts";

/** A constant of the contracts as words: `max_charge_power` is "max charge power". */
export function spoken(name: string): string {
  return name.replaceAll("_", " ").toLowerCase();
}

/** A sentence in which things are called by their own names: `sites/home-4/assets/ev` is "home-4 ev". */
export function plain(sentence: string): string {
  return sentence.replace(/(?<![\w/-])(?:sites|groups|gateways)\/[\w-]+(?:\/(?:assets|devices)\/[\w-]+)?/g, (name) =>
    name.split("/").filter((_, place) => place % 2 === 1).join(" "),
  );
}

/** The same without the name that it begins with, where that stands before it already. */
export function after(subject: string, sentence: string): string {
  return plain(sentence.startsWith(`${subject}: `) ? sentence.slice(subject.length + 2) : sentence);
}

/** Words for every value of an enum; one that the contracts have got since is told by its name. */
export function every<E extends number, T>(
  values: Record<string, string | number>,
  other: (name: string) => T,
  known: Partial<Record<E, T>>,
): Record<E, T> {
  const named = Object.entries(values).filter(([, value]) => typeof value === "number");
  const rest = named.map(([name, value]) => [value, other(name)]);
  return { ...Object.fromEntries(rest), ...known } as Record<E, T>;
}

export const KINDS = every<FlowKind, string>(FlowKind, spoken, {
  [FlowKind.UNSPECIFIED]: "Other",
  [FlowKind.GRID]: "Grid",
  [FlowKind.PV]: "Solar",
  [FlowKind.WIND]: "Wind",
  [FlowKind.GENERATOR]: "Generator",
  [FlowKind.BATTERY]: "Battery",
  [FlowKind.EV]: "Vehicles",
  [FlowKind.HEAT]: "Heating and cooling",
  [FlowKind.LOAD]: "Consumption",
});

export const REASONS = every<ReasonCode, string>(ReasonCode, spoken, {
  [ReasonCode.UNSPECIFIED]: "",
  [ReasonCode.IDLE_NO_GAIN]: "nothing is gained by acting",
  [ReasonCode.NOT_AVAILABLE]: "not there, or not allowed",
  [ReasonCode.STORE_SURPLUS]: "stores own generation that would be exported",
  [ReasonCode.BUY_CHEAP]: "energy is cheap now against later",
  [ReasonCode.AVOID_DEAR_IMPORT]: "avoids dear import",
  [ReasonCode.SELL_DEAR]: "exporting pays",
  [ReasonCode.SHAVE_PEAK]: "keeps a peak down",
  [ReasonCode.KEEP_LIMIT]: "keeps a limit",
  [ReasonCode.MEET_DEADLINE]: "a deadline must be met",
  [ReasonCode.KEEP_COMFORT]: "keeps comfort",
  [ReasonCode.PRECONDITION]: "heats or cools ahead",
  [ReasonCode.FULL]: "full",
  [ReasonCode.EMPTY]: "empty",
  [ReasonCode.AT_MAX_POWER]: "at its largest power",
  [ReasonCode.HOLD_RESERVE]: "held back for a reserve",
  [ReasonCode.DEMAND_RESPONSE]: "answers a demand-response event",
  [ReasonCode.MUST_RUN]: "a run in progress leaves no choice",
  [ReasonCode.GENERATE_ALL]: "generates as much as it can",
  [ReasonCode.CURTAIL_NO_VALUE]: "curtailed: energy is worth nothing now",
  [ReasonCode.CURTAIL_LIMIT]: "curtailed by a limit",
  [ReasonCode.GENERATE_CHEAPER]: "cheaper than the grid",
  [ReasonCode.LOW_CARBON]: "the grid is cleaner now than later",
  [ReasonCode.NEGATIVE_PRICE]: "paid to consume",
});

const TOPICS = every<FactTopic, string>(FactTopic, spoken, {
  [FactTopic.UNSPECIFIED]: "something",
  [FactTopic.STATE]: "state",
  [FactTopic.FORECAST]: "forecast",
  [FactTopic.TARIFF]: "prices",
  [FactTopic.BILLING_STATE]: "bill so far",
  [FactTopic.CARBON]: "carbon",
  [FactTopic.WEATHER]: "weather",
  [FactTopic.SESSIONS]: "vehicles",
  [FactTopic.EVENTS]: "events",
  [FactTopic.SITE_MODEL]: "site model",
  [FactTopic.EXECUTION]: "execution",
});

const WHY_NOT = every<DegradationReason, string>(DegradationReason, spoken, {
  [DegradationReason.UNSPECIFIED]: "not known",
  [DegradationReason.NEVER_REPORTED]: "never reported",
  [DegradationReason.STALE]: "too old",
  [DegradationReason.SERVICE_UNAVAILABLE]: "no answer in time",
  [DegradationReason.NOT_AVAILABLE]: "not available",
  [DegradationReason.NOT_PUBLISHED]: "not published yet",
  [DegradationReason.KIND_NOT_PLANNED]: "not planned",
  [DegradationReason.NO_CONTROLLER]: "nothing controls it",
  [DegradationReason.INCOMPLETE_SITE_MODEL]: "incomplete",
  [DegradationReason.REQUIREMENT_UNMET]: "could not be met",
  [DegradationReason.SETPOINT_LIMITED]: "limited by control",
  [DegradationReason.SOLVER_TIME_LIMIT]: "solver ran out of time",
  [DegradationReason.INCOMPLETE]: "only partly known",
});

const REMEDIES = every<Remedy, string>(Remedy, spoken, {
  [Remedy.UNSPECIFIED]: "",
  [Remedy.ASSUMED]: "assumed",
  [Remedy.LEFT_OUT]: "left out",
  [Remedy.IGNORED]: "done without",
});

export function degradation(topic: FactTopic, reason: DegradationReason, remedy: Remedy): string {
  const done = REMEDIES[remedy];
  return `${TOPICS[topic] ?? "something"} ${WHY_NOT[reason] ?? ""}${done ? `, ${done}` : ""}`;
}

export const STATES = every<CommandState, string>(CommandState, spoken, {
  [CommandState.UNSPECIFIED]: "not known",
  [CommandState.PENDING]: "waits to be sent",
  [CommandState.DISPATCHED]: "sent",
  [CommandState.APPLIED]: "acknowledged",
  [CommandState.VERIFIED]: "read back",
  [CommandState.REFUSED]: "refused",
  [CommandState.FAILED]: "failed",
  [CommandState.EXPIRED]: "expired before it was applied",
  [CommandState.SUPERSEDED]: "replaced before it was applied",
  [CommandState.CANCELLED]: "withdrawn",
});

export const EFFECTS = every<Effect, string>(Effect, spoken, {
  [Effect.UNSPECIFIED]: "no verdict yet",
  [Effect.CONFIRMED]: "confirmed by the meter",
  [Effect.PARTIAL]: "only partly",
  [Effect.NONE]: "no effect",
  [Effect.CONTRARY]: "the opposite happened",
  [Effect.UNKNOWN]: "the meters cannot say",
});

export const EFFECT_REASONS = every<EffectReason, string>(EffectReason, spoken, {
  [EffectReason.UNSPECIFIED]: "",
  [EffectReason.NO_METER]: "nothing measures it",
  [EffectReason.NOT_METERED]: "readings are missing",
  [EffectReason.KIND_NOT_METERED]: "no power follows from it",
  [EffectReason.TOO_SHORT]: "held too briefly to be metered",
  [EffectReason.NOISE]: "other loads move as much",
  [EffectReason.NO_STEP]: "nothing had to move",
  [EffectReason.AMBIGUOUS]: "several devices stepped at once",
  [EffectReason.NOT_BINDING]: "the limit did not bind",
  [EffectReason.METER_FROZEN]: "its meter stands still",
  [EffectReason.METERS_DISAGREE]: "meters contradict each other",
  [EffectReason.OWN_METER_CONTRADICTED]: "an independent meter rules it out",
  [EffectReason.LATE]: "late",
  [EffectReason.LOST]: "lost before the end",
  [EffectReason.STORE_FULL]: "the battery was full",
  [EffectReason.STORE_EMPTY]: "the battery was empty",
  [EffectReason.WORKED]: "its plant works at it",
  [EffectReason.OVERRULED]: "the local loop told it something else",
  [EffectReason.ISLANDED]: "the site was an island",
  [EffectReason.MOVED]: "moved by the meter",
});

export const BASES = every<EffectBasis, string>(EffectBasis, spoken, {
  [EffectBasis.UNSPECIFIED]: "no meter",
  [EffectBasis.OWN_METER]: "the device's own meter",
  [EffectBasis.VOUCHED_METER]: "its own meter, vouched for",
  [EffectBasis.OTHER_METER]: "another meter of the asset",
  [EffectBasis.GRID_METER]: "the grid meter",
});

interface SetpointWords {
  title: string;
  unit: string;
}

export const SETPOINTS = every<SetpointKind, SetpointWords>(SetpointKind, (name) => ({ title: spoken(name), unit: "" }), {
  [SetpointKind.UNSPECIFIED]: { title: "Setpoint", unit: "" },
  [SetpointKind.ACTIVE_POWER_W]: { title: "Power", unit: "W" },
  [SetpointKind.GENERATION_LIMIT_W]: { title: "Generation limit", unit: "W" },
  [SetpointKind.CURRENT_A]: { title: "Charging current", unit: "A" },
  [SetpointKind.TEMPERATURE_CELSIUS]: { title: "Temperature", unit: "°C" },
  [SetpointKind.ON_OFF]: { title: "On or off", unit: "" },
  [SetpointKind.REACTIVE_POWER_VAR]: { title: "Reactive power", unit: "var" },
  [SetpointKind.CONSUMPTION_LIMIT_W]: { title: "Consumption limit", unit: "W" },
});
