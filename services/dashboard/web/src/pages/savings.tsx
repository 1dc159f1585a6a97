// What control saved: how much, how sure that is, why, what was missed, and what another tariff would have cost.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSites } from "../api/queries.ts";
import { analytics } from "../api/transport.ts";
import { Counterfactual } from "../gen/wattmesh/analytics/v1/bill_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { moment } from "../lib/format.ts";
import { dayStart, duration, HOUR, range, rasterOf } from "../lib/time.ts";
import { useInterval } from "../live/hooks.ts";
import { Asked, Empty } from "../parts/bits.tsx";
import { localeOf, siteTitle, usePath, useSite } from "../parts/pages.ts";
import { Bill } from "./savings/bill.tsx";
import { Causes, Figures, Notes } from "./savings/sides.tsx";
import { Sure } from "./savings/sure.tsx";
import { Tariffs } from "./savings/tariffs.tsx";

const SPANS: ReadonlyArray<{ title: string; days: number }> = [
  { title: "Today", days: 0 },
  { title: "Since yesterday", days: 1 },
  { title: "Last 7 days", days: 6 },
  { title: "Last 30 days", days: 29 },
];
const SINCE_YESTERDAY = 1;

const THAN: ReadonlyArray<{ title: string; than: string; counterfactual: Counterfactual }> = [
  { title: "batteries doing nothing", than: "batteries that do nothing", counterfactual: Counterfactual.IDLE_STORAGE },
  { title: "batteries by a plain rule", than: "batteries that take every surplus and give to every need", counterfactual: Counterfactual.SELF_CONSUMPTION },
  { title: "vehicles charged at once", than: "vehicles charged as soon as they come", counterfactual: Counterfactual.CHARGE_AT_ONCE },
  { title: "plain thermostats", than: "zones kept by thermostats", counterfactual: Counterfactual.THERMOSTAT },
  { title: "no control at all", than: "nobody controlling anything", counterfactual: Counterfactual.UNCONTROLLED },
];

export default function SavingsPage() {
  const site = useSite();
  // By its name, so that no figures of another site are shown while its own are on their way.
  return site === undefined ? <Empty>Loading…</Empty> : <SavingsOf key={site.name} site={site} />;
}

function SavingsOf({ site }: { site: Site }) {
  const { site: named } = usePath();
  const all = useSites().data ?? [];
  const at = localeOf(site);
  const [place, setPlace] = useState(SINCE_YESTERDAY);
  const [beside, setBeside] = useState(0);
  const [whole, setWhole] = useState(false);
  const hour = useInterval(HOUR);
  const days = SPANS[place]?.days ?? 0;
  const other = THAN[beside] as (typeof THAN)[number];
  const everyone = whole || named === "";
  const names = everyone
    ? all.filter((each) => each.currencyCode === site.currencyCode).map((each) => each.name)
    : [site.name];
  // The last hour's readings may still be on their way.
  const end = hour === null ? null : hour - HOUR;
  const start = end === null ? null : dayStart(end, at.zone, -days);
  const ready = start !== null && end !== null && end > start && names.length > 0;
  const savings = useQuery({
    queryKey: ["savings", names, start, end, other.counterfactual],
    queryFn: ({ signal }) =>
      analytics.querySavings(
        {
          sites: names,
          range: range(start ?? 0, end ?? 0),
          resolution: duration(rasterOf(start ?? 0)),
          counterfactual: other.counterfactual,
        },
        { signal, timeoutMs: 30_000 },
      ),
    enabled: ready,
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
  });
  return (
    <div className="page">
      <div className="title">
        <h1>Savings {everyone ? `of ${names.length} sites` : `of ${siteTitle(site)}`}</h1>
        {start !== null && end !== null && (
          <span className="muted small">
            {moment(start, at)} to {moment(end, at)}
          </span>
        )}
      </div>
      <div className="filters">
        <Choice name="Time" titles={SPANS.map((each) => each.title)} chosen={place} choose={setPlace} />
        <Choice name="Compared with" titles={THAN.map((each) => each.title)} chosen={beside} choose={setBeside} />
        {named !== "" && all.length > 1 && (
          <label className="check">
            <input type="checkbox" checked={whole} onChange={(event) => setWhole(event.target.checked)} />
            All sites together
          </label>
        )}
      </div>
      {!ready && <Empty>The first hour of the day is not over yet.</Empty>}
      {ready && (
        <Asked of={savings} waiting="Adding up…" fades>
          {({ total }) =>
            total === undefined ? (
              <Empty>Nothing yet.</Empty>
            ) : (
              <div className="stack">
                <Figures savings={total} at={at} />
                <div className="columns even">
                  <Causes savings={total} at={at} />
                  <Sure savings={total} site={everyone ? null : site} start={start} end={end} at={at} />
                </div>
                <Notes savings={total} than={other.than} at={at} />
              </div>
            )
          }
        </Asked>
      )}
      {ready && !everyone && (
        <div className="columns even">
          <Bill site={site} start={start} end={end} at={at} />
          <Tariffs site={site} start={start} end={end} at={at} />
        </div>
      )}
    </div>
  );
}

interface ChoiceProps {
  name: string;
  titles: readonly string[];
  chosen: number;
  choose: (place: number) => void;
}

function Choice({ name, titles, chosen, choose }: ChoiceProps) {
  return (
    <label className="field">
      <span>{name}</span>
      <select className="select" value={chosen} onChange={(event) => choose(Number(event.target.value))}>
        {titles.map((title, place) => (
          <option key={title} value={place}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
