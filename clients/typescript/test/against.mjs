// Asks the services of a test what a program asks, and prints what came as JSON: `node test/against.mjs host:port`.

import { connect, InvalidArgument, NotFound, range, ResourceExhausted, samples, Unavailable, WattmeshError } from "wattmesh-client/node";

const [target] = process.argv.slice(2);
const targets = { metering: target, planner: target, control: target };
const mesh = connect({ targets, token: async () => "wm_key", deadlineMs: 20_000 });
const said = {};

async function failure(call) {
  try {
    return { answered: await call() };
  } catch (error) {
    const kinds = { InvalidArgument, NotFound, ResourceExhausted, Unavailable };
    const names = Object.keys(kinds).filter((name) => error instanceof kinds[name]);
    const { reason, facts, faults, retryAfterMs, requestId } = error;
    return { names, ours: error instanceof WattmeshError, reason, facts, faults, retryAfterMs, requestId };
  }
}

said.sites = [];
for await (const site of mesh.each(mesh.sites.listSites, {})) said.sites.push(site.name);
said.missing = await failure(() => mesh.sites.getSite({ name: "sites/nowhere" }));
said.full = await failure(() => mesh.sites.getSite({ name: "sites/full" }));
said.flaky = (await mesh.sites.getSite({ name: "sites/flaky" })).site?.name;
said.fault = await failure(() => mesh.control.setLimit({}));
await mesh.control.setLimit({ limit: { maxPowerW: 1 } });
await mesh.control.setLimit({ limit: { maxPowerW: 1 }, requestId: "mine" });

said.revisions = [];
said.losses = [];
for await (const news of mesh.watch(mesh.sites.watchSiteModel, {}, { lost: (error) => said.losses.push(error.reason) })) {
  said.revisions.push(Number(news.revision));
  if (said.revisions.length === 3) break;
}
said.refused = await failure(async () => {
  for await (const news of mesh.watch(mesh.planner.watchPlans, {})) said.plan = news.plan.name;
});
const ended = new AbortController();
said.after = 0;
for await (const _ of mesh.watch(mesh.sites.watchSiteModel, {}, { signal: ended.signal })) {
  said.after += 1;
  ended.abort();
}
const { startTime } = range(60_000, 120_000);
said.samples = [...samples({ startTime, resolution: { seconds: 900n, nanos: 0 } }, [1, NaN])];
mesh.close();

const away = connect({ targets: "127.0.0.1:1", deadlineMs: 20_000 });
said.away = await failure(() => away.sites.getSite({ name: "sites/nowhere" }));
away.close();
console.log(JSON.stringify(said));
