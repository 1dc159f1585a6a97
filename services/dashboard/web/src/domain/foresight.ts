// Which assets a look at past time moves again with foresight; batteries are always among them.

import { ScenarioCharging, ScenarioClimate, ScenarioRuns, ScenarioTanks } from "../gen/wattmesh/analytics/v1/scenario_pb.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";

type Kind = NonNullable<Asset["kind"]["case"]>;

export type Movable = "vehicles" | "zones" | "tanks" | "runs";

interface Moves {
  what: Movable;
  kind: Kind;
  /** On its switch, and within a sentence. */
  title: string;
  word: string;
}

const MOVES: readonly Moves[] = [
  { what: "vehicles", kind: "evCharger", title: "Vehicles", word: "vehicles" },
  { what: "zones", kind: "hvacZone", title: "Heating and cooling", word: "zones" },
  { what: "tanks", kind: "thermalTank", title: "Hot water", word: "tanks" },
  { what: "runs", kind: "deferrableLoad", title: "Work that can wait", word: "work that can wait" },
];

/** What a site has that can be moved, in one order. */
export function movables(kinds: readonly (string | undefined)[]): Array<{ what: Movable; title: string }> {
  return MOVES.filter(({ kind }) => kinds.includes(kind)).map(({ what, title }) => ({ what, title }));
}

/** The part of a scenario that says who acts with foresight; all others stay as they were metered. */
export function withForesight(moved: readonly Movable[]): {
  charging: ScenarioCharging;
  climate: ScenarioClimate;
  tanks: ScenarioTanks;
  runs: ScenarioRuns;
} {
  return {
    charging: moved.includes("vehicles") ? ScenarioCharging.FORESIGHT : ScenarioCharging.UNSPECIFIED,
    climate: moved.includes("zones") ? ScenarioClimate.FORESIGHT : ScenarioClimate.UNSPECIFIED,
    tanks: moved.includes("tanks") ? ScenarioTanks.FORESIGHT : ScenarioTanks.UNSPECIFIED,
    runs: moved.includes("runs") ? ScenarioRuns.FORESIGHT : ScenarioRuns.UNSPECIFIED,
  };
}

/** "batteries and tanks", in the order of the switches. */
export function movedInWords(moved: readonly Movable[]): string {
  const words = ["batteries", ...MOVES.filter(({ what }) => moved.includes(what)).map(({ word }) => word)];
  const last = words.pop() ?? "";
  return words.length === 0 ? last : `${words.join(", ")} and ${last}`;
}

/** Discomfort and energy not had beside what was saved: a cheaper day that was colder is told as such. */
export interface Forgone {
  vehicleLackingEnergyKwh?: number | undefined;
  unfinishedEnergyKwh?: number | undefined;
  discomfortKelvinHours?: number | undefined;
  meteredDiscomfortKelvinHours?: number | undefined;
  tankColdKelvinHours?: number | undefined;
  meteredTankColdKelvinHours?: number | undefined;
}

const LITTLE = 0.05;

/** What the same time would have gone without more than it did; empty: nothing. */
export function goneWithout(result: Forgone, number: (value: number) => string): string[] {
  const more: Array<[value: number, words: (value: string) => string]> = [
    [result.vehicleLackingEnergyKwh ?? 0, (value) => `vehicles would have left with ${value} kWh less`],
    [result.unfinishedEnergyKwh ?? 0, (value) => `work would have got ${value} kWh less`],
    [
      (result.discomfortKelvinHours ?? 0) - (result.meteredDiscomfortKelvinHours ?? 0),
      (value) => `zones would have been ${value} K h more outside of what was wanted`,
    ],
    [
      (result.tankColdKelvinHours ?? 0) - (result.meteredTankColdKelvinHours ?? 0),
      (value) => `tanks would have been ${value} K h more below what was wanted`,
    ],
  ];
  return more.filter(([value]) => value > LITTLE).map(([value, words]) => words(number(value)));
}
