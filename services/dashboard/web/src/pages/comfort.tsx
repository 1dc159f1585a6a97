// Rooms and vehicles: what people need, and whether they get it.

import { useQuery } from "@tanstack/react-query";
import { useAssets, useHoldingPlan, usePlan } from "../api/queries.ts";
import { usage } from "../api/transport.ts";
import { words } from "../api/errors.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { ChargingSessionState, type ChargingSession } from "../gen/wattmesh/usage/v1/charging_pb.ts";
import { energy, moment, percent, shortName, type Locale } from "../lib/format.ts";
import { DAY, optionalMs, range } from "../lib/time.ts";
import { useInterval } from "../live/hooks.ts";
import { Asked, Card, Empty, Soc } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite, useTitles } from "../parts/pages.ts";
import { leavesWith } from "../domain/comfort.ts";
import { spoken } from "../domain/words.ts";
import { Runs } from "./comfort/runs.tsx";
import { Zones } from "./comfort/zones.tsx";
import { plannedOf } from "./plan/data.ts";

export default function ComfortPage() {
  const site = useSite();
  const assets = useAssets(site?.name ?? "").data;
  if (site === undefined || assets === undefined) return <Empty>Loading…</Empty>;
  const zones = assets.filter((asset) => asset.kind.case === "hvacZone" || asset.kind.case === "thermalTank");
  const chargers = assets.filter((asset) => asset.kind.case === "evCharger");
  const runs = assets.filter((asset) => asset.kind.case === "deferrableLoad");
  return (
    <div className="page">
      <div className="title">
        <h1>Comfort and vehicles at {siteTitle(site)}</h1>
      </div>
      {zones.length + chargers.length + runs.length === 0 && (
        <Card>
          <Empty>This site has no rooms or tanks to heat or cool, no charge points, and no work that may wait.</Empty>
        </Card>
      )}
      {zones.length > 0 && <Zones site={site} zones={zones} />}
      {chargers.length > 0 && <Sessions site={site} />}
      {runs.length > 0 && <Runs site={site} />}
    </div>
  );
}

function Sessions({ site }: { site: Site }) {
  const at = localeOf(site);
  const title = useTitles(site.name);
  const tick = useInterval(60_000);
  const plan = usePlan(useHoldingPlan(site.name)?.name).data;
  const planned = plannedOf(plan, site.name)?.site;
  const sessions = useQuery({
    queryKey: ["sessions", site.name, tick],
    queryFn: async ({ signal }) => {
      const end = tick ?? 0;
      const asked = { parent: `${site.name}/assets/-`, range: range(end - DAY, end + 60_000) };
      return (await usage.listChargingSessions(asked, { signal })).chargingSessions;
    },
    enabled: tick !== null,
    placeholderData: (before) => before,
    gcTime: 30_000,
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
                    <th scope="col">Will leave with</th>
                    <th scope="col">Needs</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((session) => (
                    <SessionRow key={session.name} session={session} title={title} leaves={leavesWith(planned, session.name)} at={at} />
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

interface SessionRowProps {
  session: ChargingSession;
  title: (name: string) => string;
  leaves: number | null;
  at: Locale;
}

function SessionRow({ session, title, leaves, at }: SessionRowProps) {
  const asset = session.name.split("/charging-sessions/")[0] ?? "";
  const arrived = optionalMs(session.arrivalTime);
  const left = optionalMs(session.departureTime);
  return (
    <tr>
      <td className="wide">
        <strong>{title(asset)}</strong> <span className="muted">{shortName(session.vehicle || session.token)}</span>
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
      <td data-label="Will leave with">{leaves === null || left !== null ? "–" : percent(leaves)}</td>
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
