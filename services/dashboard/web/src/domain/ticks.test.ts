import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CommandState } from "../gen/wattmesh/control/v1/control_pb.ts";
import { Effect, EffectReason } from "../gen/wattmesh/control/v1/effect_pb.ts";
import { ExecutionStepSchema, type ExecutionStep } from "../gen/wattmesh/control/v1/execution_pb.ts";
import { rank, ticks } from "./ticks.ts";

const TIME = { seconds: 1n, nanos: 0 };
const ALL = { createTime: TIME, dispatchTime: TIME, applyTime: TIME, verifyTime: TIME };

type Times = Partial<typeof ALL>;

function step(state: CommandState, times: Times, effect?: Effect, reason = EffectReason.UNSPECIFIED): ExecutionStep {
  const verdict = effect === undefined ? {} : { effectVerdict: { effect, reason } };
  return create(ExecutionStepSchema, { command: { state, message: "no answer", ...times, ...verdict } });
}

const states = (of: ExecutionStep): string[] => ticks(of).map((tick) => tick.state);

test("five ticks, from the plan to the meter", () => {
  const list = ticks(step(CommandState.VERIFIED, ALL, Effect.CONFIRMED));
  assert.deepEqual(list.map((tick) => tick.name), ["Planned", "Sent", "Acknowledged", "Read back", "Effect"]);
  assert.ok(list.every((tick) => tick.state === "done"));
});

test("a register that holds it and a meter that saw nothing are different answers", () => {
  const list = step(CommandState.VERIFIED, ALL, Effect.NONE, EffectReason.STORE_EMPTY);
  assert.deepEqual(states(list), ["done", "done", "done", "done", "failed"]);
  assert.match(ticks(list)[4]?.words ?? "", /no effect: the battery was empty/);
});

test("the first step that did not come about is the one that failed, and says why", () => {
  const list = ticks(step(CommandState.FAILED, { createTime: TIME, dispatchTime: TIME }));
  assert.deepEqual(list.map((tick) => tick.state), ["done", "done", "failed", "skipped", "skipped"]);
  assert.equal(list[2]?.words, "no answer");
});

test("what was replaced has not failed", () => {
  const list = step(CommandState.SUPERSEDED, { createTime: TIME });
  assert.ok(!states(list).includes("failed"));
  assert.ok(rank(ticks(list)) > 0);
});

test("a meter that cannot say has not confirmed, and what came partly has not failed", () => {
  assert.equal(states(step(CommandState.VERIFIED, ALL, Effect.UNKNOWN))[4], "unknown");
  assert.equal(states(step(CommandState.VERIFIED, ALL, Effect.PARTIAL))[4], "partial");
  assert.equal(states(step(CommandState.VERIFIED, ALL))[4], "waiting");
});

test("failures come first", () => {
  const order = [Effect.CONFIRMED, Effect.PARTIAL, Effect.CONTRARY, Effect.UNKNOWN]
    .map((effect) => ({ effect, rank: rank(ticks(step(CommandState.VERIFIED, ALL, effect))) }))
    .sort((one, other) => one.rank - other.rank);
  assert.deepEqual(order.map((each) => each.effect), [Effect.CONTRARY, Effect.PARTIAL, Effect.UNKNOWN, Effect.CONFIRMED]);
});
