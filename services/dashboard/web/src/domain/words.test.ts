import assert from "node:assert/strict";
import { test } from "node:test";
import { FactTopic } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { every, REASONS, SETPOINTS, spoken } from "./words.ts";

test("a value that the contracts have got since is told by its name, not left out", () => {
  const topics = every<FactTopic, string>(FactTopic, spoken, { [FactTopic.STATE]: "how it is" });
  assert.equal(topics[FactTopic.STATE], "how it is");
  assert.equal(topics[FactTopic.BILLING_STATE], "billing state");
});

test("every reason has words, and every setpoint a title", () => {
  assert.ok(Object.values(REASONS).length > 20);
  assert.ok(Object.values(SETPOINTS).every((each) => each.title !== ""));
});
