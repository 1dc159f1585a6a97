// A charge point made of npm's ocpp-rpc, which checks every message against the schemas of OCPP.
//
//   node charge_point.js ENDPOINT ID ocpp1.6|ocpp2.0.1 VALUES
//
// It boots, charges through one transaction with VALUES meter values, one a minute from 2026-06-01
// 12:00 UTC, and leaves. What is not answered it says again. What happens it prints, a line of JSON
// each; it goes on to the next meter value when a line comes in.
const { createInterface } = require("node:readline");
const { RPCClient } = require("ocpp-rpc");

const [endpoint, identity, version, values] = process.argv.slice(2);
const old = version === "ocpp1.6";
const profiles = new Map();
const NOON = Date.parse("2026-06-01T12:00:00Z");
const at = (minute) => new Date(NOON + 60_000 * minute).toISOString();
const print = (event) => console.log(JSON.stringify(event));

function limit() {
  const now = Date.now();
  const holding = [...profiles.values()].filter((profile) => {
    const [schedule] = [profile.chargingSchedule].flat();
    const begin = Date.parse(schedule.startSchedule);
    const end = begin + 1000 * (schedule.duration ?? Infinity);
    return begin <= now && now < end && now < (profile.validTo ? Date.parse(profile.validTo) : Infinity);
  });
  holding.sort((one, other) => other.stackLevel - one.stackLevel);
  if (!holding.length) return 32;
  return [holding[0].chargingSchedule].flat()[0].chargingSchedulePeriod[0].limit;
}

function schedule({ duration, chargingRateUnit }) {
  return { duration, chargingRateUnit, chargingSchedulePeriod: [{ startPeriod: 0, limit: limit() }] };
}

const client = new RPCClient({
  endpoint,
  identity,
  protocols: [version],
  strictMode: true,
  callTimeoutMs: 3000,
  backoff: { initialDelay: 50, maxDelay: 500 },
});
client.on("strictValidationFailure", ({ error }) => print({ event: "invalid", error: String(error) }));
client.handle("ChangeConfiguration", () => ({ status: "Accepted" }));
client.handle("SetVariables", ({ params }) => ({
  setVariableResult: params.setVariableData.map(({ component, variable }) => ({
    attributeStatus: "Accepted", component, variable,
  })),
}));
client.handle("TriggerMessage", () => ({ status: "Rejected" }));
client.handle("SetChargingProfile", ({ params }) => {
  const profile = old ? params.csChargingProfiles : params.chargingProfile;
  profiles.set(old ? profile.chargingProfileId : profile.id, profile);
  print({ event: "limit", limit: limit() });
  return { status: "Accepted" };
});
client.handle("ClearChargingProfile", ({ params }) => {
  const found = profiles.delete(old ? params.id : params.chargingProfileId);
  print({ event: "limit", limit: limit() });
  return { status: found ? "Accepted" : "Unknown" };
});
client.handle("GetCompositeSchedule", ({ params }) => {
  const now = new Date().toISOString();
  if (old) {
    return {
      status: "Accepted", connectorId: params.connectorId, scheduleStart: now,
      chargingSchedule: schedule(params),
    };
  }
  return {
    status: "Accepted",
    schedule: { evseId: params.evseId, scheduleStart: now, ...schedule(params) },
  };
});

async function say(action, payload) {
  for (;;) {
    try {
      return await client.call(action, payload);
    } catch (error) {
      if (error.code) print({ event: "refused", action, error: String(error) });
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

async function say16() {
  const charger = { chargePointVendor: "ocpp-rpc", chargePointModel: "peer" };
  await say("BootNotification", charger);
  const status = { connectorId: 1, errorCode: "NoError" };
  await say("StatusNotification", { ...status, status: "Preparing", timestamp: at(0) });
  const begin = { connectorId: 1, idTag: "tag-1", meterStart: 5000, timestamp: at(0) };
  const { transactionId } = await say("StartTransaction", begin);
  print({ event: "begun", transactionId });
  for (let minute = 1; minute <= Number(values); minute++) {
    await next(minute);
    const sampledValue = [{ value: String(5000 + 10 * minute) }];
    const meterValue = [{ timestamp: at(minute), sampledValue }];
    await say("MeterValues", { connectorId: 1, transactionId, meterValue });
    print({ event: "answered", minute });
  }
  const again = await say("StartTransaction", begin);
  print({ event: "again", transactionId: again.transactionId });
  const meterStop = 5000 + 10 * Number(values);
  await say("StopTransaction", { transactionId, meterStop, timestamp: at(Number(values)) });
  await say("StatusNotification", { ...status, status: "Available", timestamp: at(Number(values) + 1) });
}

async function say201() {
  const station = { vendorName: "ocpp-rpc", model: "peer" };
  await say("BootNotification", { chargingStation: station, reason: "PowerUp" });
  const event = (eventType, seqNo, info) => ({
    eventType, timestamp: at(seqNo), triggerReason: "MeterValuePeriodic", seqNo,
    transactionInfo: { transactionId: "t-1", ...info }, evse: { id: 1 },
    idToken: { idToken: "tag-1", type: "ISO14443" },
    meterValue: [{ timestamp: at(seqNo), sampledValue: [{ value: 5000 + 10 * seqNo }] }],
  });
  await say("TransactionEvent", event("Started", 0, { chargingState: "Charging" }));
  print({ event: "begun", transactionId: "t-1" });
  for (let minute = 1; minute <= Number(values); minute++) {
    await next(minute);
    await say("TransactionEvent", event("Updated", minute, { chargingState: "Charging" }));
    print({ event: "answered", minute });
  }
  const gone = { stoppedReason: "EVDisconnected" };
  await say("TransactionEvent", event("Ended", Number(values), gone));
}

const turns = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = () => turns.next();

async function main() {
  for (;;) {
    try {
      await client.connect();
      break;
    } catch {
      await new Promise((done) => setTimeout(done, 200));
    }
  }
  await (old ? say16() : say201());
  print({ event: "left" });
  process.exit(0);
}

main();
