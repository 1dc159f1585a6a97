// Rooms and vehicles: what people need, and whether they get it.

import { useQuery } from "@tanstack/react-query";
import { useAssets, useHoldingPlan, usePlan } from "../api/queries.ts";
import { metering, usage } from "../api/transport.ts";
import { words } from "../api/errors.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { ChargingSessionState, type ChargingSession } from "../gen/wattmesh/usage/v1/charging_pb.ts";
import { ago, energy, moment, number, percent, shortName, type Locale } from "../lib/format.ts";
import { DAY, optionalMs, range, toMs } from "../lib/time.ts";
import { useInterval, useNow } from "../live/hooks.ts";
import { Asked, Card, Empty, Soc } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite } from "../parts/pages.ts";
import { spoken } from "../domain/words.ts";
import { plannedOf } from "./plan/data.ts";

export default function ComfortPage() {
  const site = useSite();
  const assets = useAssets(site?.name ?? "").data;
  if (site === undefined || assets === undefined) return <Empty>Loading…</Empty>;
  const zones = assets.filter((asset) => asset.kind.case === "hvacZone" || asset.kind.case === "thermalTank");
  const chargers = assets.filter((asset) => asset.kind.case === "evCharger");
  return (
    <div className="page">
      <div className="title">
        <h1>Comfort and vehicles at {siteTitle(site)}</h1>
      </div>
      {zones.length === 0 && chargers.length === 0 && (
        <Card>
          <Empty>This site has no heated or cooled zones and no charge points.</Empty>
        </Card>
      )}
      {zones.length > 0 && <Zones site={site} zones={zones} />}
      {chargers.length > 0 && <Sessions site={site} />}
    </div>
  );
}

function Zones({ site, zones }: { site: Site; zones: readonly Asset[] }) {
  const now = useNow();
  const tick = Math.floor((now ?? 0) / 60_000);
  const head = useHoldingPlan(site.name);
  const plan = usePlan(head?.name).data;
  const planned = plannedOf(plan, site.name);
  const readings = useQuery({
    queryKey: ["temperatures", site.name, tick],
    queryFn: async ({ signal }) => (await metering.getLatestReadings({ points: [`${site.name}/devices/-/points/-`] }, { signal })).readings,
    placeholderData: (before) => before,
  });
  return (
    <div className="cards">
      {zones.map((zone) => {
        const rating = zone.kind.case === "hvacZone" ? zone.kind.value : undefined;
        const band = rating?.occupiedBand;
        const own = planned?.site.assets.find((each) => each.assetName === zone.name);
        const next = own?.temperaturesCelsius.at(-1);
        const reading = (readings.data ?? []).find((each) => each.point.includes(`/${shortName(zone.name)}/`) && each.point.endsWith("_celsius"));
        return (
          <Card key={zone.name} title={zone.displayName || shortName(zone.name)}>
            <p className="lead">{reading?.value === undefined ? "–" : `${number(reading.value, 1)} °C`}</p>
            <p className="muted small">
              {reading?.measureTime !== undefined && now !== null ? ago(now - toMs(reading.measureTime)) : "no reading"}
              {band !== undefined && ` · comfortable from ${number(band.minTemperatureCelsius, 1)} to ${number(band.maxTemperatureCelsius, 1)} °C while occupied`}
              {next !== undefined && ` · planned to end at ${number(next, 1)} °C`}
            </p>
          </Card>
        );
      })}
    </div>
  );
}

function Sessions({ site }: { site: Site }) {
  const at = localeOf(site);
  const tick = useInterval(60_000);
  const sessions = useQuery({
    queryKey: ["sessions", site.name, tick],
    queryFn: async ({ signal }) => {
      const end = tick ?? 0;
      const asked = { parent: `${site.name}/assets/-`, range: range(end - DAY, end + 60_000) };
      return (await usage.listChargingSessions(asked, { signal })).chargingSessions;
    },
    enabled: tick !== null,
    placeholderData: (before) => before,
  });
  return (
    <Card title="Vehicles, last 24 hours" flush>
      <Asked of={sessions}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No vehicle was plugged in.</Empty>
          ) : (
            <div className="scroll" tabIndex={0} role="region" aria-label="Vehicles">
              <table className="phone-cards">
                <thead>
                  <tr>
                    <th scope="col">Charge point</th>
                    <th scope="col">State</th>
                    <th scope="col">Arrived</th>
                    <th scope="col">Leaves</th>
                    <th scope="col" className="right">Charged</th>
                    <th scope="col">Charge</th>
                    <th scope="col">Needs</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((session) => (
                    <SessionRow key={session.name} session={session} at={at} />
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

function SessionRow({ session, at }: { session: ChargingSession; at: Locale }) {
  const asset = session.name.split("/charging-sessions/")[0] ?? "";
  const arrived = optionalMs(session.arrivalTime);
  const left = optionalMs(session.departureTime);
  return (
    <tr>
      <td className="wide">
        <strong>{shortName(asset)}</strong> <span className="muted">{shortName(session.vehicle || session.token)}</span>
      </td>
      <td data-label="State">
        <span className="tag">{spoken(ChargingSessionState[session.state] ?? "")}</span>
      </td>
      <td data-label="Arrived" className="nowrap">{arrived === null ? "–" : moment(arrived, at)}</td>
      <td data-label="Leaves" className="nowrap">
        <Leaves session={session} left={left} at={at} />
      </td>
      <td data-label="Charged" className="right nowrap">
        {session.chargedEnergyWh === undefined ? "–" : energy(session.chargedEnergyWh / 1000, at.locale)}
      </td>
      <td data-label="Charge">{session.socRatio === undefined ? "–" : <Soc ratio={session.socRatio} />}</td>
      <td data-label="Needs">
        <Need name={session.chargingNeed} at={at} />
      </td>
    </tr>
  );
}

function Leaves({ session, left, at }: { session: ChargingSession; left: number | null; at: Locale }) {
  if (left !== null) return <>{moment(left, at)}</>;
  const middle = session.expectation?.departureQuantiles.find((each) => each.ratio >= 0.5);
  const expected = optionalMs(middle?.departureTime);
  return expected === null ? <>not known</> : <>{moment(expected, at)} expected</>;
}

function Need({ name, at }: { name: string; at: Locale }) {
  const need = useQuery({
    queryKey: ["need", name],
    queryFn: async ({ signal }) => (await usage.getChargingNeed({ name }, { signal })).chargingNeed,
    enabled: name !== "",
  });
  if (name === "") return <span className="muted">assumed</span>;
  if (need.isError) return <span className="muted">{words(need.error)}</span>;
  const by = optionalMs(need.data?.departureTime);
  const target = need.data?.target;
  const what = target?.case === "energyWh" ? energy(target.value / 1000, at.locale) : target?.case === "socRatio" ? percent(target.value) : "";
  return (
    <>
      {what}
      {by !== null && ` by ${moment(by, at)}`}
    </>
  );
}
