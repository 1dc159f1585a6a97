import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { WatchLiveResponseSchema, type WatchLiveResponse } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { LiveStore, type Watch } from "./store.ts";

type Message = Parameters<typeof create<typeof WatchLiveResponseSchema>>[1];

const told = (message: Message): WatchLiveResponse => create(WatchLiveResponseSchema, message);
const AT = { sendTime: { seconds: 1000n, nanos: 0 }, clockRateRatio: 300 };

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds());
}

test("the mesh's time goes on between messages, as fast as the mesh says", () => {
  let wall = 0;
  const store = new LiveStore(async function* () {}, () => wall);
  assert.equal(store.now(), null);
  store.take(told(AT), true);
  wall = 2000;
  assert.equal(store.now(), 1_000_000 + 2000 * 300);
});

test("a new stream begins anew: what it does not tell is not there any more", () => {
  const store = new LiveStore(async function* () {});
  store.take(told({ ...AT, holds: [{ name: "holds/1" }], sites: [{ site: "sites/a" }] }), true);
  store.take(told({ ...AT, sites: [{ site: "sites/b" }] }), false);
  assert.deepEqual([...store.get().flows.keys()], ["sites/a", "sites/b"]);
  store.take(told({ ...AT, sites: [{ site: "sites/b" }] }), true);
  assert.deepEqual([...store.get().flows.keys()], ["sites/b"]);
  assert.equal(store.get().holds.size, 0);
});

test("a broken line is said with its time, what was known stays, and it is dialled again", async () => {
  let dialled = 0;
  const watch: Watch = async function* () {
    dialled += 1;
    yield told({ ...AT, sites: [{ site: "sites/a" }] });
    if (dialled === 1) throw new Error("broken");
    await new Promise(() => {});
  };
  const store = new LiveStore(watch);
  const lines: string[] = [];
  store.subscribe(() => lines.push(store.get().line));
  store.follow("");
  await until(() => lines.includes("lost"));
  assert.ok(store.get().lostAt !== null || store.get().line === "open");
  assert.equal(store.get().flows.size, 1);
  await until(() => dialled === 2 && store.get().line === "open");
  assert.equal(store.get().lostAt, null);
  store.stop();
});

test("another site is another stream, and the same site is not dialled twice", async () => {
  const sites: string[] = [];
  const store = new LiveStore(async function* ({ site }, signal) {
    sites.push(site);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  store.follow("sites/a");
  store.follow("sites/a");
  store.follow("sites/b");
  await until(() => sites.length === 2);
  assert.deepEqual(sites, ["sites/a", "sites/b"]);
  store.stop();
});

test("an alert that is over is gone, and of a feed that is back only what it tells is there", () => {
  const store = new LiveStore(async function* () {});
  const [firing, over] = [1, 2];
  const feed = { feed: "alerts", connected: true };
  store.take(told({ ...AT, feeds: [feed], alerts: [{ name: "alerts/1", state: firing }, { name: "alerts/2", state: firing }] }), true);
  store.take(told({ ...AT, alerts: [{ name: "alerts/2", state: over }] }), false);
  assert.deepEqual([...store.get().alerts.keys()], ["alerts/1"]);
  store.take(told({ ...AT, feeds: [{ ...feed, connected: false }] }), false);
  assert.equal(store.get().alerts.size, 1);
  store.take(told({ ...AT, feeds: [feed], alerts: [{ name: "alerts/3", state: firing }] }), false);
  assert.deepEqual([...store.get().alerts.keys()], ["alerts/3"]);
});

test("a list that is scrolled has the rows told at which it stands still, and those it has once", async () => {
  const dialled: string[] = [];
  const store = new LiveStore(async function* ({ shown }, signal) {
    dialled.push(shown.join());
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  let end = store.show({ sites: ["sites/a", "sites/b"] });
  store.follow("");
  for (const row of ["c", "d", "e"]) {
    end();
    end = store.show({ sites: [`sites/${row}`] });
  }
  await until(() => dialled.length === 2);
  assert.deepEqual(dialled, ["sites/a,sites/b", "sites/e"]);
  store.show({ sites: ["sites/e"] });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(dialled.length, 2);
  store.stop();
});
