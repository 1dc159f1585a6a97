import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { LimitSchema } from "../gen/wattmesh/control/v1/control_pb.ts";
import { limitTold } from "./limits.ts";

const at = (seconds: number): { seconds: bigint; nanos: number } => ({ seconds: BigInt(seconds), nanos: 0 });
const SITE = "sites/a";
const told = {
  now: 2_000_000,
  gridW: 3_900 as number | null,
  power: (watts: number) => `${watts / 1000} kW`,
  clock: (ms: number) => `t${ms / 1000}`,
  moment: (ms: number) => `t${ms / 1000}`,
};
const evening = {
  subject: SITE,
  owner: "grid-operator",
  reason: "a full feeder",
  maxPowerW: 4_200,
  startTime: at(1_000),
  expireTime: at(3_000),
  acknowledgements: [{ gateway: "gateways/cellar", site: SITE, acknowledgeTime: at(1_002) }],
};

test("a limit says by whom, which gateway follows it since when, and what is metered under it", () => {
  const { title, rest, exceeded } = limitTold(create(LimitSchema, evening), SITE, told);
  assert.equal(title, "at most 4.2 kW drawn until t3000");
  assert.equal(rest, ", by grid-operator: a full feeder · told to gateway cellar, followed since t1002 · 3.9 kW drawn now: kept");
  assert.equal(exceeded, false);
});

test("one that a gateway had before it began is followed from its beginning, and only told until then", () => {
  const early = { ...evening, acknowledgements: [{ gateway: "gateways/cellar", site: SITE, acknowledgeTime: at(500) }] };
  assert.match(limitTold(create(LimitSchema, early), SITE, told).rest, /followed since t1000/);
  const before = limitTold(create(LimitSchema, early), SITE, { ...told, now: 900_000 });
  assert.match(before.title, /from t1000 until t3000$/);
  assert.match(before.rest, /told to gateway cellar at t500$/);
  assert.equal(before.exceeded, false);
});

test("more than is allowed is called so, in both directions, and what is not metered is not called kept", () => {
  const above = limitTold(create(LimitSchema, evening), SITE, { ...told, gridW: 5_000 });
  assert.equal(above.exceeded, true);
  assert.match(above.rest, /5 kW drawn now: exceeded$/);
  const feeding = create(LimitSchema, { ...evening, maxPowerW: undefined, minPowerW: -1_000 });
  assert.match(limitTold(feeding, SITE, { ...told, gridW: -2_000 }).rest, /2 kW fed in now: exceeded$/);
  assert.match(limitTold(feeding, SITE, { ...told, gridW: null }).rest, /not metered now$/);
});

test("of a group each site's gateway is named, and what no gateway was told is said", () => {
  const street = { ...evening, subject: "groups/street" };
  const grouped = limitTold(create(LimitSchema, street), SITE, told);
  assert.match(grouped.title, /^Group street: at most 4.2 kW drawn/);
  assert.match(grouped.rest, /gateway cellar \(a\), followed since t1002$/);
  const node = { ...evening, subject: "sites/a/nodes/feeder", acknowledgements: [] };
  const told_ = limitTold(create(LimitSchema, node), SITE, told);
  assert.match(told_.title, /^Node feeder: at most/);
  assert.match(told_.rest, /told to no gateway: plans and commands keep it$/);
});
