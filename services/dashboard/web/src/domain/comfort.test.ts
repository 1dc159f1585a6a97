import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { SitePlanSchema } from "../gen/wattmesh/optimizer/v1/plan_pb.ts";
import { AssetSchema } from "../gen/wattmesh/site/v1/asset_pb.ts";
import { DeviceFunctionSchema } from "../gen/wattmesh/site/v1/device_pb.ts";
import { OccupancySchema } from "../gen/wattmesh/usage/v1/zone_pb.ts";
import { bandOf, leavesWith, occupancyAt, temperatureOf } from "./comfort.ts";

const at = (seconds: number): { seconds: bigint; nanos: number } => ({ seconds: BigInt(seconds), nanos: 0 });
const ZONE = "sites/a/assets/room";

test("of what was said of a room at a time the newest counts, and of no other room", () => {
  const said = [
    { name: `${ZONE}/occupancies/1`, range: { startTime: at(0), endTime: at(100) }, occupancyRatio: 1, createTime: at(1) },
    { name: `${ZONE}/occupancies/2`, range: { startTime: at(50), endTime: at(60) }, occupancyRatio: 0, createTime: at(2) },
    { name: `${ZONE}-2/occupancies/3`, range: { startTime: at(0), endTime: at(100) }, occupancyRatio: 0.5, createTime: at(3) },
  ].map((each) => create(OccupancySchema, each));
  assert.equal(occupancyAt(said, ZONE, 10_000), 1);
  assert.equal(occupancyAt(said, ZONE, 55_000), 0);
  assert.equal(occupancyAt(said, ZONE, 100_000), null);
});

test("a tank has a band as well, and a load has none", () => {
  const tank = create(AssetSchema, { kind: { case: "thermalTank", value: { minTemperatureCelsius: 45, maxTemperatureCelsius: 65 } } });
  assert.deepEqual(bandOf(tank), { low: 45, high: 65 });
  assert.equal(bandOf(create(AssetSchema, { kind: { case: "load", value: {} } })), null);
});

test("a vehicle leaves with what the plan ends with", () => {
  const plan = create(SitePlanSchema, { assets: [{ evSessions: [{ sessionId: "s-1", socRatios: [0.2, 0.7, 0.8] }] }] });
  assert.equal(leavesWith(plan, "sites/a/assets/post/charging-sessions/s-1"), 0.8);
  assert.equal(leavesWith(plan, "sites/a/assets/post/charging-sessions/other"), null);
  assert.equal(leavesWith(undefined, "s-1"), null);
});

test("a room is as warm as its own device says, not as the air outside that it measures too", () => {
  const zone = "sites/office/assets/room";
  const device = (name: string, asset: string) => ({ name: `sites/office/devices/${name}`, functions: [create(DeviceFunctionSchema, { asset })] });
  const devices = [device("thermostat", zone), device("room", "sites/office/assets/other")];
  const points = ["thermostat/points/outdoor_temperature_celsius", "room/points/temperature_celsius", "thermostat/points/temperature_celsius"];
  const readings = points.map((point) => ({ point: `sites/office/devices/${point}` }));
  assert.equal(temperatureOf(zone, devices, readings)?.point, "sites/office/devices/thermostat/points/temperature_celsius");
  assert.equal(temperatureOf("sites/office/assets/attic", devices, readings), undefined);
});
