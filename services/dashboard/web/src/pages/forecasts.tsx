// Forecasts: what was expected beside what came, how good they are, and which models make them.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAssets, useEnergies, type Energies } from "../api/queries.ts";
import { forecast } from "../api/transport.ts";
import { words } from "../api/errors.ts";
import type { Forecast } from "../gen/wattmesh/forecast/v1/forecast_pb.ts";
import type { Asset } from "../gen/wattmesh/site/v1/asset_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { ago, fullMoment, moment, number, percent, shortName } from "../lib/format.ts";
import { DAY, HOUR, MINUTE, range, toMs } from "../lib/time.ts";
import { useInterval, useNow } from "../live/hooks.ts";
import { Asked, Card, Empty, Figure } from "../parts/bits.tsx";
import { Chart, nearest, type Pane } from "../parts/chart.tsx";
import { localeOf, siteTitle, useSite } from "../parts/pages.ts";
import { source } from "./now/ages.tsx";
import { measured, onto, quantile, until } from "./plan/data.ts";

const STEP = 15 * MINUTE;
const FORECAST = new Set<string | undefined>(["load", "pvArray", "windTurbine"]);

export default function ForecastsPage() {
  const site = useSite();
  const assets = useAssets(site?.name ?? "").data;
  if (site === undefined || assets === undefined) return <Empty>Loading…</Empty>;
  const shown = assets.filter((asset) => FORECAST.has(asset.kind.case));
  return (
    <div className="page">
      <div className="title">
        <h1>Forecasts for {siteTitle(site)}</h1>
      </div>
      {shown.length === 0 && <Empty>Nothing here is forecast.</Empty>}
      {shown.map((asset) => (
        <AssetForecasts key={asset.name} site={site} asset={asset} />
      ))}
      <Models />
    </div>
  );
}

function AssetForecasts({ site, asset }: { site: Site; asset: Asset }) {
  const at = localeOf(site);
  const now = useNow();
  const hour = useInterval(HOUR);
  const [back, setBack] = useState(12);
  const [cursor, setCursor] = useState<number | null>(null);
  const issued = useQuery({
    queryKey: ["issued", asset.name, hour, back],
    queryFn: async ({ signal }) => {
      const issueRange = range((hour ?? 0) - DAY, (hour ?? 0) - back * HOUR + 1000);
      const asked = { parent: asset.name, pageSize: 1, ...(back > 0 && { issueRange }) };
      return (await forecast.listForecasts(asked, { signal })).forecasts[0] ?? null;
    },
    enabled: hour !== null,
    placeholderData: (before) => before,
  });
  const end = hour === null ? null : hour + DAY;
  const start = hour === null ? null : hour - DAY;
  const energies = useEnergies(site.name, start, hour, STEP).data;
  const times = useMemo(
    () => (start === null || end === null ? [] : Array.from({ length: (end - start) / STEP }, (_, k) => start + k * STEP)),
    [start, end],
  );
  const given = asset.kind.case !== "load";
  const panes = useMemo(
    () => fan(times, issued.data ?? undefined, energies, asset.name, given, hour ?? 0),
    [times, issued.data, energies, asset.name, given, hour],
  );
  const shown = cursor ?? nearest(times, now ?? 0);
  const value = (place: number): string => {
    const found = panes[0]?.lines[place]?.values[shown];
    return found == null ? "–" : `${number(found, 2, at.locale)} kW`;
  };
  return (
    <Card
      title={asset.displayName || shortName(asset.name)}
      aside={
        <label>
          Issued{" "}
          <select className="select" value={back} onChange={(event) => setBack(Number(event.target.value))}>
            <option value={0}>last</option>
            <option value={6}>6 h ago</option>
            <option value={12}>12 h ago</option>
            <option value={18}>18 h ago</option>
          </select>
        </label>
      }
    >
      <Skill asset={asset.name} hour={hour} />
      <Asked of={issued}>
        {(one) =>
          one === null ? (
            <p className="muted">No forecast was issued then.</p>
          ) : (
            <>
              <p className="muted small">
                {source(one.source)}, issued {one.issueTime !== undefined && moment(toMs(one.issueTime), at)}
                {one.lastMeasuredTime !== undefined && now !== null && `, from readings up to ${moment(toMs(one.lastMeasuredTime), at)}`}
              </p>
              <Chart
                times={times}
                panes={panes}
                now={now}
                at={at}
                cursor={cursor}
                onCursor={setCursor}
                label={`Forecast and measured power of ${shortName(asset.name)}.`}
              />
              <p className="small" aria-live="polite">
                {times[shown] !== undefined && moment(times[shown], at)}: measured {value(0)}, expected {value(3)}, between{" "}
                {value(1)} and {value(2)}
              </p>
            </>
          )
        }
      </Asked>
    </Card>
  );
}

function fan(
  times: readonly number[],
  issued: Forecast | undefined,
  energies: Energies | undefined,
  asset: string,
  given: boolean,
  hour: number,
): Pane[] {
  const scale = given ? -0.001 : 0.001;
  const colour = given ? "--pv" : "--load";
  const level = (ratio: number) => onto(times, quantile(issued, ratio), scale);
  return [
    {
      title: "Power, kW",
      height: 180,
      digits: 1,
      range: [0, 0],
      lines: [
        { name: "Measured", colour, values: until(times, measured(times, energies, [asset], scale), hour) },
        { name: "Low", colour, values: level(given ? 0.9 : 0.1), quiet: true, shape: "step" },
        { name: "High", colour, values: level(given ? 0.1 : 0.9), quiet: true, bandTo: 1, shape: "step" },
        { name: "Expected", colour, values: level(0.5), dashed: true, shape: "step" },
      ],
    },
  ];
}

function Skill({ asset, hour }: { asset: string; hour: number | null }) {
  const skill = useQuery({
    queryKey: ["skill", asset, hour],
    queryFn: ({ signal }) =>
      forecast.evaluateForecasts({ assets: [asset], issueRange: range((hour ?? 0) - 3 * DAY, hour ?? 0) }, { signal, timeoutMs: 30_000 }),
    enabled: hour !== null,
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
    retry: false,
  });
  if (skill.isError) return <p className="muted small">How good they are is not known: {words(skill.error)}</p>;
  const { wapeRatio, naiveWapeRatio, coverageRatio, compared } = skill.data ?? {};
  if (skill.data === undefined || !compared) return <p className="muted small">Nothing to compare yet.</p>;
  return (
    <dl className="figures">
      <Figure name="Error, 3 days" note={naiveWapeRatio === undefined ? undefined : `${percent(naiveWapeRatio)} of the same hour before`}>
        {wapeRatio === undefined ? "–" : percent(wapeRatio)}
      </Figure>
      <Figure name="Within the fan">{coverageRatio === undefined ? "–" : percent(coverageRatio)}</Figure>
      <Figure name="Compared" note="forecast intervals">
        {number(Number(compared), 0)}
      </Figure>
    </dl>
  );
}

function Models() {
  const now = useNow(10_000);
  const models = useQuery({
    queryKey: ["models"],
    queryFn: async ({ signal }) => (await forecast.listModels({}, { signal })).models,
  });
  return (
    <Card title="Models" flush>
      <Asked of={models}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No models yet: forecasts are seasonal.</Empty>
          ) : (
            <div className="scroll" tabIndex={0} role="region" aria-label="Models">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Model</th>
                    <th scope="col">Trained</th>
                    <th scope="col" className="right">Error held out</th>
                    <th scope="col" className="right">Naive</th>
                    <th scope="col">Serves</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((model) => (
                    <tr key={model.name}>
                      <td className="nowrap">{model.name.replace("models/", "").replace("/versions/", " v")}</td>
                      <td className="nowrap muted">
                        {model.trainTime !== undefined &&
                          (now !== null && now > toMs(model.trainTime)
                            ? ago(now - toMs(model.trainTime))
                            : fullMoment(toMs(model.trainTime), { locale: undefined, zone: "UTC" }))}
                      </td>
                      <td className="right">{percent(model.holdoutWapeRatio)}</td>
                      <td className="right muted">{percent(model.holdoutNaiveWapeRatio)}</td>
                      <td>
                        <span className={`tag ${model.available ? "good" : ""}`}>{model.available ? "yes" : "no"}</span>
                      </td>
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
