import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { PlanSchema } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { degradationsOf } from "./degradations.ts";

test("a plan of a street tells a site of itself, the group and the tariff, not of its neighbours", () => {
  const subjects = [
    ...["sites/home-1", "sites/home-1/assets/ev", "sites/home-10/assets/ev", "sites/home-2"],
    ...["groups/street", "tariffs/tou"],
  ];
  const plan = create(PlanSchema, { degradations: subjects.map((subject) => ({ subject })) });
  assert.deepEqual(
    degradationsOf(plan, "sites/home-1").map((each) => each.subject),
    ["sites/home-1", "sites/home-1/assets/ev", "groups/street", "tariffs/tou"],
  );
  assert.deepEqual(degradationsOf(undefined, "sites/home-1"), []);
});
