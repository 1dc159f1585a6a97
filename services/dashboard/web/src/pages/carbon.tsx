// Carbon: how clean the grid is, when it is cleanest, and how much of each hour was one's own.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAssets, useEnergies, type Energies } from "../api/queries.ts";
import { carbon } from "../api/transport.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { clock, day, number, percent, span, type Locale } from "../lib/format.ts";
import { ceilTo, DAY, dayStart, duration, HOUR, range, toMs, zoneOffset } from "../lib/time.ts";
import { useInterval } from "../live/hooks.ts";
import { Asked, Card, Empty, Figure } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite } from "../parts/pages.ts";
import { sorted } from "./plan/data.ts";

const DAYS = 7;

export default function CarbonPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <Carbon key={site.name} site={site} />;
}

function Carbon({ site }: { site: Site }) {
  const at = localeOf(site);
  const hour = useInterval(HOUR);
  const assets = useAssets(site.name).data;
  const start = hour === null ? null : ceilTo(dayStart(hour, at.zone, 1 - DAYS), HOUR);
  const energies = useEnergies(site.name, start, hour, HOUR);
  const intensity = useQuery({
    queryKey: ["intensity", site.carbonZone, start, hour],
    queryFn: async ({ signal }) => {
      const asked = { zone: site.carbonZone, range: range(start ?? 0, hour ?? 0), resolution: duration(HOUR) };
      return (await carbon.queryAverageIntensity(asked, { signal })).intensity;
    },
    enabled: site.carbonZone !== "" && start !== null,
    placeholderData: (before) => before,
  });
  const own = useMemo(
    () => (energies.data === undefined || assets === undefined ? null : ownShare(energies.data, sorted(assets))),
    [energies.data, assets],
  );
  if (start === null || hour === null) return <Empty>Loading…</Empty>;
  const hours = Math.round((hour - start) / HOUR);
  const values = intensity.data?.averageGco2ePerKwh?.values ?? [];
  const newest = [...values].reverse().find(Number.isFinite);
  return (
    <div className="page">
      <div className="title">
        <h1>Carbon at {siteTitle(site)}</h1>
        {intensity.data !== undefined && <span className="muted small">intensities by {intensity.data.source || "the publisher"}</span>}
      </div>
      {site.carbonZone === "" && <p className="notice">The site has no carbon zone, so nothing is known of its grid.</p>}
      <Card>
        <dl className="figures">
          <Figure name="Grid, newest">{newest === undefined ? "–" : `${number(newest, 0, at.locale)} g/kWh`}</Figure>
          <Figure name="Own share of consumption" note={`last ${DAYS} days, hour by hour`}>
            {own === null || own.whole === null ? "–" : percent(own.whole)}
          </Figure>
        </dl>
      </Card>
      {site.carbonZone !== "" && <Windows zone={site.carbonZone} hour={hour} at={at} />}
      <Card title="How clean the grid was" note="Average intensity of each hour, g CO₂e/kWh.">
        <Asked of={intensity}>{() => <HeatMap title="How clean the grid was" start={start} hours={hours} values={values} at={at} colour="--carbon" unit=" g" digits={0} />}</Asked>
      </Card>
      <Card title="How much of each hour was one’s own" note="Share of consumption that was not imported in that hour, in percent: 24/7 rather than a yearly sum.">
        <Asked of={energies}>
          {() =>
            own === null ? (
              <Empty>Not known.</Empty>
            ) : (
              <HeatMap title="Own share by hour" start={start} hours={hours} values={own.ratios.map((ratio) => ratio * 100)} at={at} colour="--battery" unit=" %" digits={0} most={100} />
            )
          }
        </Asked>
      </Card>
    </div>
  );
}

/** Share of each hour's consumption that was not imported; NaN where not known or nothing was used. */
function ownShare(energies: Energies, names: ReturnType<typeof sorted>) {
  const sum = (wanted: readonly string[], place: number): number =>
    energies.assets
      .filter((each) => wanted.includes(each.asset))
      .reduce((total, each) => total + (each.powersW[place] ?? NaN), 0);
  const count = energies.assets[0]?.powersW.length ?? 0;
  let used = 0;
  let bought = 0;
  const ratios = Array.from({ length: count }, (_, place) => {
    const load = sum(names.load, place);
    const imported = Math.max(sum(names.grid, place), 0);
    if (!Number.isFinite(load) || !Number.isFinite(imported) || load <= 0) return NaN;
    used += load;
    bought += Math.min(imported, load);
    return 1 - Math.min(imported / load, 1);
  });
  return { ratios, whole: used > 0 ? 1 - bought / used : null };
}

function Windows({ zone, hour, at }: { zone: string; hour: number; at: Locale }) {
  const windows = useQuery({
    queryKey: ["windows", zone, hour],
    queryFn: ({ signal }) =>
      Promise.all(
        [1, 2, 4].map(async (length) => {
          const asked = { zone, range: range(hour, hour + DAY), runDuration: duration(length * HOUR) };
          return { length, found: await carbon.findBestWindow(asked, { signal }) };
        }),
      ),
    placeholderData: (before) => before,
  });
  return (
    <Card title="When it is cleanest, in the next 24 hours">
      <Asked of={windows}>
        {(list) => (
          <dl className="figures">
            {list.map(({ length, found }) => {
              const from = found.range?.startTime;
              const to = found.range?.endTime;
              const less = 1 - found.averageGco2ePerKwh / found.immediateAverageGco2ePerKwh;
              return (
                <Figure
                  key={length}
                  name={`For ${length} h`}
                  note={`${number(found.averageGco2ePerKwh, 0, at.locale)} g/kWh${less > 0.005 ? `, ${percent(less)} less than now` : ", as now"}`}
                >
                  {from !== undefined && to !== undefined ? span(toMs(from), toMs(to), at) : "–"}
                </Figure>
              );
            })}
          </dl>
        )}
      </Asked>
    </Card>
  );
}

interface HeatMapProps {
  title: string;
  start: number;
  hours: number;
  values: readonly number[];
  at: Locale;
  colour: string;
  unit: string;
  digits: number;
  most?: number;
}

/** Days down, hours across, by the site's zone; a table, so that it can be heard as well. */
function HeatMap({ title, start, hours, values, at, colour, unit, digits, most }: HeatMapProps) {
  const rows = useMemo(() => byDay(start, hours, values, at.zone), [start, hours, values, at.zone]);
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return <Empty>Nothing is known of this time.</Empty>;
  const top = most ?? Math.max(...known);
  const bottom = most === undefined ? Math.min(...known) * 0.8 : 0;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={title}>
      <table className="heat">
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">Day</span>
            </th>
            {Array.from({ length: 24 }, (_, hour) => (
              <th key={hour} scope="col" className={hour % 3 === 0 ? undefined : "faint"}>
                {hour % 3 === 0 ? clock(Date.UTC(2024, 0, 1, hour), { ...at, zone: "UTC" }).replace(":00", "") : <span className="hidden">{hour}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.start}>
              <th scope="row">{day(row.start, at)}</th>
              {row.values.map((value, hour) => {
                const shown = Number.isFinite(value);
                const share = shown ? Math.min(Math.max((value - bottom) / (top - bottom || 1), 0), 1) : 0;
                const text = shown ? `${number(value, digits, at.locale)}${unit}` : "not known";
                return (
                  <td
                    key={hour}
                    title={text}
                    className={shown ? undefined : "none"}
                    style={shown ? { background: `color-mix(in srgb, var(${colour}) ${Math.round(6 + share * 84)}%, var(--surface))` } : undefined}
                  >
                    <span className="hidden">{text}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small scale">
        {number(bottom, 0, at.locale)}
        {unit}
        <i style={{ background: `linear-gradient(90deg, color-mix(in srgb, var(${colour}) 6%, var(--surface)), color-mix(in srgb, var(${colour}) 90%, var(--surface)))` }} />
        {number(top, 0, at.locale)}
        {unit}
      </p>
    </div>
  );
}

interface DayRow {
  start: number;
  /** One value per local hour; of an hour that comes twice, the second. */
  values: number[];
}

function byDay(start: number, hours: number, values: readonly number[], zone: string): DayRow[] {
  const rows = new Map<number, DayRow>();
  for (let k = 0; k < hours; k += 1) {
    const ms = start + k * HOUR;
    const local = ms + zoneOffset(ms, zone);
    const key = Math.floor(local / DAY);
    let row = rows.get(key);
    if (row === undefined) {
      row = { start: ms, values: new Array<number>(24).fill(NaN) };
      rows.set(key, row);
    }
    row.values[Math.floor((local % DAY) / HOUR)] = values[k] ?? NaN;
  }
  return [...rows.values()];
}
