import assert from "node:assert/strict";
import { test } from "node:test";
import { ScenarioCharging, ScenarioClimate, ScenarioRuns, ScenarioTanks } from "../gen/wattmesh/analytics/v1/scenario_pb.ts";
import { goneWithout, movables, movedInWords, withForesight } from "./foresight.ts";

test("only what a site has can be switched", () => {
  assert.deepEqual(
    movables(["battery", "deferrableLoad", undefined, "thermalTank"]).map(({ what }) => what),
    ["tanks", "runs"],
  );
});

test("tanks and runs are moved by themselves, and what is not switched stays as it was metered", () => {
  assert.deepEqual(withForesight(["tanks", "runs"]), {
    charging: ScenarioCharging.UNSPECIFIED,
    climate: ScenarioClimate.UNSPECIFIED,
    tanks: ScenarioTanks.FORESIGHT,
    runs: ScenarioRuns.FORESIGHT,
  });
  assert.deepEqual(withForesight(["vehicles", "zones"]), {
    charging: ScenarioCharging.FORESIGHT,
    climate: ScenarioClimate.FORESIGHT,
    tanks: ScenarioTanks.UNSPECIFIED,
    runs: ScenarioRuns.UNSPECIFIED,
  });
});

test("who was moved is told in one order, whichever was switched first", () => {
  assert.equal(movedInWords([]), "batteries");
  assert.equal(movedInWords(["runs", "tanks"]), "batteries, tanks and work that can wait");
});

test("a cheaper day that went without something says what", () => {
  const number = (value: number): string => value.toFixed(1);
  assert.deepEqual(goneWithout({ unfinishedEnergyKwh: 0.01, tankColdKelvinHours: 2, meteredTankColdKelvinHours: 2 }, number), []);
  assert.deepEqual(goneWithout({ unfinishedEnergyKwh: 1.2, tankColdKelvinHours: 3, meteredTankColdKelvinHours: 0.5 }, number), [
    "work would have got 1.2 kWh less",
    "tanks would have been 2.5 K h more below what was wanted",
  ]);
});
