import assert from "node:assert/strict";
import { test } from "node:test";
import { FactTopic } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { after, every, plain, REASONS, SETPOINTS, spoken } from "./words.ts";

test("a value that the contracts have got since is told by its name, not left out", () => {
  const topics = every<FactTopic, string>(FactTopic, spoken, { [FactTopic.STATE]: "how it is" });
  assert.equal(topics[FactTopic.STATE], "how it is");
  assert.equal(topics[FactTopic.BILLING_STATE], "billing state");
});

test("every reason has words, and every setpoint a title", () => {
  assert.ok(Object.values(REASONS).length > 20);
  assert.ok(Object.values(SETPOINTS).every((each) => each.title !== ""));
});

test("sentences of services call things as people do", () => {
  assert.equal(plain("sites/home-4/assets/ev: not there; groups/street waits"), "home-4 ev: not there; street waits");
  assert.equal(plain("see https://a.example/sites/x"), "see https://a.example/sites/x");
  assert.equal(after("sites/a/assets/pv", "sites/a/assets/pv: forecast is away"), "forecast is away");
});
