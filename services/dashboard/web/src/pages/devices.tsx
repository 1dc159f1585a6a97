// Devices: whether they report, what they read, and what happened to them.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAssets, useDevices } from "../api/queries.ts";
import { execution, metering } from "../api/transport.ts";
import { every, spoken } from "../domain/words.ts";
import { DeviceEventType } from "../gen/wattmesh/control/v1/device_event_pb.ts";
import type { Reading } from "../gen/wattmesh/metering/v1/metering_pb.ts";
import { MeterRole, type Device } from "../gen/wattmesh/site/v1/device_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { Quality } from "../gen/wattmesh/type/v1/quality_pb.ts";
import { ago, moment, number, shortName, type Locale } from "../lib/format.ts";
import { isFresh } from "../lib/fresh.ts";
import { optionalMs, toMs } from "../lib/time.ts";
import { store, useNow, usePicture } from "../live/hooks.ts";
import { Asked, Card, Empty } from "../parts/bits.tsx";
import { LeaveDialog } from "../parts/leave-dialog.tsx";
import { localeOf, siteTitle, useSite, useTitles } from "../parts/pages.ts";

export default function DevicesPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <Devices key={site.name} site={site} />;
}

function Devices({ site }: { site: Site }) {
  const at = localeOf(site);
  const devices = useDevices(site.name);
  const seen = Math.floor((useNow() ?? 0) / Math.max(30_000, 3_000 * store.rate));
  const readings = useQuery({
    queryKey: ["readings", site.name, seen],
    queryFn: async ({ signal }) => {
      const points = [`${site.name}/devices/-/points/-`];
      return (await metering.getLatestReadings({ points }, { signal })).readings;
    },
    placeholderData: (before) => before,
  });
  return (
    <div className="page">
      <div className="title">
        <h1>Devices of {siteTitle(site)}</h1>
      </div>
      <Asked of={devices}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No devices are registered here.</Empty>
          ) : (
            <div className="cards">
              {list.map((device) => (
                <DeviceCard
                  key={device.name}
                  device={device}
                  readings={(readings.data ?? []).filter((each) => each.point.startsWith(`${device.name}/`))}
                  at={at}
                />
              ))}
            </div>
          )
        }
      </Asked>
      <Events site={site} at={at} />
    </div>
  );
}

const ROLES = every<MeterRole, string>(MeterRole, spoken, {
  [MeterRole.UNSPECIFIED]: "",
  [MeterRole.MAIN]: "measures",
  [MeterRole.PART]: "measures a part of",
  [MeterRole.CHECK]: "checks",
  [MeterRole.SUB]: "measures below",
});

interface DeviceProps {
  device: Device;
  readings: readonly Reading[];
  at: Locale;
}

const PROTOCOLS: Record<string, string> = { mqtt: "MQTT", modbusTcp: "Modbus TCP", ocpp: "OCPP", custom: "a protocol of its own" };

function DeviceCard({ device, readings, at }: DeviceProps) {
  const now = useNow();
  const [leaving, setLeaving] = useState<"opt-out" | "stop" | null>(null);
  const site = device.name.split("/devices/")[0] ?? "";
  const assets = useAssets(site).data ?? [];
  const interval = device.reportingInterval === undefined ? null : toMs(device.reportingInterval);
  const last = Math.max(...readings.map((each) => optionalMs(each.measureTime) ?? 0), 0);
  const fresh = now !== null && last > 0 && isFresh(last, interval, now, store.rate);
  const controls = device.functions.some((each) => each.controls);
  const title = (asset: string): string =>
    assets.find((each) => each.name === asset)?.displayName || shortName(asset);
  return (
    <Card
      title={device.displayName || shortName(device.name)}
      aside={
        <span className={`tag ${fresh ? "good" : last > 0 ? "bad" : "warn"}`}>
          {last === 0 ? "never seen" : fresh ? "reports" : "silent"}
        </span>
      }
    >
      <p className="muted small">
        {device.functions.map((each) =>
          [ROLES[each.meterRole], each.controls ? "controls" : ""].filter(Boolean).join(" and ").concat(` ${title(each.asset)}`),
        ).join("; ") || "does nothing for an asset"}
        {" · "}
        {[device.manufacturer, device.model].filter(Boolean).join(" ") || device.profile}
        {" · "}
        {PROTOCOLS[device.connection?.protocol.case ?? ""] ?? "no connection"}
      </p>
      <p className={fresh ? "muted small" : "small old"}>
        {last === 0 || now === null ? "No reading yet" : `Last seen ${ago(now - last)}`}
        {interval !== null && `, reports every ${number(interval / 60_000, interval < 60_000 ? 1 : 0)} min`}
      </p>
      <details className="raw">
        <summary>{readings.length === 1 ? "1 reading" : `${readings.length} readings`}</summary>
        <dl className="pairs">
          {readings.map((each) => (
            <div key={each.point}>
              <dt>{spoken(shortName(each.point))}</dt>
              <dd>
                {each.value === undefined ? "–" : number(each.value, Math.abs(each.value) < 10 ? 3 : 1, at.locale)}
                {each.quality !== Quality.MEASURED && <span className="tag warn">{spoken(Quality[each.quality] ?? "")}</span>}
                <small className="muted"> {now !== null && each.measureTime !== undefined && ago(now - toMs(each.measureTime))}</small>
              </dd>
            </div>
          ))}
        </dl>
      </details>
      {controls && (
        <div className="filters">
          <button type="button" className="button" onClick={() => setLeaving("opt-out")}>
            Opt out
          </button>
          <button type="button" className="button danger" onClick={() => setLeaving("stop")}>
            Stop
          </button>
        </div>
      )}
      {leaving !== null && (
        <LeaveDialog subject={device.name} stop={leaving === "stop"} onClose={() => setLeaving(null)} />
      )}
    </Card>
  );
}

const BAD = new Set([
  DeviceEventType.OFFLINE,
  DeviceEventType.SET_ASIDE,
  DeviceEventType.SETPOINT_DRIFTED,
  DeviceEventType.EFFECT_AMISS,
  DeviceEventType.LOOP_METER_STALE,
  DeviceEventType.LOOP_MEMBER_LOST,
]);

function Events({ site, at }: { site: Site; at: Locale }) {
  const turn = usePicture((picture) => picture.turns.events);
  const title = useTitles(site.name);
  const events = useQuery({
    queryKey: ["events", site.name, turn],
    queryFn: async ({ signal }) => {
      const asked = { parent: `${site.name}/devices/-`, pageSize: 50 };
      return (await execution.listDeviceEvents(asked, { signal })).events;
    },
    placeholderData: (before) => before,
  });
  return (
    <Card title="What happened" flush>
      <Asked of={events}>
        {(list) =>
          list.length === 0 ? (
            <Empty>Nothing has happened to these devices.</Empty>
          ) : (
            <div className="scroll tall" tabIndex={0} role="region" aria-label="What happened to devices">
              <table className="phone-cards">
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Device</th>
                    <th scope="col">What</th>
                    <th scope="col">How it came about</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((event, place) => (
                    <tr key={place}>
                      <td className="nowrap">{event.eventTime !== undefined && moment(toMs(event.eventTime), at)}</td>
                      <td>{title(event.device)}</td>
                      <td>
                        <span className={`tag ${BAD.has(event.type) ? "warn" : ""}`}>{spoken(DeviceEventType[event.type] ?? "")}</span>
                      </td>
                      <td className="wide muted">{event.message}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Asked>
    </Card>
  );
}
